"""Labels and features: any sequence of runs ends as one full build, and the past holds.

Random little companies on the statements that dbt itself sends. For more examples:
CARDWATCH_HYPOTHESIS_PROFILE=many python -m pytest tests/models/test_incremental_features.py
"""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.engine.home import Home
from orchestration.landing.feeds import read_feeds
from tests.models.model_steps import (
    FOLDERS,
    Project,
    Row,
    Table,
    Warehouse,
    Window,
    call_dbt,
    first_difference,
)

PROFILE = os.environ.get("CARDWATCH_HYPOTHESIS_PROFILE", "cardwatch")
_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False}
settings.register_profile("cardwatch", max_examples=3, derandomize=True, **_COMMON)
settings.register_profile("many", max_examples=300, **_COMMON)
examples = settings(settings.get_profile(PROFILE))


class Homes:
    """Gives every example a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given = 0

    def __repr__(self) -> str:
        return "<homes>"

    def new(self) -> Path:
        self.given += 1
        return self.folder / str(self.given)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"))


# --- a tiny company -------------------------------------------------------------------------------

DAY = timedelta(days=1)
FIRST_DAY = date(2024, 1, 1)
# Windows of 7, 14, 30, 90 and 365 days have both of their edges between two of these.
DAYS = (0, 1, 2, 3, 4, 5, 7, 8, 9, 14, 15, 16, 29, 30, 31, 32, 37, 38, 60, 90, 91, 92, 98, 120)
DAYS += (180, 181, 182, 272, 365, 366, 367, 396)
SECONDS = (32_400, 32_401, 33_300, 34_200, 36_000, 0, 86_399)
AMOUNTS = (1_000, 9_500, 10_000, 333.33, 20_000, 250_000, 0.1, 0, -1_000)
MERCHANTS = (("m0", "5812"), ("m1", "6011"), ("m2", ""))

days = st.sampled_from(DAYS)
seconds = st.sampled_from(SECONDS)
amounts = st.sampled_from(AMOUNTS)


def moment(day: int, second: int = 0) -> datetime:
    return datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=day, seconds=second)


def purchase(
    transaction: int | str,
    card: int,
    merchant: int,
    day: int,
    second: int = 32_400,
    amount: float = 1_000,
    **others: Any,
) -> Row:
    merchant_id, mcc = MERCHANTS[merchant]
    values = {
        "transaction_id": f"t{transaction}",
        "card_id": f"c{card}",
        "authorized_at": moment(day, second),
        "merchant_id": merchant_id,
        "merchant_name": f"merchant {merchant}",
        "merchant_city": ("Seoul", "Busan", "Seoul")[merchant],
        "merchant_country": ("KR", "KR", "US")[merchant],
        "latitude": 37 - merchant,
        "longitude": 127 + merchant,
        "mcc": mcc,
        "amount": amount,
        "currency": "KRW",
    }
    return Row("card_transactions", values | {n: v for n, v in others.items() if v is not None})


def decision(transaction: int | str, misuse: bool, day: int, second: int = 40_000) -> Row:
    return Row(
        "labels",
        {"transaction_id": f"t{transaction}", "misuse": misuse, "decided_at": moment(day, second)},
    )


def card(number: int, day: int = -400, **others: Any) -> Row:
    values = {"card_id": f"c{number}", "employee_id": f"e{number // 2}", "valid_from": moment(day)}
    return Row("cards", values | {n: v for n, v in others.items() if v is not None})


def employee(number: int, day: int = -400, **others: Any) -> Row:
    values = {"employee_id": f"e{number}", "department_id": f"d{number}", "valid_from": moment(day)}
    return Row("employees", values | {n: v for n, v in others.items() if v is not None})


def absence(feed: str, who: int, day: int, length: int, what: str) -> Row:
    values = {"employee_id": f"e{who}", "starts_at": moment(day), "ends_at": moment(day + length)}
    return Row(feed, values | {"kind" if feed == "absences" else "city": what})


COMPANY = (
    *(card(number, single_limit=10_000, monthly_limit=50_000) for number in range(4)),
    *(employee(number, grade=f"g{number}", hired_on=FIRST_DAY) for number in range(2)),
)
# Enough of a past for baselines, spreads and peers; its amounts never repeat.
PAST = tuple(
    purchase(f"p{n}", n * n % 4, n * n * n % 3, DAYS[n % len(DAYS)], SECONDS[n % 5], 700 + 37 * n)
    for n in range(64)
)


def some(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


purchases = st.builds(
    purchase,
    transaction=some(0, 9),
    card=some(0, 3),
    merchant=some(0, 2),
    day=days,
    second=seconds,
    amount=amounts,
    status=st.sampled_from((None, None, None, "declined", "reversed")),
    entry_mode=st.sampled_from((None, "chip", "online", "manual")),
    currency=st.sampled_from(("KRW", "KRW", "EUR")),
    authorized_precision=st.sampled_from((None, None, None, "day")),
    original_transaction_id=st.sampled_from((None, None, "t0", "t1")),
    employee_id=st.sampled_from((None, "e0")),
)
decisions = st.builds(decision, some(0, 9), st.booleans(), days, seconds)
cards = st.builds(
    card,
    some(0, 4),
    st.sampled_from((-400, *DAYS)),
    employee_id=st.sampled_from((None, "e0", "e1")),
    valid_to=st.sampled_from((None, None, moment(31), moment(91))),
    status=st.sampled_from((None, "blocked")),
    single_limit=st.sampled_from((None, 10_000, 20_000)),
)
employees = st.builds(
    employee,
    some(0, 1),
    st.sampled_from((-400, *DAYS)),
    department_id=st.sampled_from((None, "d0", "d1")),
    grade=st.sampled_from((None, "g0", "g1")),
    hired_on=st.sampled_from((None, FIRST_DAY)),
    left_on=st.sampled_from((None, FIRST_DAY + timedelta(days=31))),
)
claims = st.builds(
    lambda claim, who, day, second, amount, **others: Row(
        "expense_claims",
        {
            "claim_id": f"x{claim}",
            "employee_id": f"e{who}",
            "submitted_at": moment(day, second),
            "amount": amount,
        }
        | {n: v for n, v in others.items() if v is not None},
    ),
    some(0, 4),
    some(0, 1),
    days,
    seconds,
    st.sampled_from((1_000, 9_500, 9_600)),
    transaction_id=st.sampled_from((None, "t0", "t1")),
    receipt_no=st.sampled_from((None, "r1", "r2")),
    account_code=st.sampled_from((None, "meals")),
    purpose=st.sampled_from((None, "per diem", "overtime dinner")),
    approver_id=st.sampled_from((None, "e0", "e1")),
    payment=st.sampled_from((None, "cash", "card")),
)


absences = st.builds(
    absence,
    st.sampled_from(("absences", "trips")),
    some(0, 1),
    days,
    some(1, 3),
    st.sampled_from(("Seoul", "Busan")),
)
outcomes = st.sampled_from(("cleared", "recovery_ordered", "inconclusive"))
reviews = st.builds(
    lambda event, of, what, day, second, member: Row(
        "review_events",
        {
            "event_id": f"v{event}",
            "case_id": "|".join(of),
            "event": what,
            "occurred_at": moment(day, second),
            "actor_id": "reviewer",
            "reason": "explained",
            "transaction_id": member,
        },
    ),
    some(0, 99),
    st.builds(
        lambda number, merchant, day: (f"c{number}", f"m{merchant}", str(moment(day).date())),
        some(0, 3),
        some(0, 2),
        days,
    ),
    outcomes,
    days,
    seconds,
    st.sampled_from((None, None, 0, 1)),
)


@dataclass(frozen=True)
class Land:
    """Files arrive; the next run loads them."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Run:
    """A run, maybe asked for certain days; it may break off before it is finished."""

    since: int | None = None
    until: int | None = None
    breaks_off_after: int | None = None


