"""What every rule must declare, and the generated list of active rules."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Node
from typing import Any

import duckdb
import jinja2
import pytest
import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.settings.rules import Rule, active_rules_macro, read_rules, sync_active_rules

RULES = read_rules(project_root())
MACRO = "macros/rules/active_rules.sql"
THRESHOLDS = "seeds/rule_thresholds.csv"
EXCEPTIONS = "seeds/rule_exceptions.csv"
SPLIT = "models/rules/limit_evasion/rule_limit_evasion_001_split_same_merchant"
SPLIT_YML = "models/rules/limit_evasion/_limit_evasion__rules.yml"

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule_id)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the rules consist of, free to be spoiled."""
    for folder in ("models/features", "models/intermediate", "models/rules", "macros/rules"):
        shutil.copytree(project_root() / folder, tmp_path / folder)
    for file in (THRESHOLDS, EXCEPTIONS):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project_root() / file, tmp_path / file)
    return tmp_path


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def with_meta(key: str, value: str) -> Callable[[Path], None]:
    """Return what gives both rules on evading limits this value."""

    def spoil(project: Path) -> None:
        yml = project / SPLIT_YML
        text = yml.read_text(encoding="utf-8")
        lines = re.sub(f"(?m)^        {key}: .*$", f"        {key}: {value}", text)
        yml.write_text(lines, encoding="utf-8")

    return spoil


# What every rule declares.


@each_rule
def test_a_rule_says_in_both_languages_what_it_is_why_it_fires_and_what_to_ask(rule: Rule) -> None:
    for key in ("title", "explanation", "what_to_do"):
        assert not re.search("[가-힣]", rule.meta[f"{key}_en"])
        assert re.search("[가-힣]", rule.meta[f"{key}_ko"])
    assert re.search("[가-힣]", rule.meta["description_ko"])


@each_rule
def test_an_explanation_gives_both_figures_and_no_other_placeholder(rule: Rule) -> None:
    for language in ("en", "ko"):
        clause = rule.meta[f"explanation_{language}"]
        assert sorted(re.findall(r"{.*?}", clause)) == ["{observed}", "{threshold}"]
        assert not clause.endswith(".")


@each_rule
def test_a_rule_expects_a_band_of_hits_and_is_reviewed_in_2027_or_later(rule: Rule) -> None:
    band = rule.meta["expected_hits_a_month"]
    assert 0 <= band["low"] < band["high"]
    assert re.fullmatch(r"20(2[7-9]|[3-9]\d)-\d\d-\d\d", str(rule.meta["review_by"]))


@each_rule
def test_every_threshold_of_a_rule_has_value_unit_and_reason(rule: Rule) -> None:
    with (project_root() / THRESHOLDS).open(encoding="utf-8", newline="") as seed:
        rows = {(row["rule_id"], row["parameter"]): row for row in csv.DictReader(seed)}
    for threshold in rule.thresholds:
        assert threshold[0] == rule.rule_id
        float(rows[threshold]["threshold"])
        assert rows[threshold]["unit"]
        assert rows[threshold]["note"]


@each_rule
def test_unit_tests_bring_their_own_thresholds_so_that_tuning_breaks_none(rule: Rule) -> None:
    content = yaml.safe_load((project_root() / rule.yml_file).read_text(encoding="utf-8"))
    for test in content["unit_tests"]:
        if test["model"] == rule.name:
            given = {item["input"]: item["rows"] for item in test["given"]}
            rows = given.get("ref('rule_thresholds')", [])
            assert {(row["rule_id"], row["parameter"]) for row in rows} == rule.thresholds


# The generated list.


def test_the_committed_macro_is_what_would_be_generated() -> None:
    committed = (project_root() / MACRO).read_text(encoding="utf-8")
    assert committed == active_rules_macro(RULES), "run `cardwatch run` and commit the macro"


def test_dbt_gets_the_names_of_all_rules_that_are_not_retired(project: Path) -> None:
    with_meta("stage", "retired")(project)

    assert sync_active_rules(project)

    returned: list[str] = []
    template = jinja2.Template((project / MACRO).read_text(encoding="utf-8"))
    template.make_module({"return": returned.extend}).active_rules()  # type: ignore[attr-defined]
    active = [rule for rule in RULES if rule.active and str(rule.yml_file) != SPLIT_YML]
    names = sorted(rule.name for rule in active)
    assert returned == names


