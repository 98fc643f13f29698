"""What all texts of a column have in common, seen in their bytes at once.

Reading a text by patterns costs a hundred times more; most columns of most pieces do not need it.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

# The wave, the last sign of ASCII, is what a masked card number begins with in a landed copy.
_FIRST, _LAST = ord("!"), ord("~") - 1


# No card number has fewer digits.
_DIGITS_OF_A_CARD = 13


def is_simple(column: pa.ChunkedArray) -> bool:
    """Whether each text is printable ASCII without a blank at an end, and can hold no card number.

    Empty texts are simple too.
    """
    if not pa.types.is_string(column.type):
        return False
    return all(
        _is_plain(data, starts, ends) and not _has_many_digits(data, starts, ends)
        for data, starts, ends in _texts(column)
    )


def _is_plain(data: Any, starts: Any, ends: Any) -> bool:
    if data.min() < ord(" ") or data.max() > _LAST:
        return False
    return bool((data[starts] >= _FIRST).all() and (data[ends - 1] >= _FIRST).all())


def _has_many_digits(data: Any, starts: Any, ends: Any) -> bool:
    if (ends - starts).max() < _DIGITS_OF_A_CARD:
        return False
    is_digit = (data >= ord("0")) & (data <= ord("9"))
    counted = np.append(0, np.cumsum(is_digit, dtype=np.int64))
    return bool((counted[ends] - counted[starts]).max() >= _DIGITS_OF_A_CARD)


def _texts(column: pa.ChunkedArray) -> Iterator[tuple[Any, Any, Any]]:
    """Bytes of each chunk, and where in them its texts begin and end; empty ones left out."""
    for chunk in column.chunks:
        _, places, texts = chunk.buffers()
        if not len(chunk) or texts is None:
            continue
        offsets = np.frombuffer(places, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        data = np.frombuffer(texts, np.uint8)[offsets[0] : offsets[-1]]
        starts, ends = offsets[:-1] - offsets[0], offsets[1:] - offsets[0]
        filled = ends > starts
        if filled.any():
            yield data, starts[filled], ends[filled]
