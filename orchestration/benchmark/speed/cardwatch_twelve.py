"""The twelve columns of Cardwatch that answer what the handbook's twelve features ask.

Computed by the SQL of the models, as dbt compiles it, and a sample of them a second time by hand.
The definitions are Cardwatch's own (docs/decisions.md): strictly before the transaction; windows of
a day slide to the second, longer ones are whole days before its day; the misuse rate counts
decisions by the day they were taken, smoothed by a prior.
"""

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median
from typing import TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.benchmark.speed import twelve
from orchestration.benchmark.speed.pruned_sql import prune
from orchestration.engine.dbt_project import call_dbt, variable
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import connect

COLUMNS = tuple(
    f"{measure}_{window}d"
    for measure in (
        "card_txn_count",
        "card_amount_mean",
        "merchant_txn_count",
        "merchant_misuse_rate",
    )
    for window in twelve.WINDOWS
)

WAY = "Cardwatch, own definitions"

#: How many transactions are computed a second time.
SAMPLE = 2_000

_FEATURES = "path:models/features"
_VECTOR = "feat_transaction"
_TRANSACTIONS = "intermediate.int_transactions"
_DAY = 86_400_000_000  # microseconds

Integers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CardwatchTiming:
    """Cardwatch's twelve: the timing, and of its seconds those of the daily state and its rows."""

    timing: twelve.Timing
    state_seconds: tuple[float, ...]
    state_rows: int
    state_models: tuple[str, ...]
    history_models: tuple[str, ...]
    checked: int

    @property
    def state_rows_a_second(self) -> float:
        """Rows of daily state that are written in a second."""
        return self.state_rows / median(self.state_seconds)


def measure(workshop: Home, rows: Path, threads: int, repeats: int) -> CardwatchTiming:
    """Compute Cardwatch's twelve by the SQL of its models, and check a sample of them.

    Daily state is written to tables, whole. The models behind the twelve columns are views, without
    the columns that the twelve do not need: the other tools compute no more than twelve either.
    """
    models = _compiled_models(workshop)
    with connect(workshop) as connection:
        connection.execute(f"set threads = {threads}; set enable_progress_bar = false")
        connection.execute("create schema if not exists features")
        for model in models.values():
            connection.execute(f"create view {model.relation} as {model.sql}")
        sources = _twelve_sources(connection, models)
        needed: dict[str, set[str]] = {}
        for source in sources:
            needed.setdefault(source.model, set()).update({source.source_column, *source.keys})
        history = tuple(needed)
        state = _upstream(models, history)
        for name in reversed(state):
            connection.execute(f"drop view {models[name].relation}")
        pruned = {name: prune(connection, models[name].sql, needed[name]) for name in history}
        statement = _twelve_statement(sources)
        seconds, processor_seconds, state_seconds = [], [], []
        for _ in range(repeats):
            started, processor_started = time.monotonic(), time.process_time()
            for name in state:
                connection.execute(
                    f"create or replace table {models[name].relation} as {models[name].sql}"
                )
            state_seconds.append(time.monotonic() - started)
            for name, sql in pruned.items():
                connection.execute(f"create or replace view {models[name].relation} as {sql}")
            connection.execute(f"create or replace table features.twelve as {statement}")
            seconds.append(time.monotonic() - started)
            processor_seconds.append(time.process_time() - processor_started)
        state_rows = sum(
            one_value(connection, f"select count(*) from {models[name].relation}")  # noqa: S608
            for name in state
        )
        checked = _check_sample(connection, rows)
        connection.execute("drop schema features cascade")
    timing = twelve.Timing(WAY, "", tuple(seconds), tuple(processor_seconds))
    report(f"features: Cardwatch took {timing.middle:.1f} s")
    return CardwatchTiming(timing, tuple(state_seconds), state_rows, state, history, checked)


@dataclass(frozen=True)
class _Model:
    """A model of models/features, as dbt compiled it for a full refresh."""

    relation: str
    sql: str
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """Where one of the twelve comes from: a model, its column there, and how it is joined.

    `keys` are columns of the model, each with what it has to be equal to.
    """

    column: str
    model: str
    source_column: str
    keys: Mapping[str, str]


