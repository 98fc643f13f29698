"""Ordinary purchases: work days, trips, subscriptions, and the slips every terminal makes."""

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array, Days
from orchestration.demo_company.merchants import (
    CITY_LATITUDE,
    CITY_LONGITUDE,
    FOREIGN,
    TRADE_ONLINE,
)
from orchestration.demo_company.places import CITIES, SEOUL, kilometres
from orchestration.demo_company.purposes import PURPOSE, PURPOSES, Purpose
from orchestration.demo_company.trades import TRADE, TRADES
from orchestration.demo_company.world import (
    APPROVED,
    DECLINED,
    PRE_APPROVED,
    REVERSED,
    Bills,
    World,
    at_hour,
    make_bills,
    together,
)

WORKDAYS_A_MONTH = 21.0
HOURS_AHEAD = np.array([city.hours_ahead for city in CITIES])


def ordinary_purchases(world: World, rng: np.random.Generator) -> Bills:
    """Everything bought in good faith, before refunds and before any look-alike of misuse."""
    activity = rng.lognormal(0, f.ACTIVITY_SPREAD, world.people.count).clip(max=f.ACTIVITY_MOST)
    parts = [
        _of_purpose(world, rng, name, activity)
        for name, purpose in PURPOSES.items()
        if any(purpose.rates)
    ]
    parts += [_on_trips(world, rng), _subscriptions(world, rng), _first_use(world, rng)]
    return _with_slips(world, rng, within_limits(world, rng, together(parts)))


def day_weights(days: Days, purpose: Purpose) -> Array:
    """How likely a purchase of the purpose is on each day; 1 is a plain working day."""
    weight = np.where(days.off, purpose.off, 1.0)
    if purpose.season == "evening":
        weight = weight * np.array(f.EVENING_BY_WEEKDAY)[days.weekday]
        weight = weight * np.where(days.december, f.YEAR_END_EVENING_FACTOR, 1.0)
    elif purpose.season == "gift":
        weight = weight * np.where(days.gift_season, f.GIFT_SEASON_FACTOR, 1.0)
    elif purpose.season == "budget":
        weight = weight * np.where(days.december, f.BUDGET_FLUSH_FACTOR, 1.0)
    elif purpose.season == "month_end":
        weight = weight * np.where(days.month_end_in < f.MONTH_END_DAYS, f.MONTH_END_FACTOR, 1.0)
    return weight


def _of_purpose(world: World, rng: np.random.Generator, name: str, activity: Array) -> Bills:
    """Ordinary purchases of one purpose: who, when, where, how much."""
    purpose, code = PURPOSES[name], PURPOSE[name]
    people, days = world.people, world.days
    habit = 0.3 + 1.4 * uniform_hash(np.arange(people.count), Habit.AFFINITY, code)
    monthly = np.array(purpose.rates)[people.profile] * activity * habit
    monthly *= np.array(f.RATE_BY_GRADE[purpose.grade])[people.grade] * f.ACTIVITY
    monthly *= world.cards.primary >= 0
    weight = day_weights(days, purpose)
    # Two in one are dropped at the end by everybody's rhythm of the week, hence the factor 2.
    count = rng.poisson(monthly * weight.sum() / WORKDAYS_A_MONTH * 2)
    employee = np.repeat(np.arange(people.count), count)
    n = len(employee)
    cumulative = np.cumsum(weight) / weight.sum()
    day = np.minimum(np.searchsorted(cumulative, rng.random(n), side="right"), days.count - 1)
    # From 0 to 1, on average one half.
    rhythm = uniform_hash(employee, Habit.WEEKLY_RHYTHM, code, days.weekday[day])
    here = (
        (rng.random(n) < rhythm) & (day >= people.hired[employee]) & (day < people.left[employee])
    )
    employee, day = employee[here], day[here]

    trade = TRADE[purpose.trade]
    online = bool(TRADE_ONLINE[trade])
    trip = world.trips.covering(employee, day)
    city = np.where(trip >= 0, world.trips.what[trip], people.city[employee])
    there = online | ((world.leaves.covering(employee, day) < 0) & ~FOREIGN[city])
    employee, day, city = employee[there], day[there], city[there]

    n = len(employee)
    at = at_hour(day, mixed_hours(rng, purpose, n))
    merchant = world.merchants.regular(rng, employee, city, trade)
    amount = purpose.median * np.exp(rng.normal(0, purpose.sigma, n))
    amount *= world.merchants.price[merchant] * np.array(f.AMOUNT_BY_GRADE)[people.grade[employee]]
    second = (rng.random(n) < 0.5) & (purpose.per_head > 0)
    return make_bills(world, rng, employee, at, merchant, amount, np.full(n, code), second=second)


