"""Files that a source of this project reads already, such as those of the card networks."""

from collections.abc import Sequence
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed

# How a set of a VCF file begins.
_SET_HEADER = b"6\t"

# A layout of fewer required columns may be anybody's.
_FEWEST = 4


def refuse_what_a_source_reads(files: Sequence[Path], feeds: Sequence[Feed]) -> None:
    """Say which source reads a file, where one of the project does."""
    for path in files:
        kind = network_kind(path)
        for feed in feeds if kind else ():
            if feed.layout.kind == kind:
                raise CardwatchError(
                    f"{path} is a {kind} file, which needs no source of its own; "
                    f"land it with `cardwatch land {path} --source {feed.source} "
                    f"--feed {feed.feed}`"
                )


def refuse_the_layout_of_a_source(path: Path, header: Sequence[str], feeds: Sequence[Feed]) -> None:
    """Say which source a file is of that has a source's own header, name by name."""
    for feed in feeds:
        own = all(len(column.called) <= 1 for column in feed.columns)
        names = feed.names(header)
        if own and len(feed.required) >= _FEWEST and set(feed.required) <= set(names):
            raise CardwatchError(
                f"{path} has the layout of the source {feed.source}, which needs no other; land it "
                f"with `cardwatch land {path} --source {feed.source} --feed {feed.feed}`"
            )


def network_kind(path: Path) -> str | None:
    """Which of the card networks' kinds a file is; None for any other file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        start = stream.read(4096)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    first = text.partition(b"\n")[0].rstrip(b"\r")
    if b"<CDFTransmissionFile" in text or b"<DinersS3DFTransmissionFile" in text:
        return "cdf3"
    if first.startswith(_SET_HEADER) and first.count(b"\t") >= 10:
        return "vcf4"
    is_fixed = first[:1] == b"0" and len(first) >= 200 and b"," not in first and b"\t" not in first
    return "gl1025" if is_fixed else None
