"""The registers as files: cards and employees with their changes, leave and trips by month."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.demo_company import figures as f
from orchestration.demo_company.days import Array
from orchestration.demo_company.files import (
    FEED_COLUMNS,
    Column,
    dates,
    ids,
    moments,
    words,
    write_csv,
    write_daily,
)
from orchestration.demo_company.people import ABSENCE_KINDS, HALF_DAY, Stays
from orchestration.demo_company.places import CITIES, DEPARTMENT_NAMES
from orchestration.demo_company.world import World

CARD_STATUSES = ("active", "blocked", "lost")
ACTIVE, BLOCKED, LOST = range(len(CARD_STATUSES))
SITES = tuple(city.site for city in CITIES)
LEAVE_HOURS = (0, 24)
HALF_DAY_HOURS = (14, 18)
TRIP_HOURS = (6, 23)


def write_cards(world: World, folder: Path) -> int:
    """Write the cards as of the first day and a file for each day of changes.

    A change is a new row valid from its moment; the earlier row is not sent again.
    """
    cards = world.cards
    events = (cards.valid_from, cards.lost_at, cards.blocked_at, cards.raised_at, cards.restored_at)
    card = np.tile(np.arange(cards.count), len(events))
    at = np.concatenate(events)
    happens = at < world.days.count * f.SECONDS_PER_DAY
    card, at = card[happens], at[happens]
    order = np.lexsort((card, at))
    card, at = card[order], at[order]
    status = np.where(at >= cards.blocked_at[card], BLOCKED, ACTIVE)
    status = np.where(at >= cards.lost_at[card], LOST, status)
    factor = cards.factor(card, at)

    def rows(part: slice) -> Column:
        c = card[part]
        columns = {
            "card_id": ids("card_", c, 6),
            "employee_id": ids("emp_", cards.employee[c], 6),
            "valid_from": moments(world.days, at[part], unit="s"),
            "valid_to": pa.nulls(len(c), pa.string()),
            "status": words(status[part], CARD_STATUSES),
            "single_limit": pa.array((cards.base_single[c] * factor[part]).astype(np.int64)),
            "monthly_limit": pa.array((cards.base_monthly[c] * factor[part]).astype(np.int64)),
        }
        return pa.table(columns).select(FEED_COLUMNS["cards"])

    return write_daily(folder, world.days, np.maximum(at, 0), rows, "csv")


def write_employees(world: World, folder: Path) -> int:
    """Write the staff as of the first day and a file for each day of changes.

    Changes are hires, transfers, promotions, and exits as soon as they are known. Rows of the
    first file are valid from the hire, at the earliest from the reorganisation of 1 January.
    """
    people, days = world.people, world.days
    new_year = days.index(date(days.first.year, 1, 1))
    everybody = np.arange(people.count)
    changes = (people.notice_on, people.moved_on, people.promoted_on)
    later = [
        np.flatnonzero((day > 0) & (day > people.hired) & (day < days.count)) for day in changes
    ]
    employee = np.concatenate([everybody, *later])
    valid_from = np.concatenate(
        [
            np.maximum(people.hired, new_year),
            *(day[who] for day, who in zip(changes, later, strict=True)),
        ]
    )
    known_on = np.maximum(valid_from, 0)
    order = np.lexsort((employee, known_on))
    employee, valid_from, known_on = employee[order], valid_from[order], known_on[order]
    repeated = np.zeros(len(order), dtype=bool)  # two changes of one person on one day
    repeated[1:] = (employee[1:] == employee[:-1]) & (known_on[1:] == known_on[:-1])
    employee, valid_from, known_on = (x[~repeated] for x in (employee, valid_from, known_on))

    moved = known_on >= people.moved_on[employee]
    department = np.where(moved, people.new_department[employee], people.department[employee])
    grade = people.grade[employee] + (known_on >= people.promoted_on[employee])
    leaving = known_on >= people.notice_on[employee]
    manager = people.manager_at(employee, known_on)

    def rows(part: slice) -> Column:
        e = employee[part]
        columns = {
            "employee_id": ids("emp_", e, 6),
            "department_id": words(department[part], DEPARTMENT_NAMES),
            "valid_from": moments(days, valid_from[part] * f.SECONDS_PER_DAY, unit="s"),
            "valid_to": pa.nulls(len(e), pa.string()),
            "grade": words(grade[part], f.GRADES),
            "manager_id": ids("emp_", manager[part], 6),
            "hired_on": dates(days, people.hired[e]),
            "left_on": dates(
                days, np.where(leaving[part], people.left[e], 0), missing=~leaving[part]
            ),
            "home_latitude": pa.array(people.home_latitude[e]),
            "home_longitude": pa.array(people.home_longitude[e]),
            "site": words(people.city[e], SITES),
        }
        return pa.table(columns).select(FEED_COLUMNS["employees"])

    return write_daily(folder, days, known_on * f.SECONDS_PER_DAY, rows, "csv")


def write_stays(world: World, stays: Stays, folder: Path) -> int:
    """Write leave (feed ``absences``) or trips, in the file of the month they start in.

    Whole days of leave run from midnight to midnight; the end is the first moment after.
    """
    days = world.days
    leave = folder.name == "absences"
    usual = LEAVE_HOURS if leave else TRIP_HOURS
    half = leave & (stays.what == HALF_DAY)
    opens = np.where(half, HALF_DAY_HOURS[0], usual[0]) * 3_600
    closes = np.where(half, HALF_DAY_HOURS[1], usual[1]) * 3_600
    what = words(stays.what, ABSENCE_KINDS if leave else [city.name for city in CITIES])
    columns = {
        "employee_id": ids("emp_", stays.employee, 6),
        "starts_at": moments(days, stays.start * f.SECONDS_PER_DAY + opens, unit="s"),
        "ends_at": moments(days, stays.end * f.SECONDS_PER_DAY + closes, unit="s"),
        "kind" if leave else "city": what,
    }
    table = pa.table(columns).select(FEED_COLUMNS[folder.name])
    month_of: Array = np.array([f"{days.day(i):%Y-%m}" for i in range(days.count)])
    months = np.unique(month_of[stays.start])
    for month in months:
        here = np.flatnonzero(month_of[stays.start] == month)
        here = here[np.argsort(stays.start[here], kind="stable")]
        write_csv(folder / f"{month}.csv", table.take(pa.array(here)))
    return len(months)
