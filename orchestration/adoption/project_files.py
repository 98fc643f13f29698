"""A source's files in the project: all of them, or the project as it was."""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from orchestration.adoption.proposal import Proposal
from orchestration.adoption.source_files import (
    canonical_words,
    model_name,
    models_yml,
    sources_yml,
    staging_sql,
)
from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file

STAGING = Path("models/staging")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNION_END = re.compile(r"\n\),\n")


def check_name(root: Path, source: str, feed: str, replace: bool) -> None:
    """Refuse a name that can be no source's, or whose source has the feed already."""
    if not _NAME.fullmatch(source):
        raise CardwatchError(
            f"a source cannot be called {source!r}; "
            "use lower case letters, digits and _, and begin with a letter"
        )
    model = root / STAGING / source / f"stg_{source}__{feed}.sql"
    if model.exists() and not replace:
        raise CardwatchError(
            f"the source {source} has {feed} already ({model}); land further files with "
            f"`cardwatch land FILE --source {source} --feed {feed}`, take another name, "
            "or write it anew with --replace"
        )


def texts(root: Path, proposal: Proposal) -> dict[Path, str]:
    """Every file that makes the proposal a source, with its text, below the project's root."""
    folder = STAGING / proposal.source
    company = root / STAGING / "company/_company__sources.yml"
    words = canonical_words(yaml.safe_load(company.read_text(encoding="utf-8")), proposal.feed)
    union = STAGING / f"stg_{proposal.feed}.sql"
    # Another feed of the source may be in its yml, which people edit: each has files of its own.
    first = folder / f"_{proposal.source}__sources.yml"
    is_first = not (root / first).exists() or f"- name: {proposal.feed}\n" in (
        root / first
    ).read_text(encoding="utf-8")
    stem = f"_{proposal.source}" if is_first else f"_{proposal.source}_{proposal.feed}"
    return {
        folder / f"{stem}__sources.yml": sources_yml(proposal, words),
        folder / f"{stem}__models.yml": models_yml(proposal),
        folder / f"{model_name(proposal)}.sql": staging_sql(proposal),
        union: _with_line((root / union).read_text(encoding="utf-8"), model_name(proposal)),
    }


@contextmanager
def written(root: Path, files: Mapping[Path, str]) -> Iterator[None]:
    """Write files for as long as the block lasts, and for good when it ends well.

    An error in the block, or while they are written, leaves each file as it was.
    """
    before = {
        path: (root / path).read_bytes() if (root / path).exists() else None for path in files
    }
    try:
        for path, text in files.items():
            with whole_file(root / path) as unfinished:
                unfinished.write_text(text, encoding="utf-8")
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                (root / path).unlink(missing_ok=True)
                if (root / path).parent.exists() and not any((root / path).parent.iterdir()):
                    shutil.rmtree((root / path).parent)
            else:
                (root / path).write_bytes(content)
        raise


def _with_line(union: str, model: str) -> str:
    """Add a source's line to the union of a feed, after the last one."""
    if f"ref('{model}')" in union:
        return union
    end = _UNION_END.search(union)
    if end is None:
        raise CardwatchError("the union of the feed has another form than Cardwatch gave it")
    line = f"\n    union all by name\n    select * from {{{{ ref('{model}') }}}}"  # noqa: S608
    return union[: end.start()] + line + union[end.start() :]
