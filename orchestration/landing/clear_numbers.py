"""Files that hold card numbers in clear: none may stay in the home.

A text is copied with each number masked, or replaced by its token where the source hashes them;
any other file (packed, a workbook, Parquet) is refused.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.landing.card_numbers import (
    MAY_HOLD,
    card_token,
    left_masked,
    replaced,
    without_card_numbers,
)
from orchestration.landing.file import CheckedFile, check_file, read_pieces
from orchestration.landing.formats.content import content_of

_TEXTS = ("delimited", "fixed", "json_lines", "html", "vcf4", "cdf3", "gl1025")

_MASKED_LINE = re.compile(r"\*{12}\d{4}")


def first_card_number(file: CheckedFile, with_broken: bool = True) -> str | None:
    """Where the first card number in clear stands, in words; None where there is none.

    with_broken: whether a line that is no row counts where its text had to be masked.
    """
    tokens = file.feed.card_tokens
    for piece in read_pieces(file):
        for line in piece.broken:
            if with_broken and _MASKED_LINE.search(line.text):
                return f"line {line.line}"
        for position, name in enumerate(file.header):
            texts = piece.rows.column(f"#{position}").cast(pa.string())
            found = pc.fill_null(pc.match_substring_regex(texts, MAY_HOLD), False)
            lines = piece.rows.column("#line").filter(found).to_pylist()
            for line, written in zip(lines, texts.filter(found).to_pylist(), strict=True):
                text = written.replace("~", "")  # what is masked in its copy is in clear no more
                if without_card_numbers(text, tokens) != text:
                    return f"line {line}, {name}"
    return None


def copy_without_card_numbers(file: CheckedFile, target: Path, where: str) -> None:
    """Write a file's text to the target with every card number masked, or as its token.

    where: where the first number stands. CardwatchError where the file is no plain text.
    """
    content = content_of(file.path)
    kind = file.feed.layout.kind or content.kind()
    refusal = CardwatchError(
        f"{file.path} holds card numbers in clear ({where}) and is not kept so: export it with "
        "tokens (card_tokens in the source's yml says what they begin with) or masked numbers, or "
        "as a plain text such as CSV, in which Cardwatch masks them"
    )
    if content.packed or kind not in _TEXTS:
        raise refusal
    by = _token if any(column.is_hashed for column in file.feed.columns) else left_masked
    _rewrite(file.path, target, lambda text: replaced(text, by, file.feed.card_tokens))
    copy = check_file(target, file.feed)
    if first_card_number(copy, with_broken=False):
        raise refusal


def masked_in_place(file: CheckedFile) -> CheckedFile:
    """Mask the card numbers of a file that was put into the landing folder by hand."""
    if where := first_card_number(file):
        with whole_file(file.path, durable=True) as copy:
            copy_without_card_numbers(file, copy, where)
    return check_file(file.path, file.feed)


def _token(digits: str, length: int) -> str:
    return card_token(digits).ljust(length)


def _rewrite(file: Path, target: Path, change: Callable[[str], str]) -> None:
    """Copy a text line by line; what it is in matters little, as digits are those of ASCII."""
    start = file.open("rb").read(2)
    wide = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(start)
    for encoding in (wide,) if wide else ("utf-8", "latin-1"):
        try:
            with (
                file.open(encoding=encoding, newline="") as read,
                target.open("w", encoding=encoding, newline="") as written,
            ):
                written.writelines(map(change, read))
            return
        except UnicodeDecodeError:
            continue
