"""Where everything a run reads and writes is kept, and who may write there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.engine.errors import CardwatchError


def project_root() -> Path:
    """Return the folder that holds dbt_project.yml and the orchestration package."""
    return Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """The folder of one installation: its landed files, warehouse, ledger and published copy."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """Take the folder from CARDWATCH_HOME, or `var` under the project root when it is unset."""
        configured = os.environ.get("CARDWATCH_HOME")
        root = Path(configured).expanduser() if configured else project_root() / "var"
        return cls(root.absolute())

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that only the pipeline opens."""
        return self.root / "warehouse.duckdb"

    @property
    def landing(self) -> Path:
        """Landed files, as `landing/<source>/<feed>/<file>`."""
        return self.root / "landing"

    @property
    def ledger(self) -> Path:
        """Parquet files of everything that was issued."""
        return self.root / "ledger"

    @property
    def published(self) -> Path:
        """The folder of what BI tools read."""
        return self.root / "published"

    @property
    def published_copy(self) -> Path:
        """The DuckDB file in it, which each run replaces as a whole."""
        return self.published / "cardwatch.duckdb"

    @property
    def published_views(self) -> Path:
        """The DuckDB file of views over the published Parquet files, which runs leave in place."""
        return self.published / "cardwatch_live.duckdb"

    @property
    def truth(self) -> Path:
        """The demo company's truth, which only tests of the evaluation may read."""
        return self.root / "truth"

    @property
    def dbt_target(self) -> Path:
        """The folder in which dbt writes its artifacts."""
        return self.root / "dbt_target"

    @property
    def dagster(self) -> Path:
        """Dagster's own storage."""
        return self.root / "dagster"

    @property
    def temporary(self) -> Path:
        """The folder DuckDB spills into; its content may be deleted between runs."""
        return self.root / "tmp"

    def create(self) -> None:
        """Create the folder itself, which a fresh installation lacks."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise CardwatchError(
                f"CARDWATCH_HOME is {self.root}, which is not a folder; set it to a folder"
            ) from error


@contextmanager
def exclusive_run(home: Home) -> Iterator[None]:
    """Hold the lock of the only run that may write to this home; refuse when another holds it."""
    home.create()
    with (home.root / "run.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read().strip()
            raise CardwatchError(
                f"another cardwatch run{f' ({holder})' if holder else ''} is using {home.root}; "
                "wait for it or stop it, then try again"
            ) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, since {datetime.now():%H:%M}")
        lock.flush()
        try:
            yield
        finally:
            # The file stays: deleting it would let a third run lock a new file beside the second.
            lock.truncate(0)