def test_the_catalogue_keeps_retired_rules_and_takes_nothing_else() -> None:
    source = (project_root() / "macros/rules/rule_entries.sql").read_text(encoding="utf-8")
    nodes = {
        "retired": ("model", "models/rules/claims/b.sql"),
        "live": ("model", "models/rules/claims/a.sql"),
        "a unit test": ("unit_test", "models/rules/claims/_claims__rules.yml"),
        "a feature": ("model", "models/features/card/c.sql"),
    }
    graph = {
        "nodes": {
            name: Node(name=name, resource_type=kind, original_file_path=path)
            for name, (kind, path) in nodes.items()
        }
    }
    returned: list[Node] = []
    template = jinja2.Template(source, extensions=["jinja2.ext.do"])
    context = {"return": returned.extend, "execute": True, "graph": Node(**graph)}
    template.make_module(context).rule_entries()  # type: ignore[attr-defined]
    assert [node.name for node in returned] == ["live", "retired"]


def test_the_macro_is_written_only_when_it_changes(project: Path) -> None:
    assert not sync_active_rules(project), f"{MACRO} is out of date; `cardwatch run` renews it"
    (project / MACRO).unlink()
    assert sync_active_rules(project)
    assert not sync_active_rules(project)
    assert sorted(file.name for file in (project / MACRO).parent.iterdir()) == sorted(
        file.name for file in (project_root() / MACRO).parent.iterdir()
    )


def test_the_worked_example_of_the_readme_is_a_complete_rule(project: Path) -> None:
    readme = (project / "models/rules/README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", readme, re.DOTALL)
    sql, canary = (text for language, text in blocks if language == "sql")
    (row,) = (text for language, text in blocks if language == "csv")
    entry, unit_tests = (text for language, text in blocks if language == "yml")
    assert "where\n        rule_id = 'time_place_099'" in canary
    folder = project / "models/rules/time_place"
    (folder / "rule_time_place_099_fuel_on_a_day_off.sql").write_text(sql, encoding="utf-8")
    with (project / THRESHOLDS).open("a", encoding="utf-8") as seed:
        seed.write(row)
    yml = folder / "_time_place__rules.yml"
    replace(yml, "unit_tests:\n", f"{entry}\nunit_tests:\n")
    with yml.open("a", encoding="utf-8") as file:
        file.write(unit_tests)

    assert sync_active_rules(project)
    assert "rule_time_place_099_fuel_on_a_day_off" in (project / MACRO).read_text(encoding="utf-8")


# Mistakes: each is one sentence that names the file and says what to do.


def no_yml_entry(project: Path) -> None:
    copied = (project / SPLIT).with_name("rule_limit_evasion_077_too.sql")
    shutil.copy(project / f"{SPLIT}.sql", copied)


def no_sql_file(project: Path) -> None:
    (project / f"{SPLIT}.sql").unlink()


def outside_a_typology(project: Path) -> None:
    (project / f"{SPLIT}.sql").rename(project / "models/rules" / f"{Path(SPLIT).name}.sql")


def in_the_folder_of_another_typology(project: Path) -> None:
    (project / f"{SPLIT}.sql").rename(project / "models/rules/claims" / f"{Path(SPLIT).name}.sql")


def sql_has_another_rule_id(project: Path) -> None:
    replace(project / f"{SPLIT}.sql", "'limit_evasion_001' as", "'limit_evasion_009' as")


def yml_has_another_rule_id(project: Path) -> None:
    replace(
        project / SPLIT_YML,
        "        rule_id: limit_evasion_001",
        "        rule_id: limit_evasion_009",
    )


