"""The thresholds of the rules, and how far each may go: its reach.

A feature keeps only what some rule may ask for: purchases up to so many kilometres from home, cards
that slept so many days. There a threshold beyond the cut would find no more, without a word. The
column reach of seeds/rule_thresholds.csv says where the cut is, the feature reads it from there
(macros/rules/rule_reach.sql), and what is beyond is refused here.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.settings.policy import read_seed

#: The seed, below the project's root.
THRESHOLDS = Path("seeds/rule_thresholds.csv")

_MODELS = Path("models")
_NUMBER = r"(\d+(?:\.\d+)?)"
_REACH = re.compile(rf"(?:from {_NUMBER})?(?: ?\bto {_NUMBER})?")
_CUT = re.compile(
    r"rule_reach\(\s*'(\w+)',\s*'(\w+)',\s*'(from|to)'(?:,\s*fixed=(\d+(?:\.\d+)?))?\s*\)"
)


@dataclass(frozen=True)
class Threshold:
    """A row of the seed; `reach` is "from 2", "to 30", "from 2 to 4" or empty: any value."""

    rule_id: str
    parameter: str
    value: float
    unit: str
    reach: str
    note: str

    @property
    def is_amount(self) -> bool:
        """Whether it is an amount of money, whose unit is its currency."""
        return self.unit == self.unit.upper() != ""

    @property
    def ends(self) -> dict[str, float]:
        """The ends that the reach has, `from`, `to` or both, in the threshold's unit."""
        return reach_ends(self.reach)

    def check(self, value: float) -> None:
        """Refuse a value that the features know nothing about.

        Raises CardwatchError with one sentence that says how far it can go and how to go further.
        """
        if not is_within(value, self.reach):
            raise CardwatchError(
                f"rule {self.rule_id} cannot look for {self.parameter} = {value:g}: what it reads "
                f"reaches {self.reach} {self.unit}; choose a value there, or widen the reach in "
                f"{THRESHOLDS} and let `cardwatch run` build it"
            )
        if value < 0:
            raise CardwatchError(
                f"rule {self.rule_id} cannot look for {self.parameter} = {value:g}: no threshold "
                "is below 0; choose a value from 0 on"
            )


def reach_ends(reach: str) -> dict[str, float]:
    """The ends that a reach has, `from`, `to` or both; a text of another form has none."""
    match = _REACH.fullmatch(reach)
    return {
        end: float(number)
        for end, number in zip(("from", "to"), match.groups() if match else (), strict=False)
        if number
    }


def is_within(value: float, reach: str) -> bool:
    """Whether a threshold is within a reach."""
    ends = reach_ends(reach)
    return ends.get("from", -math.inf) <= value <= ends.get("to", math.inf)


def read_thresholds(project_root: Path) -> list[Threshold]:
    """The rows of the seed; a value that is no number, or a reach of another form, is raised."""
    thresholds = []
    for row in read_seed(project_root / THRESHOLDS):
        name = f"{THRESHOLDS} gives rule {row['rule_id']}, {row['parameter']}"
        try:
            value = float(row["threshold"])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise CardwatchError(
                f"{name} the threshold {row['threshold']!r}, which is no number; correct it"
            )
        reach = row["reach"] or ""
        if reach and not reach_ends(reach):
            raise CardwatchError(
                f"{name} the reach {reach!r}; write it like 'from 2', 'to 30' or 'from 2 to 4'"
            )
        thresholds.append(
            Threshold(
                row["rule_id"], row["parameter"], value, row["unit"] or "", reach, row["note"] or ""
            )
        )
    return thresholds


def check_reaches(project_root: Path, thresholds: list[Threshold]) -> None:
    """Refuse a threshold beyond its reach, and a reach that is not the one a model is cut at."""
    cuts = _cuts(project_root)
    for threshold in thresholds:
        threshold.check(threshold.value)
        name = f"{THRESHOLDS} gives rule {threshold.rule_id}, {threshold.parameter} the reach"
        for end, number in threshold.ends.items():
            cut = cuts.pop((threshold.rule_id, threshold.parameter, end), None)
            if cut is None:
                raise CardwatchError(
                    f"{name} {threshold.reach!r}, at which no model is cut; empty it, or read it "
                    f"in the feature with rule_reach(..., '{end}')"
                )
            file, fixed = cut
            if fixed and float(fixed) != number:
                raise CardwatchError(
                    f"{name} {threshold.reach!r}, but {file} goes {end} {fixed} and no further; "
                    f"write '{end} {fixed}', or change the model with it"
                )
    for (rule_id, parameter, end), (file, fixed) in cuts.items():
        raise CardwatchError(
            f"{file} is cut at a reach that {THRESHOLDS} does not give rule {rule_id}, {parameter};"
            f" write '{end} {fixed or 'NUMBER'}' into the row's column reach"
        )


def _cuts(project_root: Path) -> dict[tuple[str, str, str], tuple[Path, str]]:
    """Model, and number where it is fixed, by the rule, parameter and end at which it is cut."""
    return {
        (rule_id, parameter, end): (file.relative_to(project_root), fixed)
        for file in sorted((project_root / _MODELS).rglob("*.sql"))
        for rule_id, parameter, end, fixed in _CUT.findall(file.read_text(encoding="utf-8"))
    }
