"""The ledger's files as a chain: a folder for each issue, whose manifest names the one before it.

`000003/issue.json` holds the number, the size and SHA-256 of each file of the folder, and the
SHA-256 of the manifest of issue 2. `newest.json` holds the number and the manifest's SHA-256 of the
last issue. So no folder can be missing, and no file changed or cut, without being named.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file

_MANIFEST = "issue.json"
_NEWEST = "newest.json"


@dataclass(frozen=True)
class Link:
    """One issue's folder as its manifest describes it; `sha256` is that of the manifest itself.

    sizes and hashes: file name -> bytes, and SHA-256 of the content.
    """

    issue_id: int
    folder: Path
    previous: str
    sizes: dict[str, int]
    hashes: dict[str, str]
    sha256: str


def folder_of(parent: Path, issue_id: int) -> Path:
    """Return the folder of an issue."""
    return parent / f"{issue_id:06d}"


def issue_folders(parent: Path) -> list[Path]:
    """Return the issue folders in `parent`, in the order of their numbers."""
    if not parent.is_dir():
        return []
    found = [folder for folder in parent.iterdir() if folder.name.isdigit() and folder.is_dir()]
    return sorted(found, key=lambda folder: int(folder.name))


def seal(folder: Path, previous: str) -> str:
    """Write the manifest of a folder whose files are complete; return the manifest's SHA-256.

    previous: SHA-256 of the manifest of the issue before, "" for the first. The files are on the
    disk, and not only in its cache, before the manifest has its name.
    """
    files = sorted(folder.glob("*.parquet"))
    hashes = {file.name: _hash(file, durable=True) for file in files}
    manifest = {
        "issue": int(folder.name),
        "previous": previous,
        "files": {
            file.name: {"bytes": file.stat().st_size, "sha256": hashes[file.name]} for file in files
        },
    }
    text = json.dumps(manifest, indent=1)
    with whole_file(folder / _MANIFEST, durable=True) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return _hash_of(text)


def is_sealed(folder: Path) -> bool:
    """Say whether a folder has a manifest; those of homes before there was a chain have none."""
    return (folder / _MANIFEST).exists()


def mark_newest(ledger: Path, issue_id: int, sha256: str) -> None:
    """Note which issue is the last one, so that the last folder cannot be missing unnoticed."""
    with whole_file(ledger / _NEWEST, durable=True) as unfinished:
        unfinished.write_text(json.dumps({"issue": issue_id, "sha256": sha256}), encoding="utf-8")


def read_chain(ledger: Path, way_out: str) -> list[Link]:
    """Read the manifests of all issues and check that they form one chain, and every file's size.

    Contents are not read here: see `check_contents`. Raises CardwatchError that names the first
    folder, or file, that is missing, changed or cut, and ends with `way_out`.
    """
    links: list[Link] = []
    for expected, folder in enumerate(issue_folders(ledger), start=1):
        if int(folder.name) != expected:
            raise _broken(folder_of(ledger, expected), "is missing", way_out)
        link = _read_link(folder, way_out)
        if link.previous != (links[-1].sha256 if links else ""):
            what = "does not follow the issue before it, one of the two was changed"
            raise _broken(folder, what, way_out)
        links.append(link)
    _check_newest(ledger, links, way_out)
    return links


def check_contents(link: Link, way_out: str) -> None:
    """Raise CardwatchError when a file of an issue is not, byte for byte, what was issued."""
    for name, sha256 in link.hashes.items():
        if _hash(link.folder / name) != sha256:
            raise _broken(
                link.folder / name, "is not what was issued, bytes of it changed", way_out
            )


def _read_link(folder: Path, way_out: str) -> Link:
    try:
        text = (folder / _MANIFEST).read_text(encoding="utf-8")
        manifest = json.loads(text)
        link = Link(
            issue_id=int(manifest["issue"]),
            folder=folder,
            previous=str(manifest["previous"]),
            sizes={name: int(file["bytes"]) for name, file in manifest["files"].items()},
            hashes={name: str(file["sha256"]) for name, file in manifest["files"].items()},
            sha256=_hash_of(text),
        )
    except FileNotFoundError as error:
        raise _broken(folder / _MANIFEST, "is missing", way_out) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _broken(folder / _MANIFEST, "cannot be read, it was changed", way_out) from error
    if link.issue_id != int(folder.name):
        raise _broken(folder, f"holds issue {link.issue_id}", way_out)
    for name, size in link.sizes.items():
        try:
            found = (folder / name).stat().st_size
        except FileNotFoundError as error:
            raise _broken(folder / name, "is missing", way_out) from error
        if found != size:
            what = f"has {found:,} bytes and not the {size:,} that were issued"
            raise _broken(folder / name, what, way_out)
    return link


def _check_newest(ledger: Path, links: list[Link], way_out: str) -> None:
    """Hold the chain against the note of its end, which may be one issue behind after a crash."""
    try:
        newest = json.loads((ledger / _NEWEST).read_text(encoding="utf-8"))
        issue_id, sha256 = int(newest["issue"]), str(newest["sha256"])
    except FileNotFoundError as error:
        if len(links) <= 1:  # the first issue broke off before it was noted
            return
        raise _broken(ledger / _NEWEST, "is missing", way_out) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(ledger / _NEWEST, "cannot be read, it was changed", way_out) from error
    if issue_id > len(links):
        raise _broken(folder_of(ledger, len(links) + 1), "is missing", way_out)
    if issue_id < len(links) - 1 or issue_id < 1 or links[issue_id - 1].sha256 != sha256:
        raise _broken(ledger / _NEWEST, "names another issue than the folders hold", way_out)


def _broken(path: Path, what: str, way_out: str) -> CardwatchError:
    return CardwatchError(f"the ledger is damaged: {path} {what}; {way_out}")


def _hash(file: Path, durable: bool = False) -> str:
    with file.open("rb") as stream:
        if durable:
            os.fsync(stream.fileno())
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
