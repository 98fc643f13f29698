"""What a run ended with, and how it is told to a person at a terminal."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect


@dataclass(frozen=True)
class TopAlert:
    """One alert as the end of a run shows it."""

    alert_date: date
    lane: str
    risk: float | None
    sentence_en: str
    sentence_ko: str


@dataclass(frozen=True)
class RunSummary:
    """What a run ended with; counts are over the whole ledger, `issued_alerts` over this run."""

    transactions: int
    first_day: date
    last_day: date
    quarantined_rows: int
    rule_hits: int
    alerts: int
    issued_alerts: int
    waiting_mandatory_hits: int
    waiting_since: date | None
    lanes: dict[str, int]
    not_evaluated: list[str]
    without_a_day: list[str]
    exceptions: list[str]
    detectors: list[str]
    top_alerts: list[TopAlert]
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self)


def read_summary(home: Home, alerts_before: int, seconds: float) -> RunSummary:
    """Read what the run ended with."""
    with connect(home, read_only=True) as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        transactions, first_day, last_day = rows(
            "select count(*), min(transaction_date), max(transaction_date)"
            " from intermediate.int_transactions"
        )[0]
        alerts = rows("select count(*) from ledger.alerts")[0][0]
        return RunSummary(
            transactions=transactions,
            first_day=first_day,
            last_day=last_day,
            quarantined_rows=rows("select count(*) from raw.quarantine")[0][0],
            rule_hits=rows("select count(*) from ledger.rule_hits")[0][0],
            alerts=alerts,
            issued_alerts=alerts - alerts_before,
            waiting_mandatory_hits=rows("select count(*) from alerts.mandatory_backlog")[0][0],
            waiting_since=rows("select waiting_since from raw.run_state")[0][0],
            lanes=dict(
                rows("select lane, count(*) from ledger.alerts group by lane order by lane")
            ),
            not_evaluated=[
                row[0]
                for row in rows(
                    """
                    select catalog.rule_id || ' ' || catalog.title_en
                    from scoring.rule_catalog as catalog
                    inner join scoring.rule_coverage as coverage using (rule_id)
                    where catalog.stage <> 'retired'
                    group by all
                    having sum(coverage.evaluated_count) = 0
                    order by 1
                    """
                )
            ],
            without_a_day=[
                row[0]
                for row in rows(
                    """
                    select rule_id || ' ' || title_en
                    from scoring.rule_catalog
                    where
                        stage <> 'retired'
                        and rule_id not in (select rule_id from scoring.rule_coverage)
                    order by 1
                    """
                )
            ],
            exceptions=[
                row[0]
                for row in rows(
                    """
                    select
                        exception_id || ' of ' || rule_id || ' (' || scope || ' ' || scope_value
                        || ', ' || owner || ') '
                        || case state
                            when 'expired' then 'expired on ' || expires_on || ', '
                                || hit_count_since_expiry || ' hits were alerted since'
                            when 'names nobody' then 'applies to nothing: there is no such '
                                || scope || ', correct it in seeds/rule_exceptions.csv'
                            else 'expires on ' || expires_on
                        end
                    from marts.rule_exception_status
                    where state in ('expired', 'expires within 30 days', 'names nobody')
                    order by expires_on, exception_id
                    """
                )
            ],
            detectors=[
                row[0]
                for row in rows(
                    """
                    select detector || ': '
                        || case
                            when max(version) filter (where stage = 'champion') is null
                                then coalesce(max_by(note, fitted_on), 'no version')
                            else 'champion since '
                                || max(champion_from) filter (where stage = 'champion')
                        end
                        || case
                            when max(version) filter (where stage = 'candidate') is null then ''
                            else ', candidate of '
                                || max(fitted_on) filter (where stage = 'candidate') || ' is '
                                || max(verdict) filter (where stage = 'candidate') || ': '
                                || max(verdict_reason) filter (where stage = 'candidate')
                        end
                    from marts.model_versions
                    group by detector
                    order by detector
                    """
                )
            ],
            top_alerts=[
                TopAlert(*row)
                for row in rows(
                    """
                    select alert_date, lane, risk, sentence_en, sentence_ko
                    from ledger.alerts
                    where lane not in ('audit', 'second_review')
                    order by expected_value desc
                    limit 10
                    """
                )
            ],
            seconds=seconds,
        )


def describe(summary: RunSummary, home: Home) -> str:
    """Return the lines that end a run: counts, the ten highest alerts, and where to look next."""
    lanes = ", ".join(f"{count:,} {lane}" for lane, count in summary.lanes.items())
    lines = [
        f"{summary.transactions:,} transactions, {summary.first_day} to {summary.last_day}"
        f" ({summary.quarantined_rows:,} rows in quarantine)",
        f"{summary.rule_hits:,} rule hits",
        f"{summary.alerts:,} cases issued ({lanes}), {summary.issued_alerts:,} by this run",
    ]
    if summary.waiting_mandatory_hits:
        lines.append(
            f"{summary.waiting_mandatory_hits:,} mandatory hits wait for a seat, oldest first"
        )
    if summary.waiting_since:
        lines.append(
            f"what landed late changed days from {summary.waiting_since} on, further back than"
            " late_lookback_days: their features and scores are as they were;"
            f" `cardwatch run --since {summary.waiting_since}` computes them anew"
        )
    if summary.not_evaluated:
        lines.append(
            f"not evaluated, a feed or column is absent: {'; '.join(summary.not_evaluated)}"
        )
    if summary.without_a_day:
        lines.append(
            f"new, no day was built since: {'; '.join(summary.without_a_day)}; "
            f"`cardwatch run --since {summary.first_day}` records their hits on earlier days"
        )
    lines += [f"exception {exception}" for exception in summary.exceptions]
    lines += [f"detector {detector}" for detector in summary.detectors]
    if not any("gradient_boosted_tree: champion" in detector for detector in summary.detectors):
        lines.append(
            "no tree yet: risk comes from rules and from the detectors that need no labels;"
            " it joins them by itself once enough cases are decided"
        )
    if summary.top_alerts:
        lines += ["", "The ten cases whose review is worth most:"]
    for place, alert in enumerate(summary.top_alerts, start=1):
        lines.append(f"{place:3}. risk {alert.risk:.2f}  {alert.sentence_en}")
        lines.append(f"                {alert.sentence_ko}")
    lines += [
        "",
        f"Finished in {summary.seconds:.0f} seconds. Look next:",
        f"  alerts, cases, rule hits (any DuckDB tool)  {home.published / 'cardwatch.duckdb'}",
        f"  every transaction's scores (Parquet)        {home.published}",
        f"  what each rule finds and why (a browser)    {home.published / 'rules/index.en.html'}",
        "  the run as assets with checks               cardwatch ui",
    ]
    return "\n".join(lines)
