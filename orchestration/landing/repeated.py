"""Texts that repeat are read once: of ten million currencies there are few to understand."""

import duckdb
import pyarrow as pa

from orchestration.landing.feeds import Column, Feed
from orchestration.landing.values import Text, holds_card_number, text_of, typed

# Rows for each distinct text from which reading the distinct ones is cheaper.
_REPEATED = 4


def with_values(
    connection: duckdb.DuckDBPyConnection,
    feed: Feed,
    column: Column,
    piece: pa.Table,
    texts: pa.ChunkedArray,
    text: Text,
) -> pa.Table | None:
    """The piece with two more columns, as `Text.is_read` says, where that is the cheaper way.

    It always is for codes, which are looked up in a table of spellings.
    """
    is_code = column.code not in (None, "mcc")
    if not is_code and (column.data_type != "VARCHAR" or text.is_simple or column.is_hashed):
        return None
    words = texts.combine_chunks().dictionary_encode()
    if not is_code and len(words.dictionary) * _REPEATED > len(words):
        return None
    connection.register(
        "words", pa.table({"place": range(len(words.dictionary)), "word": words.dictionary})
    )
    word = text_of(column, "word", None, feed.layout)
    value = "spellings.code" if is_code else typed(column, text, feed)
    found = connection.execute(f"""
        select {value} as value, {holds_card_number(column, text, feed) or "false"} as card
        from (
            select place, {word} as {text.sql}
            from (select place, word::varchar as word from words)
        )
        left join temp.code_spellings as spellings
            on spellings.kind = '{column.code if is_code else ""}'
            and spellings.spelling = code_key({text.sql})
        order by place
    """).to_arrow_table()  # noqa: S608 - identifiers only, validated in feeds.py
    if found.num_rows != len(words.dictionary):
        raise RuntimeError(f"the seeds give a spelling of {column.code} several codes")
    read = found.take(words.indices)
    piece = piece.append_column(f"{column.name}=", read["value"])
    return piece.append_column(f"{column.name}!", read["card"])
