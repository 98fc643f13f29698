"""The dbt models as assets, in two halves: what is proposed, and what is made from the ledger."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration.engine.dbt_project import AFTER_ISSUE, BEFORE_ISSUE, build_arguments, parse
from orchestration.engine.home import Home, project_root
from orchestration.engine.progress import follow

_HOME = Home.from_environment()
# with its artifacts in the home
_PROJECT = DbtProject(project_root(), target_path=_HOME.dbt_target, profiles_dir=project_root())
_MANIFEST = _PROJECT.manifest_path if _PROJECT.manifest_path.exists() else parse(_HOME)


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


def _build(context: dg.AssetExecutionContext, dbt: DbtCliResource, selector: str) -> Iterator[Any]:
    """Run one half and pass its events on; an error of a model or a failed test ends the run."""
    invocation = dbt.cli(
        build_arguments(selector),
        context=context,
        target_path=_HOME.dbt_target,
        raise_on_error=True,
    )
    yield from follow(invocation, selector, _HOME.dbt_target / "dbt.txt")


@dbt_assets(
    manifest=_MANIFEST,
    project=_PROJECT,
    selector=BEFORE_ISSUE,
    name=BEFORE_ISSUE,
    dagster_dbt_translator=_LedgerComesFromBefore(),
)
def proposed(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Everything from staging to the proposed alerts."""
    yield from _build(context, dbt, BEFORE_ISSUE)


@dbt_assets(
    manifest=_MANIFEST,
    project=_PROJECT,
    selector=AFTER_ISSUE,
    name=AFTER_ISSUE,
    dagster_dbt_translator=_FolderIsGroup(),
)
def settled(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Cases and the tables that BI reads, from the ledger as it is after the issue."""
    yield from _build(context, dbt, AFTER_ISSUE)
