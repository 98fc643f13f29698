"""A home whose run proposes what a test says."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.load import prepare_raw
from orchestration.ledger.issue import prepare_ledger
from tests.orchestration.ledger.proposals import PROPOSED


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(home) as connection:
        prepare_raw(connection, [])
        prepare_ledger(connection, home)
        connection.execute(PROPOSED)
        yield connection
