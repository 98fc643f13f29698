"""CSV and its relatives as companies send them."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from orchestration.landing.formats import blocks, encoding
from tests.orchestration.landing.files import SALES, read, sales, write

HEADER = "sale_id,sold_at,amount,note\n"
ROWS = "s1,2025-01-31,1.50,a\ns2,2025-02-01,-2,b\n"
READ = [(2, "s1", "2025-01-31", "1.50", "a"), (3, "s2", "2025-02-01", "-2", "b")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    path = write(tmp_path, (HEADER + ROWS).replace(",", delimiter), "x.txt")
    assert read(path) == (READ, [])


def test_another_delimiter_is_declared(tmp_path: Path) -> None:
    path = write(tmp_path, (HEADER + ROWS).replace(",", "~"))
    with pytest.raises(CardwatchError, match="lacks sale_id, sold_at, amount"):
        read(path)
    assert read(path, sales(delimiter="~")) == (READ, [])
    with pytest.raises(CardwatchError, match="must be one ASCII character"):
        read(path, sales(delimiter="~~"))


def test_excel_names_its_delimiter_in_a_first_line(tmp_path: Path) -> None:
    path = write(tmp_path, "sep=~\r\n" + (HEADER + ROWS).replace(",", "~"))
    assert read(path) == ([(row[0] + 1, *row[1:]) for row in READ], [])


KOREAN = (
    "이용번호,Sold  On,이용금액(원),NOTE\ns1,2025-01-31,1500,스타벅스\ns2,2025-02-01,-2,편의점\n"
)
KOREAN_READ = [(2, "s1", "2025-01-31", "1500", "스타벅스"), (3, "s2", "2025-02-01", "-2", "편의점")]


@pytest.mark.parametrize(
    "written",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "utf-32"],
)
@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_the_encoding_is_found_in_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, block: int
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", block)
    assert read(write(tmp_path, KOREAN, encoding=written)) == (KOREAN_READ, [])


@pytest.mark.parametrize("written", ["cp949", "utf-16", "utf-16-le", "utf-8"])
def test_the_encoding_can_be_declared(tmp_path: Path, written: str) -> None:
    path = write(tmp_path, KOREAN, encoding=written)
    assert read(path, sales(encoding=written)) == (KOREAN_READ, [])
    with pytest.raises(CardwatchError, match="'cp9490', which Python does not know"):
        read(path, sales(encoding="cp9490"))


@pytest.mark.parametrize("note", ["Müller & Söhne", "Café des Écoles", "£12 – “quoted”", "Zoë €5"])
def test_a_western_text_is_read_where_no_byte_is_in_doubt(tmp_path: Path, note: str) -> None:
    path = write(tmp_path, HEADER + f"s1,2025-01-31,1,{note}\n", encoding="cp1252")
    assert read(path) == ([(2, "s1", "2025-01-31", "1", note)], [])


@pytest.mark.parametrize(
    ("note", "written"),
    [("Señor", "cp1252"), ("Łódź", "cp1250"), ("Привет", "cp1251"), ("购物中心", "gbk")],
)
def test_a_line_in_doubt_is_set_aside_until_the_encoding_is_declared(
    tmp_path: Path, note: str, written: str
) -> None:
    good = "s2,2025-01-31,1,plain\n"
    path = write(tmp_path, HEADER + f"s1,2025-01-31,1,{note}\n" + good, encoding=written)
    rows, broken = read(path)
    assert rows == [(3, "s2", "2025-01-31", "1", "plain")]
    assert [(line, reason) for line, reason, _ in broken] == [
        (2, "not UTF-8 text (format.encoding in the source's yml names another)")
    ]
    assert read(path, sales(encoding=written))[0][0] == (2, "s1", "2025-01-31", "1", note)


@pytest.mark.parametrize("written", ["cp949", "utf-16-le"])
def test_a_byte_that_cannot_be_decoded_costs_its_own_line(tmp_path: Path, written: str) -> None:
    lines = KOREAN.splitlines(keepends=True)
    raw = [line.encode(written) for line in lines]
    raw[1] = raw[1].replace(
        "타".encode(written), b"\x80\xdc" if written == "utf-16-le" else b"\xff"
    )
    rows, broken = read(write(tmp_path, b"".join(raw)), sales(encoding=written))
    assert rows == KOREAN_READ[1:]
    ((line, reason, text),) = broken
    assert (line, reason.split(" (")[0]) == (2, f"not {written} text")
    assert r"\xdc" in text if written == "utf-16-le" else r"\xff" in text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_count_as_lines(tmp_path: Path, end: str) -> None:
    content = (HEADER + ROWS + 's4,2025-01-31,1,"two\nlines"\n').replace("\n", end)
    rows, broken = read(write(tmp_path, content + "s6,2025-01-31,1,last"))
    assert rows == [
        *READ,
        (4, "s4", "2025-01-31", "1", f"two{end}lines"),
        (6, "s6", "2025-01-31", "1", "last"),
    ]
    assert broken == []


def test_line_ends_may_be_mixed_and_a_return_within_a_line_costs_that_line(tmp_path: Path) -> None:
    content = (
        HEADER + "s2,2025-01-31,1,a\r\ns3,2025-01-31,1,b\rs4,2025\r-01-31,1,c\ns6,2025-01-31,1,d\0e"
    )
    rows, broken = read(write(tmp_path, content))
    assert [row[:2] for row in rows] == [(2, "s2"), (3, "s3"), (6, "s6")]
    assert rows[-1][-1] == "d\0e"
    assert [(line, reason) for line, reason, _ in broken] == [
        (4, "2 columns instead of 4"),
        (5, "3 columns instead of 4"),
    ]


def test_lines_before_the_header_are_passed_over(tmp_path: Path) -> None:
    content = 'Statement of "January"\n\nCard:;x\n' + HEADER + ROWS
    assert read(write(tmp_path, content)) == ([(row[0] + 3, *row[1:]) for row in READ], [])


def test_two_headers_are_one_too_many_unless_one_is_declared(tmp_path: Path) -> None:
    content = "amount,sale_id,sold_at\n1,s0,2025-01-01\n" + HEADER + ROWS
    with pytest.raises(CardwatchError, match="has a header in line 1 and 3; name the right one"):
        read(write(tmp_path, content))
    assert read(write(tmp_path, content), sales(header_line=3))[0][0][:2] == (4, "s1")
    with pytest.raises(CardwatchError, match="lacks sale_id, sold_at, amount"):
        read(write(tmp_path, content), sales(header_line=2))
    with pytest.raises(CardwatchError, match="has no line 90"):
        read(write(tmp_path, content), sales(header_line=90))


def test_a_header_may_go_over_two_lines(tmp_path: Path) -> None:
    content = 'Sold,이용번호,"이용금액\n(원)",Tax,\nOn,,,rate,sum\n2025-01-31,s1,5,10,0.5\n'
    feed = sales(header_lines=2)
    named = content.replace('"이용금액\n(원)"', "이용금액(원)")
    assert read(write(tmp_path, named), feed)[0] == [(3, "2025-01-31", "s1", "5")]
    with pytest.raises(CardwatchError, match="lacks amount"):
        read(write(tmp_path, content), feed)


def test_headers_again_blank_rows_and_totals_are_no_rows(tmp_path: Path) -> None:
    content = (
        HEADER
        + ROWS
        + ",,,\n \n"
        + "\ufeff"
        + HEADER
        + "s7,2025-01-31,1,\nTotal shop,2025-01-31,1,\n"
        "합 계,,3,\nTOTAL;\n"
    )
    rows, broken = read(write(tmp_path, content), sales(totals=("total", "합계")))
    assert [row[:2] for row in rows] == [(2, "s1"), (3, "s2"), (7, "s7"), (8, "Total shop")]
    assert broken == []
    rows, broken = read(write(tmp_path, content))
    assert rows[-1] == (9, "합 계", "", "3", "")  # a missing day sends it into quarantine
    assert broken == [(10, "1 columns instead of 4", "TOTAL;")]


def test_blank_values_too_many_or_without_a_name_do_not_matter(tmp_path: Path) -> None:
    rows, broken = read(write(tmp_path, HEADER + "s2,2025-01-31,1,a, ,\ns3,2025-01-31,1,b,c\n"))
    assert rows == [(2, "s2", "2025-01-31", "1", "a")]
    assert broken == [(3, "5 columns instead of 4", "s3,2025-01-31,1,b,c")]
    content = (
        HEADER.replace("\n", ",,\n") + "s2,2025-01-31,1,a\ns3,2025-01-31,1\ns4,2025-01-31,1,b,,\n"
    )
    rows, broken = read(write(tmp_path, content))
    assert [row[0] for row in rows] == [2, 4]
    assert broken == [(3, "3 columns instead of 6", "s3,2025-01-31,1")]


def test_texts_of_spreadsheets_are_freed_of_their_signs(tmp_path: Path) -> None:
    content = HEADER + '="0012",2025-01-31,1,\'t Hof\n\'0013,2025-01-31,1,"=""7"""\n'
    assert read(write(tmp_path, content))[0] == [
        (2, "0012", "2025-01-31", "1", "'t Hof"),
        (3, "0013", "2025-01-31", "1", "7"),
    ]


