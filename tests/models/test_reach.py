"""Thresholds do what they say: no feature hides from a rule what a threshold within its reach asks
for.

A rule's own SQL follows its thresholds (test_dbt.py). What it reads may have been cut before: by
a number that is not the reach in the seed, or beside it. Both are looked for here.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import connect
from orchestration.settings.thresholds import Threshold, read_thresholds
from tests.homes import at_the_place, copy_of, dbt, rows
from tests.models.feature_numbers import REACH, numbers_compared_with
from tests.models.rule_mutations import Rehearsal, feature_unit_tests

THRESHOLDS = read_thresholds(project_root())
MODELS = sorted(
    file.relative_to(project_root())
    for folder in ("features", "intermediate")
    for file in (project_root() / "models" / folder).rglob("*.sql")
)
CUT = [file for file in MODELS if "rule_reach(" in (project_root() / file).read_text("utf-8")]


@pytest.fixture(scope="module")
def rehearsal(built_home: Home) -> Rehearsal:
    return Rehearsal(built_home)


def step(threshold: Threshold) -> float:
    """The smallest change of a threshold that matters: a hundredth of a share, or one."""
    return 0.01 if "share" in threshold.unit else 1


@pytest.mark.parametrize(
    "threshold", THRESHOLDS, ids=lambda each: f"{each.rule_id}.{each.parameter}"
)
def test_a_threshold_goes_to_its_reach_and_not_one_step_further(threshold: Threshold):
    ends = {"from": 0.0, **threshold.ends}
    for end, number in ends.items():
        threshold.check(number)
        beyond = number - step(threshold) if end == "from" else number + step(threshold)
        sentence = f"rule {threshold.rule_id} cannot look for {threshold.parameter} = {beyond:g}: "
        with pytest.raises(CardwatchError, match=sentence) as caught:
            threshold.check(beyond)
        assert (threshold.reach if end in threshold.ends else "below 0") in str(caught.value)
    if "to" not in ends:
        threshold.check(max(threshold.value, 1) * 1e6)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("select * from a where kilometres <= 1", ["kilometres <= 1"]),
        ("select * from a where days > lag + 30", ["days > (lag + 30)"]),
        ("select * from a join b on x <= y + interval 7 day", ["x <= (y + 7 days)"]),
        ("select b from a group by b having count(*) >= 200", ["count_star() >= 200"]),
        ("select case when days between 2 and 4 then b end from a", ["days BETWEEN 2 AND 4"]),
        ("select count(*) filter (where share < 0.05) from a", ["share < 0.05"]),
        ("select * from (select * from a where n * 100 < m) as b", ["(n * 100) < m"]),
        ("select * from a where place = 1 and days > 0 and n <> 2", []),
        ("select * from a where day >= (select since - 90 from b)", []),
    ],
)
def test_a_number_is_found_wherever_a_feature_compares_with_it(sql: str, found: list[str]):
    with duckdb.connect() as connection:
        assert numbers_compared_with(connection, sql) == found


def test_no_feature_compares_with_a_number_that_nobody_has_judged(rehearsal: Rehearsal):
    text = Path(__file__).with_name("feature_numbers.yml").read_text(encoding="utf-8")
    judged = {
        (model, comparison)
        for models in yaml.safe_load(text).values()
        for model, comparisons in models.items()
        for comparison in comparisons
    }
    with duckdb.connect() as connection:
        found = {
            (file.stem, comparison)
            for file in MODELS
            for comparison in numbers_compared_with(connection, rehearsal.sql(file))
        }
    assert found - judged == set(), (
        "a threshold's number comes through the macro rule_reach; another one is written into "
        "feature_numbers.yml with the reason why it hides nothing from a rule"
    )
    assert judged - found == set(), "is no longer there"


@pytest.mark.parametrize("file", CUT, ids=lambda file: file.stem)
def test_unit_tests_notice_a_feature_that_is_cut_one_step_before_its_reach(
    rehearsal: Rehearsal, file: Path
):
    sql = rehearsal.sql(file)
    # the query is that of a daily run; a test of a full one holds of it where its days suffice
    tests = [
        test
        for test in feature_unit_tests(project_root(), file)
        if rehearsal.unnoticed({"as it is": sql}, [test])
    ]
    assert tests, "no unit test of the model holds of a daily run"
    assert rehearsal.unnoticed(dict(_cut_too_early(sql)), tests) == []


def _cut_too_early(sql: str) -> Iterator[tuple[str, str]]:
    """The query with one of its reaches a step shorter, for each: which one, and the query."""
    steps = {(each.rule_id, each.parameter): step(each) for each in THRESHOLDS}
    for place, match in enumerate(REACH.finditer(sql)):
        short = steps[match["rule_id"], match["parameter"]]
        sign = "+" if match["end"] == "from" else "-"
        spoiled = f"({match[0]} {sign} {short})"
        name = f"{place}: {match['rule_id']}.{match['parameter']} {match['end']}"
        yield name, sql[: match.start()] + spoiled + sql[match.end() :]


def test_with_another_reach_a_run_builds_the_table_anew(full: tuple[Home, str], tmp_path: Path):
    table = "features.feat_transaction_home"
    home = copy_of(full[0], tmp_path / "home")
    ((before,),) = rows(home, f"select count(*) from {table}")
    assert before
    with connect(home) as connection:
        comment = one_value(
            connection,
            "select comment from duckdb_tables() where table_name = 'feat_transaction_home'",
        )
        # as if it had been built with a shorter reach, and were without what is farther
        connection.execute(f"delete from {table}")
        connection.execute(f"comment on table {table} is '{comment.replace('5', '2')}'")
    with at_the_place(home) as place:
        dbt(place, "run", "--select", "feat_transaction_home")
    assert rows(home, f"select count(*) from {table}") == [(before,)]
    assert rows(home, f"select count(*) from duckdb_tables() where comment = '{comment}'") == [(1,)]


#: Ends at which three months of a company of 150 find as much as at the threshold itself.
NOTHING_THERE = {
    "card_behaviour_001.window_days to",
    "card_behaviour_005.minimum_declines from",
    "card_behaviour_011.window_days to",
    "cash_like_005.minimum_purchases from",
    "cash_like_007.minimum_purchases from",
    "claims_001.window_days to",
    "claims_004.window_days to",
    "claims_006.maximum_steps to",
    "claims_007.maximum_days to",
    "limit_evasion_008.minimum_days to",
    "limit_evasion_010.maximum_days to",
    "time_place_009.maximum_kilometres to",
}


def test_a_threshold_moved_to_its_reach_finds_something_else(full: tuple[Home, str]):
    home, _ = full
    same = set()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{home.warehouse}' as {home.warehouse.stem} (read_only)")
        for threshold in THRESHOLDS:
            for end, number in threshold.ends.items():
                if number == threshold.value:
                    continue
                before = _subjects(connection, home, threshold, threshold.value)
                if _subjects(connection, home, threshold, number) == before:
                    same.add(f"{threshold.rule_id}.{threshold.parameter} {end}")
    assert same == NOTHING_THERE


def _subjects(
    connection: duckdb.DuckDBPyConnection, home: Home, threshold: Threshold, value: float
) -> set[str]:
    """What the rule finds in the home with another value of one threshold."""
    seed = f"{home.warehouse.stem}.seeds.rule_thresholds"
    connection.execute(
        f"create or replace temp table changed as select * replace (case when rule_id = $1"
        f" and parameter = $2 then $3 else threshold end as threshold) from {seed}",
        [threshold.rule_id, threshold.parameter, value],
    )
    (view,) = connection.execute(
        "select sql from duckdb_views() where schema_name = 'rules' and starts_with(view_name, $1)",
        [f"rule_{threshold.rule_id}_"],
    ).fetchone() or ("",)
    query = view.partition(" AS ")[2].rstrip(";").replace(seed, "changed")
    return {row[0] for row in connection.execute(f"select subject_id from ({query})").fetchall()}
