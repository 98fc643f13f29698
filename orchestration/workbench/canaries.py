"""Canaries: misuse that is planted in a copy of the warehouse to see which rules notice it.

What is planted is SQL (models/evaluation/canaries). The copy takes the planted rows in as late rows
of the last weeks, builds facts, features and hits of those days anew, and is thrown away: no
planted row ever comes near an alert. What each rule caught is kept in raw.canary_results, from
which models/evaluation/rule_detection.sql makes rates with intervals.
"""

import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run
from orchestration.engine.progress import report
from orchestration.engine.rows import has_table
from orchestration.engine.warehouse import connect, require_warehouse
from orchestration.landing.feeds import Feed, find_feed, read_feeds
from orchestration.landing.keys import key_expression
from orchestration.landing.load import prepare_raw

#: The feeds that canaries are made of, each with the rows that a later one may speak of before it.
_FEEDS = (
    *("employees", "cards", "absences", "trips", "card_transactions", "labels"),
    "expense_claims",
)
_WITH_CANARIES = [
    *("run", "--select"),
    *(f"path:models/{folder}" for folder in ("run", "labels", "intermediate", "features")),
    "rule_hits",
]


@dataclass(frozen=True)
class Detection:
    """What one rule did with its canaries; `suppressed` were hits that an exception holds back."""

    rule_id: str
    stage: str
    canaries: int
    caught: int
    suppressed: int
    rate: float | None
    rate_from: float | None
    rate_to: float | None


