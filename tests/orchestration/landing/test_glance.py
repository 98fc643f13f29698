"""What is seen in the bytes of a column is what its texts say one by one."""

import re

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.landing.glance import is_simple

TEXTS = st.text(st.sampled_from("0123456789 a~!-\t한\0"), max_size=20)


@settings(max_examples=300, deadline=None)
@given(
    chunks=st.lists(st.lists(st.one_of(st.none(), TEXTS), max_size=4), max_size=3),
    skipped=st.integers(0, 2),
)
@example(chunks=[["4111 1111 1111 1111"]], skipped=0)
@example(chunks=[["123456789012", "3"], ["", None]], skipped=0)
@example(chunks=[[" a", "b"]], skipped=1)
def test_a_column_is_simple_where_each_text_is(
    chunks: list[list[str | None]], skipped: int
) -> None:
    column = pa.chunked_array(
        [pa.array(chunk, pa.string()).slice(skipped) for chunk in chunks], pa.string()
    )
    assert is_simple(column) == all(
        re.fullmatch("([!-}]([ -}]*[!-}])?)?", text) and len(re.findall("[0-9]", text)) < 13
        for text in column.to_pylist()
        if text is not None
    )


def test_only_texts_are_simple() -> None:
    assert not is_simple(pa.chunked_array([pa.array([4111111111111111])]))
