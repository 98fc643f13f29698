"""A tiny company of random rows, and the steps of runs over it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.models.model_steps import (
    Row,
)

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
