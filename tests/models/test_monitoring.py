"""Drift is found where there is some, and as seldom as promised where there is none.

The models are rendered as dbt would render them and run in memory on simulated companies whose
cards have habits, come and go, and do not purchase every week.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest
import yaml

from orchestration.engine.home import project_root

WEEKS = 20
CARDS = 600
#: Independent features of one kind: each is a repetition of the same experiment.
FEATURES = 100
MONDAY = pd.Timestamp("2025-01-06")

MACROS = [
    "engine/count_below.sql",
    "engine/bin_among.sql",
    "engine/deciles.sql",
    "engine/hash_fraction.sql",
    "engine/unpivot_columns.sql",
    "monitoring/compare_bins.sql",
    "windows/in_build_window.sql",
]

Kind = Callable[[np.random.Generator, pd.DataFrame], np.ndarray]


class Adapter:
    """Finds the macro that dbt would dispatch to on DuckDB."""

    def __init__(self) -> None:
        self.module: Any = None

    def dispatch(self, name: str) -> Any:
        found = getattr(self.module, f"duckdb__{name}", None)
        return found or getattr(self.module, f"default__{name}")


@cache
def render(model: str) -> str:
    """A model's SQL for a full build, its relations by their bare names."""
    root = project_root()
    project = yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8"))
    adapter = Adapter()
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701  SQL, not a page
    environment.globals.update(
        adapter=adapter,
        config=lambda **_: "",
        is_incremental=lambda: False,
        ref=lambda name: name,
        var=lambda name: project["vars"][name],
    )
    macros = "".join((root / "macros" / file).read_text(encoding="utf-8") for file in MACROS)
    adapter.module = environment.from_string(macros).module
    text = (root / "models/monitoring" / model).read_text(encoding="utf-8")
    return environment.from_string(macros + text).render()


def company(random: np.random.Generator, turnover: float = 0.3) -> pd.DataFrame:
    """Purchases of cards that are there for a time and are used in most weeks, some often."""
    cards = np.arange(CARDS)
    replaced = random.random(CARDS) < turnover
    change = random.integers(0, WEEKS, CARDS)
    activity = random.beta(4, 1.5, CARDS)
    pace = random.gamma(1.5, 2, CARDS)
    rows = []
    for week in range(WEEKS):
        used = random.random(CARDS) < activity
        for card in cards[used]:
            holder = card + CARDS * (replaced[card] and week >= change[card])
            rows += [(holder, week)] * (1 + random.poisson(pace[card]))
    purchases = pd.DataFrame(rows, columns=["card", "week"])
    days = random.integers(0, 7, len(purchases))
    purchases["transaction_date"] = MONDAY + pd.to_timedelta(7 * purchases.week + days, unit="D")
    purchases["transaction_id"] = [f"t{number}" for number in range(len(purchases))]
    purchases["card_id"] = "c" + purchases.card.astype(str)
    return purchases


def log_amounts(random: np.random.Generator, purchases: pd.DataFrame) -> np.ndarray:
    """Half of the variance of a log amount is the card's habit; standard deviation 1.2."""
    habits = random.normal(0, 1.2 * math.sqrt(0.5), 2 * CARDS)
    return habits[purchases.card] + random.normal(0, 1.2 * math.sqrt(0.5), len(purchases))


def counts(random: np.random.Generator, purchases: pd.DataFrame) -> np.ndarray:
    """Small numbers with many ties."""
    return random.poisson(random.gamma(1, 1, 2 * CARDS)[purchases.card]).astype(float)


def flags(random: np.random.Generator, purchases: pd.DataFrame) -> np.ndarray:
    """Yes or no, seldom yes, and some cards' habit."""
    return (random.random(len(purchases)) < random.beta(0.5, 10, 2 * CARDS)[purchases.card]) * 1.0


def often_unknown(random: np.random.Generator, purchases: pd.DataFrame) -> np.ndarray:
    """Amounts that are unknown for a quarter of the purchases."""
    amounts = log_amounts(random, purchases)
    amounts[random.random(len(purchases)) < 0.25] = np.nan
    return amounts


