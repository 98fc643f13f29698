"""Small files in the styles in which card purchases are really exported, and what each must become.

All names, cards and amounts are invented.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.adoption.proposal import Answers
from tests.orchestration.landing.files import workbook

SHOPS = ("Corner Bakery", "City Taxi", "Paper & Pens", "Hotel Post", "Book Barn", "Rail Tickets")
SHOPS_KO = ("가나식당", "다라문구", "마바택시", "사아서점", "자차카페", "카타호텔")

Writer = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A file, how it is written, and what must come of it.

    columns: for canonical columns the header that they must have; settings: of the layout.
    refusal: words of the one sentence, where the file is to be refused; asked: the options of the
    questions that it leaves open. rows: data rows of the file, quarantined: of them.
    """

    name: str
    write: Writer
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ("_line",)
    holds: str = "file"
    has_time: bool = False
    asked: tuple[str, ...] = ()
    answers: Answers = field(default_factory=Answers)
    refusal: str = ""
    rows: int = 6
    quarantined: int = 0
    suffix: str = ".csv"
    #: The first row as it must be read: day or time, merchant, amount.
    first: tuple[str, str, str] | None = None


def text(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Writer:
    """A text file of these lines."""
    return lambda path: path.write_bytes((end.join(lines) + end).encode(encoding)) and None


def rows(line: str, count: int = 6, **made: Callable[[int], Any]) -> list[str]:
    """Lines made of one: {n} is the number, {day} a day, {shop} and {shop_ko} names, {pence}."""
    return [
        line.format(
            n=n + 1,
            day=f"{n + 11:02}",
            low=f"{n + 1:02}",
            shop=SHOPS[n % len(SHOPS)],
            shop_ko=SHOPS_KO[n % len(SHOPS_KO)],
            pence=f"{12 + 7 * n}.{50 + n}",
            won=f"{(n + 3) * 4100}",
            won_grouped=f"{(n + 3) * 4100:,}",
            card=f"{4400 + n % 3}",
            **{name: make(n) for name, make in made.items()},
        )
        for n in range(count)
    ]


def html(*lines: tuple[str, ...]) -> Writer:
    """An HTML table, as it comes named .xls."""
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in lines
    )
    page = f"<html><head><meta charset='utf-8'></head><body><table>{body}</table></body></html>"
    return lambda path: path.write_text(page, encoding="utf-8") and None


def sheets(content: Mapping[str, Sequence[Sequence[Any]]]) -> Writer:
    """A workbook of these sheets."""
    return lambda path: path.write_bytes(workbook(dict(content))) and None


def parquet(columns: Mapping[str, list[Any]]) -> Writer:
    """A Parquet file of these columns."""
    return lambda path: pq.write_table(pa.table(dict(columns)), path)


GBP = {"currency": "GBP"}
KRW = Answers(currency="KRW")
MERCHANT_KO = {"merchant_name": "가맹점명"}
