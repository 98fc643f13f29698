"""Acts around a limit: split over bills, cards or bars, or kept just below it."""

import numpy as np

from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.places import displaced
from orchestration.demo_company.purposes import PURPOSE
from orchestration.demo_company.shapes.acts import repeated, team_mate
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    NORMAL,
    Bills,
    World,
    at_hour,
    make_bills,
    together,
)


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
    trade = np.array([TRADE[name] for name in trades])[taste]
    purpose = np.array([PURPOSE[name] for name in purposes])[taste]
    day = world.workday(who, luck)
    evening = trade == TRADE["dining"]
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
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["dining"])
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
    first = merchants.favourite(who, world.people.city[who], TRADE["bar"], Habit.BAR)
    known, where = np.unique(first, return_inverse=True)
    latitude, longitude = displaced(
        rng,
        merchants.latitude[known],
        merchants.longitude[known],
        rng.uniform(0.03, 0.27, len(known)),
    )
    bar = np.full(len(known), TRADE["bar"])
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
    trade = np.where(taste, TRADE["dining"], TRADE["electronics"])[act]
    purpose = np.where(taste, PURPOSE["entertainment"], PURPOSE["electronics"])[act]
    day = world.workday(who, luck)[act] + order * (rng.random(len(act)) < 0.8)
    hour = np.where(taste[act], rng.normal(20.8, 0.8, len(act)), rng.normal(14.5, 1.8, len(act)))
    at = at_hour(day, hour)
    merchant = world.merchants.regular(rng, who[act], world.people.city[who[act]], trade)
    amount = world.limit(who[act], at) * rng.uniform(0.90, 0.995, len(act))
    return make_bills(world, rng, who[act], at, merchant, amount, purpose)


def fixed_price(world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
    """One item whose list price happens to be just below the limit."""
    at = at_hour(world.workday(who, luck), rng.normal(14.0, 1.8, len(who)))
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["electronics"])
    limit = world.limit(who, at)
    price = np.floor(limit * rng.uniform(0.91, 0.999, len(who)) / 10_000) * 10_000 - 1_000
    return make_bills(world, rng, who, at, merchant, price, "electronics", exact=True)
