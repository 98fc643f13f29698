"""Acts that show in claims: meals, slips and bills that are claimed twice or by two."""

import numpy as np

from orchestration.demo_company.days import Array
from orchestration.demo_company.purposes import PURPOSE
from orchestration.demo_company.shapes.acts import DAY, team_mate, ticket
from orchestration.demo_company.trades import TRADE
from orchestration.demo_company.world import (
    CASH_BESIDE,
    CASH_TWIN,
    CLAIMED_TWICE,
    Bills,
    World,
    at_hour,
    make_bills,
    together,
)


def claimed_meal(
    world: World, rng: np.random.Generator, who: Array, luck: Array, *, claim: int
) -> Bills:
    """An ordinary dinner or lunch that is claimed a second time."""
    big = rng.random(len(who)) < 0.3
    trade = np.where(big, TRADE["dining"], TRADE["restaurant"])
    purpose = np.where(big, PURPOSE["entertainment"], PURPOSE["lunch"])
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
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["florist"])
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
    merchant = world.merchants.regular(rng, who, world.people.city[who], TRADE["restaurant"])
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
    trade = TRADE["restaurant" if honest else "dining"]
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
