"""The registry from the command line: what is fitted, promoted, rolled back and fitted again."""

import json
from pathlib import Path

import pytest

from orchestration.engine.home import Home
from tests.homes import copy_of, rows, run_cardwatch, succeed

DETECTOR = "isolation_forest"


@pytest.fixture(scope="module")
def home(full: tuple[Home, str], tmp_path_factory: pytest.TempPathFactory) -> Home:
    return copy_of(full[0], tmp_path_factory.mktemp("models") / "home")


def listed(home: Home) -> list[dict]:
    said = succeed(home, "models", "--detector", DETECTOR, "--json")
    versions: list[dict] = json.loads(said)["versions"]
    return versions


def test_a_version_is_fitted_on_demand_promoted_and_rolled_back(home: Home):
    [champion] = [row for row in listed(home) if row["stage"] == "champion"]
    last = rows(home, "select max(issued_until) from ledger.issues")[0][0]
    alerts = rows(home, "select count(*) from ledger.alerts")

    said = succeed(home, "models", "retrain", DETECTOR, "--because", "to see", "--json")
    [fitted] = json.loads(said)["versions"]
    assert fitted["fitted_because"] == "to see"
    assert fitted["compared_with"] == champion["version"]
    assert fitted["holdout_from"] < fitted["holdout_until"]
    version = fitted["version"]
    # the small home promotes by comparison; where that said no, a person may
    if fitted["stage"] == "candidate":
        assert version in succeed(home, "models", "compare", DETECTOR)
        said = succeed(home, "models", "promote", version, "--because", "it is newer")
        assert f"{version} is champion of {DETECTOR} instead of {champion['version']}" in said
    stages = {row["version"]: row["stage"] for row in listed(home)}
    assert stages[version] == "champion"
    assert stages[champion["version"]] == "retired"

    said = succeed(home, "models", "rollback", DETECTOR, "--because", "too many alerts")
    assert f"{champion['version']} is champion of {DETECTOR} instead of {version}" in said
    assert {row["version"]: row["stage"] for row in listed(home)}[champion["version"]] == "champion"
    words = rows(
        home,
        "select version, champion_from > date '" + str(last) + "', reason"
        " from ledger.model_promotions where reason = 'too many alerts'",
    )
    assert words == [(champion["version"], True, "too many alerts")]
    # nothing was alerted or scored by any of it, and all of it is in files
    assert rows(home, "select count(*) from ledger.alerts") == alerts
    issues = rows(home, "select count(*) from ledger.issues")[0][0]
    assert len(list(Path(home.ledger).glob("[0-9]*"))) == issues


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("promote", "nonsense", "--because", "x"), "there is no version nonsense"),
        (("rollback", "nonsense", "--because", "x"), "there is no detector nonsense"),
        (("compare", "peers"), "there is no detector peers; there are gradient_boosted_tree"),
        (("retrain", "peers"), "there is no detector peers"),
    ],
)
def test_mistakes_end_in_one_sentence(home: Home, arguments: tuple[str, ...], sentence: str):
    finished = run_cardwatch(home, "models", *arguments)
    assert finished.returncode == 1
    assert sentence in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_champion_cannot_be_promoted_again(home: Home):
    [champion] = [row for row in listed(home) if row["stage"] == "champion"]
    finished = run_cardwatch(home, "models", "promote", champion["version"], "--because", "x")
    assert finished.returncode == 1
    assert f"is the champion of {DETECTOR} already" in finished.stderr


def test_a_home_without_a_run_says_so(tmp_path: Path):
    home = Home(tmp_path / "empty")
    home.create()
    finished = run_cardwatch(home, "models")
    assert finished.returncode == 1
    assert "there is no warehouse" in finished.stderr