def drift(purchases: pd.DataFrame, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """Run weekly_draw, drift_weeks and feature_drift on these purchases, without a champion."""
    with duckdb.connect() as connection:
        features = pd.DataFrame(values).astype(object).where(lambda frame: frame.notna(), None)
        inputs = pd.concat([purchases[["transaction_id", "transaction_date"]], features], axis=1)
        connection.register("purchases", purchases)
        connection.register("inputs", inputs)
        columns = ", ".join(f"{name}::double as {name}" for name in values)
        connection.execute(
            f"""
            create table feat_transaction as
                select transaction_id, transaction_date::date as transaction_date, card_id,
                    true as is_purchase
                from purchases;
            create table detector_inputs as
                select transaction_id, transaction_date::date as transaction_date, {columns},
                    'hotel' as segment
                from inputs;
            create table build_window as
                select max(transaction_date) as built_until from feat_transaction;
            create table feature_catalog as
                select unnest({list(values)}) as feature, true as in_tree, false as in_anomaly,
                    false as in_peer, false as in_collective;
            create table model_versions (
                detector varchar, version varchar, trained_from date, trained_until date,
                champion_from date
            );
            create table weekly_draw as {render("weekly_draw.sql")};
            create table drift_weeks as {render("drift_weeks.sql")};
            """
        )
        return connection.execute(render("feature_drift.sql")).df()


def repetitions(kind: Kind, seed: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    purchases = company(random)
    return purchases, {f"x{number}": kind(random, purchases) for number in range(FEATURES)}


def interval(rates: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of independent rates."""
    error = 1.96 * float(rates.std(ddof=1)) / math.sqrt(len(rates))
    return float(rates.mean()) - error, float(rates.mean()) + error


@pytest.mark.parametrize("kind", [log_amounts, counts, flags, often_unknown])
def test_without_drift_one_week_in_twenty_is_flagged_at_most(kind: Kind):
    found = drift(*repetitions(kind, seed=7))
    assert len(found) == FEATURES * 2 * (WEEKS - 8)
    for comparison, of_kind in found.groupby("comparison"):
        rates = of_kind.groupby("feature").is_drifted.mean().astype(float).to_numpy()
        lowest, highest = interval(rates)
        assert 0.01 < lowest <= 0.05, (comparison, lowest, highest)
        assert highest <= 0.06, (comparison, lowest, highest)


def test_amounts_that_grow_by_half_a_log_unit_are_noticed_at_once():
    purchases, values = repetitions(log_amounts, seed=11)
    shifted = purchases.week.to_numpy() >= 14
    found = drift(purchases, {name: column + 0.5 * shifted for name, column in values.items()})
    found["week_number"] = (found.week - MONDAY).dt.days // 7
    training = found[(found.comparison == "training") & (found.week_number >= 14)]
    assert training.is_drifted.mean() > 0.95
    first = found[(found.comparison == "previous") & (found.week_number == 14)]
    assert first.is_drifted.mean() > 0.95
    before = found[found.week_number < 14]
    assert before.is_drifted.mean() < 0.06


@pytest.mark.parametrize(("mean", "spread"), [(0.2, 0.0), (3.0, 0.0), (40.0, 0.0), (40.0, 0.3)])
def test_a_rule_that_fires_as_ever_is_seldom_unusual(mean: float, spread: float):
    random = np.random.default_rng(13)
    rules, weeks = 300, 30
    shape = (rules, weeks)
    purchases = random.integers(800, 1200, weeks)
    varying = random.gamma(1 / spread**2, spread**2, shape) if spread else np.ones(shape)
    usual = random.poisson(mean * varying * purchases / 1000)
    # one in a hundred by the normal approximation, up to twice that of what varies much
    assert interval(unusual(usual, purchases)[:, 4:].mean(axis=1))[1] <= 0.02
    # and one that fires three times as often is noticed, if it fires often enough
    usual[:, -1] = random.poisson(3 * mean * varying[:, -1] * purchases[-1] / 1000)
    if mean >= 40:
        assert unusual(usual, purchases)[:, -1].mean() > 0.7


def unusual(hits: np.ndarray, purchases: np.ndarray) -> np.ndarray:
    """Run rule_firing on so many hits by rule and week: which of them it calls unusual."""
    rules, weeks = np.indices(hits.shape).reshape(2, -1)
    counted = pd.DataFrame(
        {"rule_id": rules, "covered_on": MONDAY + pd.to_timedelta(7 * weeks, "D")}
    )
    counted["evaluated_count"] = purchases[weeks]
    counted["hit_count"] = hits.ravel()
    with duckdb.connect() as connection:
        connection.register("counted", counted)
        connection.execute(
            """
            create table rule_coverage as
                select rule_id, covered_on::date as covered_on, evaluated_count from counted;
            create table rule_hits as
                select rule_id, covered_on as occurred_on
                from counted cross join generate_series(1, hit_count);
            create table build_window as
                select max(covered_on) + 6 as built_until from rule_coverage;
            """
        )
        found = connection.execute(
            f"select is_unusual from ({render('rule_firing.sql')}) order by rule_id, week"
        ).fetchall()
    return np.array([row[0] or False for row in found]).reshape(hits.shape)
