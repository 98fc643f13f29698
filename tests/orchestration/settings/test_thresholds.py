"""A threshold goes as far as its reach; a reach is the one that a model is cut at."""

import re
from pathlib import Path

import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.settings.thresholds import (
    THRESHOLDS,
    check_reaches,
    is_within,
    reach_ends,
    read_thresholds,
)

HEADER = "rule_id,parameter,threshold,unit,reach,note"


def project(folder: Path, row: str, sql: str = "select 1") -> Path:
    """A project of one threshold and one feature."""
    for file, text in ((THRESHOLDS, f"{HEADER}\n{row}\n"), ("models/features/feat_a.sql", sql)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def check(root: Path) -> None:
    check_reaches(root, read_thresholds(root))


def test_the_thresholds_of_the_project_are_within_reaches_that_models_read() -> None:
    check(project_root())


@pytest.mark.parametrize(
    ("reach", "ends"),
    [
        ("", {}),
        ("from 0.9", {"from": 0.9}),
        ("to 30", {"to": 30}),
        ("from 2 to 4", {"from": 2, "to": 4}),
        ("30", {}),
        ("up to 30", {}),
        ("from 2 bis 4", {}),
        ("to thirty", {}),
    ],
)
def test_a_reach_has_one_end_or_both(reach: str, ends: dict[str, float]) -> None:
    assert reach_ends(reach) == ends


def test_both_ends_belong_to_a_reach() -> None:
    within = [value for value in (1, 2, 3, 4, 5) if is_within(value, "from 2 to 4")]
    assert within == [2, 3, 4]
    unbounded = [(-1e9, "to 30"), (1e9, "from 2"), (0, "")]
    assert all(is_within(value, reach) for value, reach in unbounded)


def test_a_reach_that_a_model_reads_is_fine(tmp_path: Path) -> None:
    sql = """
        where a <= {{ rule_reach('a_001', 'maximum_days', 'to') }}
            and b >= {{ rule_reach(
                'a_001', 'maximum_days', 'from', fixed=2
            ) }}
    """
    check(project(tmp_path, 'a_001,maximum_days,7,days,from 2 to 30,"a, b"', sql))


@pytest.mark.parametrize(
    ("row", "sql", "sentence"),
    [
        (
            "a_001,maximum_days,31,days,to 30,why",
            "{{ rule_reach('a_001', 'maximum_days', 'to') }}",
            r"rule a_001 cannot look for maximum_days = 31: .* reaches to 30 days; .* widen the",
        ),
        (
            "a_001,minimum_days,1.5,days,from 2,why",
            "{{ rule_reach('a_001', 'minimum_days', 'from') }}",
            r"rule a_001 cannot look for minimum_days = 1\.5: .* reaches from 2 days; ",
        ),
        ("a_001,minimum_amount,-1,won,,why", "", r"minimum_amount = -1: no threshold is below 0;"),
        ("a_001,maximum_days,seven,days,,why", "", r"threshold 'seven', which is no number; corr"),
        ("a_001,maximum_days,7,days,30,why", "", r"maximum_days the reach '30'; write it like"),
        (
            "a_001,maximum_days,7,days,to 30,why",
            "{{ rule_reach('a_001', 'maximum_days', 'from') }}",
            r"maximum_days the reach 'to 30', at which no model is cut; empty it, or read it",
        ),
        (
            "a_001,maximum_days,7,days,to 30,why",
            "{{ rule_reach('a_001', 'maximum_days', 'to', fixed=31) }}",
            r"the reach 'to 30', but models/features/feat_a\.sql goes to 31 and no further; write",
        ),
        (
            "a_001,maximum_days,7,days,,why",
            "{{ rule_reach('a_001', 'maximum_days', 'to') }}",
            r"feat_a\.sql is cut at a reach that .* does not give rule a_001, maximum_days; write",
        ),
    ],
)
def test_a_mistake_is_refused_with_one_sentence(
    tmp_path: Path, row: str, sql: str, sentence: str
) -> None:
    with pytest.raises(CardwatchError, match=sentence) as caught:
        check(project(tmp_path, row, sql))
    assert not re.search(r"\n|\. ", str(caught.value))
