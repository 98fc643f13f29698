"""From a company's own files to a source that has landed: propose, check, write, land."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.adoption import project_files, trial
from orchestration.adoption.decide import propose
from orchestration.adoption.grid import Grid, read_grid
from orchestration.adoption.header import Table, find_table
from orchestration.adoption.mapping import CARD_TRANSACTIONS
from orchestration.adoption.missing_rules import SwitchedOff, switched_off
from orchestration.adoption.proposal import Answers, Proposal
from orchestration.adoption.recognised import (
    refuse_the_layout_of_a_source,
    refuse_what_a_source_reads,
)
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Feed, find_feed, read_feeds
from orchestration.landing.folder import LandedFile, copy_to_landing

#: The source whose yml is the canonical layout.
COMPANY = "company"


@dataclass(frozen=True)
class Place:
    """Where in a file the rows are, where a person said so beforehand."""

    encoding: str | None = None
    sheet: str | None = None
    header_line: int | None = None


@dataclass(frozen=True)
class Adopted:
    """What became of the files: the source, how its rows read, and what it cannot tell.

    files: those that make the source, with their texts, below the project's root; landed: where
    the company's files went, none in a dry run. off, rules: how many rules are switched off, of
    how many.
    """

    proposal: Proposal
    trial: trial.Trial
    missing: tuple[SwitchedOff, ...]
    off: int
    rules: int
    files: Mapping[Path, str]
    landed: tuple[LandedFile, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        proposal, layout = self.proposal, self.proposal.layout
        return {
            "source": proposal.source,
            "feed": proposal.feed,
            "format": {name: value for name, value in vars(layout).items() if value},
            "columns": {column.name: column.called[0] for column in proposal.columns},
            "constants": dict(proposal.constants),
            "key": list(proposal.key.columns),
            "key_holds": proposal.key.holds,
            "has_time": proposal.has_time,
            "unread": list(proposal.unread),
            "rows": self.trial.rows,
            "quarantined": self.trial.quarantined,
            "reasons": dict(self.trial.reasons),
            "examples": list(self.trial.examples),
            "rules_off": self.off,
            "rules": self.rules,
            "switched_off": {each.missing: list(each.rules) for each in self.missing},
            "files": list(self.files),
            "landed": [file.landed_as for file in self.landed],
        }


def adopt(
    home: Home,
    files: Sequence[Path],
    source: str,
    feed: str = CARD_TRANSACTIONS,
    answers: Answers | None = None,
    place: Place | None = None,
    dry_run: bool = False,
    replace: bool = False,
    root: Path | None = None,
    today: date | None = None,
) -> Adopted:
    """Make a source of files of one layout and land them; all of it or nothing.

    Raises UnclearError for what the files leave open, CardwatchError for what they cannot be.
    """
    root = root or project_root()
    project_files.check_name(root, source, feed, replace)
    feeds = [each for each in read_feeds(root) if (each.source, each.feed) != (source, feed)]
    day = today or date.today()
    proposal = understand(feeds, files, source, feed, answers or Answers(), place or Place(), day)
    texts = project_files.texts(root, proposal)
    tried = trial.read_as(texts, proposal, files)
    missing, off, rules = switched_off(root, _available(home, proposal))
    landed: list[LandedFile] = []
    if not dry_run:
        with project_files.written(root, texts), _landing_kept(home, source):
            landed = copy_to_landing(home, files, source, feed, root)
    return Adopted(proposal, tried, tuple(missing), off, rules, texts, tuple(landed))


def understand(
    feeds: Sequence[Feed],
    files: Sequence[Path],
    source: str,
    feed: str,
    answers: Answers,
    place: Place,
    today: date,
) -> Proposal:
    """Propose the source that files are, without reading them as it; feeds: those there are.

    Raises as `adopt` does, and for a file that one of the feeds reads already.
    """
    canonical = find_feed(feeds, COMPANY, feed)
    refuse_what_a_source_reads(files, feeds)
    grids, tables = _look(files, feed, place)
    for path, table in zip(files, tables, strict=True):
        refuse_the_layout_of_a_source(path, table.names, feeds)
    return propose(source, canonical, grids, tables, answers, today)


def _look(files: Sequence[Path], feed: str, place: Place) -> tuple[list[Grid], list[Table]]:
    grids = [read_grid(path, place.encoding, place.sheet) for path in files]
    tables = []
    for grid in grids:
        try:
            tables.append(find_table(grid.lines, feed, place.header_line))
        except CardwatchError as error:
            raise CardwatchError(masked(f"{grid.path}: {error}")) from error
    return grids, tables


@contextmanager
def _landing_kept(home: Home, source: str) -> Iterator[None]:
    """Leave the landing folder of a source as it was where the block ends with an error."""
    folder = home.landing / source
    before = set(folder.rglob("*"))
    existed = folder.exists()
    try:
        yield
    except BaseException:
        for path in sorted(set(folder.rglob("*")) - before, reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        if folder.exists() and not existed:
            folder.rmdir()
        raise


def _available(home: Home, proposal: Proposal) -> set[str]:
    """Columns and feeds that rules may build on: the proposal's, and what has landed before."""
    landed = {folder.name for folder in home.landing.glob("*/*") if any(folder.iterdir())}
    names = {*proposal.names, *(f"feed {feed}" for feed in (*landed, proposal.feed))}
    if proposal.feed != CARD_TRANSACTIONS:
        # another feed says nothing about the purchases: count what the feeds alone decide
        names |= {"time of day", "mcc", "category", "merchant_name", "employee_id", "latitude"}
    elif proposal.has_time:
        names.add("time of day")
    return names
