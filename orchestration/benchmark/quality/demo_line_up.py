"""Ways to order the purchases of a demo company, beside each other at the same budget.

On a home with a run of the demo company: misuse found at a budget of 1 % of the purchases, by
value, for rules alone, the tree alone, the company's own filters, and everything together.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

import detectors
from orchestration.benchmark.measuring import Bar, BenchmarkResult
from orchestration.benchmark.quality.demo_runs import misuse_file
from orchestration.benchmark.quality.planted import RULES_OF_KIND
from orchestration.engine.dbt_project import variable
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect

BUDGET_SHARE = 0.01

_TREE = "gradient_boosted_tree"
_BATCH_ROWS = 100_000

#: Each way to order the purchases, in words.
_WAYS = {
    "rules": "rules alone",
    "tree": "tree alone",
    "detectors_without_labels": "detectors without labels",
    "stacked_tree": "tree that reads rules and tails",
    "own_rule_filter": "company's rule filter",
    "own_tree_filter": "company's tree filter",
    "risk": "everything together",
    "risk_by_case": "everything together, a case a seat",
}

_PURCHASES = """
    with filters as (
        select
            transaction_id,
            max(score) filter (where filter like 'rule%') as rule_filter,
            max(score) filter (where filter like 'tree%') as tree_filter
        from staging.stg_external_hits
        group by transaction_id
    )
    select
        risk.transaction_date,
        risk.amount,
        risk.rule_risk as rules,
        coalesce(tree.score, 0) as tree,
        coalesce(parts.noisy_or_anomaly_risk, 0) as detectors_without_labels,
        coalesce(risk.tree_probability, 0) as stacked_tree,
        coalesce(filters.rule_filter, 0) as own_rule_filter,
        coalesce(filters.tree_filter, 0) as own_tree_filter,
        risk.risk,
        concat_ws('|', risk.card_id, risk.merchant_id, risk.transaction_date) as case_id,
        misuse.kind
    from scoring.risk as risk
    inner join scoring.risk_parts as parts on risk.transaction_id = parts.transaction_id
    inner join tree on risk.transaction_id = tree.transaction_id
    left join filters on risk.transaction_id = filters.transaction_id
    left join read_parquet($1) as misuse on risk.transaction_id = misuse.transaction_id
    order by risk.transaction_id