@dataclass(frozen=True)
class TakeBack:
    """The file that came last is moved away again."""


Step = Land | Run | TakeBack

rows = st.one_of(purchases, purchases, decisions, cards, employees, claims, absences, reviews)
landings = st.builds(Land, st.lists(rows, min_size=1, max_size=8).map(tuple))
maybe_day = st.one_of(st.none(), st.none(), days)
runs = st.builds(Run, since=maybe_day, until=maybe_day)
broken_runs = st.builds(Run, since=maybe_day, until=maybe_day, breaks_off_after=some(0, 30))
steps = st.builds(
    lambda past, middle, last: (Land(COMPANY + past), *middle, last),
    st.sampled_from(((), PAST[:8], PAST)),
    st.lists(
        st.one_of(landings, landings, runs, broken_runs, st.just(TakeBack())),
        min_size=1,
        max_size=9,
    ),
    runs,
)


@dataclass(frozen=True)
class Stale:
    """Days on which a transaction's features stay what they were, until somebody asks for them."""

    first: date
    last: date


class Walk:
    """Takes the steps on a warehouse and keeps account of what has to be in it."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.stale: Stale | None = None
        self.window: Window | None = None
        self.before: dict[str, Table] = {}
        self.removable: list[Path] = []

    def take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Land):
                rows = list(self._possible(step.rows))
                placed = self.warehouse.place(rows)
                self.removable += placed
            elif isinstance(step, TakeBack):
                if self.removable:
                    self.removable.pop().unlink()
            else:
                self._run(step)

    def _possible(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Leave out reviews of cases that were never issued: nobody could have seen them.

        Whoever decides a case takes it first, again if it was decided before. A finding is about
        one of its purchases, by their number.
        """
        issued: dict[str, list[str]] = {}
        for case, member in self.warehouse.values(
            "select case_id, transaction_id from ledger.case_members order by all"
        ):
            issued.setdefault(case, []).append(member)
        for row in rows:
            if row.feed != "review_events":
                yield row
                continue
            members = issued.get(row.values["case_id"])
            if members is None:
                continue
            number = row.values["transaction_id"]
            about = None if number is None else members[number % len(members)]
            for event in ("assigned", "reopened"):
                event_id = f"{row.values['event_id']} {event}"
                values = {"event": event, "event_id": event_id, "transaction_id": None}
                yield Row("review_events", {**row.values, **values})
            yield Row("review_events", {**row.values, "transaction_id": about})

    def _run(self, run: Run) -> None:
        self.before = self.warehouse.tables()
        window = self.warehouse.run(
            moment(run.since).date() if run.since is not None else None,
            moment(run.until).date() if run.until is not None else None,
            run.breaks_off_after,
        )
        if run.breaks_off_after is not None:
            return
        self.window = window
        if window is None:
            return
        if self.stale is not None and (run.until is None or self.stale.last <= window.built_until):
            last = min(self.stale.last, window.built_from - timedelta(days=1))
            self.stale = Stale(self.stale.first, last) if self.stale.first <= last else None
        if window.changed_from < window.built_from:
            left = Stale(window.changed_from, window.built_from - timedelta(days=1))
            before = self.stale or left
            self.stale = Stale(min(before.first, left.first), max(before.last, left.last))

    def settled(self, table: Table, until: date) -> Table:
        """Keep the days that have to be as in a full build."""
        table = table.between(date.min, until)
        if self.stale is None or table.model.strategy == "changed_days":
            return table
        day = table.columns.index(table.model.day_column or "")
        kept = tuple(
            row for row in table.rows if not self.stale.first <= row[day] <= self.stale.last
        )
        return replace(table, rows=kept)


