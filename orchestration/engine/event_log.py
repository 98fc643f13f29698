"""Dagster's event log on SQLite, with the connections kept between events.

Dagster opens a new connection and waits for the disk for every one of the thousands of reads and
writes that a run with hundreds of assets and checks takes: half of what a small run cost.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event

from orchestration.engine.home import Home

_SECONDS_BEHIND_ANOTHER_WRITER = 30


class EventLog(SqliteEventLogStorage):
    """The files that Dagster's own storage would write, through one connection to each.

    Only the index and the run that was last read or written stay open: the web page reads many.
    A write waits for the disk at checkpoints only, so what a power cut may take is the end of a
    run's story, never the file.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Keep no connection yet."""
        self._engines: dict[str, Engine] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing is to be configured: the log is where Dagster's own would be."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "EventLog":
        """Return the log of the home that the environment names."""
        return cls(str(Home.from_environment().dagster / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Give one transaction on the index's or a run's file."""
        if shard not in self._engines:
            with super()._connect(shard):  # Dagster makes the tables
                pass
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def has_table(self, table_name: str) -> bool:
        """Say whether the index has a table; what is there once stays."""
        if table_name not in self._tables:
            if not super().has_table(table_name):
                return False
            self._tables.add(table_name)
        return True

    def _engine(self, shard: str) -> Engine:
        """Return what connects to a file; a run's takes the place of the run's before it."""
        if shard not in self._engines:
            for other in self._engines.keys() - {INDEX_SHARD_NAME, shard}:
                self._engines.pop(other).dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={
                    "timeout": _SECONDS_BEHIND_ANOTHER_WRITER,
                    "check_same_thread": False,
                },
            )
            event.listen(engine, "connect", _wait_at_checkpoints_only)
            self._engines[shard] = engine
        return self._engines[shard]

    def dispose(self) -> None:
        """Close the files."""
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()
        super().dispose()


def _wait_at_checkpoints_only(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")
