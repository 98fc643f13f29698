"""The files that the landing's benchmark writes are loaded row by row."""

from pathlib import Path

import pytest

from orchestration.benchmark.measuring import Machine
from orchestration.benchmark.speed import landing
from orchestration.engine.home import Home

ROWS = 300


@pytest.mark.parametrize("name", landing._KINDS)
def test_every_row_of_each_format_is_loaded(tmp_path: Path, name: str) -> None:
    kind = landing._KINDS[name]
    home = Home(tmp_path)
    file = home.landing / kind.source / kind.feed / f"purchases.{kind.suffix}"
    file.parent.mkdir(parents=True)
    kind.write(file, ROWS)
    loaded = landing._load(home, file, kind.reader)
    assert (loaded.files, loaded.rows, loaded.rows_quarantined) == (1, ROWS, 0)
    assert loaded.rows_a_second == pytest.approx(ROWS / loaded.seconds)
    assert (loaded.duckdb_seconds is None) == (kind.reader is None)
    speed = landing.LandingSpeed(Machine.here(["duckdb"]), {name: loaded}, loaded)
    bars = {bar.name: bar for bar in speed.bars()}
    assert (bars[name].measured, bars[name].least) == (loaded.rows_a_second, kind.bar)
    assert bars["memory"].measured == loaded.peak_mebibytes > 0
    assert f"{name}: 300 rows of 1 files" in landing.describe(speed)