def told(steps: Iterable[Step]) -> str:
    lines = []
    for number, step in enumerate(steps, start=1):
        if isinstance(step, Land):
            begins = step.rows[: len(COMPANY)] == COMPANY
            past = len(step.rows) - len(COMPANY)
            rows = [f"COMPANY + PAST[:{past}]"] if begins else [repr(row) for row in step.rows]
            lines.append("\n       ".join([f"{number:4}. Land", *rows]))
        else:
            lines.append(f"{number:4}. {step}")
    return "\n".join(lines)


def difference_from_full_build(
    recorded: Project, folder: Path, steps: Sequence[Step]
) -> str | None:
    """Take the steps; say where the tables differ from those of one build of the same rows."""
    with Warehouse(recorded, folder) as warehouse:
        walk = Walk(warehouse)
        walk.take(steps)
        if walk.window is None:
            return None
        until = walk.window.built_until
        walked = warehouse.tables()
        # what nobody asked for stays what it was, but for days before all that has landed
        first, untouched = walk.window.first_day, walk.window.built_from - DAY
        difference = first_difference(
            [
                table.between(date.min, untouched)
                for table in walked.values()
                if table.model.strategy == "build_window"
            ],
            {name: table.between(first, untouched) for name, table in walk.before.items()},
        )
        if difference is None:
            last = steps[-1]
            asked = last.until if isinstance(last, Run) else None
            warehouse.build_whole(None if asked is None else moment(asked).date())
            full = warehouse.window()
            assert full is not None
            assert full.built_until == until
            difference = first_difference(
                [walk.settled(table, until) for table in walked.values()],
                {name: walk.settled(table, until) for name, table in warehouse.tables().items()},
            )
        return difference and f"{difference}\nafter these steps:\n{told(steps)}"


