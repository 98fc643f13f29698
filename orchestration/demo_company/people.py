"""Employees, their cards, leave and trips."""

from dataclasses import dataclass

import numpy as np

from orchestration.demo_company import figures as f
from orchestration.demo_company.chance import pick
from orchestration.demo_company.days import Array, Days
from orchestration.demo_company.places import (
    CITIES,
    DEPARTMENTS,
    DOMESTIC_CITIES,
    FOREIGN_CITIES,
    HEAD_OFFICE,
    OVERSEAS_SALES,
    PROFILES,
    TEAM_SIZE,
    WEEKLY_TRIPS,
    displaced,
)

ABSENCE_KINDS = ("연차", "반차", "병가", "육아휴직", "경조휴가")
ANNUAL, HALF_DAY, SICK, PARENTAL, FAMILY = range(len(ABSENCE_KINDS))


def share_of_period(annual: float, days: Days) -> float:
    """The share of people an annual rate reaches within the period."""
    return float(1 - (1 - annual) ** (days.count / 365))


@dataclass(frozen=True)
class People:
    """Employees as arrays; days count from the first day, ``NEVER`` where nothing happens.

    ``department`` and ``manager`` hold until ``moved_on``, then ``new_department`` and
    ``new_manager``; ``grade`` rises by one on ``promoted_on``. ``notice_on`` is the day the
    coming exit is known. The chief executive has manager -1.
    """

    department: Array
    profile: Array
    grade: Array
    city: Array
    manager: Array
    hired: Array
    left: Array
    notice_on: Array
    moved_on: Array
    new_department: Array
    new_manager: Array
    promoted_on: Array
    home_latitude: Array
    home_longitude: Array

    @property
    def count(self) -> int:
        """Number of employees, including those hired or leaving in the period."""
        return len(self.department)

    def manager_at(self, employee: Array, day: Array) -> Array:
        """The manager of employees as of days."""
        moved = day >= self.moved_on[employee]
        return np.where(moved, self.new_manager[employee], self.manager[employee])


