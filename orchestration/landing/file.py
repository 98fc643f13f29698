"""One landed file: whether it can be loaded, and its rows as text whatever its format."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.cdf3 import open_cdf3
from orchestration.landing.formats.content import Content, content_of
from orchestration.landing.formats.delimited import open_delimited
from orchestration.landing.formats.fixed import open_fixed
from orchestration.landing.formats.gl1025 import open_gl1025
from orchestration.landing.formats.html import open_html
from orchestration.landing.formats.json_lines import open_json_lines
from orchestration.landing.formats.parquet import open_parquet
from orchestration.landing.formats.vcf4 import open_vcf4
from orchestration.landing.formats.workbook import open_workbook
from orchestration.landing.pieces import Piece, Rows, is_unicode

# Which reader opens which kind of file (`format.kind`; found out where it is not declared).
READERS: dict[str, Callable[[Content, Feed], Rows]] = {
    "delimited": open_delimited,
    "fixed": open_fixed,
    "json_lines": open_json_lines,
    "parquet": open_parquet,
    "workbook": open_workbook,
    "html": open_html,
    "vcf4": open_vcf4,
    "cdf3": open_cdf3,
    "gl1025": open_gl1025,
}


@dataclass(frozen=True)
class CheckedFile:
    """A file that has what its feed requires; the header is in declared names."""

    feed: Feed
    path: Path
    file_hash: str
    header: tuple[str, ...]
    pieces: Callable[[], Iterator[Piece]] = field(repr=False, compare=False)


def check_file(path: Path, feed: Feed, file_hash: str | None = None) -> CheckedFile:
    """Refuse a file that cannot be one of the feed, before anything is done with it."""
    if not path.is_file():
        raise CardwatchError(f"{path} {_what_else(path)}; name a file")
    if not is_unicode(path.name):
        raise CardwatchError(f"{path.name!r} is a name that is not UTF-8; rename the file")
    content = content_of(path)
    if path.stat().st_size == 0:
        raise CardwatchError(f"{path} is empty; export it again")
    kind = feed.layout.kind or content.kind()
    if kind not in READERS:
        raise CardwatchError(f"{path} is of the kind {kind}, which cannot be read yet")
    rows = READERS[kind](content, feed)
    header = feed.names(rows.names)
    for column in feed.columns:
        if header.count(column.name) > 1:
            raise CardwatchError(f"{path} has the column {column.name} twice; remove one of them")
    return CheckedFile(feed, path, file_hash or hash_file(path), header, rows.pieces)


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes, which is its identity."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_pieces(file: CheckedFile) -> Iterator[Piece]:
    """Read a checked file from its first row to its last."""
    return file.pieces()


def _what_else(path: Path) -> str:
    if path.is_dir():
        return "is a folder, not a file"
    if path.is_symlink():
        return "is a link that leads to no file"
    return "is no file of rows" if path.exists() else "does not exist"
