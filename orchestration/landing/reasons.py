"""Why a row could not be typed, in the words of the quarantine."""

import json
import re
from collections.abc import Sequence

from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Column, Feed
from orchestration.landing.pieces import BrokenLine
from orchestration.landing.values import LONGEST_IDENTIFIER, LONGEST_TEXT

# What the data types of the source yml ask for.
_WANTED = {
    "VARCHAR": "text (VARCHAR)",
    "DOUBLE": "a number (DOUBLE)",
    "DECIMAL(18,4)": "an amount of at most 4 decimals (DECIMAL)",
    "INTEGER": "a whole number (INTEGER)",
    "BIGINT": "a whole number (BIGINT)",
    "BOOLEAN": "true or false (BOOLEAN)",
    "TIMESTAMP": "a local time such as 2025-01-31 18:05:00, without time zone (TIMESTAMP)",
    "DATE": "a day such as 2025-01-31 (DATE)",
}

_TWO_READINGS = re.compile(r"[^\d]*\d{1,3}[.,]\d{3}[^\d]*")
_DAY_OR_MONTH = re.compile(r"\s*\d{1,2}[-/. ]+\d{1,2}[-/. ]+\d{2}(\d{2})?(\D.*)?")


def worded(
    feed: Feed, header: tuple[str, ...], line: int, fault: str, texts: Sequence[str | None]
) -> BrokenLine:
    """Say what is wrong with a row that could not be typed, and keep all its words."""
    kind, _, name = fault.partition(":")
    column = next(column for column in feed.columns if column.name == name)
    text = texts[header.index(name)] or ""
    if column.time in header:
        text = f"{text} {texts[header.index(column.time)] or ''}".strip()
    return BrokenLine(line, _reason(feed, column, kind, text), in_words(header, texts))


def in_words(header: tuple[str, ...], texts: Sequence[str | None]) -> str:
    """All that a row says, as JSON, without card numbers."""
    words = {}
    for position, (name, text) in enumerate(zip(header, texts, strict=True), start=1):
        # Columns that the feed does not have may share a name.
        key = name if header.count(name) == 1 else f"{name} ({position})"
        words[masked(key)] = text and masked(text)
    return json.dumps(words, ensure_ascii=False)


def _reason(feed: Feed, column: Column, kind: str, text: str) -> str:
    value = masked(text)
    shown = value if len(value) <= 60 else f"{value[:60]}…"
    subject = f"{column.name} '{shown}'"
    if kind == "card":
        where = "" if column.card_number else f"{column.name}: "
        return f"{where}card number in clear; send a token instead"
    if kind == "long":
        longest = LONGEST_IDENTIFIER if column.is_identifier else LONGEST_TEXT
        return f"{column.name} is longer than {longest} characters: '{shown}'"
    if kind == "ahead":
        return f"{subject} lies more than 3 days ahead of today; nothing can have happened then"
    if kind == "huge":
        return f"{subject} is beyond 10^13, which is a broken decimal point"
    if kind in ("below", "above"):
        bound = column.at_least if kind == "below" else column.at_most
        return f"{subject} is {kind} {bound}"
    return _unreadable(feed, column, text, subject)


def _unreadable(feed: Feed, column: Column, text: str, subject: str) -> str:
    if not text.strip() or text.strip().lower() in map(str.lower, feed.layout.nulls):
        return f"{column.name} is missing"
    if column.code == "mcc":
        return f"{subject} is no merchant category code of four digits"
    if column.code is not None:
        what = column.code.replace("_", " ")
        return f"{subject} is no {what} that seeds/code_spellings.csv or an ISO list knows"
    wanted = _WANTED[column.data_type]
    if column.data_type in ("TIMESTAMP", "DATE"):
        if feed.layout.dates:
            return f"{subject} is not {wanted}, nor written as {feed.layout.dates}"
        if _DAY_OR_MONTH.fullmatch(text):
            return (
                f"{subject} does not say which is the day: set dates in meta.format to their order"
            )
    elif column.data_type not in ("VARCHAR", "BOOLEAN") and _TWO_READINGS.fullmatch(text):
        return f"{subject} has two readings: set decimal and thousands in meta.format"
    return f"{subject} is not {wanted}"
