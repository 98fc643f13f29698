"""The ledger twice, in the warehouse and in files: written together, compared, and read back."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.fail_points import fail_point
from orchestration.engine.files import whole_folder
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import transaction
from orchestration.ledger.chain import (
    Link,
    check_contents,
    folder_of,
    is_sealed,
    issue_folders,
    mark_newest,
    read_chain,
    seal,
)


@contextmanager
def new_issue(
    connection: duckdb.DuckDBPyConnection, home: Home, tables: Sequence[str]
) -> Iterator[int]:
    """Give the number under which the block appends; afterwards the issue is kept, or undone.

    Its files are written aside before the commit and appear by one rename after it.
    """
    pending = None
    try:
        with transaction(connection):
            last = one_value(connection, "select coalesce(max(issue_id), 0) from ledger.issues")
            yield last + 1
            pending = folder_of(home.ledger / "pending", last + 1)
            previous = _known(connection)[last] if last else ""
            sha256 = _write(connection, pending, last + 1, tables, previous or "")
            connection.execute("insert into ledger.chain values ($1, $2)", [last + 1, sha256])
    except BaseException:
        if pending is not None:
            shutil.rmtree(pending, ignore_errors=True)
        raise
    fail_point("issue.committed")
    pending.rename(home.ledger / pending.name)
    fail_point("issue.named")
    mark_newest(home.ledger, last + 1, sha256)


def bring_together(
    connection: duckdb.DuckDBPyConnection, home: Home, tables: Sequence[str]
) -> list[int]:
    """Make warehouse and files hold the same issues; return those read back from the files.

    An issue that broke off is finished, or dropped if it was not committed. A warehouse that lacks
    issues gets them from the files, a ledger without any folder is written from the warehouse.
    Raises CardwatchError where the two disagree, or a file is missing, changed or cut.
    """
    known = _known(connection)
    for pending in issue_folders(home.ledger / "pending"):
        if int(pending.name) in known:
            pending.rename(home.ledger / pending.name)
        else:
            shutil.rmtree(pending)
    folders = issue_folders(home.ledger)
    if known and not folders:
        return _write_anew(connection, home, tables, sorted(known))
    if not any(known.values()):
        _begin_chain(home, folders, resumes=bool(known))
    is_complete = known and max(known) >= int(folders[-1].name)
    way_out = _way_out(home) if is_complete else "put it back from a backup"
    links = read_chain(home.ledger, way_out)
    _compare(connection, home, links, known, way_out)
    lacking = [link for link in links if link.issue_id not in known]
    for link in lacking:
        check_contents(link, way_out)
        _restore(connection, link, tables)
    if links:
        mark_newest(home.ledger, links[-1].issue_id, links[-1].sha256)
    return [link.issue_id for link in lacking]


def check_files(home: Home) -> int:
    """Read the files of all issues, which are brought together; return how many issues there are.

    Raises CardwatchError that names the first file whose bytes changed.
    """
    links = read_chain(home.ledger, _way_out(home))
    for link in links:
        check_contents(link, _way_out(home))
    return len(links)


def _way_out(home: Home) -> str:
    """Say what to do about a damaged ledger whose issues the warehouse all knows."""
    return (
        f"put it back from a backup, or move {home.ledger} away as a whole: "
        "the next run writes it anew"
    )


def _known(connection: duckdb.DuckDBPyConnection) -> dict[int, str | None]:
    """The warehouse's issues and their manifests' SHA-256; None before there was a chain."""
    known = connection.execute(
        "select issue_id, sha256 from ledger.issues left join ledger.chain using (issue_id)"
    )
    return dict(known.fetchall())


def _write(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    issue_id: int,
    tables: Sequence[str],
    previous: str,
) -> str:
    """Write an issue's rows of every table to Parquet; return the SHA-256 of its manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for table in tables:
        file = str(folder / f"{table}.parquet").replace("'", "''")
        connection.execute(
            f"copy (select * from ledger.{table} where issue_id = {issue_id}) "
            f"to '{file}' (format parquet, compression zstd)"
        )
    return seal(folder, previous)


def _write_anew(
    connection: duckdb.DuckDBPyConnection, home: Home, tables: Sequence[str], issues: list[int]
) -> list[int]:
    """Write the files of all issues from the warehouse; returns no issue, for none was read."""
    with whole_folder(home.ledger) as fresh, transaction(connection):
        connection.execute("delete from ledger.chain")
        sha256 = ""
        for issue_id in issues:
            sha256 = _write(connection, folder_of(fresh, issue_id), issue_id, tables, sha256)
            connection.execute("insert into ledger.chain values ($1, $2)", [issue_id, sha256])
        mark_newest(fresh, issues[-1], sha256)
    report(f"ledger: {home.ledger} held no issue; {len(issues)} were written from the warehouse")
    return []


def _begin_chain(home: Home, folders: Sequence[Path], resumes: bool) -> None:
    """Give the folders of a home from before there was a chain their manifests, and say so.

    resumes: the warehouse knows that there was none, so manifests come from a beginning that broke
    off; without a warehouse a folder that lacks one beside others was changed.
    """
    unsealed = [folder for folder in folders if not is_sealed(folder)]
    if not unsealed or (len(unsealed) < len(folders) and not resumes):
        return
    sha256 = ""
    for folder in folders:
        sha256 = seal(folder, sha256)
    mark_newest(home.ledger, int(folders[-1].name), sha256)
    report(f"ledger: {len(folders)} issues are chained by hash from now on")


def _compare(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    links: Sequence[Link],
    known: dict[int, str | None],
    way_out: str,
) -> None:
    """Refuse files that are not those of the warehouse; note the hashes that it does not have."""
    found = {link.issue_id: link.sha256 for link in links}
    for issue_id, sha256 in sorted(known.items()):
        folder = folder_of(home.ledger, issue_id)
        if issue_id not in found:
            raise CardwatchError(f"the ledger is damaged: {folder} is missing; {way_out}")
        if sha256 is None:
            connection.execute(
                "insert into ledger.chain values ($1, $2)", [issue_id, found[issue_id]]
            )
        elif sha256 != found[issue_id]:
            raise CardwatchError(
                f"the ledger is damaged: {folder} is not what {home.warehouse} issued; {way_out}"
            )


def _restore(connection: duckdb.DuckDBPyConnection, link: Link, tables: Sequence[str]) -> None:
    """Read one issue back from its files, in one transaction; older ones lack younger tables."""
    with transaction(connection):
        for table in tables:
            if f"{table}.parquet" in link.hashes:
                connection.execute(
                    f"insert into ledger.{table} by name select * from read_parquet($1)",
                    [str(link.folder / f"{table}.parquet")],
                )
        connection.execute("insert into ledger.chain values ($1, $2)", [link.issue_id, link.sha256])
