"""What several shapes need: amounts and places of an act, and the people beside the actor."""

from typing import Protocol

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.merchants import TRADE_MEDIAN, TRADE_SIGMA
from orchestration.demo_company.places import displaced
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    Bills,
    World,
)

DAY = f.SECONDS_PER_DAY


class Shape(Protocol):
    """Makes the bills of some acts."""

    def __call__(self, world: World, rng: np.random.Generator, who: Array, luck: Array) -> Bills:
        """The bills of the acts of ``who``, early or late in the period by ``luck``."""
        ...


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
    codes = np.array([TRADE[name] for name in trades])
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
