"""A run that has nothing to do says so at once; whatever changes makes the next one work."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration import unchanged
from orchestration.engine.home import Home, project_root
from orchestration.unchanged import finished_at, remember


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    for folder in (
        "models/rules",
        "macros",
        "python_models",
        "seeds",
        "tests/dbt",
        "orchestration",
    ):
        (root / folder).mkdir(parents=True)
        (root / folder / "file.sql").write_text("select 1")
    (root / "dbt_project.yml").write_text("name: cardwatch")
    monkeypatch.setattr(unchanged, "project_root", lambda: root)
    return root


@pytest.fixture
def home(tmp_path: Path, project: Path) -> Home:
    home = Home(tmp_path / "home")
    for folder in (home.landing / "company" / "cards", home.ledger / "000001", home.published):
        folder.mkdir(parents=True)
        (folder / "file.parquet").write_bytes(b"rows")
    home.warehouse.write_bytes(b"tables")
    remember(home)
    return home


def test_after_a_run_nothing_has_changed(home: Home) -> None:
    finished = finished_at(home)
    assert finished is not None
    assert abs((datetime.now(UTC).replace(tzinfo=None) - finished).total_seconds()) < 60
    # another copy of the home is the same home
    moved = Home(home.root.with_name("moved"))
    shutil.copytree(home.root, moved.root)
    assert finished_at(moved) == finished


CHANGES: dict[str, Callable[[Home, Path], object]] = {
    "a file has landed": lambda home, _: (home.landing / "company" / "cards" / "new").touch(),
    "a file was taken away": lambda home, _: (
        home.landing / "company" / "cards" / "file.parquet"
    ).unlink(),
    "the warehouse was written": lambda home, _: os.utime(home.warehouse, ns=(1, 1)),
    "the warehouse was deleted": lambda home, _: home.warehouse.unlink(),
    "a write broke off": lambda home, _: home.warehouse.with_suffix(".duckdb.wal").touch(),
    "a promotion was recorded": lambda home, _: (
        (home.ledger / "000002").mkdir() or (home.ledger / "000002" / "file.parquet").touch()
    ),
    "the published copy is gone": lambda home, _: (home.published / "file.parquet").unlink(),
    "a rule was edited": lambda _, project: (project / "models/rules/file.sql").write_text("no"),
    "a seed is new": lambda _, project: (project / "seeds/rule_exceptions.csv").touch(),
    "the code is another": lambda _, project: (project / "orchestration/file.sql").write_text("x"),
    "nothing is remembered": lambda home, _: (home.root / "finished_run.json").unlink(),
    "what is remembered is spoiled": lambda home, _: (home.root / "finished_run.json").write_text(
        "[]"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_noticed(home: Home, project: Path, change: str) -> None:
    CHANGES[change](home, project)
    assert finished_at(home) is None


def test_another_setting_is_noticed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDWATCH_PROMOTION", "automatic")
    assert finished_at(home) is None


def test_another_day_is_another_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2999, 1, 1, tzinfo=UTC)

    monkeypatch.setattr(unchanged, "datetime", Tomorrow)
    assert finished_at(home) is None


def test_no_secret_is_remembered(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = json.loads((home.root / "finished_run.json").read_text())["fingerprint"]
    monkeypatch.setenv("CARDWATCH_CARD_KEY", "secret")
    remember(home)
    assert json.loads((home.root / "finished_run.json").read_text())["fingerprint"] == before


def test_nothing_heavy_is_imported_to_say_so() -> None:
    script = (
        "import sys; import orchestration.unchanged, orchestration.summary\n"
        "print([n for n in ('dbt', 'dagster', 'great_expectations', 'pandas', 'sklearn')"
        " if n in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=project_root(), capture_output=True, text=True
    )
    assert said.stdout.strip() == "[]", said.stderr
