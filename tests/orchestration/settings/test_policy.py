"""Settings with which no honest queue can be made are refused in one sentence."""

import csv
import shutil
from pathlib import Path

import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.settings.policy import check_policy, read_seed

SEEDS = ("review_budget", "review_quotas", "silences", "currencies")
SILENCE = {
    "silence_id": "renovation",
    "scope": "merchant",
    "scope_value": "m1",
    "reason": "furniture",
    "owner": "audit lead",
    "valid_from": "2026-01-01",
    "expires_on": "2026-02-01",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "seeds").mkdir()
    for seed in SEEDS:
        shutil.copy(project_root() / f"seeds/{seed}.csv", tmp_path / "seeds")
    return tmp_path


def change(project: Path, seed: str, **values: str) -> None:
    """Change the first row of a seed."""
    path = project / f"seeds/{seed}.csv"
    rows = read_seed(path)
    rows[0].update(values)
    write(path, rows)


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_the_settings_of_the_project_are_fine(project: Path):
    check_policy(project_root())
    check_policy(project)
    write(project / "seeds/silences.csv", [SILENCE])
    check_policy(project)


@pytest.mark.parametrize(
    ("seed", "values", "words"),
    [
        ("review_budget", {"cases_per_day": "0"}, "cases_per_day is 0; .* at least 3"),
        ("review_budget", {"cases_per_day": "-3"}, "cases_per_day is -3"),
        ("review_budget", {"cases_per_day": "2.5"}, "a whole number of cases"),
        ("review_budget", {"cases_per_day": ""}, "cases_per_day is missing"),
        ("review_budget", {"cases_per_day": "many"}, "cases_per_day is 'many'"),
        ("review_budget", {"valid_from": "soon"}, "valid_from is no day"),
        (
            "review_budget",
            {"cases_per_day": "3", "audit_share": "0.34", "second_review_share": "0.16"},
            "are all of 3 cases a day",
        ),
        ("review_budget", {"novelty_share": "1.2"}, "novelty_share is 1.2"),
        ("review_budget", {"audit_share": "0"}, "nobody knows what is missed"),
        ("review_budget", {"audit_uniform_share": "0"}, "nobody knows what is missed"),
        ("review_budget", {"audit_share": "0.5"}, "leave less than half"),
        ("review_quotas", {"scope": "boss"}, "for a department or a rule"),
        ("review_quotas", {"max_share": "0"}, "use a share up to 1"),
        ("currencies", {"review_cost": ""}, "currency KRW: review_cost is missing"),
        ("currencies", {"review_cost": "0"}, "a review takes somebody's time"),
        ("currencies", {"annoyance_cost": "-1"}, "annoyance_cost is negative"),
        ("currencies", {"deterrence_value": "nan"}, "deterrence_value is 'nan'"),
        ("currencies", {"recovery_rate": "70"}, "recovery_rate is above 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    project: Path, seed: str, values: dict[str, str], words: str
):
    change(project, seed, **values)
    with pytest.raises(CardwatchError, match=words) as refused:
        check_policy(project)
    assert f"seeds/{seed}.csv" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"expires_on": ""}, "is no day"),
        ({"expires_on": "2025-12-31"}, "before it begins"),
        ({"owner": " "}, "without owner"),
        ({"reason": ""}, "without reason"),
        ({"scope": "city"}, "for the scope 'city'"),
    ],
)
def test_a_silence_says_why_on_whose_word_and_until_when(
    project: Path, values: dict[str, str], words: str
):
    write(project / "seeds/silences.csv", [{**SILENCE, **values}])
    with pytest.raises(CardwatchError, match=words):
        check_policy(project)


def test_a_budget_without_a_row_is_refused(project: Path):
    path = project / "seeds/review_budget.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    with pytest.raises(CardwatchError, match="has no row"):
        check_policy(project)
