"""A build by dbt within this process: the project is read once, and unchanged views are left alone.

A process of its own would read the project again for each half of a run and hand over thousands of
lines of text; that is most of what a day with few purchases costs.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.resources.types import NodeType
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.functions import msg_to_dict
from threadpoolctl import threadpool_limits

from orchestration.engine.dbt_project import build_arguments
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect, explain_database_error, transaction

# The selectors leave out what has this tag (selectors.yml). It is given to nodes in memory only.
_UNCHANGED = "unchanged"

# Events that end a node; everything else is dbt's own talk.
_RESULTS = {"LogSeedResult", "LogModelResult", "LogTestResult"}

# A macro that asks the warehouse or the other nodes may write other SQL the next time.
_LOOKS_AROUND = ("run_query", "statement(", "graph")


@dataclass(frozen=True)
class Built:
    """How a build ended.

    results: how each node ended, as dbt's JSON log would say it, in the order of the graph.
    unchanged: unique ids of the views that were left as they are, of every selector.
    failure: what failed first, in dbt's words or plainer ones; None if nothing did.
    """

    results: list[dict[str, Any]]
    unchanged: list[str]
    failure: str | None


def build(home: Home, selector: str, reached: Callable[[str], None]) -> Built:
    """Build a selector's nodes; `reached` is called with the unique id of each as it ends.

    Raises what interrupted dbt.
    """
    project = _read(home)
    if selector in project.built:
        # a build writes into the nodes, and settings may be others by now
        _project.cache_clear()
        project = _read(home)
    project.built.add(selector)
    manifest, fingerprints = project.manifest, project.fingerprints
    _mark_unchanged(home, manifest, fingerprints)
    results: list[dict[str, Any]] = []

    def note(message: Any) -> None:
        if message.info.name in _RESULTS:
            event = msg_to_dict(message)
            results.append(event)
            reached(event["data"]["node_info"]["unique_id"])

    with (
        (home.dbt_target / "dbt.txt").open("a", encoding="utf-8") as said,
        redirect_stdout(said),
        # the fits' matrices are small: a second thread costs more than it brings, to the same bits
        threadpool_limits(1, user_api="blas"),
    ):
        outcome = _invoke([note], manifest, build_arguments(selector))
    _keep_fingerprints(home, manifest, fingerprints, results)
    if outcome.exception is not None and not isinstance(outcome.exception, Exception):
        raise outcome.exception  # an interruption
    unchanged = [name for name, node in manifest.nodes.items() if _UNCHANGED in node.tags]
    return Built(results, unchanged, None if outcome.success else _words(outcome))


@dataclass(frozen=True)
class _Project:
    """The project as dbt read it, for one build by each selector."""

    manifest: Manifest
    fingerprints: "_Fingerprints"
    built: set[str] = field(default_factory=set)


def _read(home: Home) -> _Project:
    return _project(home.dbt_target, (home.dbt_target / "manifest.json").stat().st_mtime_ns)


def _words(result: Any) -> str:
    """Say what failed first: a node, or dbt itself."""
    for node in getattr(result.result, "results", ()):
        if node.status in ("error", "fail"):
            message = " ".join((node.message or "").split())
            explained = explain_database_error(duckdb.Error(message))
            name = node.node.unique_id.replace(".cardwatch.", " ")
            return str(explained) if explained else f"dbt {name} failed ({message})"
    return " ".join(str(result.exception).split())


def _invoke(callbacks: list[Any], manifest: Manifest | None, arguments: list[str]) -> Any:
    root = str(project_root())
    places = ["--project-dir", root, "--profiles-dir", root]
    try:
        runner = dbtRunner(manifest=manifest, callbacks=callbacks)
        # the manifest in the target folder is that of the project, without tags of a run
        return runner.invoke(["--quiet", "--no-use-colors", "--no-write-json", *arguments, *places])
    finally:
        # or the warehouse would stay open under dbt's settings
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=1)
def _project(target: Path, written: int) -> _Project:
    """The project as dbt last read it into this folder, at this time."""
    result = _invoke([], None, ["parse"])
    if not isinstance(result.result, Manifest):
        raise CardwatchError(f"the dbt project does not parse: {result.exception}")
    return _Project(result.result, _Fingerprints(result.result))


class _Fingerprints:
    """A hash, by node, of everything that its SQL is made of: itself, macros, what it reads.

    All are taken before anything is built: a build writes into the nodes.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._project = (project_root() / "dbt_project.yml").read_text(encoding="utf-8")
        self._known: dict[str, str] = {}
        self._fixed = {name for name, node in _views(manifest).items() if self._is_fixed(node)}
        for name in self._fixed:
            self[name]

    def __getitem__(self, unique_id: str) -> str:
        if unique_id not in self._known:
            node: Any = self._manifest.nodes.get(unique_id) or self._manifest.sources[unique_id]
            parts = [
                self._project,
                str(self._manifest.metadata.dbt_version),
                str(node.relation_name),
                # of a seed and of a source: what is in it, how it looks
                getattr(getattr(node, "checksum", None), "checksum", ""),
                getattr(node, "raw_code", ""),
                json.dumps(node.config.to_dict(), sort_keys=True, default=str),
                json.dumps({name: each.data_type for name, each in node.columns.items()}),
                *(self._manifest.macros[name].macro_sql for name in sorted(self.macros(node))),
                *(self[name] for name in sorted(_read_by(node))),
            ]
            self._known[unique_id] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return self._known[unique_id]

    def macros(self, node: Any) -> frozenset[str]:
        """The macros of the project, and of dbt, that the node may call."""
        found: set[str] = set()
        waiting = list(getattr(getattr(node, "depends_on", None), "macros", ()))
        while waiting:
            name = waiting.pop()
            if name not in found and name in self._manifest.macros:
                found.add(name)
                waiting += self._manifest.macros[name].depends_on.macros
        return frozenset(found)

    def is_fixed(self, unique_id: str) -> bool:
        """Whether the SQL of a view follows from the project alone."""
        return unique_id in self._fixed

    def _is_fixed(self, node: Any) -> bool:
        ours = [self._manifest.macros[name] for name in self.macros(node) if ".cardwatch." in name]
        texts = [node.raw_code, *(macro.macro_sql for macro in ours)]
        return not any(word in text for word in _LOOKS_AROUND for text in texts)