"""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """What an order of the purchases finds at the budget: shares of the planted misuse."""

    value_share: float
    precision: float
    kinds: int
    kinds_without_rule: int


@dataclass(frozen=True)
class DemoResult(BenchmarkResult):
    """What the ways to order the purchases of a demo company find at the same budget."""

    purchases: int
    first_day: date
    misuse: int
    budget: int
    found: Mapping[str, Found]

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        together = self.found["risk_by_case"]

        def gain(*names: str) -> float:
            best = max(self.found[name].value_share for name in names)
            return together.value_share / best

        return [
            Bar(
                "value_by_rules_or_tree",
                "value found against rules or tree alone",
                gain("rules", "tree"),
                1.25,
            ),
            Bar(
                "value_by_own_filters",
                "value found against the company's own filters",
                gain("own_rule_filter", "own_tree_filter"),
                1.25,
            ),
            Bar(
                "kinds_without_rule",
                "kinds found that no rule names",
                together.kinds_without_rule,
                least=1,
            ),
        ]


def run_demo(home: Home) -> DemoResult:
    """Compare ways to order the purchases of a finished run of the demo company."""
    truth = misuse_file(home)
    with connect(home, read_only=True) as connection:
        rows = _purchases(connection, truth)
    amount = rows["amount"].to_numpy()
    kinds = np.array([kind or "" for kind in rows["kind"].to_pylist()])
    budget = int(BUDGET_SHARE * amount.size)
    found = {
        way: _found(rows[way].to_numpy() * amount, amount, kinds, budget)
        for way in _WAYS
        if way != "risk_by_case"
    }
    # an alert is a case, what a card pays at a merchant on a day: it takes one seat
    _, case = np.unique(np.array(rows["case_id"].to_pylist()), return_inverse=True)
    of_case = np.bincount(case, rows["risk"].to_numpy() * amount)
    seats = np.zeros(of_case.size, dtype=bool)
    seats[np.argsort(-of_case, kind="stable")[:budget]] = True
    members = np.where(seats[case], 1.0, 0.0)
    found["risk_by_case"] = _found(members, amount, kinds, int(members.sum()))
    return DemoResult(
        purchases=amount.size,
        first_day=min(rows["transaction_date"].to_pylist()),
        misuse=int((kinds != "").sum()),
        budget=budget,
        found=found,
    )


def _purchases(connection: duckdb.DuckDBPyConnection, truth: Path) -> pa.Table:
    """Every purchase with its amount, what each way says of it, and its kind of misuse."""
    tree = _tree_alone(connection)
    connection.register("tree", tree.rename_columns(["transaction_id", "score"]))
    return connection.execute(_PURCHASES, [str(truth)]).to_arrow_table()


def _tree_alone(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Probabilities of a tree that sees features only, fitted and promoted as champions were."""
    catalogue = connection.execute("from seeds.feature_catalog").to_arrow_table()
    periods = connection.execute(
        """
        select champion_from, fitted_on, trained_from, trained_until, parameters
        from marts.model_versions
        where detector = 'gradient_boosted_tree' and champion_from is not null
        order by champion_from
        """
    ).fetchall()
    if not periods:
        raise CardwatchError("no tree was fitted in this home; it takes more labels")
    columns = ", ".join(detectors.input_columns(_TREE, catalogue))
    scored = []
    for position, (start, fitted_on, trained_from, trained_until, parameters) in enumerate(periods):
        until = periods[position + 1][0] if position + 1 < len(periods) else date.max
        training = connection.execute(
            f"""
            select {columns}, known.misuse,
                case
                    when known.misuse is not null then 1.0
                    when transaction_date >= $until - $minimum_age then 0.0
                    else $undecided
                end::double as weight
            from detectors.detector_inputs
            left join (
                select transaction_id, misuse
                from labels.latest_decisions
                where known_from <= $until and known_until > $until
            ) as known using (transaction_id)
            where transaction_date >= $since and transaction_date < $before
            """,  # noqa: S608 - names of our own feature catalogue
            {
                "since": trained_from,
                "until": fitted_on,
                "before": trained_until,
                "minimum_age": int(variable("undecided_minimum_age_days")),
                "undecided": variable("undecided_weight"),
            },
        ).to_arrow_table()
        artefact = detectors.fit(
            _TREE,
            features=catalogue,
            parameters=json.loads(parameters),
            trained_until=trained_until,
            training=training,
        )
        batches = connection.execute(
            f"select {columns} from detectors.detector_inputs"  # noqa: S608
            " where transaction_date >= ? and transaction_date < ?",
            [start, until],
        ).to_arrow_reader(_BATCH_ROWS)
        scored += list(detectors.score(_TREE, artefacts=_from(artefact, start), batches=batches))
    return pa.Table.from_batches(scored).select(["transaction_id", "probability"])


def _from(artefact: pa.Table, start: date) -> pa.Table:
    """The artefact as champion from a day on."""
    [row] = artefact.to_pylist()
    hashed = row["version"].rpartition("-")[2]
    row |= {"fitted_on": start, "version": f"{row['detector']}-{start}-{hashed}"}
    return pa.Table.from_pylist([row], schema=artefact.schema)


def _found(order: Floats, amount: Floats, kinds: npt.NDArray[np.str_], budget: int) -> Found:
    """What lies in the first `budget` purchases of an order."""
    looked_at = np.argsort(-order, kind="stable")[:budget]
    looked_at = looked_at[order[looked_at] > 0]
    misused = kinds != ""
    hits = looked_at[misused[looked_at]]
    names = set(kinds[hits].tolist())
    return Found(
        value_share=float(amount[hits].sum() / amount[misused].sum()),
        precision=hits.size / budget,
        kinds=len(names),
        kinds_without_rule=len(names - set(RULES_OF_KIND)),
    )


def describe(result: DemoResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        f"{result.purchases:,} purchases from {result.first_day} on, {result.misuse:,} of them "
        f"misuse; {result.budget:,} are looked at, by score x amount",
        "",
        f"{'order':<34}{'value found':>12}{'precision':>11}{'kinds':>7}{'without a rule':>16}",
    ]
    for way, found in result.found.items():
        lines.append(
            f"{_WAYS[way]:<34}{found.value_share:>12.1%}{found.precision:>11.1%}{found.kinds:>7}"
            f"{found.kinds_without_rule:>16}"
        )
    return "\n".join([*lines, "", *map(str, result.bars())])
