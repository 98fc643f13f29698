"""Expense claims: one for most purchases, some late or incomplete, and a few in cash."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.demo_company import figures as f
from orchestration.demo_company.days import Array, Days
from orchestration.demo_company.files import (
    FEED_COLUMNS,
    Column,
    days_of,
    ids,
    moments,
    words,
    write_daily,
)
from orchestration.demo_company.purposes import PRE_APPROVED_TEXT, PURPOSES, WRONG_ACCOUNT
from orchestration.demo_company.world import (
    APPROVED,
    CASH_BESIDE,
    CASH_TWIN,
    CLAIMED_TWICE,
    PRE_APPROVED,
    Bills,
    World,
    at_hour,
)

TEXTS = tuple(text for purpose in PURPOSES.values() for text in purpose.texts)
TEXT_COUNT = np.array([len(purpose.texts) for purpose in PURPOSES.values()])
TEXT_START = np.cumsum(TEXT_COUNT) - TEXT_COUNT
ALL_TEXTS = (
    *TEXTS,
    *(f"{text}({PRE_APPROVED_TEXT})" for text in TEXTS),
    *(cash.text for cash in f.CASH_OUTLAYS),
)
FIRST_CASH_TEXT = 2 * len(TEXTS)
PURPOSE_ACCOUNTS = tuple(purpose.account for purpose in PURPOSES.values())
HIDING_ACCOUNT = len(PURPOSE_ACCOUNTS)  # the position of WRONG_ACCOUNT in ALL_ACCOUNTS
FIRST_CASH_ACCOUNT = HIDING_ACCOUNT + 1
ALL_ACCOUNTS = (*PURPOSE_ACCOUNTS, WRONG_ACCOUNT, *(cash.account for cash in f.CASH_OUTLAYS))
PER_HEAD = np.array([purpose.per_head for purpose in PURPOSES.values()])
CARD, CASH = range(2)
NO_RECEIPT, NOT_CLAIMED = -1, -2


@dataclass
class Claims:
    """Claims as arrays: ``bill`` is the position of the claimed bill (-1: none).

    ``submitted_at`` in seconds since the first day; ``attendees`` and ``receipt`` -1 if missing.
    """

    employee: Array
    bill: Array
    submitted_at: Array
    amount: Array
    text: Array
    account: Array
    attendees: Array
    receipt: Array
    payment: Array

    def only(self, chosen: Array) -> "Claims":
        """The claims at the given positions or under a true mask."""
        return Claims(**{name: column[chosen] for name, column in vars(self).items()})


def write_claims(world: World, rng: np.random.Generator, bills: Bills, folder: Path) -> int:
    """Write the daily claim files; returns their number.

    A file holds the claims submitted that day as they stand at its end: a claim still waiting
    has no approval time.
    """
    claims = _all_claims(world, rng, bills)
    day = days_of(claims.submitted_at)
    approver = world.people.manager_at(claims.employee, day)
    hours = rng.lognormal(np.log(f.APPROVAL_MEDIAN_HOURS), f.APPROVAL_SPREAD, len(day))
    approved_at = claims.submitted_at + (hours * 3_600).astype(np.int64)
    waiting = (days_of(approved_at) > day) | (approver < 0)
    number = np.arange(len(day))

    def rows(part: slice) -> Column:
        c = claims.only(np.arange(part.start, part.stop))
        columns = {
            "claim_id": ids("claim_", number[part], 9),
            "employee_id": ids("emp_", c.employee, 6),
            "submitted_at": moments(world.days, c.submitted_at, unit="s"),
            "amount": pa.array(c.amount),
            "transaction_id": ids("tx_", c.bill, 9),
            "account_code": words(c.account, ALL_ACCOUNTS),
            "purpose": words(c.text, ALL_TEXTS),
            "attendees": pa.array(c.attendees, mask=c.attendees < 0),
            "receipt_no": ids("R", c.receipt, 8),
            "approver_id": ids("emp_", approver[part], 6),
            "approved_at": moments(world.days, approved_at[part], missing=waiting[part], unit="s"),
            "payment": words(c.payment, ("card", "cash")),
        }
        return pa.table(columns).select(FEED_COLUMNS["expense_claims"])

    return write_daily(folder, world.days, claims.submitted_at, rows, "csv")


def _all_claims(world: World, rng: np.random.Generator, bills: Bills) -> Claims:
    usual = _card_claims(world, rng, bills)
    again = _second_claims(world, rng, bills, usual)
    parts = [usual, again, _cash_claims(world, rng, len(usual.bill))]
    claims = Claims(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(usual)}
    )
    end = world.days.count * f.SECONDS_PER_DAY
    claims = claims.only((claims.submitted_at < end) & (claims.receipt != NOT_CLAIMED))
    return claims.only(np.argsort(claims.submitted_at, kind="stable"))


def _card_claims(world: World, rng: np.random.Generator, bills: Bills) -> Claims:
    """One claim for every approved purchase, out of policy in about 6 % of them."""
    claimed = np.flatnonzero((bills.status == APPROVED) & (bills.amount > 0))
    n = len(claimed)
    # Which lapse each claim has, if any; the last column is none.
    lapses = np.array([*f.OUT_OF_POLICY.values(), 1 - sum(f.OUT_OF_POLICY.values())])
    lapse = np.searchsorted(np.cumsum(lapses), rng.random(n), side="right")
    late, no_receipt, no_claim, wrong, no_guests = (lapse == i for i in range(len(lapses) - 1))
    purpose = bills.purpose[claimed]
    per_head = PER_HEAD[purpose]
    head = np.maximum(per_head, 1) * rng.lognormal(0, 0.25, n)
    guests = np.clip(np.rint(bills.amount[claimed] / head), 2, 40).astype(np.int64)
    text = TEXT_START[purpose] + np.floor(rng.random(n) * TEXT_COUNT[purpose]).astype(np.int64)
    text += np.where(bills.claim[claimed] == PRE_APPROVED, len(TEXTS), 0)
    no_receipt = no_receipt | (no_guests & (per_head == 0))
    receipt = rng.integers(0, 10**8, n)
    receipt = np.where(no_receipt, NO_RECEIPT, receipt)
    return Claims(
        employee=bills.employee[claimed],
        bill=claimed,
        submitted_at=_submission(world.days, rng, bills.at[claimed], late),
        amount=bills.amount[claimed],
        text=text,
        account=np.where(wrong, HIDING_ACCOUNT, purpose).astype(np.int8),
        attendees=np.where((per_head > 0) & ~no_guests, guests, -1),
        receipt=np.where(no_claim, NOT_CLAIMED, receipt),
        payment=np.full(n, CARD, dtype=np.int8),
    )


def _submission(days: Days, rng: np.random.Generator, at: Array, late: Array) -> Array:
    """When claims are handed in: in office hours of a working day, a few days later."""
    n = len(at)
    delay = rng.lognormal(np.log(f.CLAIM_MEDIAN_DAYS), f.CLAIM_SPREAD, n)
    delay = np.minimum(delay, f.CLAIM_USUAL_MAX_DAYS)
    delay = np.where(late, rng.uniform(*f.CLAIM_LATE_DAYS, n), delay)
    day = days_of(at + (delay * f.SECONDS_PER_DAY).astype(np.int64)) + 1
    return at_hour(days.workday_from(day), rng.uniform(8.5, 18.5, n))


def _second_claims(world: World, rng: np.random.Generator, bills: Bills, first: Claims) -> Claims:
    """Second claims: in a later report, or as a cash outlay of the same sum."""
    how = bills.claim[first.bill]
    chosen = np.flatnonzero(np.isin(how, (CLAIMED_TWICE, CASH_TWIN, CASH_BESIDE)))
    how, again = how[chosen], first.only(chosen)
    n = len(chosen)
    twice = how == CLAIMED_TWICE
    none = np.zeros(n, dtype=bool)
    soon = _submission(world.days, rng, bills.at[again.bill], none)
    report = _submission(world.days, rng, again.submitted_at + f.SECONDS_PER_DAY * 4, none)
    purpose = bills.purpose[again.bill]
    other = TEXT_START[purpose] + np.floor(rng.random(n) * TEXT_COUNT[purpose]).astype(np.int64)
    beside = how == CASH_BESIDE
    again.text = np.where(beside, FIRST_CASH_TEXT + f.CONDOLENCE, other)
    again.account = np.where(beside, FIRST_CASH_ACCOUNT + f.CONDOLENCE, purpose)
    again.submitted_at = np.where(twice, report, soon)
    again.bill = np.where(twice & (rng.random(n) < f.SAME_TRANSACTION_SHARE), again.bill, -1)
    same_slip = twice & (rng.random(n) < f.SAME_SLIP_SHARE) & (again.receipt >= 0)
    again.receipt = np.where(same_slip, again.receipt, rng.integers(0, 10**8, n))
    again.payment = np.where(twice, CARD, CASH).astype(np.int8)
    again.attendees = np.full(n, -1)
    return again


def _cash_claims(world: World, rng: np.random.Generator, card_claims: int) -> Claims:
    """Genuine small cash outlays that no card paid."""
    n = round(card_claims * f.CASH_CLAIM_SHARE)
    staff = np.flatnonzero(world.steady_holders())
    shares = np.array([cash.share for cash in f.CASH_OUTLAYS])
    sort = rng.choice(len(shares), n, p=shares / shares.sum())
    usual = np.array([cash.median for cash in f.CASH_OUTLAYS])[sort] * rng.lognormal(0, 0.4, n)
    unit = np.array([cash.unit for cash in f.CASH_OUTLAYS])[sort]
    spent = rng.integers(0, world.days.count, n) * f.SECONDS_PER_DAY
    return Claims(
        employee=rng.choice(staff, n).astype(np.int32),
        bill=np.full(n, -1),
        submitted_at=_submission(world.days, rng, spent, np.zeros(n, dtype=bool)),
        amount=(np.maximum(np.rint(usual / unit), 1) * unit).astype(np.int64),
        text=FIRST_CASH_TEXT + sort,
        account=(FIRST_CASH_ACCOUNT + sort).astype(np.int8),
        attendees=np.full(n, -1),
        receipt=np.where(sort == f.CONDOLENCE, NO_RECEIPT, rng.integers(0, 10**8, n)),
        payment=np.full(n, CASH, dtype=np.int8),
    )
