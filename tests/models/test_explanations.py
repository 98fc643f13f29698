"""Reasons of alerts: they add up, they can be followed in SQL, and they do not hang by a thread."""

from collections import Counter
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import detectors
from detectors.line_up import gradient_boosted_tree
from orchestration.engine.home import Home

#: What a person is shown of a purchase are families; those of so many are what it is about.
FAMILIES_SHOWN = 2
MOST_ALERTS = 400
STABLE_SHARE = 0.9
#: How far scores that are counted anew lie from those that the detector gave.
TAILS_AGAIN = """
    with scores as (
        select transaction_id, transaction_date, version, score
        from scoring.anomaly_scores
        where version is not null and detector = $1
        order by transaction_id desc limit 200
    ),
    inputs as (
        select * exclude (segment, transaction_date)
        from detectors.detector_inputs
        where transaction_id in (select transaction_id from scores)
    ),
    features as (
        select distinct version, feature, median, total
        from detectors.empirical_tails_reference
        where detector = $1
    ),
    known as (
        select scores.transaction_id, scores.version, features.feature, features.total,
            coalesce(long.value, features.median) as value
        from scores
        inner join features using (version)
        inner join (
            from inputs
            unpivot include nulls (value for feature in (columns(* exclude (transaction_id))))
        ) as long using (transaction_id, feature)
    ),
    given as (
        select known.transaction_id, known.version, known.feature, known.total,
            coalesce(max(common.knot), any_value(known.value)) as value
        from known
        left join detectors.empirical_tails_reference as common
            on known.version = common.version and known.feature = common.feature
            and common.is_common
            and abs(known.value - common.knot) <= 0.02 * abs(common.knot)
        group by all
    ),
    parts as (
        select
            given.transaction_id,
            case
                when knots.knot is null then given.total
                when knots.knot = given.value then given.total - knots.below
                else given.total - knots.upto
            end as at_or_above,
            given.total
        from given
        asof left join (
            from detectors.empirical_tails_reference where detector = $1
        ) as knots
            on given.version = knots.version and given.feature = knots.feature
            and given.value >= knots.knot
    ),
    sums as (
        select transaction_id, sum(-ln((1 + at_or_above) / (1 + total))) as score
        from parts
        group by transaction_id
    )
    select count(*), max(abs(scores.score - sums.score))
    from scores inner join sums using (transaction_id)
"""


@pytest.fixture(scope="module")
def warehouse(full: tuple[Home, str]):
    with duckdb.connect(str(full[0].warehouse), read_only=True) as connection:
        yield connection


def families(warehouse: duckdb.DuckDBPyConnection, purchases: dict[str, pa.Table]) -> dict:
    """The leading families of each purchase, by the shares that proposed_model_reasons adds up."""
    catalogue = warehouse.execute("from detectors.detector_features").to_arrow_table()
    family = dict(
        zip(catalogue["feature"].to_pylist(), catalogue["family"].to_pylist(), strict=True)
    )
    promotions = warehouse.execute("from ledger.model_promotions").to_arrow_table()
    risks = {
        row[0]: row[1:]
        for row in warehouse.execute(
            "select transaction_id, coalesce(tree_risk, 0), coalesce(anomaly_risk, 0)"
            " from scoring.risk"
        ).fetchall()
    }
    found: dict[str, Counter] = {}
    for name in detectors.ALGORITHMS:
        is_tree = name == "gradient_boosted_tree"
        rows = purchases["tree_inputs" if is_tree else "detector_inputs"]
        scored = detectors.score(
            name,
            artefacts=warehouse.execute("from detectors.model_fits").to_arrow_table(),
            promotions=promotions,
            batches=rows.to_batches(),
        )
        for row in (row for batch in scored for row in batch.to_pylist()):
            reasons = row["reasons"] or []
            whole = sum(reason["contribution"] for reason in reasons)
            tree, anomaly = risks[row["transaction_id"]]
            weight = tree if is_tree else anomaly / (len(detectors.ALGORITHMS) - 1)
            shares = found.setdefault(row["transaction_id"], Counter())
            for reason in reasons:
                if family[reason["feature"]] != "rules":
                    shares[family[reason["feature"]]] += weight * reason["contribution"] / whole
    return {
        transaction: {name for name, _ in shares.most_common(FAMILIES_SHOWN)}
        for transaction, shares in found.items()
        if shares.total() > 0
    }


