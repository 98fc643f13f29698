"""Shapes of acts: what a split, a burst or a late bar looks like as purchases.

Misuse and its innocent look-alikes share these shapes; what differs is who acts, why, and what
the claim says. Every shape takes the world, a random generator, the employee of each act and a
number in [0, 1) that says how early or late in that person's time the act happens, and returns
the bills. Figures are ours: no source gives shapes.
"""

from typing import Protocol

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.days import Array
from orchestration.demo_company.merchants import TRADE_MEDIAN, TRADE_SIGMA
from orchestration.demo_company.people import Habit, displaced, uniform_hash
from orchestration.demo_company.world import (
    CASH_BESIDE,
    CASH_TWIN,
    CHIP,
    CLAIMED_TWICE,
    MANUAL,
    NORMAL,
    REVERSED,
    Bills,
    World,
    at_hour,
    make_bills,
    together,
)

DAY = f.SECONDS_PER_DAY


class Shape(Protocol):
    """Makes the bills of some acts."""

    def __call__(self, world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
        """The bills of the acts of ``who``, early or late in the period by ``luck``."""
        ...


def split(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("dining", "dining", "dining", "electronics"),
    purposes: tuple[str, ...] = ("entertainment", "team_dinner", "entertainment", "electronics"),
    quick: float = 0.5,
    claim: int = NORMAL,
) -> Bills:
    """One purchase above the limit, paid in two or three bills at one merchant the same day.

    A share ``quick`` follows within minutes, the others hours later. The trade is a habit.
    """
    taste = np.floor(uniform_hash(who, Habit.SPLIT_TRADE) * len(trades)).astype(np.int64)
    trade = np.array([f.TRADE[name] for name in trades])[taste]
    purpose = np.array([f.PURPOSE[name] for name in purposes])[taste]
    day = world.workday(who, luck)
    evening = trade == f.TRADE["dining"]
    at = at_hour(
        day, np.where(evening, rng.normal(20.4, 0.8, len(who)), rng.normal(14, 1.8, len(who)))
    )
    limit = world.limit(who, at)
    total = limit * rng.uniform(1.08, 2.2, len(who))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    parts = np.ceil(total / (0.97 * limit)).astype(np.int64)
    act, order = repeated(parts)
    weight = rng.uniform(1, 1.5, len(act))
    amount = total[act] * weight / np.bincount(act, weight, len(who))[act]
    amount = np.minimum(amount, limit[act] * rng.uniform(0.9, 0.995, len(act)))
    soon = (rng.random(len(who)) < quick)[act]
    gap = np.where(soon, rng.uniform(60, 1_500, len(act)), rng.uniform(4_000, 9_000, len(act)))
    moment = at[act] + (order * gap).astype(np.int64)
    return make_bills(
        world, rng, who[act], moment, merchant[act], amount, purpose[act], claim=claim
    )


def split_over_cards(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    claim: int = NORMAL,
) -> Bills:
    """A table above one card's limit, paid with the cards of two team mates within the hour."""
    mate = team_mate(world)[who]
    at = at_hour(world.workday(who, luck), rng.normal(21.0, 0.7, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["dining"])
    later = at + rng.integers(20, 3_300, len(who))
    first, second = world.limit(who, at), world.limit(mate, later)
    total = first * rng.uniform(1.05, 1.8, len(who))
    paid = np.minimum(total * rng.uniform(0.45, 0.6, len(who)), first * 0.99)
    rest = np.minimum(total - paid, second * 0.99)
    return together(
        [
            make_bills(world, rng, who, at, merchant, paid, "entertainment", claim=claim),
            make_bills(world, rng, mate, later, merchant, rest, "entertainment", claim=claim),
        ]
    )


def two_bars(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, claim: int = NORMAL
) -> Bills:
    """Two bars a few steps apart on one evening, each below the limit, together above."""
    merchants = world.merchants
    first = merchants.favourite(who, world.people.city[who], f.TRADE["bar"], Habit.BAR)
    known, where = np.unique(first, return_inverse=True)
    latitude, longitude = displaced(
        rng,
        merchants.latitude[known],
        merchants.longitude[known],
        rng.uniform(0.03, 0.27, len(known)),
    )
    bar = np.full(len(known), f.TRADE["bar"])
    second = merchants.add(rng, bar, merchants.city[known], latitude, longitude)[where]
    at = at_hour(world.workday(who, luck), rng.normal(21.6, 0.8, len(who)))
    later = at + rng.integers(1_800, 7_000, len(who))
    limit = np.minimum(world.limit(who, at), 1.2e6)
    one, two = rng.uniform(0.5, 0.97, (2, len(who)))
    two = np.maximum(two, 1.04 - one)
    purpose = "entertainment" if claim == NORMAL else "second_round"
    return together(
        [
            make_bills(world, rng, who, at, first, limit * one, purpose, claim=claim),
            make_bills(world, rng, who, later, second, limit * two, purpose, claim=claim),
        ]
    )


def below_limit(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """One to three purchases within three days, each 90 to 99.5 % of the limit."""
    act, order = repeated(rng.choice([1, 2, 3], len(who), p=[0.6, 0.25, 0.15]))
    taste = uniform_hash(who, Habit.LIMIT_TRADE) < 0.7
    trade = np.where(taste, f.TRADE["dining"], f.TRADE["electronics"])[act]
    purpose = np.where(taste, f.PURPOSE["entertainment"], f.PURPOSE["electronics"])[act]
    day = world.workday(who, luck)[act] + order * (rng.random(len(act)) < 0.8)
    hour = np.where(taste[act], rng.normal(20.8, 0.8, len(act)), rng.normal(14.5, 1.8, len(act)))
    at = at_hour(day, hour)
    merchant = world.merchants.regular(rng, who[act], world.people.city[who[act]], trade)
    amount = world.limit(who[act], at) * rng.uniform(0.90, 0.995, len(act))
    return make_bills(world, rng, who[act], at, merchant, amount, purpose)


def fixed_price(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """One item whose list price happens to be just below the limit."""
    at = at_hour(world.workday(who, luck), rng.normal(14.0, 1.8, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["electronics"])
    limit = world.limit(who, at)
    price = np.floor(limit * rng.uniform(0.91, 0.999, len(who)) / 10_000) * 10_000 - 1_000
    return make_bills(world, rng, who, at, merchant, price, "electronics", exact=True)


def at_trades(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...],
    purpose: str,
    hour: float,
    spread: float = 1.2,
    off: float = 0.0,
    scale: float = 1.0,
    loyal: bool = True,
    claim: int = NORMAL,
) -> Bills:
    """Single purchases at certain trades, each person with one favourite trade if ``loyal``.

    ``hour`` and ``spread`` place them in the day, a share ``off`` falls on days off, ``scale``
    multiplies the trade's usual ticket; what exceeds the limit is bought smaller.
    """
    n = len(who)
    taste = uniform_hash(who, Habit.TRADE) if loyal else rng.random(n)
    trade = np.array([f.TRADE[name] for name in trades])[
        np.floor(taste * len(trades)).astype(np.int64)
    ]
    weekend = rng.random(n) < off
    day = np.where(weekend, world.day_off(who, luck), world.workday(who, luck))
    at = at_hour(day, rng.normal(hour, spread, n))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade, scale)
    return make_bills(world, rng, who, at, merchant, amount, purpose, claim=claim)


def on_leave(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("restaurant", "fuel", "supermarket", "cafe", "dining", "hotel"),
    purpose: str = "lunch",
    away: float = 0.5,
    claim: int = NORMAL,
) -> Bills:
    """A purchase during the person's own leave, a share ``away`` in a holiday town."""
    n = len(who)
    leave = world.leaves.one_of(who, luck)
    day = world.leaves.start[leave] + np.floor(
        rng.random(n) * (world.leaves.end[leave] - world.leaves.start[leave] + 1)
    ).astype(np.int64)
    at = at_hour(day, rng.normal(14.5, 3.0, n))
    city = np.where(rng.random(n) < away, rng.choice(f.LEISURE_CITIES, n), world.people.city[who])
    trade = np.array([f.TRADE[name] for name in trades])[rng.integers(0, len(trades), n)]
    merchant = world.merchants.regular(rng, who, city, trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    bills = make_bills(world, rng, who, at, merchant, amount, purpose, claim=claim)
    return bills.only(world.leaves.covering(bills.employee, bills.at // DAY) >= 0)


def before_exit(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, honest: bool = False
) -> Bills:
    """Purchases in the weeks before an exit, and after it where the card still works.

    Misuse buys things to keep; the honest ones are handover dinners, not after the exit.
    """
    n = len(who)
    left = world.people.left[who]
    card = world.cards.primary[who]
    blocked = world.cards.blocked_at[card] // DAY
    last = left if honest else blocked
    start = np.maximum(left - 28, 0)
    day = start + np.floor(luck * (last - start)).astype(np.int64)
    names = ("dining", "dining") if honest else ("electronics", "mall", "department_store", "gift")
    trade = np.array([f.TRADE[name] for name in names])[rng.integers(0, len(names), n)]
    hour = rng.normal(20.2, 0.8, n) if honest else rng.normal(14.5, 3.0, n)
    at = at_hour(day, hour)
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    return make_bills(
        world, rng, who, at, merchant, amount, "team_dinner" if honest else "electronics"
    )


def near_home(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    off: float = 0.5,
    scale: float = 1.0,
    purpose: str = "lunch",
    trades: tuple[str, ...] = ("supermarket", "restaurant", "cafe"),
) -> Bills:
    """Shops within a kilometre of home, in the evening or on a day off."""
    n = len(who)
    merchant = private_places(world, rng, who, trades, within_km=0.8)
    weekend = rng.random(n) < off
    day = np.where(weekend, world.day_off(who, luck), world.workday(who, luck))
    hour = np.where(weekend, rng.normal(14.5, 2.8, n), rng.normal(20.0, 1.0, n))
    at = at_hour(day, hour)
    trade = world.merchants.trade[merchant]
    amount = ticket(world, rng, who, at, merchant, trade, scale)
    return make_bills(world, rng, who, at, merchant, amount, purpose)


def private_merchant(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("printing", "stationery", "restaurant", "hardware"),
    purpose: str = "printing",
    scale: float = 2.0,
) -> Bills:
    """A shop nobody else of the company goes to, at ordinary hours and moderate amounts."""
    merchant = private_places(world, rng, who, trades, within_km=15, one=True)
    at = at_hour(world.workday(who, luck), rng.normal(14.5, 2.2, len(who)))
    trade = world.merchants.trade[merchant]
    amount = ticket(world, rng, who, at, merchant, trade, scale)
    return make_bills(world, rng, who, at, merchant, amount, purpose)


def gift_cards(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("gift", "gift", "prepaid", "department_store"),
    in_season: float = 0.6,
    claim: int = NORMAL,
) -> Bills:
    """Gift cards in round amounts, one to three at a time, more before Chuseok and year-end."""
    season = np.flatnonzero(world.days.gift_season & ~world.days.off)
    day = world.workday(who, luck)
    if len(season):
        festive = season[np.floor(luck * len(season)).astype(np.int64)]
        day = np.where(rng.random(len(who)) < in_season, festive, day)
    act, order = repeated(rng.choice([1, 2, 3], len(who), p=[0.6, 0.3, 0.1]))
    taste = np.floor(uniform_hash(who, Habit.GIFT_TRADE) * len(trades)).astype(np.int64)[act]
    trade = np.array([f.TRADE[name] for name in trades])[taste]
    hour = rng.normal(14.0, 2.5, len(who))[act] + order * rng.uniform(0.02, 0.6, len(act))
    at = at_hour(day[act], hour)
    merchant = world.merchants.regular(rng, who[act], world.people.city[who[act]], trade)
    unit = rng.choice([10_000, 50_000, 100_000], len(act), p=[0.3, 0.4, 0.3])
    wish = np.minimum(200_000 * rng.lognormal(0, 0.6, len(act)), world.limit(who[act], at))
    amount = np.maximum(np.floor(wish / unit), 1) * unit
    return make_bills(world, rng, who[act], at, merchant, amount, "gift", exact=True, claim=claim)


def round_cash(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("electronics", "hardware", "restaurant"),
    purpose: str = "electronics",
    claim: int = NORMAL,
) -> Bills:
    """Round amounts far above the usual ticket at a shop with little traffic."""
    merchant = private_places(world, rng, who, trades, within_km=12, one=True)
    at = at_hour(world.workday(who, luck), rng.normal(15.0, 2.5, len(who)))
    wish = np.minimum(420_000 * rng.lognormal(0, 0.5, len(who)), world.limit(who, at) * 0.98)
    unit = rng.choice([10_000, 50_000, 100_000], len(who), p=[0.35, 0.35, 0.3])
    amount = np.maximum(np.floor(wish / unit), 1) * unit
    entry = np.where(
        (uniform_hash(merchant, Habit.MANUAL_ENTRY) < 0.3) & (claim == NORMAL), MANUAL, CHIP
    )
    return make_bills(
        world, rng, who, at, merchant, amount, purpose, exact=True, entry=entry, claim=claim
    )


def sleeping_card(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, claim: int = NORMAL
) -> Bills:
    """A second card unused for months makes some purchases within days, late in the period."""
    days = world.days.count
    start = np.maximum(100, days * 2 // 3) if days > 130 else days * 2 // 3
    first = np.floor(start + luck * (days - start - 1)).astype(np.int64)
    act, order = repeated(rng.integers(3, 7, len(who)))
    day = first[act] + order * rng.integers(0, 3, len(act))
    names = (
        ("dining", "department_store", "mall", "electronics")
        if claim == NORMAL
        else ("restaurant", "dining", "taxi", "cafe")
    )
    trade = np.array([f.TRADE[name] for name in names])[rng.integers(0, len(names), len(act))]
    at = at_hour(day, rng.normal(16.0, 3.5, len(act)))
    merchant = world.merchants.regular(rng, who[act], world.people.city[who[act]], trade)
    amount = ticket(world, rng, who[act], at, merchant, trade)
    card = world.cards.second[who[act]]
    return make_bills(
        world, rng, who[act], at, merchant, amount, "entertainment", card=card, claim=claim
    )


def burst(
    world: World,
    rng: np.random.Generator,
    who: Array,
    luck: Array,
    *,
    trades: tuple[str, ...] = ("convenience", "arcade", "mall", "cafe", "gift"),
    purpose: str = "snack",
    off: float = 0.6,
    claim: int = NORMAL,
) -> Bills:
    """Five to nine purchases on one day."""
    n = len(who)
    weekend = rng.random(n) < off
    day = np.where(weekend, world.day_off(who, luck), world.workday(who, luck))
    act, _ = repeated(rng.integers(5, 10, n))
    taste = np.floor(uniform_hash(who, Habit.BURST_TRADE) * len(trades)).astype(np.int64)[act]
    swerve = rng.random(len(act)) < 0.4
    taste = np.where(swerve, rng.integers(0, len(trades), len(act)), taste)
    trade = np.array([f.TRADE[name] for name in trades])[taste]
    at = at_hour(day[act], rng.uniform(11, 18, n)[act] + rng.uniform(0, 4.5, len(act)))
    merchant = world.merchants.regular(rng, who[act], world.people.city[who[act]], trade)
    amount = ticket(world, rng, who[act], at, merchant, trade)
    return make_bills(world, rng, who[act], at, merchant, amount, purpose, claim=claim)


def cancel_and_rebook(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, honest: bool = False
) -> Bills:
    """A purchase is cancelled and booked anew at the same merchant.

    Misuse moves a purchase of a day off to a working day within the week; the honest case
    corrects a wrong amount within minutes. Only the new booking counts as the act.
    """
    n = len(who)
    day = world.workday(who, luck) if honest else world.day_off(who, luck)
    hour = rng.normal(20.0, 0.9, n)
    at = at_hour(day, hour)
    trade = f.TRADE["dining"]
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, np.full(n, trade))
    if honest:
        anew = at + rng.integers(90, 900, n)
        first = make_bills(
            world, rng, who, at, merchant, amount * rng.choice([0.1, 0.9, 1.1], n), "team_dinner"
        )
        first.status[:] = REVERSED
        purpose = "team_dinner"
    else:
        following = world.days.workday_from(day + rng.integers(1, 5, n))
        anew = at_hour(following, rng.normal(12.6, 0.6, n))
        first = make_bills(world, rng, who, at, merchant, amount, "entertainment", exact=True)
        cancelled = first.at + rng.integers(36_000, 60_000, len(first))
        first.refunded_at[:] = np.minimum(cancelled, world.days.count * DAY - 1)
        purpose = "entertainment"
    again = amount * np.where(rng.random(n) < 0.5, 1.0, rng.uniform(0.7, 0.98, n))
    return together([first, make_bills(world, rng, who, anew, merchant, again, purpose)])


def claimed_meal(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, claim: int
) -> Bills:
    """An ordinary dinner or lunch that is claimed a second time."""
    big = rng.random(len(who)) < 0.3
    trade = np.where(big, f.TRADE["dining"], f.TRADE["restaurant"])
    purpose = np.where(big, f.PURPOSE["entertainment"], f.PURPOSE["lunch"])
    day = world.workday(who, luck * 0.93)
    at = at_hour(day, np.where(big, 20.5, 12.4) + rng.normal(0, 0.6, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    return make_bills(world, rng, who, at, merchant, amount, purpose, claim=claim)


def claimed_twice(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """A meal in two expense reports (rule F1)."""
    return claimed_meal(world, rng, who, luck, claim=CLAIMED_TWICE)


def card_and_cash(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """A meal paid by card and claimed as a cash outlay too (rule F3)."""
    return claimed_meal(world, rng, who, luck, claim=CASH_TWIN)


def wreath_and_money(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """A wreath on the card and condolence money of the same sum in cash, both genuine."""
    at = at_hour(world.workday(who, luck * 0.93), rng.normal(14.0, 2.0, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["florist"])
    amount = rng.choice([50_000, 100_000], len(who))
    return make_bills(
        world,
        rng,
        who,
        at,
        merchant,
        np.minimum(amount, world.limit(who, at)),
        "flowers",
        exact=True,
        claim=CASH_BESIDE,
    )


def equal_meals(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """The same set menu at the same place twice: equal amounts, two genuine meals."""
    at = at_hour(world.workday(who, luck * 0.9), rng.normal(12.3, 0.4, len(who)))
    again = at + rng.integers(1, 8, len(who)) * DAY + rng.integers(-1_500, 1_500, len(who))
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["restaurant"])
    amount = np.rint(rng.uniform(9, 30, len(who)) * 2) * 500
    return together(
        [
            make_bills(world, rng, who, moment, merchant, amount, "lunch", exact=True)
            for moment in (at, again)
        ]
    )


def one_bill_two_people(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, honest: bool = False
) -> Bills:
    """The same amount at the same merchant on the cards of two team mates, up to a day apart.

    Honest: colleagues each pay for the same lunch menu within minutes.
    """
    n = len(who)
    mate = team_mate(world)[who]
    trade = f.TRADE["restaurant" if honest else "dining"]
    at = at_hour(world.workday(who, luck), rng.normal(12.4 if honest else 20.6, 0.5, n))
    gap = rng.integers(20, 300, n) if honest else rng.integers(600, 80_000, n)
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, np.full(n, trade))
    amount = np.minimum(amount, world.limit(mate, at + gap) * 0.97)
    amount = np.maximum(np.floor(amount / 1_000), 1) * 1_000
    purpose = "lunch" if honest else "entertainment"
    return together(
        [
            make_bills(world, rng, who, at, merchant, amount, purpose, exact=True),
            make_bills(world, rng, mate, at + gap, merchant, amount, purpose, exact=True),
        ]
    )


def home_during_trip(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, honest: bool = False
) -> Bills:
    """The card is used in the home city while its holder is away on a trip.

    Honest: the traveller came back early on the last day.
    """
    n = len(who)
    trip = world.trips.one_of(who, luck)
    start, end = world.trips.start[trip], world.trips.end[trip]
    day = end if honest else start + np.floor(rng.random(n) * (end - start + 1)).astype(np.int64)
    names = ("restaurant", "cafe") if honest else ("supermarket", "restaurant", "cafe", "fuel")
    trade = np.array([f.TRADE[name] for name in names])[rng.integers(0, len(names), n)]
    at = at_hour(day, rng.normal(19.0 if honest else 15.5, 1.0 if honest else 3.0, n))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    return make_bills(world, rng, who, at, merchant, amount, "lunch")


def escalation(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Dinners at a friendly restaurant that grow slowly, from a usual bill to several times it."""
    merchant = world.merchants.favourite(
        who, world.people.city[who], f.TRADE["dining"], Habit.FRIENDLY_MERCHANT
    )
    at = at_hour(world.workday(who, luck), rng.normal(20.5, 0.9, len(who)))
    growth = (1.5 + 3.0 * uniform_hash(who, Habit.GROWTH)) ** luck
    amount = 95_000 * growth * rng.lognormal(0, 0.15, len(who))
    amount = np.minimum(amount, world.limit(who, at) * rng.uniform(0.75, 0.95, len(who)))
    return make_bills(world, rng, who, at, merchant, amount, "entertainment")


def alternation(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Two people of different departments take turns, week by week, at an odd merchant."""
    partner = stranger(world)[who]
    leader = np.minimum(who, partner)
    merchant = private_places(
        world, rng, leader, ("hardware", "florist", "printing", "books"), within_km=8, one=True
    )
    day = world.workday(who, luck)
    turn = (day + world.days.weekday[0]) // 7 % 2 == 0
    payer = np.where(turn, who, partner)
    at = at_hour(day, rng.normal(15.0, 2.0, len(who)))
    amount = np.minimum(rng.uniform(55_000, 185_000, len(who)), world.limit(payer, at) * 0.8)
    return make_bills(world, rng, payer, at, merchant, amount, "hardware")


def fuel_often(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Full tanks far more often than the business distance needs, at ordinary stations."""
    weekend = rng.random(len(who)) < 0.25
    day = np.where(weekend, world.day_off(who, luck), world.workday(who, luck))
    at = at_hour(day, rng.normal(17.5, 3.0, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["fuel"])
    amount = ticket(world, rng, who, at, merchant, world.merchants.trade[merchant])
    return make_bills(world, rng, who, at, merchant, amount, "fuel")


def small_online(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Small private purchases through software stores, booked as tools."""
    merchant = world.merchants.regular(rng, who, world.people.city[who], f.TRADE["software"])
    day = np.minimum(world.workday(who, luck) + rng.integers(0, 3, len(who)), world.days.count - 1)
    at = at_hour(day, rng.normal(19.0, 3.0, len(who)))
    amount = 17_000 * rng.lognormal(0, 0.5, len(who))
    return make_bills(world, rng, who, at, merchant, amount, "software")


def mix_shift(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Spending drifts from work to household: shops near the office, ordinary hours and sums."""
    names = ("supermarket", "convenience", "mall", "books", "fuel")
    liking = np.floor(
        (uniform_hash(who, Habit.HOUSEHOLD_TRADE) + rng.random(len(who)) * 0.4) % 1.0 * len(names)
    ).astype(np.int64)
    trade = np.array([f.TRADE[name] for name in names])[liking]
    at = at_hour(world.workday(who, np.sqrt(luck)), rng.normal(17.0, 2.5, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    purpose = np.array(
        [f.PURPOSE[name] for name in ("groceries", "snack", "mall", "books", "fuel")]
    )[liking]
    return make_bills(world, rng, who, at, merchant, amount, purpose)


# --- What several shapes need -------------------------------------------------------------------


def repeated(times: Array) -> tuple[Array, Array]:
    """For each repetition the index of what is repeated, and its place among the repetitions."""
    index = np.repeat(np.arange(len(times)), times)
    order = np.arange(len(index)) - np.repeat(np.cumsum(times) - times, times)
    return index, order


def ticket(
    world: World,
    rng: np.random.Generator,
    who: Array,
    at: Array,
    merchant: Array,
    trade: Array,
    scale: float = 1.0,
) -> Array:
    """A usual amount of the trade at that merchant; bought smaller where it exceeds the limit."""
    amount = TRADE_MEDIAN[trade] * scale * world.merchants.price[merchant]
    amount = amount * np.exp(rng.normal(0, 1, len(who)) * TRADE_SIGMA[trade])
    limit = world.limit(who, at)
    smaller = limit * rng.uniform(0.4, 0.97, len(who))
    return np.where(amount > limit, smaller, amount)


def private_places(
    world: World,
    rng: np.random.Generator,
    who: Array,
    trades: tuple[str, ...],
    *,
    within_km: float,
    one: bool = False,
) -> Array:
    """New merchants around each person's home: one of a favourite trade, or one of each trade."""
    owner, where = np.unique(who, return_inverse=True)
    kinds = 1 if one else len(trades)
    codes = np.array([f.TRADE[name] for name in trades])
    if one:
        trade = codes[
            np.floor(uniform_hash(owner, Habit.PRIVATE_TRADE) * len(trades)).astype(np.int64)
        ]
    else:
        trade = np.tile(codes, len(owner))
    lives = np.repeat(owner, kinds)
    distance = within_km * np.sqrt(rng.random(len(lives)))
    latitude, longitude = displaced(
        rng, world.people.home_latitude[lives], world.people.home_longitude[lives], distance
    )
    places = world.merchants.add(rng, trade, world.people.city[lives], latitude, longitude)
    choice: Array = places[where * kinds + rng.integers(0, kinds, len(who))]
    return choice


def team_mate(world: World) -> Array:
    """For each employee the next card holder under the same manager, -1 if alone."""
    manager = world.people.manager
    return _next_in_group(world.steady_holders() & (manager >= 0), manager)


def stranger(world: World) -> Array:
    """For each employee a card holder at the same site in another department, -1 if none."""
    people = world.people
    shuffled = uniform_hash(np.arange(people.count), Habit.PARTNER)
    other = _next_in_group(world.steady_holders(), people.city, shuffled)
    different = (other >= 0) & (people.department[other] != people.department)
    return np.where(different, other, -1)


def _next_in_group(member: Array, group: Array, rank: Array | None = None) -> Array:
    """The next member of each member's group in a circle, -1 for the only one and for others."""
    order = np.flatnonzero(member)
    by = order if rank is None else rank[order]
    order = order[np.lexsort((by, group[order]))]
    grouped = group[order]
    fresh = np.append(True, grouped[1:] != grouped[:-1])
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))
    last = np.append(fresh[1:], True)
    following = np.where(last, start, np.minimum(np.arange(len(order)) + 1, len(order) - 1))
    result = np.full(len(member), -1)
    result[order] = np.where(following == np.arange(len(order)), -1, order[following])
    return result