def mixed_hours(rng: np.random.Generator, purpose: Purpose, count: int) -> Array:
    """Hours of the day drawn from the purpose's mixture; past 24 is the next day."""
    mean, spread, share = np.array(purpose.hours).T
    part = np.searchsorted(np.cumsum(share) - 1e-9, rng.random(count))
    part = np.minimum(part, len(share) - 1)
    hours: Array = np.clip(rng.normal(mean[part], spread[part]), 6.0, 27.5)
    return hours


def within_limits(world: World, rng: np.random.Generator, bills: Bills) -> Bills:
    """Above the card's limit some purchases were approved, some declined, the rest made smaller."""
    limit = world.cards.single_limit(bills.card, bills.at)
    over = np.flatnonzero(bills.amount > limit)
    luck = rng.random(len(over))
    declined = luck < f.OVER_LIMIT_DECLINED
    smaller = luck > f.OVER_LIMIT_DECLINED + f.OVER_LIMIT_APPROVED
    bills.status[over[declined]] = DECLINED
    bills.claim[over[~declined & ~smaller]] = PRE_APPROVED
    kept = over[smaller]
    share = rng.uniform(0.3, 0.97, len(kept))
    bills.amount[kept] = np.rint(limit[kept] * share / 100).astype(np.int64) * 100
    return bills


def _on_trips(world: World, rng: np.random.Generator) -> Bills:
    """Rail or flight, hotel, dinners, lunches abroad and taxis of every trip."""
    trips, people, merchants = world.trips, world.people, world.merchants
    who, nights = trips.employee, trips.end - trips.start
    abroad = FOREIGN[trips.what]
    n = len(who)
    home, target = people.city[who], trips.what
    distance = kilometres(
        CITY_LATITUDE[home], CITY_LONGITUDE[home], CITY_LATITUDE[target], CITY_LONGITUDE[target]
    )
    parts = []

    by_rail = np.flatnonzero(~abroad & (distance > 60) & (rng.random(n) < 0.75))
    fare = 5_000 + 165 * distance[by_rail]  # about the fare of the fast train
    seoul = np.full(len(by_rail), SEOUL)
    for day, hour in ((trips.start, 8.0), (trips.end, 18.2)):
        at = at_hour(day[by_rail], rng.normal(hour, 1.2, len(by_rail)))
        place = merchants.regular(rng, who[by_rail], seoul, TRADE["rail"])
        parts.append(make_bills(world, rng, who[by_rail], at, place, fare, "rail"))

    fly = np.flatnonzero(abroad)
    fare = 380 * distance[fly] ** 0.95 * rng.lognormal(0, 0.2, len(fly))
    booked = np.maximum(trips.start[fly] - rng.integers(5, 25, len(fly)), 0)
    at = at_hour(booked, rng.normal(14, 2, len(fly)))
    place = merchants.regular(rng, who[fly], np.full(len(fly), SEOUL), TRADE["airline"])
    parts.append(make_bills(world, rng, who[fly], at, place, fare, "flight"))

    stay = np.flatnonzero(nights > 0)
    local = rng.normal(20.5, 1.5, len(stay))
    place = merchants.regular(rng, who[stay], target[stay], TRADE["hotel"])
    price = TRADES["hotel"].median * merchants.price[place] * rng.lognormal(0, 0.2, len(stay))
    price *= nights[stay] * np.where(abroad[stay], 1.6, 1.0)
    at = at_hour(trips.start[stay], local - HOURS_AHEAD[target[stay]])
    parts.append(make_bills(world, rng, who[stay], at, place, price, "hotel"))

    # Dinner most nights, lunch too abroad (at home cities the ordinary lunch travels along).
    for name, chance, hour, spread in (
        ("trip_meal", 0.7, 19.4, 0.8),
        ("trip_meal", 0.0, 12.5, 0.5),
        ("trip_taxi", 0.6, 10.0, 1.5),
        ("trip_taxi", 0.45, 21.0, 1.4),
    ):
        each = np.repeat(np.arange(n), nights + 1)
        order = np.arange(len(each)) - np.repeat(np.cumsum(nights + 1) - (nights + 1), nights + 1)
        there = rng.random(len(each)) < np.where(abroad[each], 0.75, chance)
        each, order = each[there], order[there]
        city = target[each]
        at = at_hour(
            trips.start[each] + order, rng.normal(hour, spread, len(each)) - HOURS_AHEAD[city]
        )
        trade = TRADE[PURPOSES[name].trade]
        place = merchants.regular(rng, who[each], city, trade)
        median = PURPOSES[name].median or TRADES[PURPOSES[name].trade].median
        amount = median * merchants.price[place] * rng.lognormal(0, 0.5, len(each))
        parts.append(make_bills(world, rng, who[each], at, place, amount, name))
    return together(parts)


