"""What a run ended with, as numbers, states and names."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, TypeVar

import duckdb

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.soundness import Quarantined, worst_reasons

#: The detector that learns from decided cases.
_TREE = "gradient_boosted_tree"

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class TopAlert:
    """One alert as the end of a run shows it."""

    case_id: str
    alert_date: date
    lane: str
    risk: float | None
    sentence_en: str
    sentence_ko: str


@dataclass(frozen=True)
class NamedRule:
    """A rule and its title."""

    rule_id: str
    title_en: str

    def __str__(self) -> str:
        """The rule as one line names it."""
        return f"{self.rule_id} {self.title_en}"


@dataclass(frozen=True)
class ExceptionToCheck:
    """An exception from a rule that somebody has to look at; states as in rule_exception_status."""

    exception_id: str
    rule_id: str
    scope: str
    scope_value: str
    owner: str
    state: str
    expires_on: date
    hit_count_since_expiry: int


@dataclass(frozen=True)
class DetectorState:
    """A detector's champion and candidate; null where there is none. Names as in model_versions.

    `note` is that of the version fitted last, which says why a detector has no champion.
    """

    detector: str
    champion: str | None
    champion_from: date | None
    candidate: str | None
    candidate_fitted_on: date | None
    verdict: str | None
    verdict_reason: str | None
    note: str | None


@dataclass(frozen=True)
class Coverage:
    """How many of the rules the feeds can serve, and what most of the others lack.

    `absent` has, of at most three sets of columns (or a feed), `what` it is and how many `rules`
    wait for just that.
    """

    served_rules: int
    rules: int
    absent: list[dict[str, Any]]

    def __str__(self) -> str:
        """The coverage as one line says it."""
        share = self.served_rules / self.rules if self.rules else 0
        line = f"the feeds serve {self.served_rules} of {self.rules} rules ({share:.0%})"
        if self.absent:
            missing = [f"{each['what']} ({each['rules']} rules)" for each in self.absent]
            line += f"; most others lack {'; '.join(missing)}"
        return line


@dataclass(frozen=True)
class Landed:
    """Rows of all loads beside what was said of their key before, as in load_manifest."""

    new: int
    corrected: int
    replaced: int
    unchanged: int

    def __str__(self) -> str:
        """The counts as one line says them."""
        return (
            f"landed rows: {self.new:,} new, {self.corrected:,} corrected, {self.replaced:,} "
            f"replaced by another day, {self.unchanged:,} unchanged"
        )


@dataclass(frozen=True)
class RunSummary:
    """What a run ended with; counts are over the whole ledger, `issued_alerts` over this run.

    `unchanged_since` is when the run ended (UTC) after which nothing has changed, so that this one
    had nothing to do; null for a run that worked. `not_evaluated` are rules that lack a feed or
    column, `without_a_day` those for which no day was built since they are there.
    """

    transactions: int
    illustrative_rates: int
    without_rate: int
    first_day: date
    last_day: date
    quarantined_rows: int
    quarantined_for: list[Quarantined]
    landed: Landed
    coverage: Coverage
    rule_hits: int
    alerts: int
    issued_alerts: int
    waiting_mandatory_hits: int
    waiting_since: date | None
    lanes: dict[str, int]
    not_evaluated: list[NamedRule]
    in_another_currency: list[NamedRule]
    without_a_day: list[NamedRule]
    exceptions: list[ExceptionToCheck]
    detectors: list[DetectorState]
    top_alerts: list[TopAlert]
    seconds: float
    unchanged_since: datetime | None

    @property
    def has_tree(self) -> bool:
        """Whether a tree scores."""
        return any(each.detector == _TREE and each.champion for each in self.detectors)

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {**asdict(self), "has_tree": self.has_tree}


_RULES_NOT_EVALUATED = """
    select catalog.rule_id, catalog.title_en
    from scoring.rule_catalog as catalog
    inner join scoring.rule_coverage as coverage using (rule_id)
    where catalog.stage <> 'retired'
    group by all
    having sum(coverage.evaluated_count) = 0 and max(catalog.foreign_currency) is null
    order by catalog.rule_id
"""

_COVERAGE = """
    with rules as (
        select
            rule_id,
            sum(coverage.evaluated_count) > 0 as is_served,
            max_by(coverage.absent, coverage.covered_on) as absent
        from scoring.rule_catalog as catalog
        inner join scoring.rule_coverage as coverage using (rule_id)
        where catalog.stage <> 'retired'
        group by rule_id
    )
    select
        count(*) filter (where is_served),
        count(*),
        (
            select list({'what': absent, 'rules': rule_count} order by rule_count desc, absent)
            from (
                select absent, count(*) as rule_count from rules
                where not is_served and absent is not null
                group by absent order by rule_count desc, absent limit 3
            )
        )
    from rules
