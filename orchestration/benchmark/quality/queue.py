"""What the queue finds when reviewers answer it, beside the demo company's own filters.

The demo company runs month by month. After each month reviewers answer its cases with delay and
mistakes (demo_company/reviewers.py); what they decided is known to the runs that follow. Against
the truth: how much misuse is in a case at all, and how much a review finds, beside what the
company's two filters find with the same number of reviews in their own order. Several companies.
"""

import calendar
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
from scipy import stats

from orchestration.benchmark.measuring import Bar, BenchmarkResult
from orchestration.benchmark.quality.demo_runs import misuse_file, run_until
from orchestration.demo_company.land import land_demo
from orchestration.demo_company.reviewers import answer_queue
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import one_row, one_value
from orchestration.engine.warehouse import connect

EMPLOYEES = 1_500
MONTHS = 6
LAST_DAY = date(2025, 12, 31)
VALUE_BAR, RATIO_BAR, CALIBRATION_BAR = 0.6, 2.0, 0.03


@dataclass(frozen=True)
class Month:
    """A month of reviews: cases, those with misuse, and what a review found."""

    month: date
    cases: int
    precision: float
    misuse_a_review: float


@dataclass(frozen=True)
class Company:
    """What was found in one company.

    `reviews` counts all cases, those of the audit and second reviews too; shares are of all misuse
    of the period, by value and by number. Of the filters: the same number of reviews, a purchase
    each, those flagged by both first and then by score; beside it, if what they flag of a person
    within 72 hours were one review, as it is with cases. `calibration_error` is that of the risk as
    it was issued, by what reviewers decided since (risk_calibration_error, the last month that is
    decided and those before it), and by the truth of the last two months.
    """

    seed: int
    transactions: int
    misuse: int
    reviews: int
    value_share: float
    number_share: float
    misuse_a_review: float
    filter_reviews: int
    filter_value_share: float
    filter_misuse_a_review: float
    filter_misuse_a_case: float
    calibration_error: float | None
    calibration_error_by_truth: float
    months: tuple[Month, ...]

    @property
    def ratio(self) -> float:
        """Misuse per review, beside that of the filters."""
        return self.misuse_a_review / self.filter_misuse_a_review


@dataclass(frozen=True)
class QueueResult(BenchmarkResult):
    """All companies."""

    employees: int
    months: int
    cases_per_day: int
    companies: tuple[Company, ...]

    def bars(self) -> list[Bar]:
        """What is to be reached on average over the companies, and what was."""
        return [
            Bar(
                "value_share",
                "share of misuse by value",
                self._mean("value_share"),
                least=VALUE_BAR,
            ),
            Bar(
                "misuse_a_review_by_filters",
                "misuse per review beside the filters",
                self._mean("ratio"),
                least=RATIO_BAR,
            ),
            Bar(
                "calibration_error",
                "calibration error on audit-weighted decisions",
                self._mean("calibration_error"),
                most=CALIBRATION_BAR,
            ),
        ]

    def _mean(self, name: str) -> float:
        """Unknown where it is unknown for one of them."""
        values = [getattr(each, name) for each in self.companies]
        return math.nan if None in values else float(np.mean(values))


def run_queue(home: Home, seeds: Sequence[int], keep: bool = False) -> QueueResult:
    """Run the companies one after the other in folders of the home."""
    companies = []
    for seed in seeds:
        place = Home(home.root / "benchmark" / f"queue_{seed}")
        shutil.rmtree(place.root, ignore_errors=True)
        place.create()
        live(place, EMPLOYEES, MONTHS, LAST_DAY, seed)
        companies.append(judge(place, seed))
        cases_per_day = _cases_per_day(place)
        if not keep:
            shutil.rmtree(place.root)
        report(
            f"queue: company {seed} finds {companies[-1].value_share:.1%} by value,"
            f" {companies[-1].ratio:.2f} times the filters a review"
        )
    return QueueResult(EMPLOYEES, MONTHS, cases_per_day, tuple(companies))


