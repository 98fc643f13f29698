"""The published copy: what BI tools read, replaced as a whole while the pipeline may write on."""

import glob
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.engine.fail_points import fail_point
from orchestration.engine.files import remove_unfinished, whole_file
from orchestration.engine.home import Home
from orchestration.engine.rows import one_value
from orchestration.publication.live import publish_views
from orchestration.publication.rule_pages import write_rule_pages

# Under this name a month's file holds the number of the last issue in it.
_ISSUE = b"cardwatch_issue"


@dataclass(frozen=True)
class Mart:
    """A model of the schema `marts`, under the name that it is published by.

    by_month_of: the day column of a large one, which is published as one Parquet file a month;
    None for a small one, which is published as a whole each time.
    """

    name: str
    by_month_of: str | None


def read_marts(home: Home) -> list[Mart]:
    """Return what is published, by name: the marts of the dbt project that was parsed last."""
    manifest = json.loads((home.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    return sorted(
        (
            Mart(node["alias"], node["config"]["meta"].get("published_by_month_of"))
            for node in manifest["nodes"].values()
            if node["resource_type"] == "model" and node["schema"] == "marts"
        ),
        key=lambda mart: mart.name,
    )


def publish(connection: duckdb.DuckDBPyConnection, home: Home) -> dict[str, int]:
    """Write the published copy beside the present one and put it in its place by one rename.

    Readers of the present copy keep what they have open. Returns the rows of every published
    table; of one that is published by months, the rows written this time.
    """
    home.published.mkdir(parents=True, exist_ok=True)
    remove_unfinished(home.published)
    marts = read_marts(home)
    small = [mart.name for mart in marts if mart.by_month_of is None]
    rows = _publish_tables(connection, small, home.published_copy)
    fail_point("publish.tables")
    for mart in marts:
        if mart.by_month_of is not None:
            folder = home.published / mart.name
            rows[mart.name] = _publish_months(connection, mart.name, mart.by_month_of, folder)
            fail_point("publish.months")
    publish_views(home.published_views, _files(home, marts))
    rows["rule_pages"] = write_rule_pages(connection, home.published / "rules")
    fail_point("publish.pages")
    return rows


def _files(home: Home, marts: Sequence[Mart]) -> dict[str, str]:
    """Return the Parquet files of every table, a pattern where it is published by months."""
    files = {mart.name: str(home.published / f"{mart.name}.parquet") for mart in marts}
    for mart in marts:
        if mart.by_month_of is not None:
            files[mart.name] = str(home.published / mart.name / "*" / f"{mart.name}.parquet")
    return {table: file for table, file in files.items() if glob.glob(file)}  # noqa: PTH207


def _publish_tables(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[str], target: Path
) -> dict[str, int]:
    """Write tables into a new database file, and each as a Parquet file beside it."""
    rows = {}
    with whole_file(target) as fresh:
        connection.execute(f"attach '{_quoted(fresh)}' as published")
        try:
            for table in tables:
                copy = f"published.main.{table}"
                connection.execute(f"create table {copy} as from marts.{table}")
                rows[table] = one_value(connection, f"select count(*) from {copy}")
                _write_parquet(connection, f"from {copy}", target.parent / f"{table}.parquet")
        finally:
            connection.execute("detach published")
    return rows


def _publish_months(
    connection: duckdb.DuckDBPyConnection, table: str, day_column: str, folder: Path
) -> int:
    """Write the months that a new issue touched; a file says in itself which issue was its last.

    The file of a month is replaced by one rename, so that no reader meets a row twice or not at
    all.
    """
    months = connection.execute(
        f"""
        select strftime(date_trunc('month', {day_column}), '%Y-%m'), max(issue_id), count(*)
        from marts.{table}
        group by 1
        order by 1
        """
    ).fetchall()
    written = 0
    for month, issue_id, count in months:
        partition = folder / f"month={month}"
        file = partition / f"{table}.parquet"
        if _last_issue(file) != issue_id:
            of_month = f"from marts.{table} where strftime({day_column}, '%Y-%m') = '{month}'"
            _write_parquet(connection, f"{of_month} order by all", file, issue_id)
            written += count
        fail_point("publish.month")
        # a home of before had another name for it
        for other in set(partition.glob("*.parquet")) - {file}:
            other.unlink()
    known = {f"month={month}" for month, _, _ in months}
    for partition in folder.glob("month=*"):
        if partition.name not in known:
            shutil.rmtree(partition)
    return written


def _last_issue(file: Path) -> int | None:
    """Return the last issue in a month's file; None where there is none that can be read."""
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    return int(metadata.get(_ISSUE, -1))


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, file: Path, issue_id: int | None = None
) -> None:
    """Write a query's rows to a Parquet file that appears whole or not at all."""
    with whole_file(file) as fresh:
        kept = "" if issue_id is None else f", kv_metadata {{{_ISSUE.decode()}: '{issue_id}'}}"
        connection.execute(
            f"copy ({query}) to '{_quoted(fresh)}' (format parquet, compression zstd{kept})"
        )


def _quoted(path: Path) -> str:
    """Return a path as the inside of an SQL text."""
    return str(path).replace("'", "''")
