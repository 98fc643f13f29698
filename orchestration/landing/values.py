"""How the texts of one column are read: the SQL of a column's yml and its feed's format."""

import re
from dataclasses import dataclass

import pyarrow as pa

from orchestration.landing.feeds import MONEY, Column, Feed
from orchestration.landing.layout import NETWORKS, Layout

# Texts that are longer than this are no value but a file read wrongly.
LONGEST_IDENTIFIER, LONGEST_TEXT = 200, 10_000

# Amounts from here on are a broken decimal point.
LARGEST_AMOUNT = 10**13

# A date's declared order: pattern and replacement for a year of two digits, and for one of four.
_PART, _END = r"(\d\d?)[-/. ]+", "( |T|$)"
_ORDERS = {
    "day/month/year": (
        *(rf"^(\d\d?[-/. ]+\d\d?)[-/. ]+(\d\d){_END}", r"\1-20\2\3"),
        *(rf"^{_PART}{_PART}(\d{{4}}){_END}", r"\3-\2-\1\4"),
    ),
    "month/day/year": (
        *(rf"^(\d\d?[-/. ]+\d\d?)[-/. ]+(\d\d){_END}", r"\1-20\2\3"),
        *(rf"^{_PART}{_PART}(\d{{4}}){_END}", r"\3-\1-\2\4"),
    ),
    "year/month/day": (
        *(rf"^(\d\d)[-/. ]+{_PART}(\d\d?){_END}", r"20\1-\2-\3\4"),
        *(rf"^(\d{{4}})[-/. ]+{_PART}(\d\d?){_END}", r"\1-\2-\3\4"),
    ),
}
# without a declared order nothing is turned round: what cannot match stays as it is
_NO_ORDER = (r"^\b$", "", r"^\b$", "")


@dataclass(frozen=True)
class Text:
    """Where the text of a column stands in SQL, and what is known of all its texts."""

    sql: str
    #: The file wrote it as a number.
    is_number: bool = False
    #: Each is as it should be and holds no card number (glance.py).
    is_simple: bool = False
    #: Its file holds values of the column's own type, which need no reading.
    is_native: bool = False
    #: Its values stand in the piece already as "name=", and as "name!" whether one holds a card
    #: number (repeated.py).
    is_read: bool = False


def text_of(column: Column, text: str, time: str | None, layout: Layout) -> str:
    """The text that is read for a column: without null words, with the time of another column."""
    if layout.nulls:
        words = ", ".join(_quoted(word.lower()) for word in layout.nulls)
        text = f"case when lower(cleaned({text})) not in ({words}) then {text} end"
    if time is None or column.data_type != "TIMESTAMP":
        return text
    of_day = (
        f"patterned_time_of_day({time}, {_quoted(layout.times)})"
        if layout.times
        else f"time_of_day({time})"
    )
    return f"joined_time({text}, {of_day})"


def typed(column: Column, text: Text, feed: Feed) -> str:
    """The value of a column, null where its text cannot be read."""
    layout = feed.layout
    if text.is_read:
        return f'"{column.name}="'
    if text.is_native:
        negative = column.data_type == MONEY and layout.sign == "purchases_negative"
        return f"{'-' if negative else ''}try_cast({text.sql} as {column.data_type})"
    if column.data_type in ("TIMESTAMP", "DATE"):
        return f"try_cast({_timestamp(text.sql, layout)} as {column.data_type.lower()})"
    if column.data_type == "BOOLEAN":
        return f"readable_boolean({text.sql})"
    if column.data_type == "VARCHAR":
        if column.code == "mcc":
            return f"readable_mcc({text.sql})"
        if text.is_simple:
            return f"nullif({text.sql}, '')"
        if column.card_number and not column.is_hashed:
            return f"readable_text({text.sql})"
        reader = "readable_card" if column.is_hashed else "readable_words"
        return f"{reader}({text.sql}, {token_list(feed)})"
    spellings = ", ".join(map(_quoted, _number_spellings(column, text, layout)))
    if column.data_type == "DOUBLE":
        value = f"readable_double({text.sql}, {spellings})"
        return f"case when isfinite({value}) then {value} end"
    if column.data_type == MONEY:
        # most amounts are seen at once to be what they say, whatever the format
        value = f"""case
            when regexp_full_match({text.sql}, {_quoted(_usual_amount(layout))})
                then try_cast({text.sql} as {MONEY})
            else exact_amount(readable_number({text.sql}, {spellings}))
        end"""
        return f"-({value})" if layout.sign == "purchases_negative" else value
    return f"try_cast(readable_integer({text.sql}, {spellings}) as {column.data_type})"


def holds_card_number(column: Column, text: Text, feed: Feed) -> str | None:
    """Whether a value is of no use because its text is or holds a card number in clear."""
    if column.code is not None or text.is_simple:
        return None
    if column.is_hashed:  # masked in its landed file before the source hashed
        return f"{text.sql} like '%~~~~~~~~~%'"
    if text.is_read:
        return f'"{column.name}!"'
    if column.card_number:
        return f"is_card_number({text.sql}, {token_list(feed)})"
    if column.data_type in ("VARCHAR", "BIGINT", "DOUBLE") and (
        column.is_identifier or column.data_type != "VARCHAR"
    ):
        return f"holds_card_number({text.sql}, {token_list(feed)})"
    return None