def live(place: Home, employees: int, months: int, last_day: date, seed: int) -> None:
    """Land the company, and run and answer it month by month."""
    land_demo(place, employees=employees, months=months, last_day=last_day, seed=seed)
    for until in _ends(last_day, months):
        if place.published_copy.exists():
            answer_queue(place, until)
        run_until(place, until)
        report(f"queue: company {seed} run until {until}")


def _ends(last_day: date, months: int) -> Iterator[date]:
    """The last days of the months."""
    for back in range(months - 1, -1, -1):
        year, month = divmod(last_day.year * 12 + last_day.month - 1 - back, 12)
        yield date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _cases_per_day(place: Home) -> int:
    with connect(place, read_only=True) as connection:
        return int(one_value(connection, "select max(cases_per_day) from seeds.review_budget"))


def judge(place: Home, seed: int) -> Company:
    """Compare a company's cases and its filters' hits with the truth."""
    with connect(place, read_only=True) as connection:
        connection.execute(_JUDGED, [str(misuse_file(place))])
        transactions, misuse, found, value_share, reviews = one_row(
            connection,
            """
            select
                count(*), count(*) filter (where is_misuse),
                count(*) filter (where is_misuse and is_found),
                sum(amount) filter (where is_misuse and is_found)
                / sum(amount) filter (where is_misuse),
                (select count(*) from ledger.alerts)
            from judged
            """,
        )
        return Company(
            seed=seed,
            transactions=transactions,
            misuse=misuse,
            reviews=reviews,
            value_share=value_share,
            number_share=found / misuse,
            misuse_a_review=found / reviews,
            **_judge_filters(connection, reviews),
            calibration_error=_calibration_error(connection),
            calibration_error_by_truth=one_value(connection, _CALIBRATION_ERROR_BY_TRUTH),
            months=_judge_months(connection),
        )


#: Every purchase that has a risk: whether it is misuse, and whether it is in a case.
_JUDGED = """
    create temp table judged as
    select
        risk.transaction_id, risk.amount, risk.risk, risk.transaction_date,
        misuse.kind is not null as is_misuse,
        risk.transaction_id in (
            select transaction_id from ledger.case_members
            where case_id in (select case_id from ledger.alerts)
        ) as is_found
    from scoring.risk as risk
    left join read_parquet($1) as misuse using (transaction_id)
"""

_CALIBRATION_ERROR_BY_TRUTH = """
    select sum(error) / sum(purchases)
    from (
        select
            count(*) as purchases,
            abs(sum(risk) - count(*) filter (where is_misuse)) as error
        from judged
        where transaction_date >= (select max(transaction_date) - 60 from judged)
        group by least(floor(risk * 10), 9)
    )
"""


def _calibration_error(connection: duckdb.DuckDBPyConnection) -> float | None:
    """That of the last month but one: of the months before the last hardly anything is undecided.

    None where nothing is decided.
    """
    row = connection.execute(
        """
        select calibration_error
        from evaluation.risk_calibration_error
        where month < (select max(month) from evaluation.risk_calibration_error)
        order by month desc
        limit 1
        """
    ).fetchone()
    return row[0] if row else None


#: What the filters flag, of `judged`.
_FILTER_HITS = """
    create temp table filter_hits as
    select judged.*, hits.filters, hits.score, purchases.employee_id, purchases.authorized_at
    from (
        select transaction_id, count(*) as filters, max(score) as score
        from staging.stg_external_hits
        group by transaction_id
    ) as hits
    inner join judged using (transaction_id)
    inner join intermediate.int_transactions as purchases using (transaction_id)
"""

#: What so many reviews find, a purchase each.
_FILTERS_BY_PURCHASE = """
    select
        count(*), count(*) filter (where is_misuse),
        sum(amount) filter (where is_misuse)
        / (select sum(amount) from judged where is_misuse)
    from (
        from filter_hits
        order by filters desc, score desc, transaction_id
        limit $1
    )
"""

