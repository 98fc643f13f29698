"""The published copy: what BI tools read, replaced as a whole while the pipeline may write on."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.engine.rows import one_value
from orchestration.publication.rule_pages import write_rule_pages


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
    marts = read_marts(home)
    small = [mart.name for mart in marts if mart.by_month_of is None]
    rows = _publish_tables(connection, small, home.published_copy)
    for mart in marts:
        if mart.by_month_of is not None:
            folder = home.published / mart.name
            rows[mart.name] = _publish_months(connection, mart.name, mart.by_month_of, folder)
    rows["rule_pages"] = write_rule_pages(connection, home.published / "rules")
    return rows


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
    """Write the months that a new issue touched; a file's name says which issue was its last."""
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
        file = partition / f"issue_{issue_id:06d}.parquet"
        if file.exists():
            continue
        of_month = f"strftime({day_column}, '%Y-%m') = '{month}'"
        _write_parquet(connection, f"from marts.{table} where {of_month} order by all", file)
        for older in partition.glob("issue_*.parquet"):
            if older != file:
                older.unlink()
        written += count
    known = {f"month={month}" for month, _, _ in months}
    for partition in folder.glob("month=*"):
        if partition.name not in known:
            shutil.rmtree(partition)
    return written


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    """Write a query's rows to a Parquet file that appears whole or not at all."""
    with whole_file(file) as fresh:
        target = _quoted(fresh)
        connection.execute(f"copy ({query}) to '{target}' (format parquet, compression zstd)")


def _quoted(path: Path) -> str:
    """Return a path as the inside of an SQL text."""
    return str(path).replace("'", "''")
