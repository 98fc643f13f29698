"""Parquet, whose columns stay as they are: the typing takes their values as texts."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.header import lacks, missing_columns
from orchestration.landing.pieces import PIECE, Piece, Rows, table


def open_parquet(content: Content, feed: Feed) -> Rows:
    """Read the schema of a Parquet file; CardwatchError if it is damaged or lacks a column."""
    try:
        names = pq.read_schema(content.path).names
    except (pa.ArrowException, OSError) as error:
        raise CardwatchError(
            f"{content.path} is not a readable Parquet file; export it again"
        ) from error
    if missing_columns(feed, names):
        raise lacks(content, feed, names)
    return Rows(names, partial(_pieces, content))


def _pieces(content: Content) -> Iterator[Piece]:
    row = 1
    try:
        with pq.ParquetFile(content.path) as file:
            # Several batches make a piece, so that the database reads them side by side.
            for batch in file.iter_batches(batch_size=PIECE // 2):
                columns = [_as_written(column) for column in batch.columns]
                yield Piece(table(columns, np.arange(row, row + batch.num_rows)), [])
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise CardwatchError(
            f"{content.path} is damaged after row {row - 1}; export it again"
        ) from error


def _as_written(column: pa.Array) -> pa.Array:
    """A column whose texts are what its values mean: pandas makes 7.0 of a 7 beside a null."""
    if pa.types.is_floating(column.type):
        whole = pc.is_finite(column)
        fits = pc.and_(whole, pc.less(pc.abs(column), 2.0**53))
        if (
            pc.all(pc.or_kleene(pc.is_null(column), fits)).as_py()
            and pc.all(pc.equal(pc.floor(column), column)).as_py()
        ):
            return column.cast(pa.int64())
    return column
