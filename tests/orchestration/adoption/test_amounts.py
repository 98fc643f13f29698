"""How amounts are written: proved, or open."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.adoption.amounts import (
    SIGNS,
    currencies_in,
    look_at_amounts,
    number,
    purchases_sign,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.50", "12.50"),
        ("£1,234.50", "1234.50"),
        ("(12.50)", "-12.50"),
        ("12.50-", "-12.50"),
        ("- 12.50", "-12.50"),
        ("12.50 CR", "-12.50"),
        ("12.50 DR", "12.50"),
        ("₩1,234", "1234"),
        ("1,234원", "1234"),
        ("$0", "0"),
        ("-£12.50", "-12.50"),
        ("£-12.50", "-12.50"),
        ("(US$12.50)", "-12.50"),
        ("GBP 12.50", "12.50"),
        ("12.50 EUR", "12.50"),
    ],
)
def test_an_amount_is_read_as_people_write_it(text: str, value: str) -> None:
    assert number(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Shop 24", "1,23", "12,34,567", "--1", "n/a", "2025-04-11"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("values", "signs"),
    [
        (["12.50", "3"], ((".", None),)),
        (["1,234.50", "3"], ((".", ","),)),
        (["1.234,50", "3,10"], ((",", "."),)),
        (["12,50", "3,10"], ((",", "."),)),
        (["1 234,50"], ((",", " "),)),
        (["1,234,567"], ((".", ","),)),
        (["500", "300"], ((".", None),)),
        (["1,234", "500"], ((".", ","), (",", "."))),
    ],
)
def test_decimal_and_thousands_signs(values: list[str], signs: tuple[tuple[str, str], ...]) -> None:
    found = look_at_amounts(values)
    assert found
    assert found.signs == signs


def test_without_a_minor_unit_a_comma_can_only_divide_thousands() -> None:
    found = look_at_amounts(["1,234", "500"], has_minor_unit=False)
    assert found
    assert found.signs == ((".", ","),)


@given(
    values=st.lists(
        st.decimals(0, 10**7, places=2, allow_nan=False).filter(bool), min_size=1, max_size=20
    ),
    signs=st.sampled_from([pair for pair in SIGNS if pair[1]]),
)
def test_the_true_signs_are_never_ruled_out(
    values: list[Decimal], signs: tuple[str, str | None]
) -> None:
    decimal, thousands = signs
    texts = [
        f"{value:,.2f}".translate(str.maketrans({",": thousands, ".": decimal})) for value in values
    ]
    found = look_at_amounts(texts)
    assert found
    assert values in [[number(text, *pair) for text in texts] for pair in found.signs]


@pytest.mark.parametrize(
    ("share", "sign"),
    [
        (None, "purchases_positive"),
        (0.0, "purchases_positive"),
        (0.25, "purchases_positive"),
        (0.5, None),
        (0.75, "purchases_negative"),
        (1.0, "purchases_negative"),
    ],
)
def test_the_sign_of_purchases(share: float | None, sign: str | None) -> None:
    assert purchases_sign(share) == sign


@pytest.mark.parametrize(
    ("text", "currencies"),
    [
        ("Amount £", ("GBP",)),
        ("이용금액(원)", ("KRW",)),
        ("Amount (AUD)", ("AUD",)),
        ("US$ 12", ("USD",)),
        ("$12", ("USD", "CAD", "AUD")),
        ("Amount", ()),
        ("HEURISTIC", ()),
    ],
)
def test_currencies_by_their_signs(text: str, currencies: tuple[str, ...]) -> None:
    assert currencies_in([text]) == currencies
