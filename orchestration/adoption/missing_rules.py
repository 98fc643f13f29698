"""Which rules an export switches off, because what they need is not in it."""

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestration.settings.rules import Rule, read_rules

#: What each column that a rule may need is made of: a column of the export, or a feed.
ORIGINS = Path(__file__).parent / "column_origins.csv"


@dataclass(frozen=True)
class SwitchedOff:
    """What is missing, and the rules that are not evaluated without it, by title."""

    missing: str
    rules: tuple[str, ...]


def switched_off(root: Path, available: Collection[str]) -> tuple[list[SwitchedOff], int, int]:
    """Group the active rules that cannot be evaluated by what they lack, largest group first.

    available: the names of columns and feeds that are there. Also returns how many rules are
    switched off and how many there are.
    """
    rules = [rule for rule in read_rules(root) if rule.active]
    groups: dict[str, list[str]] = {}
    off = 0
    for rule in rules:
        lacking = sorted({word for need in needs_of(rule) for word in _lacking(need, available)})
        off += bool(lacking)
        if lacking:
            groups.setdefault(" and ".join(lacking), []).append(rule.meta["title_en"])
    found = [SwitchedOff(missing, tuple(titles)) for missing, titles in groups.items()]
    return sorted(found, key=lambda each: (-len(each.rules), each.missing)), off, len(rules)


def needs_of(rule: Rule) -> Sequence[str]:
    """The columns of the vector that a rule needs, and the claims where it judges claims."""
    needs = rule.meta["needs"]
    columns = list(needs) if isinstance(needs, list) else [needs]
    return ["claim", *columns] if rule.judges_claims else columns


@cache
def origins() -> Mapping[str, tuple[frozenset[str], ...]]:
    """For each needed column its origins: of each group one must be there."""
    with ORIGINS.open(encoding="utf-8", newline="") as stream:
        return {
            row["needed"]: tuple(
                frozenset(group.split(" or ")) for group in row["origins"].split(" and ") if group
            )
            for row in csv.DictReader(stream)
        }


def _lacking(need: str, available: Collection[str]) -> list[str]:
    groups = origins().get(need, (frozenset({need}),))
    return [" or ".join(sorted(group)) for group in groups if not group & set(available)]
