"""The published copy, as everybody but the pipeline reads it: one file, opened read-only.

A run replaces it as a whole; whoever has it open keeps what they opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import is_damaged


def published_copy(home: Home) -> Path:
    """Return the file of the published copy; CardwatchError where nothing is published yet."""
    copy = home.published_copy
    if not copy.exists():
        raise CardwatchError(f"nothing is published yet at {copy}; run `cardwatch run` first")
    return copy


@contextmanager
def open_published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published copy read-only; its tables are in the catalogue `cardwatch`.

    Raises CardwatchError where nothing is published yet, or where the file cannot be read, be it
    only once the block reads it.
    """
    copy = published_copy(home)
    unreadable = f"{copy} cannot be read, it may be damaged; `cardwatch run` writes it anew"
    try:
        published = duckdb.connect(str(copy), read_only=True)
    except duckdb.Error as error:
        raise CardwatchError(unreadable) from error
    with published:
        try:
            yield published
        except duckdb.Error as error:
            if not is_damaged(error):
                raise
            raise CardwatchError(unreadable) from error
