"""The bytes of a landed file without what they were packed in, and what kind of file they are."""

import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from orchestration.engine.errors import CardwatchError

# What a packed file may unpack to: real exports shrink to a thirtieth at best, bombs to a
# thousandth. Below the floor nobody's memory or disk is in danger.
MOST_TIMES_LARGER = 250
ALWAYS_ALLOWED = 64_000_000

# How much of a file is looked at to tell what it is.
SAMPLE = 262_144

_ZIP, _OLE, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1f\x8b"
_UNPACKING_FAILED = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError),
)

_HTML = re.compile(
    rb"(<!--.*?-->\s*)*<(!doctype html|html|head|meta|table|body|div)\b", re.IGNORECASE | re.DOTALL
)
_WORKBOOK = "xl/workbook.xml"
_OTHER_WORKBOOKS = {"xl/workbook.bin": "a binary .xlsb", "content.xml": "an OpenDocument file"}
_XML = re.compile(rb"<\?xml\b.*?\?>\s*", re.DOTALL)

# Beginnings that belong to files which hold no rows of anything.
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"{\\rtf": "an RTF document",
    b"-----BEGIN PGP": "an encrypted message",
}


@dataclass(frozen=True)
class Content:
    """A file's bytes, unpacked on the way where it is a gzip or a zip of one file."""

    path: Path
    packed: str | None = None
    member: str = ""

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the bytes for reading once from the beginning; CardwatchError if damaged."""
        try:
            with self.path.open("rb") as file:
                if self.packed == "gzip":
                    with gzip.GzipFile(fileobj=file) as unpacked:
                        yield self._limited(unpacked)
                elif self.packed == "zip":
                    with (
                        zipfile.ZipFile(file) as archive,
                        archive.open(self.member) as unpacked,
                    ):
                        yield self._limited(unpacked)
                else:
                    yield file
        except PermissionError as error:
            raise CardwatchError(
                f"{self.path} may not be read; give yourself the right to read it"
            ) from error
        except _UNPACKING_FAILED as error:
            what = f"{self.packed} archive" if self.packed else "file"
            raise CardwatchError(
                f"{self.path} is a damaged {what} ({_words(error)}); send it again"
            ) from error

    def sample(self, size: int = SAMPLE) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)

    def kind(self) -> str:
        """Which kind of file the bytes are: one of the kinds of `layout.py`, by content alone."""
        start = self.sample(4096)
        if start.startswith(b"PAR1"):
            return "parquet"
        if start.startswith((_ZIP, _OLE)):
            return "workbook"
        for beginning, what in _FOREIGN.items():
            if start.startswith(beginning):
                raise CardwatchError(
                    f"{self.path} is {what}; export the rows as CSV, Excel, JSON Lines or Parquet"
                )
        text = start.replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip(b"\xff\xfe \t\r\n")
        if _HTML.match(_XML.sub(b"", text, count=1)):
            return "html"
        if text.startswith(b"<?xml"):
            raise CardwatchError(
                f"{self.path} is XML, of which only a source whose format.kind says so is read; "
                "export the rows as CSV, Excel, JSON Lines or Parquet"
            )
        if re.match(rb'\{\s*("|\}|$)', text):
            return "json_lines"
        if re.match(rb"\[\s*\{", text):
            raise CardwatchError(
                f"{self.path} is one JSON array; write one object a line (JSON Lines)"
            )
        return "delimited"

    def _limited(self, unpacked: Any) -> IO[bytes]:
        return io.BufferedReader(_Limited(self.path, unpacked, _allowed(self.path)), 1 << 20)


class _Limited(io.RawIOBase):
    """A stream that stops when it gives more than could be meant."""

    def __init__(self, path: Path, unpacked: IO[bytes], allowed: int) -> None:
        self.path, self.unpacked, self.left = path, unpacked, allowed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.unpacked.read(len(buffer))
        self.left -= len(block)
        if self.left < 0:
            raise CardwatchError(
                f"{self.path} unpacks to more than {MOST_TIMES_LARGER} times its size; "
                "unpack it yourself and land what is inside"
            )
        buffer[: len(block)] = block
        return len(block)


def content_of(path: Path) -> Content:
    """Find out how a file is packed; CardwatchError where it is not one file of rows."""
    content = Content(path)
    start = content.sample(len(_OLE))
    if start.startswith(_GZIP):
        return _not_packed_twice(Content(path, "gzip"))
    if not start.startswith((_ZIP, b"PK\x05\x06")):
        return content
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _UNPACKING_FAILED as error:
        raise CardwatchError(
            f"{path} is a damaged zip archive or workbook ({_words(error)}); send it again"
        ) from error
    names = {member.filename for member in members}
    for name, what in _OTHER_WORKBOOKS.items():
        if name in names:
            raise CardwatchError(f"{path} is {what}; save it as .xlsx or CSV")
    if _WORKBOOK not in names:
        return _only_member(path, members)
    if sum(member.file_size for member in members) > _allowed(path):
        raise CardwatchError(
            f"{path} unpacks to more than {MOST_TIMES_LARGER} times its size; "
            "save the workbook anew, or export its sheet as CSV"
        )
    return content


def _only_member(path: Path, members: list[zipfile.ZipInfo]) -> Content:
    files = [
        member
        for member in members
        if member.file_size
        and not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not member.filename.rpartition("/")[2].startswith(".")
    ]
    if len(files) != 1:
        found = f"{len(files)} files" if files else "no file with rows"
        raise CardwatchError(f"{path} holds {found}; land one file in each zip archive")
    if files[0].flag_bits & 0x1:
        raise CardwatchError(f"{path} is encrypted; unpack it with its password and land the file")
    return _not_packed_twice(Content(path, "zip", files[0].filename))


def _not_packed_twice(content: Content) -> Content:
    start = content.sample(len(_OLE))
    if not start:
        raise CardwatchError(f"{content.path} is empty inside; export it again")
    if start.startswith((_ZIP, _OLE, _GZIP, b"PAR1")):
        raise CardwatchError(
            f"{content.path} is a {content.packed} archive of a file that is packed itself; "
            "unpack it and land what is inside"
        )
    return content


def _allowed(path: Path) -> int:
    """How many bytes a packed file may unpack to."""
    return max(ALWAYS_ALLOWED, MOST_TIMES_LARGER * path.stat().st_size)


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()).lower() or type(error).__name__
