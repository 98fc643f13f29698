"""dbt's own statements for labels, intermediate and features, recorded once and run in-process.

dbt is called twice: once on an empty warehouse, which records how every table is built whole, and
once more, which records how it is built incrementally. What is kept is what dbt sent to DuckDB,
incremental strategy and contract casts included, so nothing here mirrors a macro. Landing a file
and finishing a run are the project's own functions.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

from orchestration.defs.landing import load_what_landed
from orchestration.engine.dbt_project import dbt_environment, dbt_executable
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.landing import keys
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import prepare_raw
from orchestration.ledger import issue as issue_step
from orchestration.ledger.issue import issue, prepare_ledger, settle

FOLDERS = ("run", "labels", "intermediate", "features")
WINDOW = "run.build_window"

_SELECTED = [f"path:models/{folder}" for folder in FOLDERS]
# What tests run from the compiled files, beside those.
_COMPILED = [f"path:models/{folder}" for folder in ("rules", "alerts", "cases")]
_COMPILED += ["rule_hits", "detector_training_sample"]
_CHANGES = re.compile(r"(create|alter|drop|delete|insert|update)\b", re.IGNORECASE)
_COMMENT = re.compile(r"\A\s*/\*.*?\*/\s*", re.DOTALL)

_ISSUED_TABLES = ("issues", "alerts", "case_members", "loads")

# What a finished run puts into the ledger, as far as these models read it: every transaction that
# was built becomes part of the case of its card, merchant and day, once, to be reviewed from the
# next day on.
_ISSUED = {
    "alerts": """
        select
            min(transaction_id) as alert_id,
            (select built_until + 1 from run.build_window) as alert_date,
            1 as place,
            'exploit' as lane,
            concat_ws('|', card_id, merchant_id, transaction_date) as case_id,
            'transaction' as subject_type,
            min(transaction_id) as subject_id,
            min(authorized_at) as occurred_at,
            '' as sentence_en,
            '' as sentence_ko,
            '' as policy_version
        from features.feat_transaction
        where
            transaction_date >= (select built_from from run.build_window)
            and transaction_date <= (select built_until from run.build_window)
        group by case_id
        having case_id not in (select case_id from ledger.alerts)
    """,
    "scores": "select * exclude (issue_id) from ledger.scores where false",
    "case_members": """
        select
            concat_ws('|', card_id, merchant_id, transaction_date) as case_id,
            'transaction' as subject_type,
            transaction_id as subject_id,
            transaction_id,
            true as is_alert,
            (select built_until + 1 from run.build_window) as joined_on,
            authorized_at as occurred_at
        from features.feat_transaction
        where
            transaction_date >= (select built_from from run.build_window)
            and transaction_date <= (select built_until from run.build_window)
            and transaction_id not in (select transaction_id from ledger.case_members)
    """,
}


@dataclass(frozen=True)
class Model:
    """One relation that dbt builds, and the statements it sends to do so."""

    name: str
    relation: str
    materialized: str
    strategy: str | None
    day_column: str | None
    whole: tuple[str, ...]
    incremental: tuple[str, ...]


class Project:
    """The recorded models in the order of their dependencies, and a warehouse to copy.

    `built` is the same warehouse for those who let dbt work on it.
    """

    def __init__(self, home: Home, models: Sequence[Model], built: Home | None = None) -> None:
        self.home = home
        self.models = tuple(models)
        self.built = built or home

    def __repr__(self) -> str:
        return "<recorded project>"  # short beside a failing example

    @property
    def compared(self) -> tuple[Model, ...]:
        """The tables that hold days, which is all but build_window."""
        return tuple(model for model in self.models if model.day_column is not None)


@dataclass(frozen=True)
class Row:
    """One row of a feed of the company's own layout."""

    feed: str
    values: Mapping[str, Any]

    def __repr__(self) -> str:
        values = " ".join(f"{name}={value}" for name, value in self.values.items())
        return f"<{self.feed} {values}>"


@dataclass(frozen=True)
class Window:
    """The days that a run builds: facts and daily state from changed_from, others from built_from.

    Where build_window does not tell them apart they are the same.
    """

    first_day: date
    changed_from: date
    built_from: date
    built_until: date