def moved(rows: pa.Table, seed: int) -> pa.Table:
    """Every feature by up to one percent up or down; what is counted stays a whole number."""
    random = np.random.default_rng(seed)
    for position, field in enumerate(rows.schema):
        if pa.types.is_floating(field.type):
            values = rows.column(position).to_numpy(zero_copy_only=False).astype(float)
            shifted = values * (1 + random.uniform(-0.01, 0.01, values.size))
            shifted = np.where(values == np.rint(values), np.rint(shifted), shifted)
            column = pa.array(shifted, mask=np.isnan(values))
            rows = rows.set_column(position, field.name, column)
    return rows


def test_the_leading_reasons_survive_a_change_of_one_percent(
    warehouse: duckdb.DuckDBPyConnection,
):
    purchases = {
        table: warehouse.execute(
            f"""
            select inputs.* from detectors.{table} as inputs
            inner join ledger.alerts as alerts
                on inputs.transaction_id = alerts.subject_id and alerts.lane = 'exploit'
            order by inputs.transaction_id limit {MOST_ALERTS}
            """
        ).to_arrow_table()
        for table in ("detector_inputs", "tree_inputs")
    }
    before = families(warehouse, purchases)
    after = families(warehouse, {name: moved(rows, 1) for name, rows in purchases.items()})
    both = before.keys() & after.keys()
    assert len(both) >= 30
    kept = sum(before[transaction] == after[transaction] for transaction in both)
    assert kept / len(before) >= STABLE_SHARE


def test_what_is_queued_as_odd_says_why_where_oddness_has_no_weight(
    warehouse: duckdb.DuckDBPyConnection, full: tuple[Home, str]
):
    file = full[0].dbt_target / "compiled/cardwatch/models/alerts/proposed_model_reasons.sql"
    sql = file.read_text(encoding="utf-8")
    instead = {
        # of the last run's proposals nothing is left when it is run again
        '"warehouse"."alerts"."proposed_subjects"': "from ledger.alerts where lane = 'novelty'",
        '"warehouse"."scoring"."risk"': "select * replace (0.0 as anomaly_risk) from scoring.risk",
    }
    for number, (relation, query) in enumerate(instead.items()):
        assert relation in sql
        warehouse.execute(f"create or replace temp table instead_{number} as {query}")
        sql = sql.replace(relation, f"instead_{number}")
    explained = warehouse.execute(f"select transaction_id from ({sql})").fetchall()
    odd = warehouse.execute(
        "select subject_id from instead_0 where subject_type = 'transaction'"
    ).fetchall()
    assert len(odd) > 20
    assert set(odd) <= set(explained)


def test_the_reasons_of_the_tree_add_up_to_its_score(warehouse: duckdb.DuckDBPyConnection):
    # the small company has too few decided cases for a tree of its own
    fitted = detectors.fit(
        detectors.TREE,
        features=warehouse.execute(
            "from seeds.feature_catalog union all from seeds.tree_signals"
        ).to_arrow_table(),
        parameters={"n_estimators": 30},
        trained_until=date(2026, 1, 1),
        training=warehouse.execute(
            "select *, hash(transaction_id) % 10 = 0 as misuse, 1.0::double as weight"
            " from detectors.tree_inputs"
        ).to_arrow_table(),
    )
    model = gradient_boosted_tree.load(fitted["artefact"][0].as_py())
    inputs = warehouse.execute(
        "from detectors.tree_inputs order by transaction_id limit 200"
    ).to_arrow_table()
    columns = [inputs[name].to_numpy().astype(float) for name in model.features]
    parts = gradient_boosted_tree.shapley_values(model._booster, columns)
    scores = gradient_boosted_tree.log_odds(model._booster, columns)
    assert np.abs(parts.sum(axis=1) - scores).max() < 1e-6


@pytest.mark.parametrize("detector", ["empirical_tails", "peer_deviation", "collective_shift"])
def test_empirical_tails_can_be_computed_in_sql(
    warehouse: duckdb.DuckDBPyConnection, detector: str
):
    compared = warehouse.execute(TAILS_AGAIN, [detector]).fetchone()
    assert compared is not None
    assert compared[0] == 200
    assert compared[1] < 1e-9
