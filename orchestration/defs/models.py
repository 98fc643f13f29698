"""The dbt models as assets, in two halves: what is proposed, and what is made from the ledger."""

import json
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration.defs.publish import published_copy
from orchestration.engine.dbt_build import build
from orchestration.engine.dbt_project import AFTER_ISSUE, BEFORE_ISSUE, parse
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.progress import Folders

# What a person should know when a half cannot be built.
_STANDS = {
    BEFORE_ISSUE: "nothing was issued",
    AFTER_ISSUE: "what was issued is not published yet",
}


class _FolderIsGroup(DagsterDbtTranslator):
    """One vocabulary: a model's folder is its schema and its Dagster group.

    A model is called as its relation is: a mart by its published name.
    """

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "model":
            return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["alias"]])
        return super().get_asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])


class _LedgerComesFromBefore(_FolderIsGroup):
    """The first half reads what *earlier* runs issued: today's issue is not upstream of it."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(
            deps=[dep for dep in spec.deps if dep.asset_key.path[0] != "ledger"]
        )


@dg.definitions
def models() -> dg.Definitions:
    """Return everything from staging to the proposed alerts, and everything after the issue.

    The second half are cases and the marts, from the ledger as the issue left it, and the copy of
    the marts that BI reads.
    """
    home = Home.from_environment()
    # with its artifacts in the home
    project = DbtProject(project_root(), target_path=home.dbt_target, profiles_dir=project_root())
    manifest = project.manifest_path if project.manifest_path.exists() else parse(home)
    proposed = _half(project, manifest, BEFORE_ISSUE, _LedgerComesFromBefore())
    settled = _half(project, manifest, AFTER_ISSUE, _FolderIsGroup())
    marts = sorted(key for key in settled.keys if key.path[0] == "marts")
    return dg.Definitions(assets=[proposed, settled, published_copy(marts)])


def _half(
    project: DbtProject, manifest: Path, selector: str, translator: DagsterDbtTranslator
) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        project=project,
        selector=selector,
        name=selector,
        dagster_dbt_translator=translator,
    )
    def build_half(context: dg.AssetExecutionContext) -> Iterator[Any]:
        nodes = json.loads(manifest.read_text(encoding="utf-8"))
        folders = Folders(selector)
        built = build(
            Home.from_environment(), selector, lambda name: folders.reached(nodes["nodes"][name])
        )
        results = {event["data"]["node_info"]["unique_id"]: event for event in built.results}
        for name in _in_order(nodes, [*results, *built.unchanged]):
            if name in results:
                yield from DbtCoreCliEventMessage(results[name], {}).to_default_asset_events(
                    nodes, translator, context, project=project
                )
            else:
                key = translator.get_asset_spec(nodes, name, project).key
                if key in context.selected_asset_keys:
                    yield dg.Output(
                        None, key.to_python_identifier(), metadata={"status": "unchanged"}
                    )
        if built.failure:
            raise CardwatchError(f"{_STANDS[selector]}: {built.failure}")

    return build_half


def _in_order(nodes: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Nodes of the manifest, each after those that it reads, as Dagster wants them."""
    reads = {
        name: node.get("depends_on", {}).get("nodes", ()) for name, node in nodes["nodes"].items()
    }
    wanted = set(names)
    return (name for name in TopologicalSorter(reads).static_order() if name in wanted)
