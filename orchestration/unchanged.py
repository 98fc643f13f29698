"""Whether anything has changed since a run was finished; nothing heavy is imported to say so.

A finished run leaves a fingerprint of all that it read and wrote. While every part of it is the
same, on the same day, another run would build the same tables and issue nothing.
"""

import hashlib
import json
import os
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orchestration.engine.files import whole_file
from orchestration.engine.home import Home, project_root

# What a run reads of the project. Python's caches are written as it is read.
_PROJECT = ("models", "macros", "python_models", "seeds", "tests/dbt", "tests/expectations")
_PROJECT_FILES = ("dbt_project.yml", "profiles.yml", "selectors.yml")


def finished_at(home: Home) -> datetime | None:
    """When the run ended that left everything as it is now (UTC); None if anything has changed."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_file(home).read_text(encoding="utf-8"))
        if kept["fingerprint"] == _fingerprint(home):
            return datetime.fromisoformat(kept["finished_at"])
    return None


def remember(home: Home) -> None:
    """Keep what a run that has just finished leaves behind."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    kept = {"finished_at": now.isoformat(), "fingerprint": _fingerprint(home)}
    with whole_file(_file(home)) as fresh:
        fresh.write_text(json.dumps(kept), encoding="utf-8")


def _file(home: Home) -> Path:
    return home.root / "finished_run.json"


def _fingerprint(home: Home) -> dict[str, str]:
    """A hash of each thing that a run depends on, by its name."""
    root = project_root()
    code = [root / name for name in _PROJECT_FILES]
    for folder in (*_PROJECT, "orchestration"):
        code += [path for path in (root / folder).rglob("*") if "__pycache__" not in path.parts]
    packages = sorted(Path(sysconfig.get_path("purelib")).glob("*.dist-info"))
    warehouse = (home.warehouse, home.warehouse.with_suffix(".duckdb.wal"))
    return {
        # deadlines, exceptions and what is overdue move with the days
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
        "project": _hash(_contents(root, code)),
        "packages": _hash(path.name for path in packages),
        "settings": _hash(_settings()),
        "landing": _hash(_stamps(home.landing)),
        "ledger": _hash(_stamps(home.ledger)),
        "warehouse": _hash(_stamp(path, home.root) for path in warehouse if path.exists()),
        "published": _hash(_stamps(home.published)),
    }


def _settings() -> Iterator[str]:
    """The environment's settings, but where the home is, and nothing that is secret."""
    for name, value in sorted(os.environ.items()):
        if name.startswith("CARDWATCH_") and not name.endswith(("_HOME", "_KEY")):
            yield f"{name}={value}"


def _contents(root: Path, paths: Iterable[Path]) -> Iterator[str]:
    for path in sorted(paths):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            yield f"{path.relative_to(root)} {content}"


def _stamps(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield _stamp(path, folder)


def _stamp(path: Path, folder: Path) -> str:
    """A file's name, size and time of change: its content is hashed when it is loaded."""
    known = path.stat()
    return f"{path.relative_to(folder)} {known.st_size} {known.st_mtime_ns}"


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
