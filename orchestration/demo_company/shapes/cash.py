"""Acts that make cash or goods: gift cards, round sums, sleeping cards, bursts, rebookings."""

import numpy as np

from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.shapes.acts import DAY, private_places, repeated, ticket
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    CHIP,
    MANUAL,
    NORMAL,
    REVERSED,
    Bills,
    World,
    at_hour,
    make_bills,
    together,
)


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
    trade = np.array([TRADE[name] for name in trades])[taste]
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
    trade = np.array([TRADE[name] for name in names])[rng.integers(0, len(names), len(act))]
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
    trade = np.array([TRADE[name] for name in trades])[taste]
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
    trade = TRADE["dining"]
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