def _compiled_models(workshop: Home) -> dict[str, _Model]:
    """The models of models/features but the vector itself, each after those it reads."""
    call_dbt(
        workshop,
        ["compile", "--full-refresh", "--select", _FEATURES],
        "the features cannot be compiled",
    )
    manifest = json.loads((workshop.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    nodes = {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["original_file_path"].startswith("models/features/")
        and node["name"] != _VECTOR
    }
    names = {node["unique_id"]: name for name, node in nodes.items()}
    reads = {
        name: tuple(names[parent] for parent in node["depends_on"]["nodes"] if parent in names)
        for name, node in nodes.items()
    }
    return {
        name: _Model(nodes[name]["relation_name"], nodes[name]["compiled_code"], reads[name])
        for name in TopologicalSorter(reads).static_order()
    }


def _twelve_sources(
    connection: duckdb.DuckDBPyConnection, models: Mapping[str, _Model]
) -> list[_Source]:
    """Which model has each of the twelve: under its name, or under its measure by `subject`."""
    columns = {name: _columns(connection, model.relation) for name, model in models.items()}
    of_transactions = _columns(connection, _TRANSACTIONS)
    identifiers = {name for name in of_transactions if name.endswith("_id")}
    sources = []
    for column in COLUMNS:
        entity, _, measure = column.partition("_")
        for model, known in columns.items():
            by_subject = "subject" in known
            source_column = measure if by_subject else column
            if source_column not in known:
                continue
            if by_subject:
                keys = {"subject": f"'{entity}'", "subject_id": f"transactions.{entity}_id"}
            elif "transaction_id" in known:
                keys = {"transaction_id": "transactions.transaction_id"}
            else:
                shared = sorted(identifiers & set(known))
                keys = {name: f"transactions.{name}" for name in shared}
            keys["transaction_date"] = "transactions.transaction_date"
            sources.append(_Source(column, model, source_column, keys))
            break
        else:
            raise CardwatchError(
                f"no model of models/features has {column}; the benchmark needs it"
            )
    return sources


def _twelve_statement(sources: Sequence[_Source]) -> str:
    """One row a transaction with the twelve, joined from where they are."""
    columns = [f"{source.model}.{source.source_column} as {source.column}" for source in sources]
    joins = {
        source.model: " and ".join(
            f"{source.model}.{key} = {value}" for key, value in source.keys.items()
        )
        for source in sources
    }
    joined = " ".join(
        f"left join features.{model} on {condition}" for model, condition in joins.items()
    )
    return (
        f"select transactions.transaction_id, {', '.join(columns)} "  # noqa: S608 - our own names
        f"from {_TRANSACTIONS} as transactions {joined}"
    )


def _upstream(models: Mapping[str, _Model], of: Iterable[str]) -> tuple[str, ...]:
    """The models that these read, directly or not, each after those it reads itself."""
    found: set[str] = set()
    waiting = list(of)
    while waiting:
        read = set(models[waiting.pop()].upstream) - found
        found |= read
        waiting += read
    return tuple(name for name in models if name in found)


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {relation}").fetchall()]


def _check_sample(connection: duckdb.DuckDBPyConnection, rows: Path) -> int:
    """Compute a sample a second time, from the rows alone, and compare; how many there were."""
    table = pq.read_table(rows)
    if one_value(connection, "select count(*) from features.twelve") != table.num_rows:
        raise CardwatchError("Cardwatch's twelve do not have one row a transaction")
    sample = np.linspace(0, table.num_rows - 1, min(SAMPLE, table.num_rows)).astype(np.int64)
    expected = by_hand(
        table, sample, variable("prior_misuse_rate"), variable("prior_misuse_weight")
    ).sort_by("transaction_id")
    connection.register("expected", expected.select(["transaction_id"]))
    found = connection.execute(
        "select expected.transaction_id, twelve.* exclude (transaction_id) from features.twelve"
        " inner join expected on twelve.transaction_id::bigint = expected.transaction_id"
        " order by expected.transaction_id"
    ).to_arrow_table()
    twelve.require_agreement("Cardwatch", found, "its definitions", expected, COLUMNS)
    return int(found.num_rows)


def by_hand(rows: pa.Table, sample: Integers, prior_rate: float, prior_weight: float) -> pa.Table:
    """Cardwatch's twelve of some rows, one row and one window at a time, by their definitions.

    `rows` as `twelve.py` has them, in order of time; `sample` are places in it. An empty window has
    the misuse rate `prior_rate`, which counts as much as `prior_weight` cases.
    """
    moments = rows["made_at"].cast(pa.timestamp("us")).cast(pa.int64()).to_numpy()
    days = moments // _DAY
    cents = np.round(rows["amount"].to_numpy() * 100)
    frauds = rows["fraud"].to_numpy()
    decision_days = days + twelve.DELAY
    of_card, of_merchant = (
        _places(rows[name].to_numpy(), sample) for name in ("customer_id", "terminal_id")
    )
    found: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for place, of_this_card, of_this_merchant in zip(
        sample.tolist(), of_card, of_merchant, strict=True
    ):
        for window in twelve.WINDOWS:
            for entity, places in (("card", of_this_card), ("merchant", of_this_merchant)):
                if window == 1:
                    age = moments[place] - moments[places]
                    inside = (age > 0) & (age <= _DAY)
                else:
                    age = days[place] - days[places]
                    inside = (age >= 1) & (age <= window)
                bought = cents[places[inside & (cents[places] > 0)]]
                found[f"{entity}_txn_count_{window}d"].append(bought.size)
                if entity == "card":
                    mean = bought.sum() / 100 / bought.size if bought.size else math.nan
                    found[f"card_amount_mean_{window}d"].append(mean)
                    continue
                age = days[place] - decision_days[places]
                inside = (age >= 1) & (age <= window) & (cents[places] > 0)
                decided = frauds[places[inside]]
                rate = (decided.sum() + prior_rate * prior_weight) / (decided.size + prior_weight)
                found[f"merchant_misuse_rate_{window}d"].append(rate)
    identifiers = rows["transaction_id"].take(pa.array(sample)).combine_chunks()
    return pa.table({"transaction_id": identifiers, **found})


def _places(keys: Integers, sample: Integers) -> list[Integers]:
    """For each place of the sample, all places with its key."""
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    starts = np.searchsorted(in_order, keys[sample], "left")
    ends = np.searchsorted(in_order, keys[sample], "right")
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]