def _subscriptions(world: World, rng: np.random.Generator) -> Bills:
    """Monthly software of a fixed amount on a fixed day: equal amounts that mean nothing."""
    people, days = world.people, world.days
    holders = world.cards.primary >= 0
    rate = np.array(f.SUBSCRIPTIONS)[people.profile] * holders
    owner = np.repeat(np.arange(people.count), rng.poisson(rate))
    months = np.arange(days.count // 28 + 1)
    first = rng.integers(0, 30, len(owner))
    price = TRADES["software"].median * rng.lognormal(-0.4, 0.8, len(owner))
    price = np.maximum(np.rint(price / 100), 10) * 100
    place = world.merchants.favourite(
        owner, np.full(len(owner), SEOUL), TRADE["software"], Habit.SUBSCRIPTION
    )
    hour = rng.uniform(0, 24, len(owner))
    day = (first[:, None] + np.floor(months * 30.44).astype(np.int64)[None, :]).ravel()
    owner, price, place, hour = (np.repeat(x, len(months)) for x in (owner, price, place, hour))
    there = (day >= people.hired[owner]) & (day < people.left[owner])
    owner, price, place, hour, day = (x[there] for x in (owner, price, place, hour, day))
    return make_bills(world, rng, owner, at_hour(day, hour), place, price, "software", exact=True)


def _first_use(world: World, rng: np.random.Generator) -> Bills:
    """Sleeping second cards are used once in the first week, so that the gap can be seen."""
    owner = np.flatnonzero(world.cards.second_sleeps)
    at = at_hour(
        world.days.workday_from(rng.integers(0, 7, len(owner))), rng.normal(12.5, 0.6, len(owner))
    )
    place = world.merchants.regular(rng, owner, world.people.city[owner], TRADE["restaurant"])
    amount = 20_000 * rng.lognormal(0, 0.5, len(owner))
    return make_bills(world, rng, owner, at, place, amount, "lunch", card=world.cards.second[owner])


def _with_slips(world: World, rng: np.random.Generator, bills: Bills) -> Bills:
    """Adds declined attempts and purchases keyed in wrongly and cancelled within minutes."""
    luck = rng.random(len(bills))
    slipped = np.flatnonzero(
        (luck < f.DECLINED_SHARE + f.REVERSED_SHARE) & (bills.status == APPROVED)
    )
    slips = bills.only(slipped)
    declined = luck[slipped] < f.DECLINED_SHARE
    slips.status = np.where(declined, DECLINED, REVERSED).astype(np.int8)
    slips.at = slips.at - rng.integers(15, 240, len(slips))
    wrong = np.maximum(np.rint(slips.amount * rng.uniform(0.7, 1.5, len(slips)) / 100), 1) * 100
    slips.amount = np.where(declined, slips.amount, wrong.astype(np.int64))
    slips = slips.only((slips.at >= 0) & (slips.at >= world.cards.valid_from[slips.card]))
    return together([bills, slips])


def mingle(world: World, rng: np.random.Generator, bills: Bills) -> None:
    """Send a few ordinary customers to the merchants that were added for single people.

    Without them a merchant outside the pools would give its purpose away.
    """
    merchants = world.merchants
    added = np.arange(merchants.pooled, merchants.count)
    if len(added) == 0:
        return
    codes = merchants.trade * len(CITIES) + merchants.city
    order = added[np.argsort(codes[added], kind="stable")]
    ordered = codes[order]
    plain = np.flatnonzero(
        (bills.kind == 0) & (bills.look_alike == 0) & (rng.random(len(bills)) < f.MINGLE_SHARE)
    )
    wanted = codes[bills.merchant[plain]]
    first = np.searchsorted(ordered, wanted, "left")
    last = np.searchsorted(ordered, wanted, "right")
    luck = first + np.floor(rng.random(len(plain)) * (last - first)).astype(np.int64)
    match = last > first
    bills.merchant[plain[match]] = order[luck[match]]
