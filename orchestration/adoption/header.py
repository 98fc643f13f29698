"""Where the rows of a file begin and end: its header, over one line or two, and its totals."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.adoption import amounts, dates, words
from orchestration.engine.errors import CardwatchError
from orchestration.landing.formats.header import joined

#: A header further down than this is not looked for.
LAST_LINE = 60

# What a line of totals begins with; a line that holds one and no date is no purchase.
TOTALS = (
    *("total", "totals", "grand total", "subtotal", "sub total", "sum", "overall total"),
    *("합계", "총계", "소계", "총합계", "누계", "합 계", "소 계", "총 합계"),
)

# Words that stand for "nothing here".
NULLS = ("-", "--", "n/a", "#n/a", "na", "null", "none", "nan", "nil", "없음", "해당없음")


@dataclass(frozen=True)
class Table:
    """A header and the rows below it.

    names: of the columns, in order; those of two lines are joined by a blank.
    header_line: of the first header line, from 1; header_lines: one or two.
    rows: as wide as the header; totals: the words that begin lines of totals.
    left_out: rows below the header that are no data: blank, totals, of another width.
    """

    names: tuple[str, ...]
    header_line: int
    header_lines: int
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...]
    left_out: int

    def values(self, place: int) -> list[str]:
        """The values of a column that are neither blank nor a word for nothing."""
        return [row[place] for row in self.rows if not is_nothing(row[place])]


def is_nothing(cell: str) -> bool:
    """Whether a cell is blank or a word for nothing."""
    return not cell.strip() or cell.strip().lower() in NULLS


def find_table(
    lines: Sequence[tuple[int, Sequence[str]]], feed: str, header_line: int | None = None
) -> Table:
    """Find the header among a file's numbered lines, and the rows below it.

    Raises CardwatchError where no line names columns.
    """
    if header_line is None:
        place = _header_place(lines, feed)
    else:
        place = next((at for at, (line, _) in enumerate(lines) if line == header_line), None)
    if place is None:
        raise CardwatchError(
            "no line names the columns of the file; add a header line, "
            "or say where it is with --header-line"
        )
    names, length = _names(lines, place, feed)
    width = len(names)
    rows: list[tuple[str, ...]] = []
    totals: list[str] = []
    left_out = 0
    for _, cells in lines[place + length :]:
        filled = [cell for cell in cells if cell.strip()]
        word = next((cell.strip() for cell in filled[:1] if _is_total(cell)), None)
        if word and not any(dates.shape_of(cell) for cell in filled):
            totals.append(word)
        elif filled and len(cells) == width and tuple(cells) != names:
            rows.append(tuple(cells))
            continue
        left_out += 1
    if not rows:
        raise CardwatchError(
            f"no row below line {lines[place][0]} ({', '.join(names)[:120]}) is as wide as it; "
            "say with --header-line which line names the columns"
        )
    return Table(
        names, lines[place][0], length, tuple(rows), tuple(dict.fromkeys(totals)), left_out
    )


def _header_place(lines: Sequence[tuple[int, Sequence[str]]], feed: str) -> int | None:
    """The line with most words of the feed; else the first of texts with data below."""
    best: tuple[int, int] | None = None
    for place, (line, cells) in enumerate(lines):
        if line > LAST_LINE:
            break
        known = sum(words.knows(feed, cell) for cell in cells if _may_name(cell))
        known = 0 if any(_is_data(cell) for cell in cells) else known
        if known >= 2 and (best is None or known > best[0]):
            best = (known, place)
    if best:
        return best[1]
    for place, (line, cells) in enumerate(lines[:-1]):
        if line > LAST_LINE:
            break
        below = lines[place + 1][1]
        named = len(cells) > 1 and all(_may_name(cell) and not _is_data(cell) for cell in cells)
        if named and len(below) == len(cells) and any(_is_data(cell) for cell in below):
            return place
    return None


def _names(
    lines: Sequence[tuple[int, Sequence[str]]], place: int, feed: str
) -> tuple[tuple[str, ...], int]:
    """The names of the columns and over how many lines they stand."""
    first = [cell.strip() for cell in lines[place][1]]
    if place + 1 < len(lines):
        second = [cell.strip() for cell in lines[place + 1][1]]
        # A second line of names fills gaps of the first, or splits a name that spans columns; the
        # first line of data has a day or an amount.
        gaps = any(not name for name in first) or len(set(first)) < len(first)
        named = any(second) and not any(_is_data(cell) for cell in second)
        if gaps and named and len(second) == len(first):
            return joined([first, second]), 2
    return tuple(first), 1


def _is_total(cell: str) -> bool:
    text = " ".join(cell.split()).lower().rstrip(" :")
    return text in TOTALS or text.startswith(("total ", "grand total ", "합계", "총계", "소계"))


def _may_name(cell: str) -> bool:
    """Whether a cell may be a column's name: words, and not a sentence."""
    text = cell.strip()
    return 0 < len(text) <= 80 and any(letter.isalpha() for letter in text)


def _is_data(cell: str) -> bool:
    text = cell.strip()
    return bool(text) and (
        dates.shape_of(text) is not None
        or (any(digit.isdigit() for digit in text) and amounts.number(text) is not None)
    )
