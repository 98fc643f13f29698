"""A suggestion as a rule in the stage shadow: its SQL, its yml entry with tests, its thresholds."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from orchestration.engine.home import Home, project_root
from orchestration.engine.rows import named_rows
from orchestration.engine.warehouse import connect
from orchestration.settings.rules import UNITS
from orchestration.settings.thresholds import THRESHOLDS
from orchestration.workbench.suggest import Suggestion

#: A rule's typology by the family of its first feature, where it is not the family's own name.
_TYPOLOGY_BY_FAMILY = {
    "split": "limit_evasion",
    "time": "time_place",
    "leave": "time_place",
    "place": "time_place",
    "merchant": "merchant",
    "duplicate": "merchant",
    "cash_like": "cash_like",
    "amount": "cash_like",
    "peer": "cash_like",
}

#: What every rule gives: name, type and description.
_COLUMNS = (
    ("rule_id", "varchar", "The rule, as in its yml entry."),
    ("subject_type", "varchar", "What the rule judges."),
    ("subject_id", "varchar", "The transaction; a rule names it once."),
    ("transaction_id", "varchar", "The transaction."),
    ("occurred_at", "timestamp", "When the purchase was authorized."),
    ("observed_value", "double", "What was found, in the rule's unit."),
    ("threshold_value", "double", "What it is compared with."),
    ("evidence", "varchar", "What the rule saw, as a JSON object."),
)


def write_rule(home: Home, suggestion: Suggestion, root: Path | None = None) -> Suggestion:
    """Write a suggestion as a rule in the stage shadow: SQL, yml entry with tests, thresholds.

    Returns the suggestion with the files that were written, below `root`, the project's own.
    """
    root = root or project_root()
    with connect(home, read_only=True) as connection:
        rows = named_rows(connection, "select feature, family, unit from seeds.feature_catalog")
    catalogue = {row["feature"]: row for row in rows}
    first = catalogue[suggestion.predicates[0].feature]
    folder = root / "models/rules" / _TYPOLOGY_BY_FAMILY.get(first["family"], "card_behaviour")
    rule_id = _next_rule_id(folder)
    name = f"rule_{rule_id}_suggested"
    parameters = [
        f"{'minimum' if each.above else 'maximum'}_{each.feature}" for each in suggestion.predicates
    ]
    units = [_threshold_unit(catalogue[each.feature]["unit"]) for each in suggestion.predicates]
    sql_file, yml_file = folder / f"{name}.sql", folder / f"_{name}.yml"
    sql_file.write_text(_sql(rule_id, suggestion, parameters), encoding="utf-8")
    content = {
        "version": 2,
        "models": [
            _entry(rule_id, name, suggestion, first["unit"] if first["unit"] in UNITS else "times")
        ],
        "unit_tests": _unit_tests(rule_id, name, suggestion, parameters, units),
    }
    yml_file.write_text(
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100), encoding="utf-8"
    )
    seed = root / THRESHOLDS
    with seed.open("a", encoding="utf-8") as file:
        for parameter, predicate, unit in zip(
            parameters, suggestion.predicates, units, strict=True
        ):
            # the vector knows every value of a feature, so that there is no reach
            file.write(
                f"{rule_id},{parameter},{predicate.value:g},{unit},,"
                '"found in reviewed cases, not yet judged by a person"\n'
            )
    return replace(suggestion, files=(sql_file, yml_file, seed))


def _next_rule_id(folder: Path) -> str:
    """The typology of the folder and the number after its last one."""
    taken = [
        int(match[1])
        for path in folder.glob("rule_*.sql")
        if (match := re.match(rf"rule_{folder.name}_(\d+)_", path.name))
    ]
    return f"{folder.name}_{max(taken, default=0) + 1:03}"


def _sql(rule_id: str, suggestion: Suggestion, parameters: Sequence[str]) -> str:
    features = sorted({each.feature for each in suggestion.predicates})
    first = suggestion.predicates[0]
    columns = [
        "transaction_id",
        "authorized_at",
        *(["amount"] if "amount" not in features else []),
        *features,
    ]
    conditions = "\n        and ".join(
        f"{each.feature} {'>' if each.above else '<='}"
        f" {{{{ rule_threshold('{rule_id}', '{parameter}') }}}}"
        for each, parameter in zip(suggestion.predicates, parameters, strict=True)
    )
    evidence = ", ".join(f"'{name}'" for name in [*features, "amount"][: len(features) + 1])
    listed = ",\n        ".join(columns)
    return f"""-- Grain: one row per purchase that looks like reviewed misuse.
with