def is_native(column: Column, written: pa.DataType, layout: Layout) -> bool:
    """Whether values of an Arrow type are the column's without the detour of a text."""
    if column.time or layout.nulls:
        return False
    if column.data_type == "TIMESTAMP":
        is_local = pa.types.is_timestamp(written) and written.tz is None
        return is_local or bool(pa.types.is_date(written))
    if column.data_type == MONEY:
        is_exact = pa.types.is_decimal(written) and 0 <= written.scale <= 4
        return is_exact or bool(pa.types.is_integer(written))
    others = {
        "DATE": pa.types.is_date,
        "BOOLEAN": pa.types.is_boolean,
        "INTEGER": pa.types.is_integer,
    }
    return column.data_type in others and bool(others[column.data_type](written))


def unreadable(column: Column, text: Text) -> str:
    """Whether nothing could be made of a text, or there is none where one is required."""
    if column.required:
        return f'"{column.name}" is null'
    is_blank = f"{text.sql} is null" if text.is_native else f"is_blank({text.sql})"
    return f'"{column.name}" is null and not {is_blank}'


def holds_time(text: Text, layout: Layout) -> str:
    """Whether the text of a time says more than the day."""
    if text.is_native:
        return f"typeof({text.sql}) <> 'DATE'"
    if layout.dates and "%" in layout.dates:
        return "true" if re.search("%[HIXcT]", layout.dates) else f"{text.sql} like '%:%'"
    return f"holds_time({text.sql})"


def beyond(column: Column, feed: Feed, today: str) -> list[tuple[str, str]]:
    """What a value of the column must not be: a condition in SQL, and the name of the fault."""
    value = f'"{column.name}"'
    found = []
    for bound, sign in ((column.at_least, "<"), (column.at_most, ">")):
        if bound is None:
            continue
        fault = "below" if sign == "<" else "above"
        if bound in [other.name for other in feed.columns]:
            found.append((f'{value} {sign} "{bound}"', fault))
        elif bound == "now":
            found.append((f"{value} {sign} {_quoted(today)}::date + interval 4 day", "ahead"))
        else:
            found.append((f"{value} {sign} {_quoted(bound)}::{column.data_type}", fault))
    if column.data_type == MONEY:
        found.append((f"abs({value}) >= {LARGEST_AMOUNT}", "huge"))
    if column.data_type == "VARCHAR":
        longest = LONGEST_IDENTIFIER if column.is_identifier else LONGEST_TEXT
        found.append((f"strlen({value}) > {longest} and length({value}) > {longest}", "long"))
    return found


def _timestamp(text: str, layout: Layout) -> str:
    if layout.dates and "%" in layout.dates:
        return f"patterned_timestamp({text}, {_quoted(layout.dates)})"
    order = _ORDERS[layout.dates] if layout.dates else _NO_ORDER
    return f"readable_timestamp({text}, {', '.join(map(_quoted, order))})"


def _usual_amount(layout: Layout) -> str:
    """Pattern of amounts that have this one reading in a format."""
    comma = layout.decimal == "," or (layout.decimal is None and layout.thousands == ".")
    return r"-?\d{1,13}" if comma else r"-?\d{1,13}(\.\d\d?)?"


def _number_spellings(column: Column, text: Text, layout: Layout) -> tuple[str, str, str]:
    """Patterns of numbers to cast as they stand, without and with a decimal sign.

    Where the format declares no decimal sign, an amount such as 1,234 or 1.234 has two readings
    and is none of them; what has one reading is read.
    """
    decimal = layout.decimal or (layout.thousands and {".": ","}.get(layout.thousands, "."))
    if text.is_number or layout.kind in NETWORKS or column.data_type == "DOUBLE":
        decimal = decimal or "."
    sign = "[+-]?"
    grouped = r"\d{1,3}(_\d{3})+"
    if decimal is None:
        # three digits behind one sign may be thousands or decimals
        certain = r"(\d*[.,](\d\d?|\d{4,})|(0|\d{4,})[.,]\d{3})"
        repeated = r"\d{1,3}((,\d{3}){2,}|(\.\d{3}){2,}|(,\d\d)+,\d{3})"
        mixed = r"(\d{1,3}(,\d{2,3})+\.\d+|\d{1,3}(\.\d{3})+,\d+)"
        plain = r"-?(\d+(\.(\d\d?|\d{4,}))?|(0|\d{4,})\.\d{3})"
        whole = rf"{sign}(\d+|{grouped}|{repeated})"
        broken = rf"{sign}({certain}|{grouped}[.,]\d+|{mixed})"
        return plain, whole, broken
    point = re.escape(decimal)
    mark = re.escape(layout.thousands or ("," if decimal == "." else "."))
    plain = r"-?\d+(\.\d+)?" if decimal == "." else r"-?\d+"
    # a thousands sign that is not declared is certain where there are two, or decimals behind it
    times = "+" if layout.decimal or layout.thousands else "{2,}"
    indian = rf"\d{{1,2}}({mark}\d\d)+{mark}\d{{3}}"
    whole = rf"{sign}(\d+{point}?|{grouped}|\d{{1,3}}({mark}\d{{3}}){times}|{indian})"
    broken = rf"{sign}(\d*{point}\d+|({grouped}|\d{{1,3}}({mark}\d{{3}})+|{indian}){point}\d+)"
    return plain, whole, broken


def token_list(feed: Feed) -> str:
    """The prefixes of a source's card tokens, as SQL."""
    return f"[{', '.join(map(_quoted, feed.card_tokens))}]::varchar[]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
