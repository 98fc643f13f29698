"""Landed files become rows of the raw tables, which Great Expectations then looks at."""

import secrets
from collections.abc import Iterator

import dagster as dg

from orchestration.defs.checks import check_result
from orchestration.engine.expectations import check, relations
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect, drop_left_over
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw, take_back_removed
from orchestration.ledger.issue import prepare_ledger

_STATE = [dg.AssetKey(["raw", name]) for name in ("load_manifest", "quarantine", "run_state")]
_FEEDS = {dg.AssetKey([feed.source, feed.feed]): feed for feed in read_feeds()}
_RELATIONS = relations("raw")


class Days(dg.Config):
    """Which days a run is to build, as ISO dates; None leaves it to what has landed."""

    since: str | None = None
    until: str | None = None


@dg.multi_asset(
    specs=[dg.AssetSpec(key, group_name="raw", kinds={"duckdb"}) for key in (*_FEEDS, *_STATE)],
    name="landed_files",
)
def landed_files(config: Days) -> Iterator[dg.MaterializeResult[None]]:
    """Load what has landed, each file in one transaction; unreadable rows are set aside."""
    home = Home.from_environment()
    with connect(home) as connection:
        drop_left_over(connection)
        prepare_raw(connection, list(_FEEDS.values()))
        prepare_ledger(connection, home)
        # what a run that broke off was to build anew stays to be done, and a seed once drawn stays
        # until its run is finished, so that the run after it draws the same purchases
        connection.execute(
            """
            update raw.run_state
            set
                requested_since = least(requested_since, $1::date),
                requested_until = $2,
                audit_seed = coalesce(audit_seed, $3)
            """,
            [config.since, config.until, secrets.token_hex(16)],
        )
        if removed := take_back_removed(connection, home, list(_FEEDS.values())):
            report(f"landing: taken back, no longer in the folder: {', '.join(removed)}")
        loaded = load_landed(connection, home, list(_FEEDS.values()))
    rows = sum(file.rows_loaded for file in loaded)
    quarantined = sum(file.rows_quarantined for file in loaded)
    report(f"landing: {len(loaded)} new files, {rows:,} rows, {quarantined:,} in quarantine")
    for key, feed in _FEEDS.items():
        files = [file for file in loaded if (file.source, file.feed) == (feed.source, feed.feed)]
        yield dg.MaterializeResult(
            asset_key=key,
            metadata={
                "files": len(files),
                "rows_loaded": sum(file.rows_loaded for file in files),
                "rows_quarantined": sum(file.rows_quarantined for file in files),
            },
        )
    for key in _STATE:
        yield dg.MaterializeResult(asset_key=key)


def _checked_asset(relation: str) -> dg.AssetKey:
    """Return the asset that a raw relation belongs to: raw.<source>__<feed>, or raw's own state."""
    for key, feed in _FEEDS.items():
        if relation == f"raw.{feed.table}":
            return key
    return dg.AssetKey(relation.split("."))


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("expectations", asset=_checked_asset(relation), blocking=True)
        for relation in _RELATIONS
    ],
    name="raw_expectations",
)
def raw_expectations() -> Iterator[dg.AssetCheckResult]:
    """Great Expectations over what the last loads brought, inside the database."""
    home = Home.from_environment()
    for relation in _RELATIONS:
        yield check_result(check(home, "raw", relation), _checked_asset(relation))