def hire_people(rng: np.random.Generator, days: Days, employees: int) -> People:
    """Draw the staff: department, grade pyramid, teams of about ten, homes, comings and goings."""
    n = employees
    weights = np.array([d.weight for d in DEPARTMENTS])
    department = rng.choice(len(weights), n, p=weights / weights.sum())
    grade = rng.choice(len(f.GRADES), n, p=f.GRADE_SHARES)
    seats = np.array(
        [[c in d.cities for c in range(len(CITIES))] for d in DEPARTMENTS], dtype=float
    )
    city = pick(rng, seats[department])
    profile_of = np.array([PROFILES.index(d.profile) for d in DEPARTMENTS])

    hired = -np.ceil(rng.gamma(2.0, 365 * (0.6 + 1.3 * grade))).astype(np.int64)
    fresh = (rng.random(n) < share_of_period(f.ANNUAL_HIRES, days)) & (grade <= 2)
    hired = np.where(fresh, rng.integers(1, days.count, n), hired)
    manager, is_lead = _managers(rng, department, grade, fresh)

    left = np.full(n, f.NEVER)
    stayers = np.flatnonzero(~fresh & ~is_lead)
    # At least three, so that even a small company has exits to misuse.
    leaving = rng.choice(
        stayers, max(3, round(n * share_of_period(f.ANNUAL_LEAVERS, days))), replace=False
    )
    left[leaving] = rng.integers(days.count // 4, days.count - 5, len(leaving))
    notice_on = np.where(left < f.NEVER, left - rng.integers(14, 31, n), f.NEVER)

    settled = ~fresh & ~is_lead & (left == f.NEVER)
    moved = settled & (rng.random(n) < share_of_period(f.ANNUAL_TRANSFERS, days))
    moved_on = np.where(moved, rng.integers(1, days.count, n), f.NEVER)
    model = rng.permutation(stayers)[np.arange(n) % len(stayers)]  # whose seat one moves next to
    rises = settled & (grade <= 3) & (rng.random(n) < share_of_period(f.ANNUAL_PROMOTIONS, days))
    promoted_on = np.where(rises, rng.integers(1, days.count, n), f.NEVER)

    latitude = np.array([c.latitude for c in CITIES])[city]
    longitude = np.array([c.longitude for c in CITIES])[city]
    distance = np.clip(rng.lognormal(np.log(11), 0.7, n), 0.8, 60)
    home_latitude, home_longitude = displaced(rng, latitude, longitude, distance)
    return People(
        department=department,
        profile=profile_of[department],
        grade=grade,
        city=city,
        manager=manager,
        hired=hired,
        left=left,
        notice_on=notice_on,
        moved_on=moved_on,
        new_department=np.where(moved, department[model], department),
        new_manager=np.where(moved, manager[model], manager),
        promoted_on=promoted_on,
        home_latitude=home_latitude,
        home_longitude=home_longitude,
    )


def _managers(
    rng: np.random.Generator, department: Array, grade: Array, fresh: Array
) -> tuple[Array, Array]:
    """Manager of each employee and who leads: heads of departments, leads of teams."""
    n = len(department)
    order = np.lexsort((rng.random(n), -grade, fresh, department))
    size = np.bincount(department, minlength=len(DEPARTMENTS))
    start = np.cumsum(size) - size
    place = np.empty(n, dtype=np.int64)
    place[order] = np.arange(n) - start[department[order]]
    teams = np.maximum(size // TEAM_SIZE, 1)[department]
    head = order[np.minimum(start, n - 1)]
    lead = order[np.minimum(start[department] + 1 + place % teams, n - 1)]
    chief = head[HEAD_OFFICE]
    manager = np.where(place > teams, lead, head[department])
    manager = np.where(place == 0, chief, manager)
    manager[chief] = -1
    return manager, place <= teams


@dataclass(frozen=True)
class Cards:
    """Company cards. Per card: holder, limits (won) and when they hold (seconds).

    ``primary``, ``second`` and ``replacement`` give the cards of each employee (-1: none).
    A lost primary card stops at ``lost_at``; its replacement starts at its ``valid_from``.
    Between ``raised_at`` and ``restored_at`` a card has the raised limits.
    """

    employee: Array
    valid_from: Array
    blocked_at: Array
    lost_at: Array
    raised_at: Array
    restored_at: Array
    raise_factor: Array
    base_single: Array
    base_monthly: Array
    primary: Array
    second: Array
    replacement: Array
    second_sleeps: Array

    @property
    def count(self) -> int:
        """Number of cards ever issued."""
        return len(self.employee)

    def in_use(self, employee: Array, at: Array, second: Array | bool = False) -> Array:
        """The card an employee pays with at a moment, -1 if none works then."""
        first = self.primary[employee]
        gone = (first >= 0) & (at >= self.lost_at[first])
        card = np.where(gone, self.replacement[employee], first)
        awake = (self.second[employee] >= 0) & ~self.second_sleeps[employee]
        card = np.where(awake & second, self.second[employee], card)
        return self.working(card, at)

    def working(self, card: Array, at: Array) -> Array:
        """The card itself where it can pay at the moment, -1 elsewhere."""
        held = np.maximum(card, 0)
        stops = np.minimum(self.blocked_at[held], self.lost_at[held])
        works = (card >= 0) & (at >= self.valid_from[held]) & (at < stops)
        return np.where(works, card, -1)

    def factor(self, card: Array, at: Array) -> Array:
        """How much higher the limits are than the card's base limits."""
        raised = (at >= self.raised_at[card]) & (at < self.restored_at[card])
        return np.where(raised, self.raise_factor[card], 1.0)

    def single_limit(self, card: Array, at: Array) -> Array:
        """The limit of a single purchase on the card at a moment, won."""
        limit: Array = self.base_single[card] * self.factor(card, at)
        return limit


def issue_cards(rng: np.random.Generator, days: Days, people: People) -> Cards:
    """Issue primary, second and replacement cards, and decide losses, blocks and raised limits."""
    n = people.count
    day = f.SECONDS_PER_DAY
    has_first = rng.random(n) < np.array(f.CARD_SHARES)[people.grade]
    has_second = has_first & (people.hired < -200)
    has_second &= rng.random(n) < np.array(f.SECOND_CARD_SHARES)[people.grade]
    lost = has_first & (people.left == f.NEVER) & (people.hired < 0)
    lost &= rng.random(n) < share_of_period(f.ANNUAL_CARD_LOSSES, days)
    lost_on = rng.integers(1, max(days.count - 5, 2), n) * day + rng.integers(9, 22, n) * 3_600

    kinds = (has_first, has_second, lost)
    holder = np.concatenate([np.flatnonzero(kind) for kind in kinds])
    count = len(holder)
    place = rng.permutation(count)  # so that a number says nothing about its card
    employee = np.empty(count, dtype=np.int64)
    employee[place] = holder
    primary, second, replacement = np.full((3, n), -1)
    ends = np.cumsum([kind.sum() for kind in kinds])
    primary[has_first] = place[: ends[0]]
    second[has_second] = place[ends[0] : ends[1]]
    replacement[lost] = place[ends[1] :]

    age = -rng.integers(30, 1_500, count)
    issued_on = np.maximum(age, people.hired[employee] + rng.integers(2, 8, count))
    issued_on = np.where(people.hired[employee] >= 0, issued_on, np.minimum(issued_on, -1))
    valid_from = issued_on * day + 10 * 3_600
    renewed = replacement[lost]
    valid_from[renewed] = lost_on[lost] + rng.integers(2, 5, len(renewed)) * day
    lost_at = np.full(count, f.NEVER)
    lost_at[primary[lost]] = lost_on[lost]

    late = np.where(rng.random(n) < f.LATE_BLOCK_SHARE, rng.integers(2, 13, n), 0)
    exits = people.left < f.NEVER
    blocked = np.where(exits, (people.left + late) * day + 18 * 3_600 + 1_800, f.NEVER)

    raised = np.zeros(count, dtype=bool)
    raised[primary[has_first & ~lost]] = True
    raised &= rng.random(count) < share_of_period(f.ANNUAL_LIMIT_RAISES, days)
    raised_on = rng.integers(1, days.count, count) * day + 9 * 3_600
    raised_at = np.where(raised & (raised_on > valid_from), raised_on, f.NEVER)
    lasts = rng.integers(30, 61, count) * day
    restored = (raised_at < f.NEVER) & (rng.random(count) < 0.5)
    return Cards(
        employee=employee,
        valid_from=valid_from,
        blocked_at=blocked[employee],
        lost_at=lost_at,
        raised_at=raised_at,
        restored_at=np.where(restored, raised_at + lasts, f.NEVER),
        raise_factor=rng.choice([1.5, 2.0], count),
        base_single=np.array(f.SINGLE_LIMITS)[people.grade[employee]],
        base_monthly=np.array(f.MONTHLY_LIMITS)[people.grade[employee]],
        primary=primary,
        second=second,
        replacement=replacement,
        second_sleeps=has_second & (rng.random(n) < f.SLEEPING_CARD_SHARE),
    )


@dataclass(frozen=True)
class Stays:
    """Leave or trips, sorted by employee and first day; ``what`` is the kind or the city."""

    employee: Array
    start: Array
    end: Array
    what: Array

    def covering(self, employee: Array, day: Array) -> Array:
        """Index of the stay an employee is on that day, -1 if none."""
        if len(self.employee) == 0:
            return np.full(len(employee), -1)
        span = 1 << 20
        found = np.searchsorted(self.employee * span + self.start, employee * span + day, "right")
        found = np.maximum(found - 1, 0)
        inside = (self.employee[found] == employee) & (self.start[found] <= day)
        return np.where(inside & (day <= self.end[found]), found, -1)

    def only(self, wanted: Array) -> "Stays":
        """The stays where ``wanted`` is true."""
        return Stays(self.employee[wanted], self.start[wanted], self.end[wanted], self.what[wanted])

    def one_of(self, employee: Array, luck: Array) -> Array:
        """A stay of each employee chosen by ``luck`` in [0, 1), -1 for those without."""
        first = np.searchsorted(self.employee, employee, "left")
        last = np.searchsorted(self.employee, employee, "right")
        chosen = first + np.floor(luck * (last - first)).astype(np.int64)
        return np.where(last > first, chosen, -1)


def plan_stays(rng: np.random.Generator, days: Days, people: People) -> tuple[Stays, Stays]:
    """Leave and trips of everybody, at most one of either in a week; half days are leave too."""
    weeks = np.arange(-int(days.weekday[0]), days.count, 7)  # each week's Monday
    shape = (people.count, len(weeks))
    middle = np.clip(weeks + 3, 0, days.count - 1)
    busy_season = np.array([days.day(d).month in (7, 8, 12) for d in middle])
    leave = rng.random(shape) < f.WEEKLY_LEAVE * np.where(busy_season, 1.9, 0.7)
    travel_rate = np.array(WEEKLY_TRIPS)[people.profile] * np.where(people.grade >= 3, 1.4, 0.9)
    travel = ~leave & (rng.random(shape) < travel_rate[:, None])

    long_leave, long_grid = _long_leave(rng, days, people, weeks)
    leave &= ~long_grid
    travel &= ~long_grid

    who, week = np.nonzero(leave)
    length = rng.choice([1, 2, 3, 5], len(who), p=[0.5, 0.2, 0.1, 0.2])
    start = weeks[week] + np.floor(rng.random(len(who)) * (6 - length)).astype(np.int64)
    kind = np.where(rng.random(len(who)) < 0.06, rng.choice([SICK, FAMILY], len(who)), ANNUAL)
    half = (length == 1) & (kind == ANNUAL) & (rng.random(len(who)) < f.HALF_DAY_SHARE)
    short = Stays(who, start, start + length - 1, np.where(half, HALF_DAY, kind))
    leaves = Stays(
        *(
            np.concatenate([getattr(short, name), getattr(long_leave, name)])
            for name in ("employee", "start", "end", "what")
        )
    )

    who, week = np.nonzero(travel)
    overseas = people.department[who] == OVERSEAS_SALES
    abroad = rng.random(len(who)) < f.ABROAD_SHARE * np.where(overseas, 10, 1)
    length = np.where(
        abroad,
        rng.integers(3, 6, len(who)),
        rng.choice([1, 2, 3], len(who), p=[0.45, 0.4, 0.15]),
    )
    start = weeks[week] + np.floor(rng.random(len(who)) * (6 - length)).astype(np.int64)
    city = np.where(
        abroad,
        rng.choice(FOREIGN_CITIES, len(who)),
        rng.choice(DOMESTIC_CITIES, len(who)),
    )
    trips = Stays(who, start, start + length - 1, city)
    working = ~days.off[np.clip(start, 0, days.count - 1)]
    trips = trips.only(working & (city != people.city[who]))
    return _sorted(days, people, leaves), _sorted(days, people, trips)


def _long_leave(
    rng: np.random.Generator, days: Days, people: People, weeks: Array
) -> tuple[Stays, Array]:
    who = np.flatnonzero(rng.random(people.count) < f.LONG_LEAVE_SHARE)
    length = np.minimum(rng.integers(14, 91, len(who)), max(days.count // 2, 14))
    start = np.floor(rng.random(len(who)) * np.maximum(days.count - length, 1)).astype(np.int64)
    kind = rng.choice([SICK, PARENTAL], len(who), p=[0.4, 0.6])
    away = np.zeros((people.count, len(weeks)), dtype=bool)
    end = start + length - 1
    away[who] = (weeks[None, :] <= end[:, None]) & (weeks[None, :] + 6 >= start[:, None])
    return Stays(who, start, end, kind), away


def _sorted(days: Days, people: People, stays: Stays) -> Stays:
    """Stays of people employed then, inside the period, by employee and day."""
    there = (stays.start >= people.hired[stays.employee]) & (
        stays.end < people.left[stays.employee]
    )
    kept = stays.only(there & (stays.start >= 0) & (stays.end < days.count))
    order = np.lexsort((kept.start, kept.employee))
    return kept.only(order)
