"""Which views a build makes anew: those whose SQL would be another, and no others."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from dbt.contracts.graph.manifest import Manifest

from orchestration.engine.dbt_build import (
    _UNCHANGED,
    _Fingerprints,
    _mark_unchanged,
    _read,
    _views,
)
from orchestration.engine.dbt_project import dbt_environment
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from tests.homes import DECIDED, at_the_place, copy_of

RULE = "model.cardwatch.rule_merchant_001_restricted_category"


@pytest.fixture
def place(full: tuple[Home, str], tmp_path: Path) -> Iterator[Home]:
    home = copy_of(full[0], tmp_path / "home")
    with (
        at_the_place(home) as place,
        # the settings are part of what a view follows from
        mock.patch.dict(os.environ, {**dbt_environment(place), **DECIDED}),
    ):
        yield place


def made_anew(home: Home, manifest: Manifest) -> set[str]:
    """The views that a build would make now, but those that are made every time."""
    fingerprints = _Fingerprints(manifest)
    _mark_unchanged(home, manifest, fingerprints)
    return {
        name
        for name, node in _views(manifest).items()
        if fingerprints.is_fixed(name) and _UNCHANGED not in node.tags
    }


def test_only_what_changed_is_made_anew(place: Home) -> None:
    manifest, fingerprints = _read(place).manifest, _read(place).fingerprints
    views = _views(manifest)
    always = {name for name in views if not fingerprints.is_fixed(name)}
    assert len(always) < 10
    # DuckDB writes the columns of an EXCLUDE in another order each time
    restless = made_anew(place, manifest)
    assert len(restless) < 3
    assert RULE not in always | restless

    # somebody tries another SQL by hand
    node = views[RULE]
    with connect(place) as connection:
        made = connection.execute(
            "select sql from duckdb_views() where view_name = ?", [node.alias]
        ).fetchall()[0][0]
        connection.execute(f"create or replace view {node.schema}.{node.alias} as select 1 as one")
    assert made_anew(place, manifest) == {RULE, *restless}
    with connect(place) as connection:
        connection.execute(made.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
    assert made_anew(place, manifest) == restless

    # a file changes: the view is made anew, and what reads it, and no other rule
    node.raw_code += "\n-- another"
    changed = made_anew(place, manifest)
    assert {name for name in changed if views[name].schema == "rules"} == {RULE}
    node.raw_code = node.raw_code.removesuffix("\n-- another")

    # a macro changes, and with it all that call it
    macro = manifest.macros["macro.cardwatch.evidence"]
    macro.macro_sql += " "
    changed = made_anew(place, manifest)
    macro.macro_sql = macro.macro_sql.removesuffix(" ")
    calling = {n for n, v in views.items() if "macro.cardwatch.evidence" in v.depends_on.macros}
    assert calling <= changed != set(views)

    # what a view reads changes
    read = manifest.nodes["model.cardwatch.feat_transaction"]
    read.raw_code += " "
    assert RULE in made_anew(place, manifest)
    read.raw_code = read.raw_code.removesuffix(" ")
    assert made_anew(place, manifest) == restless
