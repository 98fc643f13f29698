"""The settings of the queue, checked before a run: budget, quotas, costs, and who waives what."""

import csv
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from orchestration.engine.errors import CardwatchError

#: What an exception or a silence may be about.
WAIVER_SCOPES = ("employee", "department", "card", "merchant", "category")

_BUDGET = Path("seeds/review_budget.csv")
_QUOTAS = Path("seeds/review_quotas.csv")
_SILENCES = Path("seeds/silences.csv")
_CURRENCIES = Path("seeds/currencies.csv")
_SHARES = ("novelty_share", "audit_share", "audit_uniform_share", "second_review_share")


def check_policy(project_root: Path) -> None:
    """Refuse, in one sentence, settings with which no honest queue can be made."""
    budget = list(read_seed(project_root / _BUDGET))
    if not budget:
        raise CardwatchError(f"{_BUDGET} has no row; say how many cases a day can be reviewed")
    for row in budget:
        _check_budget(f"{_BUDGET}, row of {row['valid_from'] or 'no day'}:", row)
    for row in read_seed(project_root / _QUOTAS):
        quota = f"{_QUOTAS} has the quota of {row['scope']} {row['scope_value']!r}"
        if row["scope"] not in ("department", "rule"):
            raise CardwatchError(f"{quota}; a quota is for a department or a rule")
        share = _number(quota, row, "max_share")
        if not 0 < share <= 1:
            raise CardwatchError(f"{quota} with the max_share {share:g}; use a share up to 1")
    for row in read_seed(project_root / _CURRENCIES):
        currency = f"{_CURRENCIES}, currency {row['currency']}:"
        for cost in ("recovery_rate", "deterrence_value", "review_cost", "annoyance_cost"):
            if _number(currency, row, cost) < 0:
                raise CardwatchError(f"{currency} {cost} is negative; what is it really?")
        if _number(currency, row, "review_cost") == 0:
            raise CardwatchError(
                f"{currency} review_cost is 0; a review takes somebody's time, say what it costs"
            )
        if _number(currency, row, "recovery_rate") > 1:
            raise CardwatchError(f"{currency} recovery_rate is above 1; it is a share")
    for row in read_seed(project_root / _SILENCES):
        check_waiver(f"{_SILENCES} has the silence {row['silence_id']!r}", row, "silence_id")


def _check_budget(row_name: str, row: Mapping[str, str]) -> None:
    try:
        date.fromisoformat(row["valid_from"] or "")
    except ValueError as error:
        raise CardwatchError(
            f"{row_name} valid_from is no day ({error}); write 2026-12-31"
        ) from None
    cases = _number(row_name, row, "cases_per_day")
    if cases < 3 or cases != math.floor(cases):
        raise CardwatchError(
            f"{row_name} cases_per_day is {row['cases_per_day']}; it has to be a whole number of "
            "cases that reviewers take on a working day, at least 3: one for the audit, one for a "
            "second review, one for the rest"
        )
    for share in _SHARES:
        if not 0 <= _number(row_name, row, share) <= 1:
            raise CardwatchError(f"{row_name} {share} is {row[share]}; it is a share from 0 to 1")
    if float(row["audit_share"]) == 0 or float(row["audit_uniform_share"]) == 0:
        raise CardwatchError(
            f"{row_name} audit_share and audit_uniform_share have to be above 0; without an audit "
            "nobody knows what is missed"
        )
    if float(row["audit_share"]) + float(row["second_review_share"]) > 0.5:
        raise CardwatchError(
            f"{row_name} audit_share and second_review_share leave less than half of the cases; "
            "lower them"
        )
    set_aside = sum(
        math.ceil(cases * float(row[share])) for share in ("audit_share", "second_review_share")
    )
    if set_aside >= cases:
        raise CardwatchError(
            f"{row_name} the seats of the audit and of second reviews, rounded up, are all of "
            f"{cases:g} cases a day; lower their shares or raise cases_per_day"
        )


def check_waiver(waiver: str, row: Mapping[str, str], key: str) -> None:
    """Refuse an exception or silence that lacks a scope, a reason, an owner or an end."""
    if row["scope"] not in WAIVER_SCOPES:
        raise CardwatchError(
            f"{waiver} for the scope {row['scope']!r}; use one of: {', '.join(WAIVER_SCOPES)}"
        )
    for column in (key, "scope_value", "reason", "owner"):
        if not (row[column] or "").strip():
            raise CardwatchError(f"{waiver} without {column}; add it")
    try:
        valid_from, expires_on = map(
            date.fromisoformat, (row["valid_from"] or "", row["expires_on"] or "")
        )
    except ValueError as error:
        raise CardwatchError(
            f"{waiver} with a valid_from or expires_on that is no day ({error}); "
            "write both like 2026-12-31"
        ) from error
    if expires_on < valid_from:
        raise CardwatchError(
            f"{waiver}, which expires on {expires_on}, before it begins on {valid_from}; swap them"
        )


def read_seed(path: Path) -> list[dict[str, str]]:
    """The rows of a seed as texts."""
    with path.open(encoding="utf-8", newline="") as seed:
        return list(csv.DictReader(seed))


def _number(row_name: str, row: Mapping[str, str], column: str) -> float:
    try:
        number = float(row[column])
    except (KeyError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        given = row.get(column)
        raise CardwatchError(
            f"{row_name} {column} is {given!r}; give a number"
            if given
            else f"{row_name} {column} is missing; add it"
        )
    return number
