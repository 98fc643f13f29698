"""What a person at a terminal sees while a run goes on."""

import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

_START = time.monotonic()


def report(line: str) -> None:
    """Print one line of progress to standard error, with the seconds since the start."""
    print(f"[{time.monotonic() - _START:5.0f} s] {line}", file=sys.stderr, flush=True)


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
            yield event
