"""How the outcome of Great Expectations becomes a Dagster asset check."""

import dagster as dg

from orchestration.engine.expectations import CheckResult


def check_result(results: list[CheckResult], asset: dg.AssetKey) -> dg.AssetCheckResult:
    """Return one check result for a relation: failed when any of its expectations failed."""
    failed = [result for result in results if not result.success]
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=asset,
        check_name="expectations",
        description="; ".join(result.sentence for result in failed) or None,
        metadata={"expectations": len(results), "failed": len(failed)},
    )