def rule_id_taken(project: Path) -> None:
    """A second rule, complete in itself, under a number that is taken."""
    name = Path(SPLIT).name
    shutil.copy(project / f"{SPLIT}.sql", project / f"{SPLIT}_too.sql")
    second = (project / SPLIT_YML).read_text(encoding="utf-8").replace(name, f"{name}_too")
    content = yaml.safe_load(second)
    chosen = {
        "models": [model for model in content["models"] if model["name"] == f"{name}_too"],
        "unit_tests": [test for test in content["unit_tests"] if test["model"] == f"{name}_too"],
    }
    (project / "models/rules/limit_evasion/_second__rules.yml").write_text(
        yaml.safe_dump(chosen, allow_unicode=True), encoding="utf-8"
    )


def no_owner(project: Path) -> None:
    replace(project / SPLIT_YML, "        owner: card audit\n", "")


def no_meta_at_all(project: Path) -> None:
    replace(project / SPLIT_YML, "config:", "documentation:")


def one_unit_test(project: Path) -> None:
    replace(
        project / SPLIT_YML,
        "    model: rule_limit_evasion_002_just_below_limit\n    given:\n      - input",
        "    model: rule_limit_evasion_001_split_same_merchant\n    given:\n      - input",
    )


def no_threshold_row(project: Path) -> None:
    seed = project / THRESHOLDS
    lines = seed.read_text(encoding="utf-8").splitlines(keepends=True)
    seed.write_text("".join(line for line in lines if "evasion_001" not in line), encoding="utf-8")


def threshold_row_without_a_rule(project: Path) -> None:
    with (project / THRESHOLDS).open("a", encoding="utf-8") as seed:
        seed.write("limit_evasion_001,forgotten,1,purchases,,renamed long ago\n")


def threshold_beyond_its_reach(project: Path) -> None:
    replace(project / THRESHOLDS, "maximum_kilometres,1,", "maximum_kilometres,6,")


def with_exception(row: str) -> Callable[[Path], None]:
    """Return what adds this row to the exceptions."""

    def spoil(project: Path) -> None:
        with (project / EXCEPTIONS).open("a", encoding="utf-8") as seed:
            seed.write(f"{row}\n")

    return spoil


def broken_yml(project: Path) -> None:
    (project / SPLIT_YML).write_text("models: [", encoding="utf-8")


def entry_without_a_name(project: Path) -> None:
    replace(project / SPLIT_YML, "  - name: rule_", "  - title: rule_")


#: What is spoiled in the project, and what the refusal says.
MISTAKES = [
    (no_yml_entry, r"077_too\.sql has no yml entry; describe .*rules\.yml"),
    (no_sql_file, r"_limit_evasion__rules\.yml describes .* which has no SQL file; write "),
    (outside_a_typology, r"rules/rule_limit.*must name the same one"),
    (in_the_folder_of_another_typology, r"rules/claims/rule_limit.*must name the same one"),
    (
        sql_has_another_rule_id,
        r"001_split_same_merchant\.sql must select 'limit_evasion_001' as rule_id",
    ),
    (yml_has_another_rule_id, r"001_split_same_merchant\.sql must be named .*; rename"),
    (rule_id_taken, r"_too\.sql has the rule_id limit_evasion_001 of .*; give it the next"),
    (no_owner, r"_limit_evasion__rules\.yml gives rule_.* no owner; add it"),
    (no_meta_at_all, r"_limit_evasion__rules\.yml gives rule_.* no rule_id; add it"),
    (with_meta("severity", "grave"), r"__rules\.yml .* the severity 'grave'; use one of: crit"),
    (with_meta("kind", "advice"), r"__rules\.yml .* the kind 'advice'; use one of: mandatory"),
    (
        with_meta("stage", "trial"),
        r"__rules\.yml .* the stage 'trial'; use one of: live, shadow",
    ),
    (with_meta("typology", "limits"), r"__rules\.yml .* the typology 'limits'; use one of: "),
    (with_meta("unit", "won"), r"__rules\.yml .* the unit 'won'; use one of: currency"),
    (with_meta("needs", "[limit]"), r"__rules\.yml says .* needs 'limit', which feat_trans"),
    (with_meta("needs", "limit"), r"__rules\.yml says .* needs 'limit', which feat_trans"),
    (with_meta("needs", "[claim_id]"), r"__rules\.yml says .* needs 'claim_id', which feat_"),
    (one_unit_test, r"__rules\.yml has fewer than two unit tests of rule_limit_evasion_002"),
    (no_threshold_row, r"001_split.*\.sql reads the threshold limit_evasion_001, minimum_pur"),
    (
        threshold_beyond_its_reach,
        r"time_place_007 .* = 6: what it reads reaches to 5 kilometres",
    ),
    (threshold_row_without_a_rule, r"rule_thresholds\.csv has the row .*forgotten, which no"),
    (
        with_exception("X1,no_rule_001,employee,E1,why,audit,2026-01-01,2026-12-31"),
        r"rule_exceptions\.csv has the exception 'X1' from 'no_rule_001', which is no rule; ",
    ),
    (
        with_exception("X1,merchant_001,city,Seoul,why,audit,2026-01-01,2026-12-31"),
        r"the exception 'X1' for the scope 'city'; use one of: employee, department",
    ),
    (
        with_exception("X1,merchant_001,employee,E1, ,audit,2026-01-01,2026-12-31"),
        r"the exception 'X1' without reason; add it",
    ),
    (
        with_exception("X1,merchant_001,employee,E1,why,audit,2026-01-01,"),
        r"the exception 'X1' with a valid_from or expires_on that is no day .*; write both",
    ),
    (
        with_exception("X1,merchant_001,employee,E1,why,audit,2026-01-02,2026-01-01"),
        r"the exception 'X1', which expires on 2026-01-01, before it begins on 2026-01-02",
    ),
    (broken_yml, r"_limit_evasion__rules\.yml is not yml as dbt and Cardwatch need it"),
    (entry_without_a_name, r"_limit_evasion__rules\.yml is not yml as dbt and Cardwatch need"),
]


