"""How amounts are written: decimal and thousands signs, currencies, which sign a purchase has."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

#: (decimal sign, thousands sign) that files use.
SIGNS: tuple[tuple[str, str | None], ...] = (
    (".", ","),
    (",", "."),
    (".", None),
    (",", " "),
    (".", " "),
    (".", "'"),
    (",", "'"),
)

#: Between these shares of negative amounts nobody can say which way round purchases are.
FEW_NEGATIVE, MANY_NEGATIVE = 0.25, 0.75

#: What share of a column's values must be numbers for it to be a column of amounts.
MOST = 0.9

# A currency's sign or code before or behind the number, perhaps within its brackets or sign.
_CURRENCY = re.compile(
    r"(?<![\w.])(?:[A-Za-z]{3} ?|[A-Z]{0,2}[$£€₩¥\u20a0-\u20cf] ?)(?=[\d(+\-])"
    r"|(?<=[\d)\-]) ?(?:[A-Za-z]{3}|[$£€₩¥원円\u20a0-\u20cf])$"
)
_NUMBER = re.compile(r"[\d.,'()+\- \u00a0\u202f]+")
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_MARK = re.compile(r"\s*(CR|DR)\.?$", re.IGNORECASE)

CURRENCY_SIGNS = {"£": "GBP", "€": "EUR", "₩": "KRW", "원": "KRW", "US$": "USD", "A$": "AUD"}
#: Signs that several currencies use.
SHARED_SIGNS = {"$": ("USD", "CAD", "AUD"), "¥": ("JPY", "CNY")}


@dataclass(frozen=True)
class Amounts:
    """What a column of amounts shows.

    signs: the pairs (decimal, thousands) that its texts allow; one means proved. A pair whose
    thousands sign never occurs has None there.
    negative_share: of the values that are not zero, None where there is none.
    """

    signs: tuple[tuple[str, str | None], ...]
    negative_share: float | None
    example: str


def number(text: str, decimal: str = ".", thousands: str | None = ",") -> Decimal | None:
    """Read an amount as people write it: (12.50), 12.50-, £1,234.00, 12.50 CR; else None."""
    text = text.strip().replace("−", "-")
    mark = _MARK.search(text)
    body = _CURRENCY.sub("", text[: mark.start()] if mark else text).strip()
    if not _NUMBER.fullmatch(body) or not any(letter.isdigit() for letter in body):
        return None
    negative = bool(mark and mark[1].upper() == "CR")
    if body.startswith("(") and body.endswith(")"):
        negative, body = True, body[1:-1]
    if body.endswith("-"):
        negative, body = True, body[:-1]
    body = _SPACES.sub(" ", body.strip())
    body = re.sub(r"^([+-]) ", r"\1", body)
    if thousands and thousands in body:
        whole, point, part = body.partition(decimal)
        group = re.escape(thousands)
        if not re.fullmatch(rf"[+-]?\d{{1,3}}({group}\d{{3}})+", whole):
            return None
        body = whole.replace(thousands, "") + point + part
    try:
        value = Decimal(body.replace(decimal, ".") if decimal != "." else body)
    except InvalidOperation:
        return None
    return -value if negative else value


def look_at_amounts(values: Iterable[str], has_minor_unit: bool = True) -> Amounts | None:
    """Find out how a column's non-blank values write numbers; None where they are no numbers.

    has_minor_unit: whether an amount can have decimals at all; in won and yen it cannot.
    """
    texts = list(dict.fromkeys(value.strip() for value in values))
    if not texts:
        return None
    wanted = MOST * len(texts)
    readable = {pair: [number(text, *pair) for text in texts] for pair in SIGNS}
    hits = {pair: sum(value is not None for value in found) for pair, found in readable.items()}
    best = max(hits.values())
    if best < wanted:
        return None
    pairs = [pair for pair in SIGNS if hits[pair] == best]
    # The same values under two pairs are one reading: the plainest of them says it.
    readings: dict[tuple[Decimal | None, ...], tuple[str, str | None]] = {}
    for pair in sorted(pairs, key=lambda pair: (pair[1] is not None, SIGNS.index(pair))):
        readings.setdefault(tuple(readable[pair]), pair)
    signs = list(readings.values())
    if len(signs) > 1 and not has_minor_unit:
        whole = [pair for pair in signs if all(_is_whole(value) for value in readable[pair])]
        signs = whole[:1] or signs
    values_read = [value for value in readable[signs[0]] if value]
    share = sum(value < 0 for value in values_read) / len(values_read) if values_read else None
    return Amounts(tuple(signs), share, texts[0])


def currencies_in(texts: Iterable[str]) -> tuple[str, ...]:
    """Name the currencies that a header or a value may mean: none, one, or several for $ and ¥."""
    text = " ".join(texts)
    for sign, currency in sorted(CURRENCY_SIGNS.items(), key=lambda each: -len(each[0])):
        if sign in text:
            return (currency,)
    if found := re.search(
        r"(?<![A-Za-z])(GBP|EUR|USD|KRW|JPY|AUD|CAD|CHF|NZD|SGD|HKD|CNY)\b", text
    ):
        return (found[1],)
    for sign, currencies in SHARED_SIGNS.items():
        if sign in text:
            return currencies
    return ()


def purchases_sign(share: float | None) -> str | None:
    """Say which sign purchases have by the share of negative amounts; None where it is open."""
    if share is None or share <= FEW_NEGATIVE:
        return "purchases_positive"
    return "purchases_negative" if share >= MANY_NEGATIVE else None


def is_code(values: Sequence[str], pattern: str, most: float = MOST) -> bool:
    """Whether most of the values are codes of this pattern."""
    found = sum(bool(re.fullmatch(pattern, value.strip())) for value in values)
    return bool(values) and found >= most * len(values)


def _is_whole(value: Decimal | None) -> bool:
    return value is None or value == value.to_integral_value()