def test_files_that_were_put_together_keep_no_marks(tmp_path: Path) -> None:
    one = ("\ufeff" + HEADER + ROWS).encode()
    two = "\ufeffs4,2025-01-31,1,c\n".encode()
    assert [row[1] for row in read(write(tmp_path, one + two + one))[0]] == [
        "s1",
        "s2",
        "s4",
        "s1",
        "s2",
    ]


def test_a_line_without_end_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "LONGEST_LINE", 1000)
    monkeypatch.setattr(encoding, "BLOCK", 500)
    with pytest.raises(CardwatchError, match=r"more than 1,000 bytes \(line 2\)"):
        read(write(tmp_path, HEADER + "x" * 5000))


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "BLOCK", 60_000)
    rows = "".join(f"s{number},2025-01-31,1,text\n" for number in range(3, 20_000))
    found, broken = read(write(tmp_path, HEADER + 's2,2025-01-31,1,"open\n' + rows))
    assert len(found) == 19_997
    assert [line for line, *_ in broken] == [2]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\ufffe"), max_size=6
).filter(lambda text: not text.startswith(("=", "'")))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS, TEXTS), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    written=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([5, 64, 10_000]),
)
def test_what_a_csv_writer_wrote_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoting: int,
    written: str,
    end: str,
    block: int,
) -> None:
    # Python's writer quotes a lone return only where it ends lines with one.
    assume(end == "\r\n" or quoting == csv.QUOTE_ALL or "\r" not in "".join(map("".join, rows)))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([SALES.required, *rows])
    path = write(tmp_path_factory.mktemp("law"), stream.getvalue(), encoding=written)
    with pytest.MonkeyPatch.context() as context:
        context.setattr(encoding, "BLOCK", block)
        found, broken = read(path)
    assert broken == []
    assert [row[1:] for row in found] == rows


def test_places_between_quotes_do_not_count() -> None:
    assert blocks.physical_lines(b'a"\n"b\r\nc\rd') == [b'a"\n', b'"b\r\n', b"c\r", b"d"]
