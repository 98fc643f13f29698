"""The catalogues that are read in the repository say what yml and seeds say."""

import pytest

from orchestration.engine.home import project_root
from orchestration.settings.catalogues import FEATURES, RULES, catalogues
from orchestration.settings.rules import read_rules
from orchestration.settings.thresholds import read_thresholds


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return {str(file): text for file, text in catalogues(project_root()).items()}


@pytest.mark.parametrize("file", [RULES, FEATURES], ids=str)
def test_a_catalogue_is_what_its_sources_make_of_it(file, written):
    kept = (project_root() / file).read_text(encoding="utf-8")
    assert kept == written[str(file)], "run `make catalogues`"


def test_every_rule_and_every_threshold_is_in_the_catalogue(written):
    text = written[str(RULES)]
    for rule in read_rules(project_root()):
        assert f"### {rule.rule_id}\n" in text
        assert rule.meta["title_ko"] in text
    for threshold in read_thresholds(project_root()):
        reach = threshold.reach or "any"
        assert (
            f"| `{threshold.parameter}` | {threshold.value:g} | {threshold.unit} | {reach} |"
            in text
        )
