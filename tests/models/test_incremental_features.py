"""Labels and features: any sequence of runs ends as one full build, and the past holds.

Random little companies on the statements that dbt itself sends. For more examples:
CARDWATCH_HYPOTHESIS_PROFILE=many python -m pytest tests/models/test_incremental_features.py
"""

import re
import shutil
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from orchestration.engine.home import Home
from orchestration.landing.feeds import read_feeds
from tests.models.model_steps import (
    FOLDERS,
    Project,
    Row,
    Table,
    Warehouse,
    call_dbt,
    first_difference,
)
from tests.models.tiny_company import (
    COMPANY,
    DAY,
    PAST,
    Land,
    Run,
    Step,
    days,
    decision,
    moment,
    purchase,
    rows,
    seconds,
    steps,
)
from tests.models.walks import Homes, Walk, difference_from_full_build, examples, told


@examples
@given(steps=steps)
def test_any_sequence_of_runs_ends_as_one_full_build(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference


@examples
@given(steps=steps)
def test_a_run_that_is_asked_for_every_day_leaves_nothing_as_it_was(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((*steps, Run(since=0)))
        assert walk.stale is None
        walked = warehouse.tables()
        warehouse.build_whole()
        until = walk.window.built_until if walk.window else date.min
        difference = first_difference(
            [table.between(date.min, until) for table in walked.values()],
            {name: table.between(date.min, until) for name, table in warehouse.tables().items()},
        )
        assert difference is None, f"{difference}\nafter these steps:\n{told(steps)}"


# --- replay: nothing later is used ----------------------------------------------------------------

landed_rows = st.lists(rows, min_size=1, max_size=40).map(tuple)
pasts = st.sampled_from(((), PAST[:8], PAST))


def keep_what_holds(warehouse: Warehouse) -> None:
    """Delete the versions that were corrected: what moved to another day was never on the first."""
    for feed, key in (("card_transactions", "transaction_id"), ("expense_claims", "claim_id")):
        warehouse.connection.execute(f"""
            delete from raw.company__{feed} as older
            where exists (
                select 1 from raw.company__{feed} as newer
                where newer.{key} = older.{key}
                    and (newer._load_id, newer._line) > (older._load_id, older._line)
            )
        """)


@examples
@given(past=pasts, landed=landed_rows, day=days)
def test_a_build_without_later_rows_has_the_same_past(
    recorded: Project, homes: Homes, past: tuple[Row, ...], landed: tuple[Row, ...], day: int
):
    last_day = moment(day).date()
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land(COMPANY + past), Run(), Land(landed)))
        warehouse.land()
        keep_what_holds(warehouse)
        warehouse.build_whole()
        everything = warehouse.tables()
        for feed in read_feeds():
            warehouse.connection.execute(
                f"delete from raw.{feed.table} where {feed.event_column} >= ?", [last_day + DAY]
            )
        warehouse.build_whole()
        window = warehouse.window()
        # days behind the last transaction are not built yet, whatever happened on them
        until = min(last_day, window.built_until) if window else date.min
        difference = first_difference(
            [table.between(date.min, until) for table in warehouse.tables().values()],
            {name: table.between(date.min, until) for name, table in everything.items()},
        )
    shown = told((Land(COMPANY + past), Land(landed)))
    assert difference is None, f"{difference}\nwithout the rows after {last_day} of:\n{shown}"


@examples
@given(past=pasts, landed=landed_rows, day=days, second=seconds)
def test_decisions_change_nothing_that_was_before_them(
    recorded: Project,
    homes: Homes,
    past: tuple[Row, ...],
    landed: tuple[Row, ...],
    day: int,
    second: int,
):
    at = moment(day, second)

    def known(warehouse: Warehouse) -> dict[str, Table]:
        """What is about transactions until then, and whole days before."""
        times = dict(
            warehouse.values(
                "select transaction_id, authorized_at from intermediate.int_transactions"
            )
        )
        tables = {}
        for name, table in warehouse.tables().items():
            if table.model.relation.startswith("features."):
                about = "transaction_id" in table.columns
                is_history = name.endswith("_history")
                table = table.between(
                    date.min, at.date() if about or is_history else at.date() - DAY
                )
                if about and table.model.day_column == "transaction_date":
                    place = table.columns.index("transaction_id")
                    kept = tuple(row for row in table.rows if times[row[place]] <= at)
                    table = replace(table, rows=kept)
                elif about:
                    table = table.between(date.min, at.date() - DAY)
                tables[name] = table
        return tables

    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land(COMPANY + past), Run(), Land(landed)))
        warehouse.land()
        warehouse.build_whole()
        before = known(warehouse)
        warehouse.connection.execute(
            "update raw.company__labels set misuse = not misuse where decided_at >= ?", [at]
        )
        warehouse.build_whole()
        difference = first_difference(known(warehouse).values(), before)
    shown = told((Land(COMPANY + past), Land(landed)))
    assert difference is None, f"{difference}\nwith other decisions from {at} on:\n{shown}"


# --- the statements are dbt's own -----------------------------------------------------------------


def test_what_is_recorded_is_a_full_and_an_incremental_build(recorded: Project):
    assert {model.relation.split(".")[0] for model in recorded.models} == set(FOLDERS)
    assert len(recorded.compared) > 15
    for model in recorded.compared:
        whole, incremental = "\n".join(model.whole), "\n".join(model.incremental)
        quoted = model.relation.replace(".", '"."')
        assert f'create  table\n      "warehouse"."{quoted}' in whole, model.name
        assert f'delete from "warehouse"."{quoted}"' in incremental, model.name
        assert f'insert into "warehouse"."{quoted}"' in incremental, model.name
        # days have a first one only where is_incremental() is true
        assert not re.search(r">= \(select (built|changed)_from", whole), model.name
        assert re.search(r">= \(select (built|changed)_from", model.incremental[0]), model.name


def test_dbt_itself_builds_the_same_tables(recorded: Project, homes: Homes):
    later = Land((decision("p1", True, 98), purchase("p2", 1, 1, 31), purchase(0, 2, 2, 272)))
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((Land(COMPANY + PAST), Run(until=180), later))
        warehouse.land(until=moment(365).date())
        home = Home(homes.new())
        home.create()
        warehouse.connection.execute("checkpoint")
        shutil.copyfile(warehouse.home.warehouse, home.warehouse)
        shutil.copytree(recorded.home.dbt_target, home.dbt_target)  # parsed already
        walk.take((Run(until=365),))
        ours, window = warehouse.tables(), walk.window
    call_dbt(home, "run", "--select", *(f"path:models/{folder}" for folder in FOLDERS))
    with Warehouse(Project(home, recorded.models), homes.new()) as warehouse:
        assert warehouse.window() == window
        assert first_difference(warehouse.tables().values(), ours) is None
        assert len(ours["feat_transaction"].rows) > len(PAST) // 2
