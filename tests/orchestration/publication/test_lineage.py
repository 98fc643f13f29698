"""What is published in Dagster's graph: every mart, and through it what people want to trace."""

import dagster as dg
import pytest

from orchestration.engine.home import Home, project_root

NAMES = {file.stem.removeprefix("mart_") for file in project_root().glob("models/marts/*.sql")}


def test_the_published_copy_comes_after_every_mart_and_a_mart_after_what_it_shows(
    built_home: Home, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CARDWATCH_HOME", str(built_home.root))
    from orchestration.definitions import definitions

    graph = definitions().resolve_asset_graph()
    marts = {dg.AssetKey(["marts", name]) for name in NAMES}
    assert set(graph.get(dg.AssetKey(["published", "cardwatch"])).parent_keys) == marts
    shown = {mart: {key.to_user_string() for key in graph.get(mart).parent_keys} for mart in marts}
    assert all(shown.values())
    assert shown[dg.AssetKey(["marts", "alerts"])] == {"ledger/alerts", "cases/cases"}
    assert shown[dg.AssetKey(["marts", "quality_results"])] == {"monitoring/quality_results"}
    assert shown[dg.AssetKey(["marts", "load_manifest"])] == {"raw/load_manifest"}
