"""The company while purchases are being made: its world, and the bills that result."""

from dataclasses import dataclass, fields, replace

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.days import Array, Days
from orchestration.demo_company.files import days_of
from orchestration.demo_company.merchants import TRADE_ONLINE, Merchants
from orchestration.demo_company.people import Cards, People, Stays
from orchestration.demo_company.purposes import AMOUNT_UNITS, PURPOSE, PURPOSES

APPROVED, DECLINED, REVERSED = range(len(f.STATUSES))
CHIP, CONTACTLESS, ONLINE, MANUAL = range(len(f.ENTRY_MODES))
# How a bill is claimed: as usual; approved in advance; in two reports; in cash as well; beside
# a genuine cash outlay of the same amount.
NORMAL, PRE_APPROVED, CLAIMED_TWICE, CASH_TWIN, CASH_BESIDE = range(5)


@dataclass
class Bills:
    """Purchases as equally long arrays.

    ``at`` and ``refunded_at`` are seconds since the first day (``refunded_at`` 0: not refunded),
    ``amount`` is won; ``purpose``, ``entry``, ``status``, ``claim`` are codes; ``kind`` is 0
    or 1 + the index in ``misuse.KINDS``, ``look_alike`` 0 or 1 + that in
    ``look_alikes.LOOK_ALIKES``.
    """

    employee: Array
    card: Array
    merchant: Array
    at: Array
    amount: Array
    purpose: Array
    entry: Array
    status: Array
    claim: Array
    refunded_at: Array
    kind: Array
    look_alike: Array

    def __len__(self) -> int:
        """Number of bills."""
        return len(self.at)

    def only(self, chosen: Array) -> "Bills":
        """The bills at the given positions or under a true mask."""
        return Bills(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def together(parts: list[Bills]) -> Bills:
    """All bills of several parts, in their order."""
    return Bills(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(Bills)
        }
    )


@dataclass
class World:
    """Calendar, people, cards, merchants, and who is away when (leave of whole days only)."""

    days: Days
    people: People
    cards: Cards
    merchants: Merchants
    leaves: Stays
    trips: Stays

    def steady_holders(self) -> Array:
        """Which employees hold a card, were there before the period and stay."""
        people = self.people
        steady: Array = (self.cards.primary >= 0) & (people.hired < 0) & (people.left == f.NEVER)
        return steady

    def limit(self, employee: Array, at: Array, second: Array | bool = False) -> Array:
        """The single-purchase limit of the card in use; a tiny one where no card works."""
        card = self.cards.in_use(employee, at, second)
        return np.where(card >= 0, self.cards.single_limit(np.maximum(card, 0), at), 10_000.0)

    def workday(self, employee: Array, luck: Array) -> Array:
        """A working day of each employee's time in the company, early or late by ``luck``."""
        return self._one_of(np.flatnonzero(~self.days.off), employee, luck)

    def day_off(self, employee: Array, luck: Array) -> Array:
        """A weekend day or holiday of each employee's time in the company."""
        return self._one_of(np.flatnonzero(self.days.off), employee, luck)

    def _one_of(self, choice: Array, employee: Array, luck: Array) -> Array:
        first = np.searchsorted(choice, np.maximum(self.people.hired[employee] + 10, 0))
        last = np.searchsorted(choice, np.minimum(self.people.left[employee], self.days.count))
        place = first + np.floor(luck * (last - first)).astype(np.int64)
        day: Array = choice[np.minimum(place, len(choice) - 1)]
        return day


def at_hour(day: Array, hour: Array) -> Array:
    """Seconds since the first day for an hour of a day; hours may run past midnight."""
    seconds: Array = day * f.SECONDS_PER_DAY + np.floor(hour * 3_600).astype(np.int64)
    return seconds


UNIT_CHANCES = np.array(
    [[dict(p.units).get(unit, 0.0) for unit in AMOUNT_UNITS] for p in PURPOSES.values()]
)