def _read_by(node: Any) -> list[str]:
    return list(getattr(getattr(node, "depends_on", None), "nodes", ()))


def _views(manifest: Manifest) -> dict[str, Any]:
    return {
        name: node
        for name, node in manifest.nodes.items()
        if node.resource_type == NodeType.Model and node.config.materialized == "view"
    }


def _mark_unchanged(home: Home, manifest: Manifest, fingerprints: _Fingerprints) -> None:
    """Tag the views that are in the warehouse as this project would make them."""
    with connect(home) as connection:
        connection.execute(
            "create schema if not exists raw;"
            "create table if not exists raw.built_views"
            " (unique_id varchar, fingerprint varchar, sql_hash varchar, relation varchar)"
        )
        # somebody may have made a view anew by hand since
        present = connection.execute(
            """
            select built.unique_id, built.fingerprint
            from raw.built_views as built
            inner join duckdb_views() as views
                on
                    built.relation = views.schema_name || '.' || views.view_name
                    and built.sql_hash = md5(views.sql)
            """
        ).fetchall()
    for name, node in _views(manifest).items():
        node.tags = [tag for tag in node.tags if tag != _UNCHANGED]
        if fingerprints.is_fixed(name) and (name, fingerprints[name]) in present:
            node.tags.append(_UNCHANGED)


def _keep_fingerprints(
    home: Home, manifest: Manifest, fingerprints: _Fingerprints, ended: list[dict[str, Any]]
) -> None:
    """Note what the views that were made now are made of."""
    views = _views(manifest)
    made = [
        (name, fingerprints[name], views[name].schema, views[name].alias)
        for name, status in _ends(ended)
        if name in views and fingerprints.is_fixed(name) and status == "success"
    ]
    if not made:
        return
    with connect(home) as connection, transaction(connection):
        for name, fingerprint, schema, alias in made:
            connection.execute("delete from raw.built_views where unique_id = ?", [name])
            connection.execute(
                "insert into raw.built_views"
                " select ?, ?, md5(sql), schema_name || '.' || view_name from duckdb_views()"
                " where schema_name = ? and view_name = ?",
                [name, fingerprint, schema, alias],
            )


def _ends(ended: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in ended:
        node = event["data"]["node_info"]
        yield node["unique_id"], node["node_status"]
