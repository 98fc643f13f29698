"""Files and folders that appear under their name whole or not at all, whatever stops the writer."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.engine.fail_points import fail_point

# A hidden name with the process that writes it, and of a database its log of changes.
_UNFINISHED = re.compile(r"^\..+\.\d+(\.wal)?$")


@contextmanager
def whole_file(target: Path, durable: bool = False) -> Iterator[Path]:
    """Give the path to write to; when the block ends well, that file takes the target's name.

    An error leaves the target as it was. With `durable`, the content is on the disk before the
    name is. A process that is killed leaves a hidden file, which nothing reads (see
    `remove_unfinished`).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # the process is in the name: two may write the same target
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    try:
        yield unfinished
        if durable:
            with unfinished.open("rb") as written:
                os.fsync(written.fileno())
        fail_point("file.written")
        unfinished.replace(target)
        fail_point("file.named")
    finally:
        unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed left below a folder, in which no other one writes."""
    for path in folder.rglob(".*"):
        if path.is_file() and _UNFINISHED.search(path.name):
            path.unlink()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends well, it takes the target's place.

    Everything that was in the target is lost then; an error leaves it as it was.
    """
    fresh, old = (target.with_name(f".{target.name}.{state}") for state in ("fresh", "old"))
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    yield fresh
    shutil.rmtree(old, ignore_errors=True)
    fail_point("folder.filled")
    if target.exists():
        target.replace(old)
    fail_point("folder.emptied")
    fresh.replace(target)
    shutil.rmtree(old, ignore_errors=True)
