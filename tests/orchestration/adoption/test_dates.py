"""The order of a date's parts: proved, or open."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.adoption.dates import ORDERS, clock_pattern, is_clock, look_at_dates

TODAY = date(2026, 1, 1)
DAYS = st.dates(date(2001, 1, 1), TODAY - timedelta(days=1))


@pytest.mark.parametrize(
    ("values", "orders", "form", "has_time"),
    [
        (["2025-04-11"], ORDERS[:1], None, False),
        (["2025/4/1", "2025/12/11"], ORDERS[:1], None, False),
        (["2025-04-11T18:05:00"], ORDERS[:1], None, True),
        (["2025.04.11"], ORDERS[:1], None, False),
        (["20250411"], ORDERS[:1], None, False),
        (["20250411180500"], ORDERS[:1], None, True),
        (["11042025"], ORDERS[1:], "%d%m%Y", False),
        (["19/04/2025", "01/02/2025"], ("day/month/year",), "day/month/year", False),
        (["04/19/2025", "01/02/2025"], ("month/day/year",), "month/day/year", False),
        (["01/02/2025", "02/03/2025"], ORDERS[1:], "day/month/year", False),
        (["4/19/25"], ("month/day/year",), "month/day/year", False),
        # the years of the other readings lie ahead
        (["25.03.28", "25.03.04"], ORDERS[:1], "year/month/day", False),
        (["04-Mar-2025"], ("day/month/year",), None, False),
        (["04 March 25"], ("day/month/year",), "%d %B %y", False),
        (["March 4, 2025"], ("day/month/year",), None, False),
        (["2025년 3월 4일"], ORDERS[:1], None, False),
        (["4/19/2025 12:00:00 AM"], ("month/day/year",), "month/day/year", False),
        (["4/19/2025 6:05 PM"], ("month/day/year",), "month/day/year", True),
        (["19/04/2025 00:00", "20/04/2025 00:00"], ("day/month/year",), "day/month/year", False),
    ],
)
def test_a_column_of_dates_is_recognised(
    values: list[str], orders: tuple[str, ...], form: str | None, has_time: bool
) -> None:
    found = look_at_dates(values, TODAY)
    assert found
    assert found.orders == orders
    assert found.forms[orders[0]] == form
    assert found.has_time == has_time


@pytest.mark.parametrize(
    "values",
    [["Corner Bakery"], ["12.50", "13.50"], ["31/31/2025"], ["19/04/2035"], ["19/04/1925"], []],
)
def test_what_is_no_day_of_a_purchase_is_no_date(values: list[str]) -> None:
    assert look_at_dates(values, TODAY) is None


def test_one_slip_does_not_disprove_an_order() -> None:
    days = [f"{day:02}/04/2025" for day in range(1, 29)]
    found = look_at_dates([*days, "04/31/2025"], TODAY)
    assert found
    assert found.orders == ("day/month/year",)


@given(days=st.lists(DAYS, min_size=1, max_size=20), form=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_the_true_order_is_never_ruled_out(days: list[date], form: str) -> None:
    order = "day/month/year" if form.startswith("%d") else "month/day/year"
    found = look_at_dates([day.strftime(form) for day in days], TODAY)
    assert found
    assert order in found.orders
    # it is proved exactly if a day is too large for a month, or the other reading not plausible
    if any(day.day > 12 for day in days):
        assert found.orders == (order,)


def test_times_of_day_in_a_column_of_their_own() -> None:
    assert all(map(is_clock, ("18:05", "18:05:30", "180530", "0905")))
    assert not any(map(is_clock, ("25:00", "2575", "18:65", "")))
    assert [clock_pattern([value]) for value in ("18:05", "18:05:30", "180530", "1805")] == [
        "%H:%M",
        "%H:%M:%S",
        "%H%M%S",
        "%H%M",
    ]
