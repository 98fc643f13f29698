"""Acts that no rule describes: habits that grow, alternate or shift."""

import numpy as np

from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.purposes import PURPOSE
from orchestration.demo_company.shapes.acts import private_places, stranger, ticket
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    Bills,
    World,
    at_hour,
    make_bills,
)


def escalation(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Dinners at a friendly restaurant that grow slowly, from a usual bill to several times it."""
    merchant = world.merchants.favourite(
        who, world.people.city[who], TRADE["dining"], Habit.FRIENDLY_MERCHANT
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
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["fuel"])
    amount = ticket(world, rng, who, at, merchant, world.merchants.trade[merchant])
    return make_bills(world, rng, who, at, merchant, amount, "fuel")


def small_online(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """Small private purchases through software stores, booked as tools."""
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["software"])
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
    trade = np.array([TRADE[name] for name in names])[liking]
    at = at_hour(world.workday(who, np.sqrt(luck)), rng.normal(17.0, 2.5, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    purpose = np.array([PURPOSE[name] for name in ("groceries", "snack", "mall", "books", "fuel")])[
        liking
    ]
    return make_bills(world, rng, who, at, merchant, amount, purpose)