@examples
@given(steps=steps)
def test_any_sequence_of_runs_ends_as_one_full_build(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference


@examples
@given(steps=steps)
def test_a_run_that_is_asked_for_every_day_leaves_nothing_as_it_was(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((*steps, Run(since=0)))
        assert walk.stale is None
        walked = warehouse.tables()
        warehouse.build_whole()
        until = walk.window.built_until if walk.window else date.min
        difference = first_difference(
            [table.between(date.min, until) for table in walked.values()],
            {name: table.between(date.min, until) for name, table in warehouse.tables().items()},
        )
        assert difference is None, f"{difference}\nafter these steps:\n{told(steps)}"


# --- replay: nothing later is used ----------------------------------------------------------------

landed_rows = st.lists(rows, min_size=1, max_size=40).map(tuple)
pasts = st.sampled_from(((), PAST[:8], PAST))


def keep_what_holds(warehouse: Warehouse) -> None:
    """Delete the versions that were corrected: what moved to another day was never on the first."""
    for feed, key in (("card_transactions", "transaction_id"), ("expense_claims", "claim_id")):
        warehouse.connection.execute(f"""
            delete from raw.company__{feed} as older
            where exists (
                select 1 from raw.company__{feed} as newer
                where newer.{key} = older.{key}
                    and (newer._load_id, newer._line) > (older._load_id, older._line)
            )
        """)


@examples
@given(past=pasts, landed=landed_rows, day=days)
def test_a_build_without_later_rows_has_the_same_past(
    recorded: Project, homes: Homes, past: tuple[Row, ...], landed: tuple[Row, ...], day: int
):
    last_day = moment(day).date()
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land(COMPANY + past), Run(), Land(landed)))
        warehouse.land()
        keep_what_holds(warehouse)
        warehouse.build_whole()
        everything = warehouse.tables()
        for feed in read_feeds():
            warehouse.connection.execute(
                f"delete from raw.{feed.table} where {feed.event_column} >= ?", [last_day + DAY]
            )
        warehouse.build_whole()
        window = warehouse.window()
        # days behind the last transaction are not built yet, whatever happened on them
        until = min(last_day, window.built_until) if window else date.min
        difference = first_difference(
            [table.between(date.min, until) for table in warehouse.tables().values()],
            {name: table.between(date.min, until) for name, table in everything.items()},
        )
    shown = told((Land(COMPANY + past), Land(landed)))
    assert difference is None, f"{difference}\nwithout the rows after {last_day} of:\n{shown}"


@examples
@given(past=pasts, landed=landed_rows, day=days, second=seconds)
def test_decisions_change_nothing_that_was_before_them(
    recorded: Project,
    homes: Homes,
    past: tuple[Row, ...],
    landed: tuple[Row, ...],
    day: int,
    second: int,
):
    at = moment(day, second)

    def known(warehouse: Warehouse) -> dict[str, Table]:
        """What is about transactions until then, and whole days before."""
        times = dict(
            warehouse.values(
                "select transaction_id, authorized_at from intermediate.int_transactions"
            )
        )
        tables = {}
        for name, table in warehouse.tables().items():
            if table.model.relation.startswith("features."):
                about = "transaction_id" in table.columns
                is_history = name.endswith("_history")
                table = table.between(
                    date.min, at.date() if about or is_history else at.date() - DAY
                )
                if about and table.model.day_column == "transaction_date":
                    place = table.columns.index("transaction_id")
                    kept = tuple(row for row in table.rows if times[row[place]] <= at)
                    table = replace(table, rows=kept)
                elif about:
                    table = table.between(date.min, at.date() - DAY)
                tables[name] = table
        return tables

    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land(COMPANY + past), Run(), Land(landed)))
        warehouse.land()
        warehouse.build_whole()
        before = known(warehouse)
        warehouse.connection.execute(
            "update raw.company__labels set misuse = not misuse where decided_at >= ?", [at]
        )
        warehouse.build_whole()
        difference = first_difference(known(warehouse).values(), before)
    shown = told((Land(COMPANY + past), Land(landed)))
    assert difference is None, f"{difference}\nwith other decisions from {at} on:\n{shown}"


# --- the statements are dbt's own -----------------------------------------------------------------


