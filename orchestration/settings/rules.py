"""The rules under models/rules: what each must declare, and the generated list of active ones."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.settings.policy import check_waiver, read_seed
from orchestration.settings.thresholds import THRESHOLDS, check_reaches, read_thresholds

# Typologies are the folders of models/rules; a new one is a word here and a folder there.
TYPOLOGIES = ("limit_evasion", "time_place", "merchant", "cash_like", "card_behaviour", "claims")
SEVERITIES = ("critical", "high", "medium", "low")
KINDS = ("mandatory", "scoring")
STAGES = ("live", "shadow", "retired")
UNITS = (
    "currency",
    "purchases",
    "days",
    "hours",
    "times",
    "share",
    "hour_of_day",
    "standard_deviations",
)
_CHOICES = {
    "typology": TYPOLOGIES,
    "severity": SEVERITIES,
    "kind": KINDS,
    "stage": STAGES,
    "unit": UNITS,
}
_META_KEYS = (
    "rule_id",
    "title_en",
    "title_ko",
    "description_ko",
    "explanation_en",
    "explanation_ko",
    "what_to_do_en",
    "what_to_do_ko",
    *_CHOICES,
    "owner",
    "policy_clause",
    "needs",
    "expected_hits_a_month",
    "review_by",
)
_MINIMUM_UNIT_TESTS = 2

_RULES = Path("models/rules")
_EXCEPTIONS = Path("seeds/rule_exceptions.csv")
_MACRO = Path("macros/rules/active_rules.sql")
# What a rule judges, and so where the columns that it needs are: claims, or else purchases.
_JUDGES_CLAIMS = "'claim' as subject_type"
#: The vectors, under contract, in which rules find what they need.
_CLAIMS = Path("models/features/claim/feat_claim.yml")
_PURCHASES = Path("models/features/transaction/feat_transaction.yml")

_MODEL_NAME = re.compile(r"rule_(?P<rule_id>[a-z_]+_\d{3})_[a-z0-9_]+")
_RULE_ID_IN_SQL = re.compile(r"'([^']*)' as rule_id\b")
_THRESHOLD_CALL = re.compile(r"""rule_threshold\(\s*['"]([^'"]+)['"]\s*,\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Rule:
    """One rule: its SQL file, its yml entry, the thresholds it reads, and whom it judges."""

    name: str
    sql_file: Path
    yml_file: Path
    meta: dict[str, Any]
    thresholds: frozenset[tuple[str, str]]
    judges_claims: bool

    @property
    def rule_id(self) -> str:
        """Identifier under which hits, thresholds and alerts name the rule."""
        return str(self.meta["rule_id"])

    @property
    def active(self) -> bool:
        """Whether the rule's hits are recorded: live and shadow rules are, retired ones are not."""
        return bool(self.meta["stage"] != "retired")


def sync_active_rules(project_root: Path) -> bool:
    """Regenerate the macro active_rules() from the rules; return whether that changed it."""
    generated = active_rules_macro(read_rules(project_root))
    macro = project_root / _MACRO
    if macro.exists() and macro.read_text(encoding="utf-8") == generated:
        return False
    with whole_file(macro) as unfinished:
        unfinished.write_text(generated, encoding="utf-8")
    return True


def active_rules_macro(rules: Iterable[Rule]) -> str:
    """Write the macro that names the models of all rules that are not retired, sorted."""
    names = sorted(rule.name for rule in rules if rule.active)
    return "\n".join(
        [
            "{# Generated from models/rules by orchestration/settings/rules.py; edit those. #}",
            "{% macro active_rules() %}",
            "    {{ return([",
            *(f"        '{name}'," for name in names),
            "    ]) }}",
            "{% endmacro %}",
            "",
        ]
    )


def read_rules(project_root: Path) -> list[Rule]:
    """Read and check every rule, in the order of their names; the first mistake is raised."""
    entries, unit_tests = _read_yml_files(project_root)
    sql_files = {
        path.stem: path.relative_to(project_root)
        for path in sorted((project_root / _RULES).rglob("*.sql"))
    }
    _check_unique(sql_files)
    _check_pairs(sql_files, entries)
    columns = {path: _described_columns(project_root / path) for path in (_CLAIMS, _PURCHASES)}
    rules = []
    for name, sql_file in sorted(sql_files.items()):
        yml_file, meta = entries[name]
        sql = (project_root / sql_file).read_text(encoding="utf-8")
        thresholds = frozenset(_THRESHOLD_CALL.findall(sql))
        rule = Rule(name, sql_file, yml_file, meta, thresholds, _JUDGES_CLAIMS in sql)
        judged = _CLAIMS if rule.judges_claims else _PURCHASES
        _check_meta(rule, judged.stem, columns[judged])
        _check_rule_id(rule, sql)
        if unit_tests.get(name, 0) < _MINIMUM_UNIT_TESTS:
            raise CardwatchError(
                f"{yml_file} has fewer than two unit tests of {name}; "
                "add one that fires and one that is silent exactly at the threshold"
            )
        rules.append(rule)
    _check_thresholds(rules, project_root)
    _check_exceptions(rules, project_root)
    return rules


def _read_yml_files(
    project_root: Path,
) -> tuple[dict[str, tuple[Path, dict[str, Any]]], dict[str, int]]:
    """Return yml file and meta of every described model, and how many unit tests each has."""
    entries: dict[str, tuple[Path, dict[str, Any]]] = {}
    unit_tests: dict[str, int] = {}
    for path in sorted((project_root / _RULES).rglob("*.yml")):
        yml_file = path.relative_to(project_root)
        try:
            # the same as safe_load, in a tenth of the time
            content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) or {}
            for entry in content.get("models") or []:
                entries[entry["name"]] = yml_file, (entry.get("config") or {}).get("meta") or {}
            for test in content.get("unit_tests") or []:
                unit_tests[test["model"]] = unit_tests.get(test["model"], 0) + 1
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            detail = " ".join(str(error).split())
            raise CardwatchError(
                f"{yml_file} is not yml as dbt and Cardwatch need it ({detail}); "
                "write it like the other files of that name"
            ) from error
    return entries, unit_tests


