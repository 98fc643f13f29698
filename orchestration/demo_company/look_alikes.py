"""Innocent purchases that look like misuse, at least one sort for every kind a rule describes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company import misuse
from orchestration.demo_company.days import Array
from orchestration.demo_company.places import GIFT_BUYERS, PROFILES
from orchestration.demo_company.shapes import cash, claims, limits, visits
from orchestration.demo_company.shapes.acts import Shape
from orchestration.demo_company.world import APPROVED, PRE_APPROVED, Bills, World, together


def gift_buyers(world: World) -> Array:
    """Holders in the department that buys the holiday gifts."""
    buyers: Array = world.steady_holders() & (world.people.department == GIFT_BUYERS)
    return buyers


def shift_staff(world: World) -> Array:
    """Holders who are called in at weekends: field, IT and factory staff."""
    wanted = [PROFILES.index(name) for name in ("field", "it", "factory")]
    return world.steady_holders() & np.isin(world.people.profile, wanted)


def seniors(world: World) -> Array:
    """Holders from the grade of 부장 up."""
    return world.steady_holders() & (world.people.grade >= 4)


@dataclass(frozen=True)
class LookAlike:
    """A sort of innocent purchase, the misuse it resembles, why it is innocent, who makes it."""

    looks_like: str
    why_innocent: str
    shape: Shape
    eligible: Callable[[World], Array] = World.steady_holders


LOOK_ALIKES = (
    LookAlike(
        "split_same_merchant",
        "team dinner above the limit, approved in advance and paid in parts",
        partial(
            limits.split,
            trades=("dining",),
            purposes=("team_dinner",),
            quick=0.9,
            claim=PRE_APPROVED,
        ),
        misuse.limited,
    ),
    LookAlike(
        "split_same_merchant",
        "two genuine bills of different groups of guests on one day",
        partial(limits.split, trades=("dining",), purposes=("entertainment",), quick=0.0),
        misuse.limited,
    ),
    LookAlike(
        "split_across_cards",
        "two groups of one team dined apart and each paid its own table",
        partial(limits.split_over_cards, claim=PRE_APPROVED),
        misuse.limited_with_mate,
    ),
    LookAlike(
        "split_neighbour_bars",
        "farewell evening at two places, approved in advance",
        partial(limits.two_bars, claim=PRE_APPROVED),
        misuse.limited,
    ),
    LookAlike(
        "just_below_limit",
        "equipment whose list price happens to be just below the limit",
        limits.fixed_price,
        misuse.limited,
    ),
    LookAlike(
        "weekend_private",
        "meal during on-call work at the weekend",
        partial(
            visits.at_trades,
            trades=("restaurant", "cafe", "taxi"),
            purpose="lunch",
            hour=13.5,
            spread=2.8,
            off=1.0,
            loyal=False,
        ),
        shift_staff,
    ),
    LookAlike(
        "weekend_private",
        "client meal at a weekend event, approved in advance",
        partial(
            visits.at_trades,
            trades=("dining",),
            purpose="entertainment",
            hour=18.5,
            off=1.0,
            claim=PRE_APPROVED,
        ),
    ),
    LookAlike(
        "late_night_bar",
        "client evening in a bar, approved in advance",
        partial(
            visits.at_trades,
            trades=("bar",),
            purpose="entertainment",
            hour=23.4,
            claim=PRE_APPROVED,
        ),
    ),
    LookAlike(
        "late_night_bar",
        "meal and ride home after a night deployment",
        partial(
            visits.at_trades,
            trades=("restaurant", "taxi", "convenience"),
            purpose="night_taxi",
            hour=25.0,
            loyal=False,
        ),
        shift_staff,
    ),
    LookAlike(
        "use_on_leave",
        "called back to work during leave, with approval",
        partial(
            visits.on_leave,
            trades=("taxi", "restaurant", "parking"),
            purpose="taxi",
            away=0.0,
            claim=PRE_APPROVED,
        ),
        misuse.with_leave,
    ),
    LookAlike(
        "pre_exit_surge",
        "handover dinners before an exit",
        partial(visits.before_exit, honest=True),
        misuse.leaving,
    ),
    LookAlike(
        "near_home",
        "meals on days of work from home or at a client next door",
        partial(visits.near_home, off=0.05, trades=("restaurant", "cafe", "printing")),
        misuse.far_from_site,
    ),
    LookAlike(
        "home_city_during_trip",
        "came back from the trip early on its last day",
        partial(visits.home_during_trip, honest=True),
        misuse.with_trips,
    ),
    LookAlike(
        "restricted_merchant",
        "golf with a client, approved in advance",
        partial(
            visits.at_trades,
            trades=("golf",),
            purpose="leisure",
            hour=13.0,
            off=0.6,
            claim=PRE_APPROVED,
        ),
        seniors,
    ),
    LookAlike(
        "restricted_merchant",
        "sauna provided to the night shift",
        partial(
            visits.at_trades,
            trades=("sauna",),
            purpose="welfare",
            hour=8.0,
            claim=PRE_APPROVED,
        ),
        shift_staff,
    ),
    LookAlike(
        "disguised_bar",
        "late dinner with visitors from abroad in a restaurant with private rooms",
        partial(
            visits.at_trades,
            trades=("night_dining", "dining"),
            purpose="entertainment",
            hour=22.9,
            spread=0.7,
            scale=1.2,
            loyal=False,
        ),
    ),
    LookAlike(
        "private_shopping",
        "gift for a client from a department store, approved in advance",
        partial(
            visits.at_trades,
            trades=("department_store",),
            purpose="store_gift",
            hour=14.0,
            off=0.1,
            claim=PRE_APPROVED,
        ),
    ),
    LookAlike(
        "private_shopping",
        "clinic after an accident at work",
        partial(visits.at_trades, trades=("clinic",), purpose="welfare", hour=13.5),
        shift_staff,
    ),
    LookAlike(
        "one_holder_merchant",
        "the only supplier of a special part, ordered by one buyer",
        partial(visits.private_merchant, trades=("hardware", "electronics"), purpose="hardware"),
    ),
    LookAlike(
        "gift_card_cash_out",
        "holiday gift cards for all staff bought by the people department",
        partial(cash.gift_cards, trades=("gift",), in_season=0.95, claim=PRE_APPROVED),
        gift_buyers,
    ),
    LookAlike(
        "gift_card_cash_out",
        "prizes for a customer survey",
        partial(cash.gift_cards, trades=("gift", "prepaid"), in_season=0.2),
    ),
    LookAlike(
        "card_discount_cash",
        "deposit for a venue, a round sum at a small house",
        partial(
            cash.round_cash,
            trades=("restaurant", "dining", "florist"),
            purpose="team_dinner",
            claim=PRE_APPROVED,
        ),
    ),
    LookAlike(
        "dormant_card_wakes",
        "manager back from long absence uses the second card again",
        partial(cash.sleeping_card, claim=PRE_APPROVED),
        misuse.with_sleeping_card,
    ),
    LookAlike(
        "velocity_burst",
        "many small purchases on the day of a company event",
        partial(
            cash.burst,
            trades=("supermarket", "convenience", "stationery", "cafe", "courier"),
            off=0.2,
        ),
    ),
    LookAlike(
        "cancel_and_reapprove",
        "wrong amount corrected by the cashier within minutes",
        partial(cash.cancel_and_rebook, honest=True),
    ),
    LookAlike(
        "duplicate_claim",
        "the same set menu at the same place twice within days",
        claims.equal_meals,
    ),
    LookAlike(
        "card_and_cash_claim",
        "a wreath on the card and condolence money of the same sum in cash",
        claims.wreath_and_money,
    ),
    LookAlike(
        "two_people_one_bill",
        "colleagues each paid for the same lunch menu",
        partial(claims.one_bill_two_people, honest=True),
        misuse.with_mate,
    ),
)


def look_alike_purchases(world: World, rng: np.random.Generator, acts: Array) -> Bills:
    """The bills of all look-alikes; ``acts`` is the number of acts of each kind of misuse.

    :attr:`Bills.look_alike` is 1 + the index in ``LOOK_ALIKES``.
    """
    parts = []
    for code, sort in enumerate(LOOK_ALIKES):
        able = np.flatnonzero(sort.eligible(world))
        if len(able) == 0:
            continue
        alike = sum(other.looks_like == sort.looks_like for other in LOOK_ALIKES)
        wanted = acts[misuse.KIND_NAMES.index(sort.looks_like)] * f.LOOK_ALIKES_PER_ACT / alike
        count = max(round(float(wanted)), 1)
        who = rng.choice(able, count)
        bills = sort.shape(world, rng, who, rng.random(count))
        bills.look_alike[bills.status == APPROVED] = code + 1
        parts.append(bills)
    return together(parts)