def record_project(folder: Path) -> Project:
    """Build the warehouse without rows with dbt, twice, and keep what dbt sent to it.

    Beside it stays the warehouse in which everything was built, with the SQL that dbt compiled.
    """
    built = Home(folder / "built")
    with connect(built) as connection:
        prepare_raw(connection, read_feeds())
        prepare_ledger(connection, built)
    without_unit_tests = ("--exclude-resource-type", "unit_test")
    whole = call_dbt(
        built, "build", "--full-refresh", *without_unit_tests, "--exclude-resource-type", "test"
    )
    # a table that stands already is compiled as one that a later run adds to
    incremental = call_dbt(built, "build", *without_unit_tests, "--select", *_SELECTED, *_COMPILED)
    home = Home(folder / "recorded")
    shutil.copytree(built.root, home.root)
    nodes = json.loads((home.dbt_target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    models = []
    for unique_id, statements in incremental.items():
        node = nodes[unique_id]
        if node["resource_type"] != "model" or node["schema"] not in FOLDERS:
            continue
        config = node["config"]
        incrementally = config["materialized"] == "incremental"
        models.append(
            Model(
                name=node["name"],
                relation=f"{node['schema']}.{node['alias']}",
                materialized=config["materialized"],
                strategy=config["incremental_strategy"] if incrementally else None,
                day_column=config["unique_key"] if incrementally else None,
                whole=tuple(whole[unique_id]),
                incremental=tuple(statements),
            )
        )
    return Project(home, models, built)


def call_dbt(home: Home, *arguments: str) -> dict[str, list[str]]:
    """Call dbt on a home; return the statements that change something, by node, as first sent."""
    finished = subprocess.run(
        [dbt_executable(), *("--log-format", "json", "--log-level", "debug"), *arguments],
        cwd=project_root(),
        env={**os.environ, **dbt_environment(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in finished.stdout.splitlines() if line.startswith("{")]
    said = [event["info"]["msg"] for event in events if event["info"]["level"] == "error"]
    assert finished.returncode == 0, "\n".join(said) + finished.stderr[-2000:]
    sent: dict[str, list[str]] = {}
    for event in events:
        if event["info"]["name"] != "SQLQuery" or not event["data"].get("node_info"):
            continue
        statement = _COMMENT.sub("", event["data"]["sql"]).strip()
        if _CHANGES.match(statement):
            sent.setdefault(event["data"]["node_info"]["unique_id"], []).append(statement)
    return sent


class Warehouse:
    """A warehouse of its own on which files land and runs build, without dbt."""

    def __init__(self, project: Project, folder: Path, threads: int = 1) -> None:
        self.project = project
        self.home = Home(folder)
        self.home.create()
        shutil.copyfile(project.home.warehouse, self.home.warehouse)
        self.connection = connect(self.home)
        self.connection.execute("pragma disable_checkpoint_on_shutdown")
        self.connection.execute(f"set threads = {threads}")
        self._files = 0

    def __enter__(self) -> "Warehouse":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        shutil.rmtree(self.home.root)

    def place(self, rows: Iterable[Row]) -> list[Path]:
        """Put the rows into the landing folder, one file for each feed.

        A file says one thing of a key, so what is said of it again comes in the next file.
        """
        named_by = {feed.feed: feed.key for feed in read_feeds() if feed.source == "company"}
        said: Counter[tuple[Any, ...]] = Counter()
        files: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
        for row in rows:
            key = (row.feed, *(row.values[name] for name in named_by[row.feed]))
            said[key] += 1
            files.setdefault((row.feed, said[key]), []).append(row.values)
        placed = []
        for (feed, _), of_feed in files.items():
            self._files += 1
            folder = self.home.landing / "company" / feed
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self._files:04d}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(
                    file, list(dict.fromkeys(n for row in of_feed for n in row))
                )
                writer.writeheader()
                writer.writerows(of_feed)
            placed.append(path)
        return placed

    def land(self, since: date | None = None, until: date | None = None) -> None:
        """Load what lies in the landing folder, as a run for these days does first."""
        # that many purchases move to another day is what these walks are about
        nothing_said = mock.patch("orchestration.defs.landing.report")
        with nothing_said, mock.patch.object(keys, "REFUSED_ROWS", sys.maxsize):
            load_what_landed(self.home, read_feeds(), since, until)

    def run(
        self,
        since: date | None = None,
        until: date | None = None,
        breaks_off_after: int | None = None,
    ) -> Window | None:
        """Do one run; return the days it built, None when it broke off or nothing has landed."""
        self.land(since, until)
        for model in self.project.models[:breaks_off_after]:
            self._send(model.incremental)
        if breaks_off_after is not None:
            return None
        window = self.window()
        with (
            mock.patch.object(issue_step, "_APPENDED", _ISSUED),
            mock.patch.object(
                issue_step, "LEDGER_TABLES", ("issues", "alerts", "case_members", "loads")
            ),
        ):
            issue(self.connection, self.home)
        settle(self.connection)
        return window

    def build_whole(self, until: date | None = None) -> None:
        """Build every table anew from raw and ledger, as if nothing had ever been built."""
        self.connection.execute(
            "update raw.run_state set completed_load_id = 0, completed_until = null,"
            " requested_since = null, requested_until = ?",
            [until],
        )
        for folder in FOLDERS:
            self.connection.execute(f"drop schema {folder} cascade; create schema {folder}")
        for model in self.project.models:
            self._send(model.whole)

    def window(self) -> Window | None:
        """Return the days that the last build was about."""
        cursor = self.connection.execute(f"select * from {WINDOW}")
        columns = [column[0] for column in cursor.description]
        found = dict(zip(columns, cursor.fetchone() or (), strict=True))
        if found["built_from"] is None or found["built_until"] is None:
            return None
        return Window(**{field.name: found[field.name] for field in fields(Window)})

    def tables(self) -> "dict[str, Table]":
        """Return all tables that hold days, by model."""
        return {model.name: self.table(model) for model in self.project.compared}

    def table(self, model: Model) -> "Table":
        """Return one table."""
        cursor = self.connection.execute(f"select * from {model.relation}")
        columns = tuple(column[0] for column in cursor.description)
        return Table(model, columns, tuple(cursor.fetchall()))

    def values(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self.connection.execute(query).fetchall()

    def _send(self, statements: Sequence[str]) -> None:
        # a cursor of its own, with which the temporary tables of the strategy end
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@dataclass(frozen=True)
class Table:
    """The rows of one table."""

    model: Model
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def between(self, first: date, last: date) -> "Table":
        """Keep the rows of these days."""
        assert self.model.day_column is not None
        day = self.columns.index(self.model.day_column)
        kept = tuple(row for row in self.rows if first <= row[day] <= last)
        return Table(self.model, self.columns, kept)


def first_difference(
    found: Iterable[Table], expected: Mapping[str, Table], shown: int = 5
) -> str | None:
    """Say where the tables differ first, in the order of dependencies; None if nowhere.

    Doubles are the same when their shortest decimal is: to the bit, and minus zero is not zero.
    """
    for table in found:
        wanted = expected[table.model.name]
        ours, theirs = Counter(map(repr, table.rows)), Counter(map(repr, wanted.rows))
        if ours == theirs and table.columns == wanted.columns:
            continue
        only_ours = [row for row in table.rows if repr(row) in ours - theirs]
        only_theirs = [row for row in wanted.rows if repr(row) in theirs - ours]
        lines = _describe(table, only_ours, only_theirs)
        return "\n".join(
            [f"{table.model.name} is the first model that differs:", *lines[:shown]]
            + ([f"  … and {len(lines) - shown} more"] if len(lines) > shown else [])
        )
    return None


def _describe(
    table: Table, only_found: list[tuple[Any, ...]], only_expected: list[tuple[Any, ...]]
) -> list[str]:
    """Pair the rows by what identifies them and name the columns that differ."""
    if table.columns[0] == "transaction_id":
        key = [0]
    else:
        key = [
            at
            for at, name in enumerate(table.columns)
            if name in (table.model.day_column, "currency", "decided_at", "transaction_id")
            or name.endswith("_key")
            or name in ("card_id", "merchant_id", "employee_id", "claim_id", "origin")
        ]

    def identity(row: tuple[Any, ...]) -> str:
        return " ".join(f"{table.columns[at]}={row[at]}" for at in key)

    expected = {identity(row): row for row in only_expected}
    lines = []
    for row in sorted(only_found, key=identity):
        other = expected.pop(identity(row), None)
        if other is None:
            lines.append(f"  {identity(row)}: should not be there")
            continue
        lines += [
            f"  {identity(row)}: {name} is {ours!r}, should be {theirs!r}"
            for name, ours, theirs in zip(table.columns, row, other, strict=True)
            if repr(ours) != repr(theirs)
        ]
    return lines + [f"  {identity}: is missing" for identity in sorted(expected)]
