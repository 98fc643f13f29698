"""dbt reads the project when it has changed, and only then."""

import os
import time
from pathlib import Path

import pytest

from orchestration.engine import dbt_project
from orchestration.engine.home import Home, project_root


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project of two models in tmp_path, and the calls of dbt, which leave a manifest."""
    root = tmp_path / "project"
    for name in ("dbt_project.yml", "profiles.yml", "selectors.yml"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text((project_root() / name).read_text("utf-8"), encoding="utf-8")
    for model in ("one", "two"):
        (root / "models" / "rules").mkdir(parents=True, exist_ok=True)
        (root / "models" / "rules" / f"{model}.sql").write_text("select 1", encoding="utf-8")
    made: list[list[str]] = []

    def call_dbt(home: Home, arguments: list[str], failure: str) -> None:
        made.append(arguments)
        home.dbt_target.mkdir(parents=True, exist_ok=True)
        (home.dbt_target / "manifest.json").write_text("{}", encoding="utf-8")

    monkeypatch.setattr(dbt_project, "project_root", lambda: root)
    monkeypatch.setattr(dbt_project, "call_dbt", call_dbt)
    return made


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_the_project_is_read_again_after_a_change_and_not_without(
    tmp_path: Path, calls: list[list[str]], change: str
):
    home = Home(tmp_path / "home")
    rule = tmp_path / "project" / "models" / "rules" / "one.sql"
    assert dbt_project.parse(home) == home.dbt_target / "manifest.json"
    assert calls == [["parse"]]
    dbt_project.parse(home)
    assert calls == [["parse"]]
    # clocks of file systems are coarse
    past = time.time_ns() - 10**9
    os.utime(home.dbt_target / "manifest.json", ns=(past, past))
    for path in (tmp_path / "project").rglob("*"):
        os.utime(path, ns=(past - 10**9, past - 10**9))
    dbt_project.parse(home)
    assert calls == [["parse"]]
    if change == "edit":
        rule.write_text("select 2", encoding="utf-8")
    elif change == "add":
        (rule.parent / "three.sql").write_text("select 3", encoding="utf-8")
    else:
        rule.unlink()
    dbt_project.parse(home)
    assert calls == [["parse"], ["parse"]]
