"""The landing folder: files are copied into it, placed there, listed and known by their content."""

import shutil
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.landing.clear_numbers import copy_without_card_numbers, first_card_number
from orchestration.landing.feeds import Feed, find_feed, read_feeds
from orchestration.landing.file import CheckedFile, check_file, hash_file, read_pieces
from orchestration.landing.layout import NETWORKS


@dataclass(frozen=True)
class LandedFile:
    """What became of one file that was to be copied into the landing folder."""

    file: Path
    landed_as: Path
    already_landed: bool
    ignored_columns: tuple[str, ...]
    #: Where the first card number stood that the landed copy does not show; None without any.
    masked_from: str | None = None


def copy_to_landing(
    home: Home, files: Sequence[Path], source: str, feed: str, project: Path | None = None
) -> list[LandedFile]:
    """Copy files into the landing folder of a feed; every file is checked before the first copy.

    A file whose content is already there is left alone. A name that is taken by other content
    gets a piece of the content's hash.
    """
    declared = find_feed(read_feeds(project), source, feed)
    checked = [check_file(path, declared) for path in files]
    if declared.layout.kind in NETWORKS:
        # what the trailer states is known to be true only when all before it was read
        for file in checked:
            deque(read_pieces(file), maxlen=0)
    folder = home.landing / source / feed
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as clean:
        cleaned = [_cleaned(file, Path(clean) / str(at)) for at, file in enumerate(checked)]
        return [
            replace(_copy(file, folder), file=path, masked_from=where)
            for path, (file, where) in zip(files, cleaned, strict=True)
        ]


def place_folder(prepared: Path, target: Path, replace: bool = False) -> int:
    """Copy the files of a prepared folder to where only the same files may lie; count new ones.

    With `replace`, other files may lie there, and those of the same names give way.
    """
    files = {path.relative_to(prepared) for path in _visible(prepared) if path.is_file()}
    present = {path.relative_to(target) for path in _visible(target) if path.is_file()}
    same = {
        file for file in files & present if hash_file(prepared / file) == hash_file(target / file)
    }
    if not replace and present != same:
        raise CardwatchError(
            f"{target} already holds other files, such as {min(present - same)}; "
            "empty that folder or set CARDWATCH_HOME to another one"
        )
    for file in sorted(files - same):
        _place(prepared / file, target / file)
    return len(files - same)


def landed_files(home: Home, feeds: Sequence[Feed]) -> list[tuple[Path, Feed]]:
    """Every landed file with the feed whose folder it is in.

    Raises CardwatchError for a file, or a folder, that belongs to no feed.
    """
    by_folder = {(feed.source, feed.feed): feed for feed in feeds}
    folders = {*by_folder, *((feed.source,) for feed in feeds)}
    files = []
    for path in _visible(home.landing):
        place = path.relative_to(home.landing).parts
        if path.is_dir() and place in folders:
            continue
        if not path.is_file() or len(place) != 3 or place[:2] not in by_folder:
            raise CardwatchError(
                f"{path} is not a file in the folder <source>/<feed> of a declared feed; "
                "move it to one (`cardwatch land` does), or declare the feed in models/staging"
            )
        files.append((path, by_folder[place[:2]]))
    return files


def landed_hashes(home: Home, source: str, feed: str) -> set[str]:
    """What identifies the content of each file that has landed for a feed."""
    folder = home.landing / source / feed
    return {hash_file(path) for path in _visible(folder) if path.is_file()}


def sent_as(landed: Path, file_hash: str) -> str:
    """The name that a landed file was sent under, also where other content had taken it."""
    return landed.name.replace(_piece_of(file_hash), "")


def _piece_of(file_hash: str) -> str:
    """What tells a file from another one of its name in the landing folder."""
    return f"-{file_hash[:8]}"


def _visible(folder: Path) -> Iterator[Path]:
    """Everything below a folder in a stable order, but hidden names: copies in progress are."""
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if not path.name.startswith("."):
            yield path
            if path.is_dir():
                yield from _visible(path)


def _cleaned(file: CheckedFile, folder: Path) -> tuple[CheckedFile, str | None]:
    """The file, or a copy without the card numbers that are in it, and where the first was."""
    where = first_card_number(file)
    if where is None:
        return file, None
    folder.mkdir()
    copy = folder / file.path.name
    copy_without_card_numbers(file, copy, where)
    return check_file(copy, file.feed), where


def _copy(file: CheckedFile, folder: Path) -> LandedFile:
    declared = {column.name for column in file.feed.columns}
    ignored = tuple(name for name in file.header if name not in declared)
    size = file.path.stat().st_size
    for present in _visible(folder):
        # Only a file of the same size is worth reading.
        if present.stat().st_size == size and hash_file(present) == file.file_hash:
            return LandedFile(file.path, present, True, ignored)
    target = folder / file.path.name.lstrip(".")
    if target.exists():
        target = target.with_stem(f"{target.stem}{_piece_of(file.file_hash)}")
    _place(file.path, target)
    return LandedFile(file.path, target, False, ignored)


def _place(file: Path, target: Path) -> None:
    """Copy a file so that its name appears only when all of it is there."""
    with whole_file(target) as unfinished:
        shutil.copyfile(file, unfinished)
