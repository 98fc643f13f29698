"""The progress that a person at a terminal sees during a run."""

import io
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from typing import Any, TextIO

from orchestration.engine.fail_points import fail_point

_START = time.monotonic()

# Where progress goes while standard error is kept from libraries.
_terminal: TextIO | None = None


def report(line: str) -> None:
    """Print one line of progress to standard error, with the seconds since the start."""
    seconds = time.monotonic() - _START
    print(f"[{seconds:5.0f} s] {line}", file=_terminal or sys.stderr, flush=True)


@contextmanager
def only_progress(log: Path) -> Iterator[None]:
    """Show nothing but progress on standard error; what libraries say goes to the end of `log`."""
    global _terminal
    said = io.StringIO()
    _terminal = sys.stderr
    try:
        with redirect_stderr(said):
            yield
    finally:
        _terminal = None
        with suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(said.getvalue())


class Folders:
    """Reports each folder of models as a build reaches it."""

    def __init__(self, title: str) -> None:
        """Begin a build that progress calls by this title."""
        self._title = title.replace("_", " ")
        self._seen: set[str] = set()

    def reached(self, node: Mapping[str, Any]) -> None:
        """Take notice of a node of dbt's manifest that has ended."""
        folder = node["schema"]
        if node["resource_type"] != "test" and folder not in self._seen:
            self._seen.add(folder)
            report(f"{self._title}: {folder}")
        fail_point("run.node")
