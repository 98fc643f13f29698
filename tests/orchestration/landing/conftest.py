"""A home and a warehouse in which the shop's files can land."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.load import prepare_raw
from tests.orchestration.landing.shop import FEEDS


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        yield connection
