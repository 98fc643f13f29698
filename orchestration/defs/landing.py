"""Landed files become rows of the raw tables, which Great Expectations then looks at."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg

from orchestration.defs.checks import check_result
from orchestration.engine.expectations import check, relations
from orchestration.engine.fail_points import fail_point
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect, drop_left_over
from orchestration.landing.feeds import Feed, read_feeds
from orchestration.landing.history import EarlierLoad
from orchestration.landing.load import LoadedFile, load_landed, prepare_raw, take_back_removed
from orchestration.landing.soundness import refuse_unsound, worst_reasons
from orchestration.ledger.issue import loads_of_before, prepare_ledger

_STATE = [dg.AssetKey(["raw", name]) for name in ("load_manifest", "quarantine", "run_state")]


class Days(dg.Config):
    """Which days a run is to build, as ISO dates; None leaves it to what has landed."""

    since: str | None = None
    until: str | None = None


@dg.definitions
def landing() -> dg.Definitions:
    """Return an asset for each declared feed, and the expectations on what was loaded."""
    feeds = {dg.AssetKey([feed.source, feed.feed]): feed for feed in read_feeds()}
    return dg.Definitions(
        assets=[_landed_files(feeds)], asset_checks=[_raw_expectations(feeds, relations("raw"))]
    )


def load_what_landed(
    home: Home, feeds: Sequence[Feed], since: date | None, until: date | None
) -> list[LoadedFile]:
    """Load new files, each in one transaction, and note which days the run is to build."""
    with connect(home) as connection:
        drop_left_over(connection)
        prepare_raw(connection, feeds)
        prepare_ledger(connection, home)
        # what a run that broke off was to build anew, or did not settle, stays to be done, and a
        # seed once drawn stays until its run is finished, so that the run after it draws the same
        connection.execute(
            """
            update raw.run_state
            set
                requested_since = least(requested_since, unsettled_since, $1::date),
                requested_until = $2::date,
                audit_seed = coalesce(audit_seed, $3)
            """,
            [since, until, secrets.token_hex(16)],
        )
        if removed := take_back_removed(connection, home, feeds):
            report(f"landing: taken back, no longer in the folder: {', '.join(removed)}")
        earlier = [EarlierLoad(**load) for load in loads_of_before(connection)]
        loaded = load_landed(connection, home, feeds, earlier)
        refuse_unsound(connection, feeds)
        worst = worst_reasons(connection, [file.load_id for file in loaded])
    kinds = ("new", "corrected", "replaced", "unchanged")
    rows = {kind: sum(getattr(file, f"rows_{kind}") for file in loaded) for kind in kinds}
    said = ", ".join(f"{count:,} {kind}" for kind, count in rows.items() if count)
    quarantined = sum(file.rows_quarantined for file in loaded)
    fail_point("run.landed")
    report(
        f"landing: {len(loaded)} new files, {sum(rows.values()):,} rows"
        f"{f' ({said})' if said else ''}, {quarantined:,} in quarantine"
    )
    for reason in worst[:3]:
        report(f"  {reason}")
    return loaded


def _landed_files(feeds: Mapping[dg.AssetKey, Feed]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        specs=[dg.AssetSpec(key, group_name="raw", kinds={"duckdb"}) for key in (*feeds, *_STATE)],
        name="landed_files",
    )
    def landed_files(config: Days) -> Iterator[dg.MaterializeResult[None]]:
        """Load what has landed, each file in one transaction; unreadable rows are set aside."""
        since, until = (day and date.fromisoformat(day) for day in (config.since, config.until))
        home = Home.from_environment()
        loaded = load_what_landed(home, list(feeds.values()), since or None, until or None)
        for key, feed in feeds.items():
            files = [
                file for file in loaded if (file.source, file.feed) == (feed.source, feed.feed)
            ]
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

    return landed_files


def _raw_expectations(
    feeds: Mapping[dg.AssetKey, Feed], checked: Sequence[str]
) -> dg.AssetChecksDefinition:
    # a raw relation belongs to its feed's asset, or is a state of raw's own
    by_table = {f"raw.{feed.table}": key for key, feed in feeds.items()}
    assets = {
        relation: by_table.get(relation, dg.AssetKey(relation.split("."))) for relation in checked
    }

    @dg.multi_asset_check(
        specs=[
            dg.AssetCheckSpec("expectations", asset=asset, blocking=True)
            for asset in assets.values()
        ],
        name="raw_expectations",
    )
    def raw_expectations() -> Iterator[dg.AssetCheckResult]:
        """Great Expectations over what the last loads brought, inside the database."""
        home = Home.from_environment()
        for relation, asset in assets.items():
            yield check_result(check(home, "raw", relation), asset)

    return raw_expectations