transactions as (
    select
        {listed}
    from {{{{ ref('feat_transaction') }}}}
    where is_purchase
),

final as (
    select
        '{rule_id}' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        {first.feature}::double as observed_value,
        {{{{ rule_threshold('{rule_id}', '{parameters[0]}') }}}}::double
            as threshold_value,
        {{{{ evidence([{evidence}]) }}}} as evidence
    from transactions
    where
        {conditions}
)

select * from final
"""


def _entry(rule_id: str, name: str, suggestion: Suggestion, unit: str) -> dict[str, Any]:
    low, high = suggestion.later.interval()
    condition = " and ".join(map(str, suggestion.predicates))
    earlier, later = suggestion.earlier, suggestion.later
    figures = (
        f"{earlier.cases} of {earlier.hits} earlier and {later.cases} of {later.hits} later decisions "
        f"were misuse ({later.precision:.0%}, 95 % interval {low:.0%} to {high:.0%}, against "
        f"{suggestion.base_rate:.1%} of all)"
    )
    figures_ko = (
        f"과거 결정 {earlier.hits}건 중 {earlier.cases}건, 이후 결정 {later.hits}건 중 {later.cases}건이 "
        f"오남용으로 확정되었다(정밀도 {later.precision:.0%}, 95% 구간 {low:.0%}~{high:.0%})"
    )
    first = suggestion.predicates[0].feature
    return {
        "name": name,
        "description": f"Suggested by reviewed cases, {condition}. {figures}.",
        "config": {
            "meta": {
                "rule_id": rule_id,
                "typology": rule_id[: -len("_000")],
                "title_en": "Like reviewed misuse",
                "title_ko": "확정된 오남용과 유사",
                "description_ko": f"검토 사례에서 제안된 규칙: {condition}. {figures_ko}.",
                "explanation_en": f"{first} is {{observed}}, as in reviewed misuse (from {{threshold}})",
                "explanation_ko": f"{first} 값이 {{observed}}(기준 {{threshold}}), 확정된 오남용과 유사",
                "what_to_do_en": "Ask for purpose and receipt, and tell the owner whether the rule is any good.",
                "what_to_do_ko": "사용 목적과 영수증을 확인하고, 규칙이 적절한지 담당자에게 알린다.",
                "unit": unit,
                "severity": "low",
                "kind": "scoring",
                "stage": "shadow",
                "owner": "card audit",
                "policy_clause": "to be named",
                "needs": sorted({each.feature for each in suggestion.predicates}),
                "expected_hits_a_month": {"low": 0, "high": max(10, suggestion.later.hits)},
                "review_by": f"{date.today() + timedelta(days=180)}",
            }
        },
        "columns": [
            {"name": column, "data_type": data_type, "description": described}
            for column, data_type, described in _COLUMNS
        ],
    }


def _unit_tests(
    rule_id: str,
    name: str,
    suggestion: Suggestion,
    parameters: Sequence[str],
    units: Sequence[str],
) -> list[dict[str, Any]]:
    """One test that fires just beyond every limit, and one that is silent where one is not passed."""
    limits = [0.5 if unit == "share" else 100.0 for unit in units]
    beyond = [0.505 if unit == "share" else 100.5 for unit in units]
    firing: dict[str, Any] = {"transaction_id": "just_beyond", "is_purchase": True}
    for each, limit, further in zip(suggestion.predicates, limits, beyond, strict=True):
        firing[each.feature] = further if each.above else limit
    silent = [{**firing, "transaction_id": "declined", "is_purchase": False}]
    for place, each in enumerate(suggestion.predicates):
        value = limits[place] if each.above else beyond[place]
        silent.append({**firing, "transaction_id": f"not_{parameters[place]}", each.feature: value})
    thresholds = {
        "input": "ref('rule_thresholds')",
        "rows": [
            {"rule_id": rule_id, "parameter": parameter, "threshold": limit}
            for parameter, limit in zip(parameters, limits, strict=True)
        ],
    }
    return [
        {
            "name": f"{rule_id}_fires_just_beyond_every_limit",
            "model": name,
            "given": [{"input": "ref('feat_transaction')", "rows": [firing]}, thresholds],
            "expect": {"rows": [{"rule_id": rule_id, "subject_id": "just_beyond"}]},
        },
        {
            "name": f"{rule_id}_silent_exactly_at_each_limit",
            "model": name,
            "given": [{"input": "ref('feat_transaction')", "rows": silent}, thresholds],
            "expect": {"rows": []},
        },
    ]


def _threshold_unit(unit: str) -> str:
    return "share" if unit == "share" else unit.replace("_", " ")