@pytest.mark.parametrize(("spoil", "sentence"), MISTAKES)
def test_a_mistake_is_refused_with_one_sentence_and_changes_nothing(
    project: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    before = (project / MACRO).read_text(encoding="utf-8")
    spoil(project)
    with pytest.raises(CardwatchError, match=sentence) as caught:
        sync_active_rules(project)
    assert "\n" not in str(caught.value)
    assert (project / MACRO).read_text(encoding="utf-8") == before


# The macro through which rules read thresholds.


def threshold(parameter: str, **variables: Any) -> float | None:
    """Evaluate the macro against three rows: one in order, one without value, one given twice."""
    source = (project_root() / "macros/rules/rule_threshold.sql").read_text(encoding="utf-8")
    template = jinja2.Template(
        source + "select {{ rule_threshold('limit_evasion_001', parameter) }}",
        undefined=jinja2.StrictUndefined,
    )
    query = template.render(parameter=parameter, ref=str, var=variables.get)
    connection = duckdb.connect()
    connection.execute(
        "create table rule_thresholds as from (values "
        "('limit_evasion_001', 'in_order', 2.0), ('limit_evasion_001', 'empty', null), "
        "('limit_evasion_001', 'twice', 2.0), ('limit_evasion_001', 'twice', 3.0), "
        "('limit_evasion_002', 'absent', 2.0)) as rows (rule_id, parameter, threshold)"
    )
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_a_threshold_comes_from_its_row() -> None:
    assert threshold("in_order") == 2


@pytest.mark.parametrize(("parameter", "rows"), [("absent", 0), ("empty", 0), ("twice", 2)])
def test_without_exactly_one_value_the_query_stops_with_a_sentence(
    parameter: str, rows: int
) -> None:
    sentence = (
        r"rule_thresholds\.csv must have exactly one row with a value for rule limit_evasion_001, "
        f"parameter {parameter}, but has {rows}"
    )
    with pytest.raises(duckdb.Error, match=sentence):
        threshold(parameter)


def test_a_backtest_replaces_a_threshold_even_by_zero() -> None:
    overrides = {"limit_evasion_001.in_order": 0}
    assert threshold("in_order", threshold_overrides=overrides) == 0
    assert threshold("twice", threshold_overrides={"limit_evasion_001.twice": 5}) == 5
    assert threshold("in_order", threshold_overrides={"limit_evasion_002.in_order": 5}) == 2
