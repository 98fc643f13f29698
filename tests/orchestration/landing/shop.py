"""A shop whose feeds the loader's tests land, and what they look at afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.engine.home import Home, project_root
from orchestration.landing.feeds import MONEY, Column, Feed

SALES = Feed(
    source="shop",
    feed="sales",
    table="shop__sales",
    event_column="sold_at",
    columns=(
        Column("sale_id", "VARCHAR", required=True, card_number=False),
        Column("card_id", "VARCHAR", required=True, card_number=True),
        Column("sold_at", "TIMESTAMP", required=True, card_number=False),
        Column("amount", "DOUBLE", required=True, card_number=False),
        Column("pieces", "INTEGER", required=False, card_number=False),
        Column("stock", "BIGINT", required=False, card_number=False),
        Column("gift", "BOOLEAN", required=False, card_number=False),
        Column("due_on", "DATE", required=False, card_number=False),
        Column("note", "VARCHAR", required=False, card_number=False),
        Column("price", MONEY, required=False, card_number=False),
    ),
    key=("sale_id",),
)


STOCK = replace(SALES, feed="stock", table="shop__stock")


FEEDS = [SALES, STOCK]


REQUIRED = "sale_id,card_id,sold_at,amount"


CARD = "4111111111111111"


SHARED_DATA = project_root().parent / "shared" / "data"


def put(home: Home, content: str | bytes, name: str = "a.csv", feed: str = "sales") -> Path:
    path = home.landing / "shop" / feed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_parquet(home: Home, columns: dict[str, Any], name: str = "a.parquet") -> Path:
    path = put(home, "", name)
    pq.write_table(pa.table(columns), path)
    return path


def csv_text(*rows: str, header: str = REQUIRED) -> str:
    return "\n".join([header, *rows]) + "\n"


def good(number: int, day: int = 1) -> str:
    return f"s{number},token_{number},2025-01-{day:02d} 10:00:00,{number}.5"


def loaded_lines(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return warehouse.execute("select _line, sale_id from raw.shop__sales order by 1").fetchall()


def quarantined(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return warehouse.execute("select line, reason from raw.quarantine order by 1").fetchall()


def everything(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    tables = warehouse.execute(
        "select table_schema || '.' || table_name from information_schema.tables order by 1"
    ).fetchall()
    return {name: warehouse.execute(f"from {name} order by all").fetchall() for (name,) in tables}
