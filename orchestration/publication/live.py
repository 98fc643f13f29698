"""The published tables for readers that stay connected: one database file of views that stays.

A DuckDB file that is replaced stays the old one for whoever has it open, and a BI server's pool has
it open for days. The views read the Parquet files beside it anew with every query.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from orchestration.engine.files import whole_file


def publish_views(target: Path, files: Mapping[str, str]) -> None:
    """Make `target` a database with a view for each table; it stays where it is one already.

    files: table -> its Parquet file, or a pattern of several.
    """
    with duckdb.connect() as wanted:
        _create_views(wanted, files)
        if _present(target) == _definitions(wanted):
            return
    with whole_file(target) as fresh, duckdb.connect(str(fresh)) as views:
        _create_views(views, files)


def _create_views(views: duckdb.DuckDBPyConnection, files: Mapping[str, str]) -> None:
    for table, pattern in files.items():
        quoted = pattern.replace("'", "''")
        views.execute(
            f"create view {table} as from read_parquet('{quoted}', hive_partitioning = false)"
        )


def _present(target: Path) -> list[tuple[str, ...]] | None:
    """Return the definitions in a file; None where there is none that can be read."""
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as views:
            return _definitions(views)
    except duckdb.Error:
        return None


def _definitions(views: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    return views.execute(
        "select view_name, sql, column_name, data_type"
        " from duckdb_views() join duckdb_columns() on view_name = table_name"
        " where not duckdb_views.internal order by all"
    ).fetchall()
