"""Review events as files: each is landed as a small file, and read from there until a run loads it.

Nothing here opens the warehouse, so that a review never waits for a run nor a run for a review.
"""

import csv
import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.engine.published import published_copy
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.file import check_file
from orchestration.landing.reading import read_rows

SOURCE, FEED = "company", "review_events"

_STAMP = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class ReviewEvent:
    """One row of an event's file; a decision that names a purchase is a finding."""

    event_id: str
    case_id: str
    event: str
    occurred_at: datetime
    actor_id: str
    reason: str | None = None
    note: str | None = None
    amount: Decimal | None = None
    transaction_id: str | None = None


def pending_rows(home: Home, loaded: set[str]) -> list[list[dict[str, Any]]]:
    """Read the events of landed files whose names no run has loaded, by file, as a run would.

    The files are in the order of their loads; a row also has its line as "load_line".
    """
    pending = [path for path in _landed(home) if path.name not in loaded]
    if not pending:
        return []
    feed = find_feed(read_feeds(), SOURCE, FEED)
    files = []
    for path in pending:
        # a file that no run will load must not keep everybody from reviewing
        with suppress(CardwatchError):
            files.append(check_file(path, feed, file_hash=path.name))
    return [[{"load_line": row.pop("line"), **row} for row in rows] for rows in read_rows(files)]


@contextmanager
def only_writer(home: Home) -> Iterator[None]:
    """Hold the lock of the only reviewer who may append at this moment; others wait."""
    published_copy(home)
    home.create()
    with (home.root / "review.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def land_events(home: Home, events: Sequence[ReviewEvent]) -> Path:
    """Land events as a file of their own, which appears whole or not at all."""
    target = _folder(home) / f"{_next_stamp(home)}-{events[0].event_id[:8]}.csv"
    with (
        whole_file(target, durable=True) as unfinished,
        unfinished.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(column.name for column in fields(ReviewEvent))
        writer.writerows(map(astuple, events))
    return target


def _folder(home: Home) -> Path:
    return home.landing / SOURCE / FEED


def _landed(home: Home) -> list[Path]:
    """Landed files of review events in the order in which a run loads them."""
    folder = _folder(home)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _next_stamp(home: Home) -> str:
    """The time in UTC, and later than that of any event before: a run loads files by name."""
    moment = datetime.now(UTC).replace(tzinfo=None)
    for path in reversed(_landed(home)):
        try:
            latest = datetime.strptime(path.name.partition("-")[0], _STAMP)
        except ValueError:
            continue  # landed by somebody else
        moment = max(moment, latest + timedelta(microseconds=1))
        break
    return moment.strftime(_STAMP)
