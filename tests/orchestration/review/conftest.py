"""A home with a small published copy, and the command line on it."""

from pathlib import Path

import pytest

from orchestration.engine.home import Home
from tests.orchestration.review.by_hand import Cardwatch, publish


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARDWATCH_REVIEWER", "R2")
    home = Home.from_environment()
    home.create()
    publish(home)
    return home


@pytest.fixture
def cardwatch(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cardwatch:
    return Cardwatch(monkeypatch, capsys)
