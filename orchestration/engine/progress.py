"""The progress that a person at a terminal sees during a run."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
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


def follow(invocation: Any, title: str, log: Path) -> Iterator[Any]:
    """Pass on the events of a dbt invocation and report each folder as it is reached.

    What dbt itself would print goes to the end of `log`.
    """
    seen: set[str] = set()
    events = invocation.stream()
    with log.open("a", encoding="utf-8") as said:
        while True:
            with redirect_stdout(said):
                event = next(events, None)
            if event is None:
                return
            key = getattr(event, "asset_key", None)
            folder = key.path[0] if key else None
            if folder and folder not in seen:
                seen.add(folder)
                report(f"{title.replace('_', ' ')}: {folder}")
            fail_point("run.node")
            yield event
