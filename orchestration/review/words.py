"""The words of a review: what may be decided, and how a case and an amount are written."""

from collections.abc import Mapping
from typing import Any

#: Events that decide a case, or a purchase in it.
DECISIONS = ("cleared", "inconclusive", "recovery_ordered")
#: Events that say that money came back: some of it, and all that will.
RECOVERIES = ("recovered_in_part", "recovered")

#: Characters of a case that a list shows; they suffice to name it.
SHORT = 8


def amount_text(of: Mapping[str, Any]) -> str:
    """An amount with its currency; nothing where there is none."""
    if of["amount"] is None:
        return ""
    places = 0 if of["currency"] == "KRW" else 2
    return f"{of['amount']:,.{places}f} {of['currency'] or ''}".rstrip()