@dataclass(frozen=True)
class CanaryResult:
    """All rules, those first that miss most; rates are null for a rule without canaries."""

    seed: int
    measured_until: date
    planted_rows: int
    rules: tuple[Detection, ...]

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines."""
        return asdict(self)


def run_canaries(home: Home, days: int, canaries_per_rule: int, seed: int) -> CanaryResult:
    """Plant canaries in the last `days` days of a copy and record what every rule caught of them.

    The same seed on the same warehouse plants the same. Raises CardwatchError with one sentence
    when nothing was ever run, or the copy cannot be built.
    """
    require_warehouse(home)
    feeds = read_feeds()
    home.temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.temporary, prefix="canaries-") as folder:
        copy = Home(Path(folder))
        with exclusive_run(home):
            _copy_warehouse(home, copy)
        with connect(copy) as connection:
            prepare_raw(connection, feeds)
            connection.execute(
                "insert into raw.canary_plan values (?, ?, ?)", [seed, canaries_per_rule, days]
            )
        call_dbt(
            copy, ["run", "--select", "path:models/evaluation/canaries"], "no canary can be planted"
        )
        with connect(copy) as connection:
            planted = _plant(connection, feeds)
        report(f"canaries: {planted:,} rows are planted in a copy of the warehouse")
        call_dbt(copy, _WITH_CANARIES, "the copy with the canaries cannot be built")
        with exclusive_run(home):
            with connect(home) as connection:
                prepare_raw(connection, feeds)
                _record(connection, copy)
            rates = ["run", "--select", "rule_detection"]
            call_dbt(home, rates, "the detection rates cannot be built")
    return _read(home, planted)


def _copy_warehouse(home: Home, copy: Home) -> None:
    with connect(home) as connection:  # what a broken-off run left in the log is in the file then
        if not has_table(connection, "scoring", "rule_hits"):
            raise CardwatchError("no rule was ever run in this home; run `cardwatch run` first")
        connection.execute("checkpoint")
    shutil.copyfile(home.warehouse, copy.warehouse)


def _plant(connection: duckdb.DuckDBPyConnection, feeds: list[Feed]) -> int:
    """Append the planted rows to the raw tables, as files that landed late; return how many."""
    planted = connection.sql("from evaluation.canary_rows")
    connection.begin()
    rows = 0
    for name in _FEEDS:
        feed = find_feed(feeds, "company", name)
        given = [column.name for column in feed.columns if column.name in planted.columns]
        rows_of_feed = planted.filter(f"feed = '{name}'")
        load = (
            "(select coalesce(max(load_id), 0) + 1 from raw.load_manifest) as _load_id,"
            " 'canaries' as _file, '' as _file_hash, now()::timestamp as _loaded_at"
        )
        line = "row_number() over (order by canary_id, step) as _line"
        named = [*given, f"{key_expression(feed)} as _key", line, load]
        rows_of_feed.select(", ".join(named)).create_view("planted_file", replace=True)
        connection.execute(f'insert into raw."{feed.table}" by name from planted_file')
        rows_of_feed.select(f"planted_at, {load}").create_view("planted_file", replace=True)
        counted = connection.execute(
            """
            insert into raw.load_manifest by name
            select
                _load_id as load_id,
                'company' as source,
                ? as feed,
                _file as file,
                _file_hash as file_hash,
                count(*) as rows_loaded,
                0 as rows_quarantined,
                min(planted_at)::date as first_day,
                max(planted_at)::date as last_day,
                _loaded_at as loaded_at
            from planted_file
            group by all
            returning rows_loaded
            """,
            [name],
        ).fetchone()
        rows += counted[0] if counted else 0
    if not rows:
        raise CardwatchError(
            "nothing can be planted: there is no purchase in the last days; land newer files, or "
            "choose more --days"
        )
    connection.execute(
        """
        update raw.run_state
        set requested_until = null, requested_since = (
            select min(planted_at)::date
            from evaluation.canary_rows
            where feed in ('card_transactions', 'expense_claims')
        )
        """
    )
    connection.commit()
    return rows


def _record(connection: duckdb.DuckDBPyConnection, copy: Home) -> None:
    """Keep which canaries of the copy were caught."""
    file = str(copy.warehouse).replace("'", "''")
    connection.execute(f"attach '{file}' as with_canaries (read_only)")
    connection.execute(
        """
        insert into raw.canary_results by name
        with planted as (
            select distinct
                rows.canary_id, rows.rule_id, rows.employee_id,
                unnest(
                    case rows.feed
                        when 'card_transactions' then [rows.transaction_id]
                        when 'expense_claims' then [rows.claim_id]
                    end
                ) as row_id
            from with_canaries.evaluation.canary_rows as rows
        ),

        caught as (
            select planted.canary_id, bool_and(hits.is_suppressed) as is_suppressed
            from planted
            inner join with_canaries.scoring.rule_hits as hits
                on planted.rule_id = hits.rule_id
                and (
                    planted.row_id in (hits.subject_id, hits.transaction_id)
                    -- of an employee and month
                    or (
                        hits.subject_type = 'employee'
                        and hits.subject_id like planted.employee_id || ' %'
                    )
                )
            group by planted.canary_id
        )

        select
            now()::timestamp as measured_at,
            (select max(transaction_date) from with_canaries.intermediate.int_transactions)
                as measured_until,
            (select seed from with_canaries.raw.canary_plan) as seed,
            planted.rule_id,
            catalog.rule_version,
            planted.canary_id,
            caught.canary_id is not null as is_caught,
            coalesce(caught.is_suppressed, false) as is_suppressed
        from (select distinct canary_id, rule_id from planted) as planted
        inner join with_canaries.scoring.rule_catalog as catalog using (rule_id)
        left join caught on planted.canary_id = caught.canary_id
        order by planted.canary_id
        """
    )


def _read(home: Home, planted: int) -> CanaryResult:
    with connect(home, read_only=True) as connection:
        rows = connection.execute(
            """
            select rule_id, stage, canaries, caught, suppressed,
                detection_rate, detection_rate_from, detection_rate_to
            from evaluation.rule_detection
            order by detection_rate asc nulls last, rule_id
            """
        ).fetchall()
        last = connection.execute(
            "select seed, measured_until from raw.canary_results order by measured_at desc limit 1"
        ).fetchone()
    if last is None:
        raise RuntimeError("canaries were recorded and are not there")
    seed, measured_until = last
    return CanaryResult(seed, measured_until, planted, tuple(Detection(*row) for row in rows))


def describe(result: CanaryResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        f"{result.planted_rows:,} rows planted in a copy of the days until "
        f"{result.measured_until}, seed {result.seed}; the warehouse itself has none of them",
        "",
        f"{'rule':<22}{'stage':<9}{'canaries':>9}{'caught':>8}{'rate':>7}   95 % interval",
    ]
    unknown = []
    for rule in result.rules:
        if rule.rate is None:
            unknown.append(rule.rule_id)
            continue
        held_back = f", {rule.suppressed} held back by exceptions" if rule.suppressed else ""
        lines.append(
            f"{rule.rule_id:<22}{rule.stage:<9}{rule.canaries:>9}{rule.caught:>8}{rule.rate:>7.0%}"
            f"   {rule.rate_from:.0%} to {rule.rate_to:.0%}{held_back}"
        )
    if unknown:
        lines += ["", f"not known, none could be planted: {', '.join(unknown)}"]
    return "\n".join(lines)
