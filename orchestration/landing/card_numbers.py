"""Card numbers in any text: found by length, issuer and Luhn sum; masked, or made a token."""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import duckdb

from orchestration.engine.errors import CardwatchError

KEY_VARIABLE = "CARDWATCH_CARD_KEY"

# What may stand between the digits of one number.
_BETWEEN = r"[\s\-\u2010-\u2015.·/_]"
# Texts that deserve a look, for engines that know RE2: digits enough, or a number masked below.
MAY_HOLD = r"\p{Nd}(?:[\s\pZ\p{Pd}._/·]{0,2}\p{Nd}){12}|~{9}"

_RUN = re.compile(rf"\d(?:{_BETWEEN}{{0,2}}\d){{12,}}")
_LEFT_MASKED = re.compile(r"~{9,}(\d{4})")
_GROUP = re.compile(r"\d+")
_HEXADECIMAL = re.compile(r"[0-9a-f]{32,}")
_WORD = re.compile(r"[0-9A-Za-z]+")

# The shapes in which people group the digits: by fours, as on an American Express card, the
# issuer apart from the rest, in halves, or each digit alone.
_GROUPED = re.compile(r"4 4 4 [1-7]|4 4 4 4 [1-3]|4 6 [45]|6 (?:[7-9]|1[0-3])|8 8|(?:1 ){12,18}1")

# First digits and lengths of the numbers that issuers give; others are order numbers.
_ISSUED = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:30[0-59]|36\d|3[89]\d)\d{11}(?:\d\d)?"  # Diners
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|(?:62|81)\d{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6390|6759|676[1-3])\d{8,15}"  # Maestro
    r"|94\d{14}"  # Korean issuers, at home only
)


def passes_luhn(digits: str) -> bool:
    """Whether the check digit of a number holds."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def replaced(text: str, by: Callable[[str, int], str], tokens: Sequence[str] = ()) -> str:
    """Replace each card number in a text by what `by` makes of its digits and its written length.

    Numbers that begin with one of the tokens' prefixes are tokens and stay.
    """
    parts, end = [], 0
    for start, stop, digits in _found(text):
        if not digits.startswith(tuple(tokens)) or not tokens:
            parts += [text[end:start], by(digits, stop - start)]
            end = stop
    return "".join(parts) + text[end:] if parts else text


def without_card_numbers(text: str, tokens: Sequence[str] = ()) -> str:
    """A text in which only the last four digits of card numbers are left."""
    return _LEFT_MASKED.sub(r"************\1", replaced(text, lambda at, _: _stars(at), tokens))


def left_masked(digits: str, length: int) -> str:
    """What the copy of a landed file shows of a card number, as long as it was written.

    The waves tell it from what a company masked itself, which names a card.
    """
    return "~" * (length - 4) + digits[-4:]


def masked(text: str) -> str:
    """Mask whatever could hold a card number, for texts that people read and nothing refers to.

    It takes more than `without_card_numbers`: any long number that passes, by itself or in part.
    """

    def last_four(found: re.Match[str]) -> str:
        digits = _plain("".join(_GROUP.findall(found[0].removesuffix(".0"))))
        return _stars(digits) if _could_hold(digits) else found[0]

    return _RUN.sub(last_four, text)


def names_card(text: str, tokens: Sequence[str] = ()) -> bool:
    """Whether the text of a column of cards is or holds a card number, and no token."""
    digits = _plain("".join(_GROUP.findall(re.sub(r"\.0+$", "", text))))
    if tokens and digits.startswith(tuple(tokens)):
        return False
    is_number = re.fullmatch(rf"(?:\d|{_BETWEEN})+", text) and 13 <= len(digits) <= 19
    return bool(is_number and passes_luhn(digits)) or without_card_numbers(text) != text


def card_key() -> bytes:
    """The secret of the keyed hash; CardwatchError where the environment holds none."""
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise CardwatchError(
            f"a source replaces card numbers by a keyed hash, but {KEY_VARIABLE} is not set; "
            "set it to a secret of your own and keep it, or the same card gets another token"
        )
    return key.encode()


def card_token(text: str) -> str:
    """A token as long as the card number in the text: a keyed hash, the same for one card.

    CardwatchError where the environment holds no key.
    """
    found = [digits for _, _, digits in _found(text)]
    digits = found[0] if found else _plain("".join(_GROUP.findall(re.sub(r"\.0+$", "", text))))
    number = digits.lstrip("0")
    hashed = hmac.new(card_key(), number.encode(), hashlib.sha256).digest()
    return "k" + base64.b32encode(hashed).decode().lower()[: len(number) - 1]


def define_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the functions of this module known to SQL; a database keeps them for all cursors."""
    functions: dict[str, tuple[Callable[..., object], list[str], str]] = {
        "without_card_numbers": (without_card_numbers, ["VARCHAR", "VARCHAR[]"], "VARCHAR"),
        "names_card": (names_card, ["VARCHAR", "VARCHAR[]"], "BOOLEAN"),
        "card_token": (card_token, ["VARCHAR"], "VARCHAR"),
    }
    connection.execute("set variable may_hold_card_number = $1", [MAY_HOLD])
    for name, (function, parameters, result) in functions.items():
        with suppress(duckdb.CatalogException):  # it is there already
            connection.create_function(name, function, parameters, result)  # type: ignore[arg-type]


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """First and last place and the digits of each card number."""
    for run in _RUN.finditer(text):
        groups = [
            (match.start() + run.start(), match.end() + run.start(), _plain(match[0]))
            for match in _GROUP.finditer(run[0])
        ]
        at = 0
        while at < len(groups):
            for last in range(min(len(groups), at + 19), at, -1):
                digits = "".join(group[2] for group in groups[at:last])
                shape = " ".join(str(len(group[2])) for group in groups[at:last])
                if (last == at + 1 or _GROUPED.fullmatch(shape)) and _is_issued(digits):
                    start, stop = groups[at][0], groups[last - 1][1]
                    if not _is_of_a_hash(text, start):
                        yield start, stop, digits
                    at = last - 1
                    break
            at += 1


def _is_issued(digits: str) -> bool:
    number = digits.lstrip("0")  # some formats fill up with zeros
    return len(digits) <= 19 and bool(_ISSUED.fullmatch(number)) and passes_luhn(number)


def _is_of_a_hash(text: str, start: int) -> bool:
    """Whether the digits belong to a long hexadecimal word, of which some are digits only."""
    begin = start
    while begin and text[begin - 1] in "0123456789abcdef":
        begin -= 1
    word = _WORD.match(text, begin)
    return word is not None and bool(_HEXADECIMAL.fullmatch(word[0]))


def _could_hold(digits: str) -> bool:
    if 13 <= len(digits) <= 19 and passes_luhn(digits):
        return True
    return any(
        _ISSUED.fullmatch(digits[at : at + length]) and passes_luhn(digits[at : at + length])
        for length in range(13, 20)
        for at in range(len(digits) - length + 1)
    )


def _plain(digits: str) -> str:
    """Digits of any script as those of ASCII."""
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def _stars(digits: str) -> str:
    return "*" * 12 + digits[-4:]