def test_what_is_recorded_is_a_full_and_an_incremental_build(recorded: Project):
    assert {model.relation.split(".")[0] for model in recorded.models} == set(FOLDERS)
    assert len(recorded.compared) > 15
    for model in recorded.compared:
        whole, incremental = "\n".join(model.whole), "\n".join(model.incremental)
        quoted = model.relation.replace(".", '"."')
        assert f'create  table\n      "warehouse"."{quoted}' in whole, model.name
        assert f'delete from "warehouse"."{quoted}"' in incremental, model.name
        assert f'insert into "warehouse"."{quoted}"' in incremental, model.name
        # days have a first one only where is_incremental() is true
        assert not re.search(r">= \(select (built|changed)_from", whole), model.name
        assert re.search(r">= \(select (built|changed)_from", model.incremental[0]), model.name


def test_dbt_itself_builds_the_same_tables(recorded: Project, homes: Homes):
    later = Land((decision("p1", True, 98), purchase("p2", 1, 1, 31), purchase(0, 2, 2, 272)))
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((Land(COMPANY + PAST), Run(until=180), later))
        warehouse.land(until=moment(365).date())
        home = Home(homes.new())
        home.create()
        warehouse.connection.execute("checkpoint")
        shutil.copyfile(warehouse.home.warehouse, home.warehouse)
        shutil.copytree(recorded.home.dbt_target, home.dbt_target)  # parsed already
        walk.take((Run(until=365),))
        ours, window = warehouse.tables(), walk.window
    call_dbt(home, "run", "--select", *(f"path:models/{folder}" for folder in FOLDERS))
    with Warehouse(Project(home, recorded.models), homes.new()) as warehouse:
        assert warehouse.window() == window
        assert first_difference(warehouse.tables().values(), ours) is None
        assert len(ours["feat_transaction"].rows) > len(PAST) // 2


# --- boundaries -----------------------------------------------------------------------------------

NOON = 43_200
MOMENTS = (
    # two of the same second, one exactly 15 minutes later, one a second more than 15 and 30
    purchase("a1", 0, 0, 0, NOON),
    purchase("a2", 0, 0, 0, NOON),
    purchase("b", 0, 0, 0, NOON + 900, 3_000),
    purchase("c", 0, 0, 0, NOON + 1_801),
    # neither a refund nor what was declined, undone or nothing at all counts
    purchase("refund", 0, 0, 1, NOON, -1_000, original_transaction_id="ta1"),
    purchase("declined", 0, 0, 1, NOON, 1_000, status="declined"),
    purchase("reversed", 0, 0, 1, NOON, 1_000, status="reversed"),
    purchase("nothing", 0, 0, 1, NOON, 0.001),
    # exactly 7 days after day 0, exactly a day of seconds later, exactly 30 days, and one more each
    purchase("d", 0, 1, 7, NOON),
    purchase("e", 0, 1, 8, NOON),
    purchase("f", 0, 1, 30, NOON),
    purchase("g", 0, 1, 31, NOON + 1),
    # a year back is the last day that is known
    purchase("h", 1, 2, 0),
    purchase("i", 1, 2, 365),
    purchase("j", 2, 2, 0),
    purchase("k", 2, 2, 366),
)
COUNTED: dict[str, dict[str, float | None]] = {
    "ta1": {
        "card_txn_count_15m": 0,
        "card_txn_count_1d": 0,
        "card_txn_count_7d": 0,
        "card_txn_count_90d": 0,
        "card_amount_mean_15m": None,
        "card_amount_mean_30d": None,
        "card_hours_since_purchase": None,
        "card_days_since_active": None,
        "card_days_since_merchant": None,
        "card_merchant_same_amount_count_3d": 0,
    },
    # equal bills of one moment count in the order of their identifiers, nothing else sees them
    "ta2": {
        "card_txn_count_15m": 0,
        "card_txn_count_1d": 0,
        "merchant_txn_count_15m": 0,
        "card_merchant_same_amount_count_3d": 1,
    },
    "tb": {
        "card_txn_count_15m": 2,
        "card_amount_mean_15m": 1_000,
        "merchant_txn_count_15m": 2,
        "card_hours_since_purchase": 0.25,
        "card_merchant_same_amount_count_3d": 0,
        "card_txn_count_7d": 0,
    },
    "tc": {
        "card_txn_count_15m": 0,
        "card_amount_mean_15m": None,
        "card_txn_count_30m": 1,
        "card_amount_mean_30m": 3_000,
        "card_txn_count_1h": 3,
        "card_txn_count_1d": 3,
        "card_amount_sum_1d": 5_000,
        "card_merchant_txn_count_1d": 3,
        "card_merchant_same_amount_count_3d": 2,
    },
    "tdeclined": {"card_txn_count_1d": 4, "card_txn_count_7d": 4, "card_days_since_active": 1},
    "td": {
        "card_txn_count_1d": 0,
        "card_txn_count_7d": 4,
        "card_amount_mean_7d": 1_500,
        "card_amount_max_7d": 3_000,
        "card_days_since_active": 7,
        "card_days_since_merchant": None,
    },
    "te": {
        "card_txn_count_1d": 1,
        "card_txn_count_7d": 1,
        "card_txn_count_14d": 5,
        "card_days_since_active": 1,
        "card_days_since_merchant": 1,
    },
    "tf": {
        "card_txn_count_7d": 0,
        "card_amount_mean_7d": None,
        "card_txn_count_14d": 0,
        "card_txn_count_30d": 6,
        "card_days_since_active": 22,
        "merchant_txn_count_30d": 2,
    },
    "tg": {"card_txn_count_1d": 0, "card_txn_count_30d": 3, "card_txn_count_90d": 7},
    "ti": {"card_days_since_active": 365, "card_txn_count_90d": 0},
    "tk": {"card_days_since_active": None, "card_txn_count_90d": 0},
}


