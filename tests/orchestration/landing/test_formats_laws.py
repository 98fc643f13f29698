"""Any table comes back from any format, and any bytes at all end well."""

import gzip
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from tests.orchestration.landing.files import SALES, read, workbook, write

ROW = ["s1", "2025-01-31", "1.50"]
CSV = ",".join(SALES.required) + "\n" + ",".join(ROW) + "\n"

TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=6
)
TABLES = st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS, TEXTS), max_size=5)


@settings(max_examples=60, deadline=None)
@given(rows=TABLES)
def test_what_other_writers_wrote_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    names = list(SALES.required)
    book = write(folder, workbook({"S": [names, *rows]}), "x.xlsx")
    assert [row[1:] for row in read(book)[0]] == rows
    lines = [json.dumps(dict(zip(names, row, strict=True))) for row in [("a", "b", "c"), *rows]]
    assert [row[1:] for row in read(write(folder, "\n".join(lines)))[0]][1:] == [
        (*row, None) for row in rows
    ]
    path = folder / "x.parquet"
    columns = zip(*rows, strict=True) if rows else [()] * 3
    arrays = [pa.array(column, pa.string()) for column in columns]
    pq.write_table(pa.table(arrays, names=names), path)
    assert [row[1:] for row in read(path)[0]] == rows


BEGINNINGS = st.sampled_from(
    [
        b"",
        b"PK\x03\x04",
        b"PAR1",
        b"\x1f\x8b\x08\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"<table><tr><td>",
        b'{"sale_id": 1',
        CSV.encode(),
        CSV.encode("utf-16"),
        gzip.compress(CSV.encode()),
        workbook({"S": [list(SALES.required), ROW]}),
    ]
)


@settings(max_examples=200, deadline=5000)
@given(
    start=BEGINNINGS,
    garbage=st.one_of(st.binary(max_size=60), st.text('s,;"\n\r\t{}<>/td=1', max_size=40)),
    flipped=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), max_size=3),
)
def test_any_bytes_end_in_pieces_or_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    start: bytes,
    garbage: bytes | str,
    flipped: list[tuple[int, int]],
) -> None:
    more = garbage if isinstance(garbage, bytes) else garbage.encode()
    content = bytearray(start + more or b"x")
    for at, bits in flipped:
        content[at % len(content)] ^= bits
    path = write(tmp_path_factory.mktemp("any"), bytes(content))
    refusal = ""
    rows: list[Any] = []
    broken: list[Any] = []
    try:
        rows, broken = read(path)
    except CardwatchError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert all(line for line, *_ in [*rows, *broken])
