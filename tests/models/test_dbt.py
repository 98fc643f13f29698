"""The dbt project parses without warnings, its unit tests pass on a warehouse without rows, and
those of the rules notice what is wrong with a rule."""

import csv
import json

import duckdb
import pytest

from orchestration.engine.home import Home, project_root
from orchestration.settings.rules import Rule, read_rules
from tests.homes import dbt
from tests.models.rule_mutations import Rehearsal, moved, overriding_tests, unit_tests


@pytest.fixture(scope="module")
def rehearsal(built_home: Home) -> Rehearsal:
    return Rehearsal(built_home)


def test_everything_builds_on_a_warehouse_without_rows_and_unit_tests_pass(built_home: Home):
    # those of rules are run below, in memory; but for those that dbt has to compile anew
    rules = read_rules(project_root())
    compiled_anew = [name for rule in rules for name in overriding_tests(project_root(), rule)]
    tested = {
        file.relative_to(project_root()).parts[1]
        for file in project_root().glob("models/**/*.yml")
        if "\nunit_tests:" in file.read_text(encoding="utf-8")
    }
    others = [f"test_type:unit,path:models/{folder}" for folder in tested - {"rules"}]
    said = dbt(built_home, "test", "--select", *compiled_anew, *others)
    assert "ERROR=0" in said
    assert "NO-OP=0" in said
    assert int(said.partition(" PASS=")[2].split()[0]) > 100 + len(compiled_anew)


def test_the_catalogue_is_told_when_all_rules_stand(built_home: Home):
    manifest = json.loads((built_home.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    before = manifest["nodes"]["model.cardwatch.rule_catalog"]["depends_on"]["nodes"]
    active = {f"model.cardwatch.{rule.name}" for rule in read_rules(project_root()) if rule.active}
    assert active <= set(before)


def test_the_check_of_empty_values_names_the_column(built_home: Home):
    (compiled,) = built_home.dbt_target.rglob("compiled/**/filled_alert_queue_*.sql")
    check = compiled.read_text(encoding="utf-8").replace('"warehouse".', "")
    with duckdb.connect() as connection:
        connection.execute("create schema alerts")
        connection.execute("create table alerts.alert_queue (review_date date, case_id varchar)")
        assert connection.execute(check).fetchall() == []
        connection.execute("insert into alerts.alert_queue values ('2026-01-01', 'a')")
        assert connection.execute(check).fetchall() == []
        connection.execute("insert into alerts.alert_queue values ('2026-01-01', null)")
        with pytest.raises(duckdb.Error, match=r"alert_queue\.case_id is empty in 1 rows"):
            connection.execute(check).fetchall()


@pytest.mark.parametrize("rule", read_rules(project_root()), ids=lambda rule: rule.rule_id)
def test_unit_tests_notice_a_missing_predicate_and_a_moved_threshold(
    rehearsal: Rehearsal, rule: Rule
):
    sql = rehearsal.sql(rule.sql_file)
    tests = unit_tests(project_root(), rule)
    assert rehearsal.unnoticed({"as it is": sql}, tests) == ["as it is"]
    spoiled = {f"without {predicate}": query for predicate, query in rehearsal.spoiled(sql)}
    assert spoiled, "a rule without a predicate names everything"
    unnoticed = rehearsal.unnoticed(spoiled, tests)
    for rule_id, parameter in sorted(rule.thresholds):
        for step in (-threshold_step(rule_id, parameter), threshold_step(rule_id, parameter)):
            moved_tests = moved(tests, rule_id, parameter, step)
            unnoticed += rehearsal.unnoticed({f"{parameter} moved by {step:+g}": sql}, moved_tests)
    assert unnoticed == []


def threshold_step(rule_id: str, parameter: str) -> float:
    """The smallest change of a threshold that matters: a hundredth of a share, or one."""
    with (project_root() / "seeds/rule_thresholds.csv").open(encoding="utf-8") as seed:
        (unit,) = (
            row["unit"]
            for row in csv.DictReader(seed)
            if (row["rule_id"], row["parameter"]) == (rule_id, parameter)
        )
    return 0.01 if "share" in unit else 1


EXCEPTIONS = [
    # identifier, scope, value, first and last day
    ("by_employee", "employee", "E1", "2026-01-01", "2026-01-31"),
    ("by_department", "department", "D1", "2026-01-01", "2026-01-31"),
    ("by_card", "card", "K1", "2026-01-01", "2026-01-31"),
    ("by_merchant", "merchant", "M1", "2026-01-01", "2026-01-31"),
    ("by_category", "category", "spa", "2026-01-01", "2026-01-31"),
    ("expired", "employee", "E2", "2025-01-01", "2026-01-14"),
    ("not_yet", "employee", "E3", "2026-01-16", "2026-12-31"),
    ("first_day", "employee", "E4", "2026-01-15", "2026-01-31"),
    ("last_day", "employee", "E5", "2026-01-01", "2026-01-15"),
]


def test_exceptions_apply_after_the_rule_on_their_days_to_whom_they_name(
    rehearsal: Rehearsal,
):
    found = rehearsal.hits_with_exceptions(
        EXCEPTIONS,
        {
            "of_employee": {"employee_id": "E1"},
            "of_department": {"department_id": "D1"},
            "of_card": {"card_id": "K1"},
            "of_merchant": {"merchant_id": "M1"},
            "of_category": {"category": "spa"},
            "after_the_last_day": {"employee_id": "E2"},
            "before_the_first_day": {"employee_id": "E3"},
            "on_the_first_day": {"employee_id": "E4"},
            "on_the_last_day": {"employee_id": "E5"},
            "of_nobody": {"employee_id": "E6"},
        },
    )
    assert {subject: exception for subject, (exception, _) in found.items()} == {
        "of_employee": "by_employee",
        "of_department": "by_department",
        "of_card": "by_card",
        "of_merchant": "by_merchant",
        "of_category": "by_category",
        "after_the_last_day": None,
        "before_the_first_day": None,
        "on_the_first_day": "first_day",
        "on_the_last_day": "last_day",
        "of_nobody": None,
    }
    assert not any(suppressed for exception, suppressed in found.values() if exception is None)


def test_a_twentieth_of_what_an_exception_suppresses_is_alerted_all_the_same(
    rehearsal: Rehearsal,
):
    found = rehearsal.hits_with_exceptions(
        EXCEPTIONS,
        {f"purchase_{number}": {"employee_id": "E1"} for number in range(2000)},
    )
    assert {exception for exception, _ in found.values()} == {"by_employee"}
    alerted = sum(not suppressed for _, suppressed in found.values())
    assert 70 <= alerted <= 130  # 100 expected, standard deviation 10