@pytest.mark.parametrize("days_of_runs", [(None,), (0, 7, 30, 31, 365, None)])
def test_windows_have_exactly_the_edges_they_say(
    recorded: Project, homes: Homes, days_of_runs: tuple[int | None, ...]
):
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land((*COMPANY, *MOMENTS)), *(Run(until=n) for n in days_of_runs)))
        vectors = warehouse.tables()["feat_transaction"]
    by_id = {row[vectors.columns.index("transaction_id")]: row for row in vectors.rows}
    assert len(by_id) == len(vectors.rows) == len(MOMENTS)
    found = {
        transaction: {name: by_id[transaction][vectors.columns.index(name)] for name in expected}
        for transaction, expected in COUNTED.items()
    }
    assert found == COUNTED


# The windows of one huge merchant are slow: a million takes minutes.
PURCHASES = 1_000_000 if PROFILE == "many" else 100_000


def test_a_merchant_with_a_million_purchases_builds(recorded: Project, homes: Homes):
    with Warehouse(recorded, homes.new(), threads=2) as warehouse:
        # evenly over a year, 2,000 cards in turn
        step = 31_500_000 // PURCHASES
        warehouse.connection.execute(f"""
            insert into raw.company__card_transactions (
                transaction_id, card_id, authorized_at, merchant_id, merchant_name, mcc, amount,
                currency, _load_id, _line
            )
            select 'n' || n, 'c' || n % 2000, timestamp '{FIRST_DAY}' + to_seconds(n * {step}),
                'm0', 'merchant', '5812', 1000 + n % 977, 'KRW', 1, n
            from range({PURCHASES}) as numbers (n)
        """)
        warehouse.connection.execute(
            "insert into raw.load_manifest (load_id, source, feed, first_day)"
            " values (1, 'company', 'card_transactions', ?)",
            [FIRST_DAY],
        )
        warehouse.build_whole()
        for relation in ("intermediate.int_transactions", "features.feat_transaction"):
            assert warehouse.values(f"select count(*) from {relation}") == [(PURCHASES,)]
        vector = """
            select card_txn_count_90d, merchant_txn_count_30d, merchant_txn_count_1h,
                merchant_txn_count_1d, card_merchant_txn_count_1d
            from features.feat_transaction where transaction_id = ?
        """
        counted = """
            with purchases as (
                select
                    every.card_id = this.card_id as mine,
                    this.authorized_at - every.paid_at as ago,
                    this.authorized_at::date - every.paid_at::date as days_ago
                from (
                    select card_id, authorized_at as paid_at from raw.company__card_transactions
                ) as every
                cross join (from raw.company__card_transactions where transaction_id = ?) as this
                where every.paid_at < this.authorized_at
            )
            select
                count(*) filter (mine and days_ago between 1 and 90),
                count(*) filter (days_ago between 1 and 30),
                count(*) filter (ago <= interval 1 hour),
                count(*) filter (ago <= interval 24 hour),
                count(*) filter (mine and ago <= interval 24 hour)
            from purchases
        """
        for n in (0, 1_999, 2_000, PURCHASES // 2, PURCHASES - 1):
            found, expected = (
                warehouse.connection.execute(query, [f"n{n}"]).fetchall()
                for query in (vector, counted)
            )
            assert found == expected, n


# --- sequences that went wrong once ---------------------------------------------------------------

MONTH = Land((purchase(8, 1, 1, 31), purchase(9, 0, 0, 31)))


def review(
    case: str, day: int, event: str = "cleared", member: int | None = None, name: int = 0
) -> Row:
    values = {"event_id": f"v{name}", "case_id": case, "event": event, "reason": "explained"}
    values |= {"actor_id": "reviewer", "occurred_at": moment(day, 50_000)}
    return Row("review_events", values | {"transaction_id": member})


def claim(number: int, day: int, **others: Any) -> Row:
    values = {"claim_id": f"x{number}", "employee_id": "e0", "amount": 1_000}
    return Row("expense_claims", values | {"submitted_at": moment(day, 50_000)} | others)


# a holder who buys every other day, in two categories, and in the last week in a third
HABITS = (
    *(purchase(f"u{day}", 0, day // 2 % 2, day) for day in range(0, 90, 2)),
    *(purchase(f"u{day}", 1, 2, day, amount=3_000 + day) for day in range(90, 98)),
)


# three purchases of one case, which is there to be reviewed from day 32 on
OF_ONE_CASE = (
    *COMPANY,
    *(purchase(number, 0, 0, 30, 33_300 + 900 * number) for number in range(3)),
    *MONTH.rows,
)
REVIEWED = f"c0|m0|{moment(30).date()}"
# what reads the decisions, and lets the days of all of them be built
LATER = Land(tuple(purchase(f"n{day}", 0, 0, day) for day in range(33, 40)))
findings = st.tuples(
    some(32, 37),
    outcomes,
    st.sampled_from((None, None, 0, 1)),
)
# decisions in any number of runs; some are taken back
reviewed_steps = st.builds(
    lambda found, cuts: (
        Land(OF_ONE_CASE),
        Run(),
        LATER,
        *(
            step
            for number, (day, event, member) in enumerate(found)
            for step in (
                Land((review(REVIEWED, day, event, member, number),)),
                *cuts[number],
            )
        ),
        Run(),
    ),
    st.lists(findings, min_size=4, max_size=6).map(
        lambda found: sorted(found, key=lambda each: each[0])
    ),
    st.lists(
        st.sampled_from(((Run(),), (Run(),), (), (TakeBack(), Run()))), min_size=6, max_size=6
    ),
)


@examples
@given(steps=reviewed_steps)
def test_findings_in_any_order_of_runs_end_as_one_full_build(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference


SEQUENCES = {
    "nothing but registers has landed": (Land(COMPANY), Run(), Run()),
    "decision before the first transaction": (
        Land((*COMPANY, purchase(0, 0, 0, 3), decision(0, False, 1))),
        Run(),
    ),
    "claim before the first transaction": (
        Land((*COMPANY, purchase(0, 0, 0, 3), claim(0, 1))),
        Run(),
    ),
    "decision taken back word for word": (
        Land((*COMPANY, purchase(0, 0, 0, 0), decision(0, True, 8), *MONTH.rows)),
        Run(),
        Land((decision(0, False, 8),)),
        Run(),
        Land((decision(0, True, 8), decision(9, True, 32))),
        Run(),
    ),
    "card limit taken back word for word": (
        Land((*COMPANY, purchase(0, 0, 0, 0), *MONTH.rows)),
        Run(),
        Land((card(0, single_limit=20_000, monthly_limit=50_000),)),
        Run(),
        Land((card(0, single_limit=10_000, monthly_limit=50_000), card(3, 90))),
        Run(),
    ),
    "transaction moved back word for word": (
        Land((*COMPANY, purchase(0, 1, 1, 8), *MONTH.rows)),
        Run(),
        Land((purchase(0, 1, 1, 9),)),
        Run(),
        Land((purchase(0, 1, 1, 8), purchase(7, 1, 1, 31))),
        Run(),
    ),
    "claim moved back word for word": (
        Land((*COMPANY, claim(0, 8), *MONTH.rows)),
        Run(),
        Land((claim(0, 9),)),
        Run(),
        Land((claim(0, 8), claim(1, 31))),
        Run(),
    ),
    "all that a run began on is taken back": (
        Land((*COMPANY, *MONTH.rows)),
        Run(breaks_off_after=29),
        TakeBack(),
        Run(),
        Land((*COMPANY, purchase(1, 0, 0, 60))),
        Run(),
    ),
    "first absence and trip come late": (
        Land((*COMPANY, purchase(0, 0, 0, 3), *MONTH.rows)),
        Run(),
        Land((absence("absences", 1, 31, 2, "leave"), absence("trips", 1, 31, 2, "Busan"))),
        Run(),
    ),
    "decision precedes its purchase": (
        Land((*COMPANY, purchase(0, 0, 0, 14), decision(0, True, 8), *MONTH.rows)),
        Run(until=9),
        Run(),
    ),
    "purchases that change the last week come late": (
        Land((*COMPANY, *HABITS)),
        Run(until=92),
        Run(),
        Land((purchase(1, 0, 0, 95), purchase(2, 0, 1, 40, amount=70_000))),
        Run(),
    ),
    "a case grows after its review": (
        Land((*COMPANY, purchase(0, 0, 0, 30), *MONTH.rows)),
        Run(),
        Land((review(f"c0|m0|{moment(30).date()}", 32),)),
        Run(),
        Land((purchase(1, 0, 0, 30, 33_300), purchase(2, 0, 0, 33))),
        Run(),
        Run(),
    ),
    "findings before and after the decision on their case": (
        Land(OF_ONE_CASE),
        Run(),
        LATER,
        Land((review(REVIEWED, 32, "recovery_ordered", 0, 0),)),
        Run(),
        Land((review(REVIEWED, 33, "inconclusive", 1, 1), review(REVIEWED, 34, name=2))),
        Run(),
        Land((review(REVIEWED, 35, "recovery_ordered", 2, 3),)),
        Run(),
        Land((review(REVIEWED, 36, "recovery_ordered", None, 4),)),
        Run(),
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(recorded: Project, homes: Homes, name: str):
    difference = difference_from_full_build(recorded, homes.new(), SEQUENCES[name])
    assert difference is None, difference


# One claim of each kind that a rule looks for, each found in a run after the one with what it goes
# with: two employees share a bill, hand it in again, and approve each other.
CLAIMED = (
    Land((*COMPANY, purchase(0, 0, 0, 30, 36_000), purchase(1, 2, 0, 30, 36_600), *MONTH.rows)),
    Run(),
    Land(
        (
            claim(0, 30, transaction_id="t0", payment="card", receipt_no="r1", approver_id="e1"),
            claim(1, 31, amount=9_500, account_code="meals", purpose="per diem", payment="cash"),
            purchase(2, 1, 1, 60),
        )
    ),
    Run(),
    Land(
        (
            claim(
                2, 60, transaction_id="t0", payment="card", receipt_no="r2", account_code="meals"
            ),
            claim(3, 60, amount=9_600, account_code="meals", purpose="dinner", payment="cash"),
            claim(4, 60, payment="cash", purpose="상품권"),
            claim(5, 60, employee_id="e1", receipt_no="r1", approver_id="e0"),
            claim(6, 61, transaction_id="t1", employee_id="e1", payment="card", purpose="overtime"),
            purchase(3, 1, 1, 91),
        )
    ),
    Run(),
    # what a search found is moved away, and back
    Land((claim(0, 92, transaction_id="t0", receipt_no="r1"), purchase(4, 1, 1, 92))),
    Run(),
    Land(
        (claim(0, 29, transaction_id="t0", receipt_no="r1"), claim(1, 120), purchase(5, 1, 1, 120))
    ),
    Run(),
)


@pytest.mark.parametrize("runs", [6, 8, 10])
def test_what_claims_repeat_is_found_run_by_run(recorded: Project, homes: Homes, runs: int):
    steps = CLAIMED[:runs]
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take(CLAIMED[:6])
        found = warehouse.tables()
    searches = [name for name in found if name.startswith("feat_claim")]
    assert len(searches) > 5
    assert [name for name in searches if not found[name].rows] == []


def test_a_file_that_is_taken_back_leaves_nothing(recorded: Project, homes: Homes):
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((Land((*COMPANY, *MONTH.rows)), Run(), Land((purchase(1, 0, 0, 60),))))
        walk.take((Run(breaks_off_after=len(recorded.models)), TakeBack(), Run()))
        walked = warehouse.tables()
        warehouse.build_whole()
        assert first_difference(walked.values(), warehouse.tables()) is None
