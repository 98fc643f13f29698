"""Misuse: its kinds, who commits it, and how often.

Few habitual offenders commit most of it, each with one or two kinds they keep to; the rest is
spread over people who do it once. Shares come from ``figures``: about 1 % of transactions,
5 % of employees behind more than 80 % of it, and for splitting and gift cards the midpoint of
two Korean surveys of admitted acts. How the remaining acts spread over kinds is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.files import days_of
from orchestration.demo_company.merchants import CITY_LATITUDE, CITY_LONGITUDE
from orchestration.demo_company.places import kilometres
from orchestration.demo_company.shapes import acts, cash, claims, drift, limits, visits
from orchestration.demo_company.shapes.acts import Shape
from orchestration.demo_company.world import APPROVED, Bills, World, together


def limited(world: World) -> Array:
    """Holders whose limit is low enough for a dinner to exceed it."""
    single = np.array(f.SINGLE_LIMITS)[world.people.grade]
    return world.steady_holders() & (single <= f.SPLITTABLE_LIMIT)


def limited_with_mate(world: World) -> Array:
    """Such holders who have a team mate with a card."""
    return limited(world) & (acts.team_mate(world) >= 0)


def with_mate(world: World) -> Array:
    """Holders who have a team mate with a card."""
    return world.steady_holders() & (acts.team_mate(world) >= 0)


def with_stranger(world: World) -> Array:
    """Holders who have somebody of another department at their site."""
    return world.steady_holders() & (acts.stranger(world) >= 0)


def with_leave(world: World) -> Array:
    """Holders with whole days of leave in the period."""
    return world.steady_holders() & (_stays_of(world, world.leaves.employee) > 0)


def with_trips(world: World) -> Array:
    """Holders who travel in the period."""
    return world.steady_holders() & (_stays_of(world, world.trips.employee) > 0)


def leaving(world: World) -> Array:
    """Holders who leave the company in the period."""
    return (world.cards.primary >= 0) & (world.people.left < f.NEVER) & (world.people.hired < 0)


def leaving_with_open_card(world: World) -> Array:
    """Those leavers whose card is blocked too late; all leavers if there are none."""
    exits = leaving(world)
    blocked_on = days_of(world.cards.blocked_at[world.cards.primary])
    late = exits & (blocked_on > world.people.left)
    return late if late.any() else exits


def with_sleeping_card(world: World) -> Array:
    """Holders of a second card that is never used in ordinary life."""
    return world.steady_holders() & world.cards.second_sleeps


def far_from_site(world: World) -> Array:
    """Holders who live more than six kilometres from their site."""
    people = world.people
    distance = kilometres(
        people.home_latitude,
        people.home_longitude,
        CITY_LATITUDE[people.city],
        CITY_LONGITUDE[people.city],
    )
    return world.steady_holders() & (distance > 6)


def _stays_of(world: World, employee: Array) -> Array:
    return np.bincount(employee, minlength=world.people.count)


@dataclass(frozen=True)
class Kind:
    """A kind of misuse.

    ``rule`` is the id in the rule catalogue, None where no rule describes the kind; ``weight``
    its share of acts inside its group; ``bills`` the usual number of bills an act has;
    ``occasional`` whether people without a habit do it too.
    """

    name: str
    rule: str | None
    weight: float
    shape: Shape
    eligible: Callable[[World], Array] = World.steady_holders
    bills: float = 1.0
    occasional: bool = False
    group: str = "other"


KINDS = (
    Kind("split_same_merchant", "A1", 9, limits.split, limited, 2.2, True, "splitting"),
    Kind(
        "split_across_cards",
        "A3",
        4,
        limits.split_over_cards,
        limited_with_mate,
        2,
        False,
        "splitting",
    ),
    Kind("split_neighbour_bars", "A4", 2, limits.two_bars, limited, 2, False, "splitting"),
    Kind("just_below_limit", "A5", 4, limits.below_limit, limited, 1.5, True, "splitting"),
    Kind(
        "weekend_private",
        "B1",
        8,
        partial(
            visits.at_trades,
            trades=("restaurant", "supermarket", "fuel", "department_store", "dining"),
            purpose="lunch",
            hour=14.5,
            spread=2.8,
            off=1.0,
            scale=1.3,
            loyal=False,
        ),
        occasional=True,
    ),
    Kind(
        "late_night_bar",
        "B2",
        5,
        partial(visits.at_trades, trades=("bar",), purpose="entertainment", hour=24.4, scale=1.2),
        occasional=True,
    ),
    Kind("use_on_leave", "B4", 3, visits.on_leave, with_leave, occasional=True),
    Kind("pre_exit_surge", "B5", 2.5, visits.before_exit, leaving_with_open_card),
    Kind("near_home", "B6", 8, visits.near_home, far_from_site, occasional=True),
    Kind("home_city_during_trip", "B9", 1.5, visits.home_during_trip, with_trips),
    Kind(
        "restricted_merchant",
        "C1",
        5,
        partial(
            visits.at_trades,
            trades=("massage", "golf", "karaoke", "sauna", "casino", "arcade", "beauty"),
            purpose="leisure",
            hour=20.0,
            spread=3.0,
            off=0.3,
        ),
        occasional=True,
    ),
    Kind(
        "disguised_bar",
        "C2",
        5,
        partial(visits.at_trades, trades=("night_dining",), purpose="entertainment", hour=24.0),
    ),
    Kind(
        "private_shopping",
        "C3",
        3,
        partial(
            visits.at_trades,
            trades=("department_store", "jewellery", "clinic"),
            purpose="store_gift",
            hour=15.0,
            spread=2.5,
            off=0.4,
        ),
        occasional=True,
    ),
    Kind("one_holder_merchant", "C5", 3, visits.private_merchant),
    Kind("gift_card_cash_out", "D1", 1, cash.gift_cards, bills=1.5, occasional=True, group="gift"),
    Kind("card_discount_cash", "D2", 3, cash.round_cash),
    Kind("dormant_card_wakes", "E1", 0.8, cash.sleeping_card, with_sleeping_card, 4.5),
    Kind("velocity_burst", "E4", 0.8, cash.burst, bills=7),
    Kind("cancel_and_reapprove", "E6", 1.5, cash.cancel_and_rebook),
    Kind("duplicate_claim", "F1", 3, claims.claimed_twice, occasional=True),
    Kind("card_and_cash_claim", "F3", 3, claims.card_and_cash),
    Kind("two_people_one_bill", "F4", 1.5, claims.one_bill_two_people, with_mate, 2),
    Kind("friendly_merchant_escalation", None, 3, drift.escalation),
    Kind("colluding_alternation", None, 2.5, drift.alternation, with_stranger),
    Kind("fuel_beyond_distance", None, 4, drift.fuel_often),
    Kind("small_private_online", None, 4, drift.small_online, occasional=True),
    Kind("category_mix_shift", None, 4, drift.mix_shift),
)
KIND_NAMES = tuple(kind.name for kind in KINDS)

#: When behaviour changes, misuse of these kinds ends, and that of those begins.
ENDS = tuple(kind.name for kind in KINDS if kind.group == "splitting" or kind.rule in ("C1", "C2"))
BEGINS = ("gift_card_cash_out", "card_discount_cash", "private_shopping", "late_night_bar")


def acts_per_kind(bills: float) -> Array:
    """How many acts of each kind give about so many bills; a few of each at least."""
    group_share = {
        "splitting": f.SPLITTING_SHARE_OF_ACTS,
        "gift": f.GIFT_CARD_SHARE_OF_ACTS,
        "other": 1 - f.SPLITTING_SHARE_OF_ACTS - f.GIFT_CARD_SHARE_OF_ACTS,
    }
    total = {group: sum(k.weight for k in KINDS if k.group == group) for group in group_share}
    share = np.array([k.weight / total[k.group] * group_share[k.group] for k in KINDS])
    acts = bills / float(share @ np.array([k.bills for k in KINDS]))
    return np.maximum(np.rint(share * acts), f.FEWEST_ACTS).astype(np.int64)


def choose_offenders(world: World, rng: np.random.Generator, acts: Array) -> list[Array]:
    """The habitual offenders of each kind.

    Kinds few people can commit choose first; once there are enough offenders, later kinds
    become further habits of those chosen.
    """
    target = max(round(f.OFFENDER_SHARE * world.people.count), 3)
    able = [kind.eligible(world) for kind in KINDS]
    fewest = max(min(target // len(KINDS), 2), 1)
    habits = np.maximum(np.rint(acts / acts.sum() * target * f.HABITS_PER_OFFENDER), fewest)
    chosen = np.zeros(world.people.count, dtype=bool)
    offenders: list[Array] = [np.empty(0, dtype=np.int64)] * len(KINDS)
    for index in np.argsort([mask.sum() for mask in able], kind="stable"):
        wanted = min(int(habits[index]), int(able[index].sum()))
        known = np.flatnonzero(able[index] & chosen)
        new = np.flatnonzero(able[index] & ~chosen)
        room = max(target - int(chosen.sum()), 0 if len(known) else 1)
        fresh = min(max(round(wanted / f.HABITS_PER_OFFENDER), 1), room, len(new))
        old = min(wanted - fresh, len(known))
        fresh = min(max(fresh, min(fewest, wanted) - old), len(new))
        picked = np.concatenate(
            [rng.choice(new, fresh, replace=False), rng.choice(known, old, replace=False)]
        )
        chosen[picked] = True
        offenders[index] = picked
    return offenders


def misuse_purchases(
    world: World, rng: np.random.Generator, ordinary: int, change: float | None = None
) -> tuple[Bills, Array]:
    """The bills of all misuse and the number of acts of each kind.

    ``ordinary`` is the number of ordinary bills the misuse is a share of; ``change`` the part of
    the period after which some kinds end and others begin (None: never).
    """
    acts = acts_per_kind(f.MISUSE_SHARE * ordinary)
    offenders = choose_offenders(world, rng, acts)
    parts = []
    for code, (kind, count, habitual) in enumerate(zip(KINDS, acts, offenders, strict=True)):
        if len(habitual) == 0:
            continue
        weight = rng.gamma(2.0, 1.0, len(habitual))
        who = rng.choice(habitual, count, p=weight / weight.sum())
        starts = uniform_hash(who, Habit.ONSET, code)
        onset = np.where(starts < f.LATE_STARTERS, 0.0, (starts - f.LATE_STARTERS) * 1.2)
        luck = onset + (1 - onset) * rng.random(count)
        if kind.occasional:
            once = rng.random(count) < f.OCCASIONAL_SHARE_OF_ACTS / _occasional_share(acts)
            anybody = np.flatnonzero(kind.eligible(world))
            who = np.where(once, rng.choice(anybody, count), who)
            luck = np.where(once, rng.random(count), luck)
        if change is not None and kind.name in ENDS:
            luck = change * luck
        if change is not None and kind.name in BEGINS:
            luck = change + (1 - change) * luck
        bills = kind.shape(world, rng, who, luck)
        counted = (bills.status == APPROVED) & (bills.refunded_at == 0)
        bills.kind[counted] = code + 1
        parts.append(bills)
    return together(parts), acts


def _occasional_share(acts: Array) -> float:
    once = np.array([kind.occasional for kind in KINDS])
    return float(acts[once].sum() / acts.sum())
