"""Acts at the wrong place or time: late, on leave, before an exit, at home, at a friend's."""

import numpy as np

from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.places import LEISURE_CITIES
from orchestration.demo_company.shapes.acts import DAY, private_places, ticket
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    NORMAL,
    Bills,
    World,
    at_hour,
    make_bills,
)


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
    trade = np.array([TRADE[name] for name in trades])[
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
    city = np.where(rng.random(n) < away, rng.choice(LEISURE_CITIES, n), world.people.city[who])
    trade = np.array([TRADE[name] for name in trades])[rng.integers(0, len(trades), n)]
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
    trade = np.array([TRADE[name] for name in names])[rng.integers(0, len(names), n)]
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
    trade = np.array([TRADE[name] for name in names])[rng.integers(0, len(names), n)]
    at = at_hour(day, rng.normal(19.0 if honest else 15.5, 1.0 if honest else 3.0, n))
    merchant = world.merchants.regular(rng, who, world.people.city[who], trade)
    amount = ticket(world, rng, who, at, merchant, trade)
    return make_bills(world, rng, who, at, merchant, amount, "lunch")