def whole_won(rng: np.random.Generator, amount: Array, purpose: Array | int) -> Array:
    """Amounts rounded the way prices of that purpose are, at least one unit."""
    cumulative = np.cumsum(UNIT_CHANCES, axis=1)[purpose]
    drawn = rng.random(len(amount))
    unit = np.array(AMOUNT_UNITS)[(drawn[:, None] >= cumulative - 1e-9).sum(axis=1)]
    won: Array = np.maximum(np.rint(amount / unit), 1).astype(np.int64) * unit
    return won


def make_bills(
    world: World,
    rng: np.random.Generator,
    employee: Array,
    at: Array,
    merchant: Array,
    amount: Array,
    purpose: Array | str,
    *,
    second: Array | bool = False,
    card: Array | None = None,
    exact: bool = False,
    entry: Array | None = None,
    claim: int = NORMAL,
) -> Bills:
    """Bills for the given purchases, without those no working card could have paid.

    ``second`` says who prefers the second card, ``card`` names the cards outright. Amounts are
    rounded like prices unless ``exact``. Where no entry mode is given it suits the merchant.
    """
    n = len(employee)
    if card is None:
        card = world.cards.in_use(employee, at, second)
    else:
        card = world.cards.working(card, at)
    codes = np.full(n, PURPOSE[purpose]) if isinstance(purpose, str) else purpose
    won = np.rint(amount).astype(np.int64) if exact else whole_won(rng, amount, codes)
    if entry is None:
        present = np.searchsorted(np.cumsum(f.ENTRY_SHARES), rng.random(n), side="right")
        modes = np.where(TRADE_ONLINE[world.merchants.trade[merchant]], ONLINE, present)
    else:
        modes = entry
    bills = Bills(
        employee=employee.astype(np.int32),
        card=card.astype(np.int32),
        merchant=merchant.astype(np.int32),
        at=at.astype(np.int64),
        amount=won.astype(np.int64),
        purpose=codes.astype(np.int8),
        entry=np.minimum(modes, MANUAL).astype(np.int8),
        status=np.full(n, APPROVED, dtype=np.int8),
        claim=np.full(n, claim, dtype=np.int8),
        refunded_at=np.zeros(n, dtype=np.int64),
        kind=np.zeros(n, dtype=np.int8),
        look_alike=np.zeros(n, dtype=np.int8),
    )
    inside = (at >= 0) & (at < world.days.count * f.SECONDS_PER_DAY)
    return bills.only((bills.card >= 0) & inside)


def with_refunds(rng: np.random.Generator, world: World, bills: Bills) -> tuple[Bills, Array]:
    """Adds the refunds; also returns the position of the refunded bill for each bill (-1: none).

    Bills that name a moment of refund get it; of the other approved ones a few are returned
    within two weeks, in shop hours.
    """
    returned = (bills.kind == 0) & (bills.status == APPROVED) & (bills.refunded_at == 0)
    returned &= rng.random(len(bills)) < f.REFUND_SHARE
    where = np.flatnonzero(returned)
    later = rng.integers(0, 14, len(where)) + days_of(bills.at[where])
    moment = at_hour(later, rng.uniform(10, 20, len(where)))
    bills.refunded_at[where] = np.where(moment > bills.at[where] + 600, moment, 0)

    source = np.flatnonzero(bills.refunded_at > 0)
    kept = bills.refunded_at[source] < world.days.count * f.SECONDS_PER_DAY
    source = source[kept & (bills.refunded_at[source] < _card_ends(world, bills.card[source]))]
    refunds = bills.only(source)
    refunds = replace(
        refunds,
        at=refunds.refunded_at,
        amount=-refunds.amount,
        refunded_at=np.zeros_like(refunds.at),
        kind=np.zeros_like(refunds.kind),
        look_alike=np.zeros_like(refunds.look_alike),
    )
    original = np.concatenate([np.full(len(bills), -1), source])
    return together([bills, refunds]), original


def _card_ends(world: World, card: Array) -> Array:
    ends: Array = np.minimum(world.cards.blocked_at[card], world.cards.lost_at[card])
    return ends