"""

_LANDED = """
    select
        coalesce(sum(rows_new), 0)::bigint, coalesce(sum(rows_corrected), 0)::bigint,
        coalesce(sum(rows_replaced), 0)::bigint, coalesce(sum(rows_unchanged), 0)::bigint
    from raw.load_manifest
"""

_RULES_IN_ANOTHER_CURRENCY = """
    select rule_id, title_en
    from scoring.rule_catalog
    where stage <> 'retired' and foreign_currency is not null
    order by rule_id
"""

_RULES_WITHOUT_A_DAY = """
    select rule_id, title_en
    from scoring.rule_catalog
    where stage <> 'retired' and rule_id not in (select rule_id from scoring.rule_coverage)
    order by rule_id
"""

_EXCEPTIONS_TO_CHECK = """
    select
        exception_id, rule_id, scope, scope_value, owner, state, expires_on, hit_count_since_expiry
    from marts.rule_exceptions
    where state in ('expired', 'expires within 30 days', 'names nobody')
    order by expires_on, exception_id
"""

_DETECTORS = """
    select
        detector,
        max(version) filter (where stage = 'champion'),
        max(champion_from) filter (where stage = 'champion'),
        max(version) filter (where stage = 'candidate'),
        max(fitted_on) filter (where stage = 'candidate'),
        max(verdict) filter (where stage = 'candidate'),
        max(verdict_reason) filter (where stage = 'candidate'),
        max_by(note, fitted_on)
    from marts.model_versions
    group by detector
    order by detector
"""

_TOP_ALERTS = """
    select case_id, alert_date, lane, risk, sentence_en, sentence_ko
    from ledger.alerts
    where lane not in ('audit', 'second_review')
    order by expected_value desc
    limit 10
"""


def read_summary(
    home: Home,
    alerts_before: int | None = None,
    seconds: float = 0.0,
    unchanged_since: datetime | None = None,
) -> RunSummary:
    """Read what the run ended with, which began with so many alerts; by default it issued none."""
    with connect(home, read_only=True) as connection:
        (
            transactions, illustrative, without_rate, first_day, last_day, quarantined, hits,
            alerts, waiting, since,
        ) = _counts(connection)  # fmt: skip
        lanes = "select lane, count(*) from ledger.alerts group by lane order by lane"
        return RunSummary(
            transactions=transactions,
            illustrative_rates=illustrative,
            without_rate=without_rate,
            first_day=first_day,
            last_day=last_day,
            quarantined_rows=quarantined,
            quarantined_for=worst_reasons(connection)[:3],
            landed=_all(connection, Landed, _LANDED)[0],
            coverage=_coverage(connection),
            rule_hits=hits,
            alerts=alerts,
            issued_alerts=0 if alerts_before is None else alerts - alerts_before,
            waiting_mandatory_hits=waiting,
            waiting_since=since,
            lanes=dict(connection.execute(lanes).fetchall()),
            not_evaluated=_all(connection, NamedRule, _RULES_NOT_EVALUATED),
            in_another_currency=_all(connection, NamedRule, _RULES_IN_ANOTHER_CURRENCY),
            without_a_day=_all(connection, NamedRule, _RULES_WITHOUT_A_DAY),
            exceptions=_all(connection, ExceptionToCheck, _EXCEPTIONS_TO_CHECK),
            detectors=_all(connection, DetectorState, _DETECTORS),
            top_alerts=_all(connection, TopAlert, _TOP_ALERTS),
            seconds=seconds,
            unchanged_since=unchanged_since,
        )


def _counts(connection: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """Purchases with their first and last day, rows in quarantine, hits, alerts, and what waits."""
    [row] = connection.execute(
        """
        select
            count(*), count(*) filter (is_rate_illustrative),
            count(*) filter (amount is null), min(transaction_date), max(transaction_date),
            (select count(*) from raw.quarantine),
            (select count(*) from ledger.rule_hits),
            (select count(*) from ledger.alerts),
            (select count(*) from alerts.mandatory_backlog),
            (select waiting_since from raw.run_state)
        from intermediate.int_transactions
        """
    ).fetchall()
    return tuple(row)


def _coverage(connection: duckdb.DuckDBPyConnection) -> Coverage:
    [(served, rules, absent)] = connection.execute(_COVERAGE).fetchall()
    return Coverage(served, rules, absent or [])


def _all(
    connection: duckdb.DuckDBPyConnection, kind: Callable[..., _Row], query: str
) -> list[_Row]:
    """Return the rows of a query, each as an object of this kind."""
    return [kind(*row) for row in connection.execute(query).fetchall()]
