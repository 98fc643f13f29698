"""The lines of a text, some at a time, for formats of which each line is a record of its own."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from orchestration.engine.errors import CardwatchError
from orchestration.landing.formats.blocks import LONGEST_LINE, line_ends
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.encoding import utf8_blocks

_BLOCK = 4_000_000


def numbered_lines(content: Content, encoding: str) -> Iterator[tuple[int, list[bytes]]]:
    """Lines of a text as UTF-8 without their ends, with the number of the first of them."""
    rest, number = b"", 1
    for block in chain(utf8_blocks(content, encoding, _BLOCK), [None]):
        buffer = rest + (block or b"")
        ends = line_ends(np.frombuffer(buffer, np.uint8), at_end=block is None).tolist()
        lines = [
            buffer[start:end].rstrip(b"\r")
            for start, end in zip([0, *(end + 1 for end in ends)], ends, strict=False)
        ]
        rest = buffer[ends[-1] + 1 :] if ends else buffer
        if len(rest) > LONGEST_LINE:
            raise CardwatchError(
                f"{content.path} has a line of more than {LONGEST_LINE:,} bytes "
                f"(line {number + len(lines)}); it is no text of rows"
            )
        if lines:
            yield number, lines
        number += len(lines)
