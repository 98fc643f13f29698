"""Files that earlier runs loaded: they stay as they were, and a lost warehouse loads them in order.

Of two rows about the same subject the one that was loaded later holds, so a warehouse that is
rebuilt from the landing folder has to load its files in the order of before.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.feeds import Feed
from orchestration.landing.file import CheckedFile

#: What identifies a load: source, feed and the file's SHA-256.
Content = tuple[str, str, str]


@dataclass(frozen=True)
class EarlierLoad:
    """A file that runs have finished with, under the number and at the time of its load (UTC)."""

    load_id: int
    source: str
    feed: str
    file: str
    file_hash: str
    loaded_at: datetime

    @property
    def content(self) -> Content:
        """What identifies the load."""
        return self.source, self.feed, self.file_hash


def check_history(
    home: Home,
    feeds: Iterable[Feed],
    landed: Collection[tuple[Path, Content]],
    loaded: Collection[Content],
    earlier: Iterable[EarlierLoad],
) -> None:
    """Refuse a landing folder in which a file of an earlier load was changed, or is missed.

    loaded: what the warehouse holds; what it holds may be archived, but not be replaced in place.
    """
    declared = {(feed.source, feed.feed) for feed in feeds}
    contents = {content for _, content in landed}
    names = {(source, feed, path.name) for path, (source, feed, _) in landed}
    for load in earlier:
        if load.content in contents or (load.source, load.feed) not in declared:
            continue
        path = home.landing / load.source / load.feed / load.file
        if (load.source, load.feed, load.file) in names:
            raise CardwatchError(
                f"{path} is not what was loaded from it on {load.loaded_at:%Y-%m-%d}, it was "
                "changed or damaged; put the loaded file back, and bring what is new with "
                "`cardwatch land`, which keeps both"
            )
        if load.content not in loaded:
            raise CardwatchError(
                f"{path} is missing, a run loaded it on {load.loaded_at:%Y-%m-%d} and the "
                "warehouse is to be rebuilt from it; put it back from where it was archived"
            )


def numbered(
    files: Sequence[CheckedFile], earlier: Iterable[EarlierLoad], last: int
) -> list[tuple[int, CheckedFile]]:
    """Number new files for their loads: as before what was loaded before, then the others.

    last: the highest number in the manifest.
    """
    numbers = {load.content: load.load_id for load in earlier}
    known = [(numbers[content(file)], file) for file in files if content(file) in numbers]
    unknown = [file for file in files if content(file) not in numbers]
    first = max(last, *numbers.values(), 0) + 1
    return sorted(known, key=lambda pair: pair[0]) + list(enumerate(unknown, start=first))


def content(file: CheckedFile) -> Content:
    """Return what identifies the load of a file."""
    return file.feed.source, file.feed.feed, file.file_hash