#: Misuse per review if what is flagged of a person within 72 hours were one review.
_FILTERS_BY_PERSON = """
    with spaced as (
        select
            *,
            coalesce(
                authorized_at - lag(authorized_at) over person > interval 72 hours, true
            ) as begins
        from filter_hits
        window person as (partition by employee_id order by authorized_at, transaction_id)
    ),
    numbered as (
        select
            *,
            sum(begins::integer) over (
                partition by employee_id order by authorized_at, transaction_id
                rows unbounded preceding
            ) as session
        from spaced
    ),
    reviewed as (
        select count(*) filter (where is_misuse) as misuse
        from numbered
        group by employee_id, session
        order by max(filters) desc, max(score) desc, min(transaction_id)
        limit $1
    )
    select sum(misuse) / count(*) from reviewed
"""


def _judge_filters(connection: duckdb.DuckDBPyConnection, reviews: int) -> dict[str, Any]:
    """What the filters find with that many reviews, of `judged`."""
    connection.execute(_FILTER_HITS)
    looked_at, found, value_share = one_row(connection, _FILTERS_BY_PURCHASE, [reviews])
    return {
        "filter_reviews": looked_at,
        "filter_value_share": value_share,
        "filter_misuse_a_review": found / looked_at,
        "filter_misuse_a_case": one_value(connection, _FILTERS_BY_PERSON, [reviews]),
    }


def _judge_months(connection: duckdb.DuckDBPyConnection) -> tuple[Month, ...]:
    """What the cases of each month held, of `judged`."""
    rows = connection.execute(
        """
        select
            date_trunc('month', alerts.alert_date)::date,
            count(*),
            count(*) filter (where inside.misuse > 0) / count(*),
            sum(case when alerts.second_of is null then inside.misuse else 0 end) / count(*)
        from ledger.alerts as alerts
        inner join (
            select members.case_id, count(*) filter (where judged.is_misuse) as misuse
            from ledger.case_members as members
            left join judged using (transaction_id)
            group by members.case_id
        ) as inside on coalesce(alerts.second_of, alerts.case_id) = inside.case_id
        group by 1
        order by 1
        """
    ).fetchall()
    return tuple(Month(*row) for row in rows)


def describe(result: QueueResult) -> str:
    """The result as a page for a terminal."""
    companies = result.companies
    lines = [
        f"{len(companies)} companies of {result.employees:,} employees over {result.months} months,"
        f" {result.cases_per_day} cases a working day, seeds"
        f" {', '.join(str(each.seed) for each in companies)}",
        "",
        f"{'':<48}{'mean':>8}  95 % interval over the companies",
    ]
    for name, label in {
        "value_share": "misuse in a case, by value",
        "number_share": "misuse in a case, by number",
        "misuse_a_review": "misuse per review",
        "filter_value_share": "filters, by value",
        "filter_misuse_a_review": "filters, misuse per review",
        "filter_misuse_a_case": "filters, misuse per review of 72 h of a person",
        "ratio": "misuse per review, times the filters'",
        "calibration_error": "calibration error, by decisions",
        "calibration_error_by_truth": "calibration error, by the truth",
    }.items():
        values = [value for each in companies if (value := getattr(each, name)) is not None]
        if not values:
            lines.append(f"{label:<48}{'unknown':>8}")
            continue
        mean, spread = float(np.mean(values)), ""
        if len(values) > 1:
            half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
            spread = f"  {mean - half:.3f} to {mean + half:.3f}"
        lines.append(f"{label:<48}{mean:>8.3f}{spread}")
    lines += ["", f"{'month':<10}{'cases':>7}{'with misuse':>13}{'misuse per review':>19}"]
    for month in sorted({month.month for each in companies for month in each.months}):
        rows = [row for each in companies for row in each.months if row.month == month]
        lines.append(
            f"{month:%Y-%m}   {np.mean([row.cases for row in rows]):>7.0f}"
            f"{np.mean([row.precision for row in rows]):>13.3f}"
            f"{np.mean([row.misuse_a_review for row in rows]):>19.3f}"
        )
    lines += ["", *(str(bar) for bar in result.bars())]
    return "\n".join(lines)