def _check_pairs(
    sql_files: dict[str, Path], entries: dict[str, tuple[Path, dict[str, Any]]]
) -> None:
    for name, sql_file in sql_files.items():
        if name not in entries:
            raise CardwatchError(
                f"{sql_file} has no yml entry; describe {name} in "
                f"{sql_file.parent}/_{sql_file.parent.name}__rules.yml"
            )
    for name, (yml_file, _) in entries.items():
        if name not in sql_files:
            raise CardwatchError(
                f"{yml_file} describes {name}, which has no SQL file; "
                f"write {yml_file.parent}/{name}.sql or delete the entry"
            )


def _check_meta(rule: Rule, judged: str, columns: set[str]) -> None:
    for key in _META_KEYS:
        if rule.meta.get(key) in (None, "", []):
            raise CardwatchError(
                f"{rule.yml_file} gives {rule.name} no {key}; add it under config.meta"
            )
    for key, choices in _CHOICES.items():
        if rule.meta[key] not in choices:
            raise CardwatchError(
                f"{rule.yml_file} gives {rule.name} the {key} {rule.meta[key]!r}; "
                f"use one of: {', '.join(choices)}"
            )
    needs = rule.meta["needs"]
    for column in needs if isinstance(needs, list) else [needs]:
        if column not in columns:
            raise CardwatchError(
                f"{rule.yml_file} says that {rule.name} needs {column!r}, which {judged} "
                "lacks; list columns that it has"
            )


def _check_rule_id(rule: Rule, sql: str) -> None:
    """The id is written in three places, and in the folder's name: all must agree."""
    named = _MODEL_NAME.fullmatch(rule.name)
    if named is None or named["rule_id"] != rule.rule_id:
        raise CardwatchError(
            f"{rule.sql_file} must be named rule_<rule_id>_<slug>.sql, but its yml entry has the "
            f"rule_id {rule.rule_id!r}; rename the file or correct the entry"
        )
    if set(_RULE_ID_IN_SQL.findall(sql)) != {rule.rule_id}:
        raise CardwatchError(
            f"{rule.sql_file} must select '{rule.rule_id}' as rule_id, as its yml entry says; "
            "correct the one that is wrong"
        )
    typology = rule.meta["typology"]
    if rule.sql_file.parent.name != typology or rule.rule_id[: -len("_000")] != typology:
        raise CardwatchError(
            f"{rule.sql_file} has the typology {typology!r} in its yml entry; "
            "folder, rule_id and typology must name the same one"
        )


def _check_unique(sql_files: Mapping[str, Path]) -> None:
    seen: dict[str, Path] = {}
    for name, sql_file in sorted(sql_files.items()):
        named = _MODEL_NAME.fullmatch(name)
        rule_id = named["rule_id"] if named else name
        if rule_id in seen:
            raise CardwatchError(
                f"{sql_file} has the rule_id {rule_id} of {seen[rule_id]}; "
                "give it the next free number"
            )
        seen[rule_id] = sql_file


def _check_thresholds(rules: Iterable[Rule], project_root: Path) -> None:
    thresholds = read_thresholds(project_root)
    rows = {(threshold.rule_id, threshold.parameter) for threshold in thresholds}
    used: set[tuple[str, str]] = set()
    for rule in rules:
        if missing := sorted(rule.thresholds - rows):
            raise CardwatchError(
                f"{rule.sql_file} reads the threshold {', '.join(missing[0])}, which {THRESHOLDS} "
                "lacks; add the row with unit and note"
            )
        used |= rule.thresholds
    if unused := sorted(rows - used):
        raise CardwatchError(
            f"{THRESHOLDS} has the row {', '.join(unused[0])}, which no rule reads; "
            "delete it or correct its name"
        )
    check_reaches(project_root, thresholds)


def _check_exceptions(rules: Iterable[Rule], project_root: Path) -> None:
    """An exception names a rule, says why and on whose word, and ends."""
    known = {rule.rule_id for rule in rules}
    for row in read_seed(project_root / _EXCEPTIONS):
        exception = f"{_EXCEPTIONS} has the exception {row['exception_id']!r}"
        if row["rule_id"] not in known:
            raise CardwatchError(
                f"{exception} from {row['rule_id']!r}, which is no rule; correct or delete it"
            )
        check_waiver(exception, row, "exception_id")


def _described_columns(path: Path) -> set[str]:
    """Columns of the model of a yml file; a contract holds it to the model's SQL."""
    content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {column["name"] for column in content["models"][0]["columns"]}
