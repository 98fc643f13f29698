"""The stack: it finds the coefficients, keeps to its rules, and is used only where it is better."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import detectors
from detectors.stacking import Stack, Terms, fit_stack, log_loss

FIRST_DAY = date(2025, 1, 1)
DAYS = 150
DUE = date(2025, 7, 1)
TRUTH = Stack(-2.0, 1.2, 0.8, -2.4, 1.5)
NOISY_OR = pa.table(
    {
        "version": ["noisy_or-1"],
        "fitted_on": pa.array([FIRST_DAY], pa.date32()),
        "method": ["noisy_or"],
        "rule_coefficient": [1.0],
        "tree_coefficient": [0.95],
        "anomaly_coefficient": [0.15],
        "anomaly_tail_from": [1.0],
        "anomaly_tail_full": [3.0],
    }
)


def purchases(rows: int = 40_000, seed: int = 1, truth: Stack = TRUTH) -> pa.Table:
    """Purchases with all parts; misuse as `truth` has it."""
    random = np.random.default_rng(seed)
    rule = np.where(random.random(rows) < 0.3, random.exponential(0.8, rows), 0.0)
    tree = random.normal(-3, 1.5, rows)
    anomaly = np.clip(random.normal(0, 0.4, rows), 0, 1)
    table = pa.table(
        {
            "transaction_id": [f"{seed}-{number:06d}" for number in range(rows)],
            "transaction_date": pa.array(
                [FIRST_DAY + timedelta(days=number * DAYS // rows) for number in range(rows)]
            ),
            "misuse": pa.array([False] * rows),
            "weight": np.ones(rows),
            "rule_term": rule,
            "tree_version": ["tree-1"] * rows,
            "tree_term": tree,
            "anomaly_term": anomaly,
            "noisy_or_risk": np.full(rows, 0.5),
        }
    )
    misuse = random.random(rows) < truth.risk(Terms.read(table))
    return changed(table, misuse=pa.array(misuse))


def changed(rows: pa.Table, **columns: object) -> pa.Table:
    for name, values in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))
    return rows


def fitted(
    rows: pa.Table,
    issued: pa.Table | None = None,
    days: tuple[date, ...] = (DUE,),
    held_from: date | None = date(2025, 5, 1),
    noisy_or: pa.Table = NOISY_OR,
) -> list[dict]:
    due = pa.table(
        {
            "fitted_on": pa.array(days, pa.date32()),
            "holdout_from": pa.array([held_from] * len(days), pa.date32()),
        }
    )
    table = detectors.fit_risk_versions(
        due=due,
        issued=detectors.RISK_VERSION_SCHEMA.empty_table() if issued is None else issued,
        noisy_or=noisy_or,
        parameters={"minimum_misuse": 50, "minimum_innocent": 200},
        training=lambda day: rows,
    )
    assert table.schema == detectors.RISK_VERSION_SCHEMA
    return table.to_pylist()


def stack_of(versions: list[dict]) -> dict:
    (stack,) = (version for version in versions if version["method"] == "stack")
    return stack


def test_it_finds_the_coefficients_that_made_the_outcomes():
    found = fit_stack(Terms.read(purchases()))
    assert found is not None
    for name, value in vars(TRUTH).items():
        assert getattr(found, name) == pytest.approx(value, abs=0.25), name


def test_the_risk_is_the_logistic_of_the_terms_by_hand():
    rows = changed(
        purchases(4),
        rule_term=[np.log(2), 0.0, 0.0, 0.0],
        tree_term=pa.array([None, -3.0, None, None], pa.float64()),
        anomaly_term=pa.array([None, 0.0, 1.0, None], pa.float64()),
    )
    by_hand = Stack(0.0, 2.0, 1.0, 0.0, 2.0).risk(Terms.read(rows))
    expected = [4 / 5, 1 / (1 + np.e**3), np.e**2 / (1 + np.e**2), 1 / 2]
    assert by_hand == pytest.approx(expected, abs=1e-12)


def test_weights_count_like_repeated_rows():
    rows = purchases(3_000)
    times = np.where(np.arange(3_000) % 3 == 0, 3, 1)
    repeated = rows.take(np.repeat(np.arange(3_000), times))
    once = fit_stack(Terms.read(changed(rows, weight=times.astype(float))))
    assert once == fit_stack(Terms.read(repeated))


@settings(max_examples=15, deadline=None)
@given(
    rule=st.floats(-2, 2), tree=st.floats(-2, 2), anomaly=st.floats(-2, 2), seed=st.integers(0, 99)
)
def test_no_evidence_of_misuse_counts_against_it(
    rule: float, tree: float, anomaly: float, seed: int
):
    rows = purchases(4_000, seed, Stack(-2.0, rule, tree, tree * -3.0, anomaly))
    found = fit_stack(Terms.read(rows))
    if found is None:
        assert pa.compute.sum(rows["misuse"]).as_py() < 20
        return
    assert found.rule_coefficient >= 0
    assert found.tree_coefficient is None or found.tree_coefficient >= 0
    assert found.anomaly_coefficient is None or found.anomaly_coefficient >= 0


def test_a_part_that_counts_against_misuse_is_left_out_and_the_rest_fitted_anew():
    rows = purchases(truth=Stack(-3.0, 1.2, -0.8, 2.4, 1.5))
    found = fit_stack(Terms.read(rows))
    without = fit_stack(Terms.read(changed(rows, tree_term=np.zeros(rows.num_rows))))
    assert found is not None
    assert without is not None
    assert (found.tree_coefficient, found.no_tree_coefficient) == (0.0, 0.0)
    assert found.rule_coefficient == without.rule_coefficient > 0
    assert found.anomaly_coefficient == without.anomaly_coefficient > 0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1_000))
def test_the_order_of_rows_changes_no_digit(seed: int):
    rows = purchases(5_000)
    shuffled = rows.take(np.random.default_rng(seed).permutation(rows.num_rows))
    assert fitted(rows) == fitted(shuffled)


def test_a_part_that_hardly_any_misuse_had_is_left_to_the_noisy_or():
    rows = purchases()
    nothing = pa.nulls(rows.num_rows, pa.float64())
    found = fit_stack(Terms.read(changed(rows, tree_term=nothing, anomaly_term=nothing)))
    assert found is not None
    assert (found.tree_coefficient, found.anomaly_coefficient) == (None, None)
    assert found.no_tree_coefficient == 0
    some = np.where(np.arange(rows.num_rows) % 2 == 0, np.nan, rows["tree_term"].to_numpy())
    terms = Terms.read(
        changed(rows, anomaly_term=nothing, tree_term=pa.array(some, mask=np.isnan(some)))
    )
    assert ((found.risk(terms) == 0.5) == ~np.isnan(terms.tree)).all()


def test_a_purchase_without_a_tree_is_an_average_one():
    rows = purchases()
    found = fit_stack(Terms.read(rows))
    assert found is not None
    assert found.tree_coefficient is not None
    average = pa.compute.mean(rows["tree_term"]).as_py()
    assert found.no_tree_coefficient == pytest.approx(found.tree_coefficient * average, abs=1e-5)


def test_a_better_stack_is_used_and_its_numbers_are_rounded_before():
    rows = purchases()
    stack = stack_of(fitted(rows))
    assert stack["is_in_use"]
    assert stack["log_loss"] < stack["log_loss_before"]
    assert stack["compared_with"] == "noisy_or-1"
    assert "noisy_or-1" in stack["verdict_reason"]
    assert stack["version"].startswith("stack-2025-07-01-")
    for name in vars(TRUTH):
        assert stack[name] == round(stack[name], 6)
    # as good on what it has not seen as what made the outcomes
    terms = Terms.read(rows)
    held = terms.where(terms.days >= 20209)  # 1 May 2025
    assert stack["holdout_from"] == date(2025, 5, 1)
    assert stack["holdout_until"] == FIRST_DAY + timedelta(days=DAYS)
    best = log_loss(TRUTH.risk(held), held.misuse, held.weight)
    assert stack["log_loss"] == pytest.approx(best, rel=0.01)
    assert stack["calibration_error"] < 0.01


def test_a_stack_that_is_worse_on_later_weeks_is_recorded_and_not_used():
    rows = purchases()
    days = np.array(rows["transaction_date"].to_pylist())
    late = days >= date(2025, 5, 1)
    # in the weeks held back misuse is what the evidence spoke against
    turned = np.where(late, ~np.array(rows["misuse"].to_pylist()), rows["misuse"].to_pylist())
    stack = stack_of(fitted(changed(rows, misuse=turned)))
    assert not stack["is_in_use"]
    assert stack["log_loss"] > stack["log_loss_before"]
    assert stack["intercept"] is not None
    assert "on later weeks" in stack["verdict_reason"]


@pytest.mark.parametrize(("misuse", "innocent"), [(49, 400), (60, 199)])
def test_with_too_few_decisions_the_noisy_or_stays(misuse: int, innocent: int):
    outcome = [True] * misuse + [False] * innocent + [None] * 3_000
    rows = purchases(len(outcome))
    versions = fitted(changed(rows, misuse=outcome))
    stack = stack_of(versions)
    assert not stack["is_in_use"]
    assert stack["intercept"] is None
    assert stack["verdict_reason"] == (
        f"{misuse} purchases decided as misuse and {innocent} as innocent are known; "
        "50 and 200 are needed"
    )
    assert stack["version"] == "stack-2025-07-01-skipped"
    assert [version["version"] for version in versions if version["is_in_use"]] == ["noisy_or-1"]


def test_a_new_tree_is_judged_on_the_later_half_of_what_it_has_not_seen():
    stack = stack_of(fitted(purchases(), held_from=FIRST_DAY))
    assert stack["holdout_from"] == FIRST_DAY + timedelta(days=DAYS // 2)
    assert stack_of(fitted(purchases(), held_from=None)) == stack


def test_without_misuse_before_or_in_the_weeks_held_back_it_is_not_used():
    rows = purchases()
    misuse = np.array(rows["misuse"].to_pylist())
    late = np.array(rows["transaction_date"].to_pylist()) >= date(2025, 5, 1)
    for kept, which in ((~late, "in"), (late, "before")):
        stack = stack_of(fitted(changed(rows, misuse=misuse & kept)))
        assert (stack["is_in_use"], stack["log_loss"]) == (False, None)
        reason = f"fewer than 10 cases of misuse are known {which} the weeks held back"
        assert stack["verdict_reason"] == reason


def test_what_was_issued_is_read_and_the_next_is_compared_with_it():
    rows = purchases()
    first = fitted(rows)
    issued = pa.Table.from_pylist(first, schema=detectors.RISK_VERSION_SCHEMA)
    again = fitted(rows, issued, (date(2025, 8, 1),))
    assert again[:2] == first
    assert again[2]["fitted_on"] == date(2025, 8, 1)
    assert again[2]["compared_with"] == stack_of(first)["version"]
    # the one in use has learned from all rows, the weeks held back among them
    assert not again[2]["is_in_use"]


def test_a_stack_says_nothing_of_another_tree():
    rows = purchases()
    first = stack_of(fitted(rows))
    issued = pa.Table.from_pylist([first], schema=detectors.RISK_VERSION_SCHEMA)
    other = changed(rows, tree_version=["tree-2"] * rows.num_rows)
    later = fitted(other, issued, (date(2025, 8, 1),))[-1]
    assert later["tree_version"] == "tree-2"
    held = np.array(rows["misuse"].to_pylist())[
        np.array(rows["transaction_date"].to_pylist()) >= date(2025, 5, 1)
    ]
    noisy = log_loss(np.full(held.size, 0.5), held, np.ones(held.size))
    assert later["log_loss_before"] == pytest.approx(noisy)
    mixed = ["tree-1", *["tree-2"] * (rows.num_rows - 1)]
    with pytest.raises(detectors.DetectorError, match="more than one tree"):
        Terms.read(changed(rows, tree_version=mixed))


def test_new_weights_are_a_new_noisy_or_beside_the_old_one():
    issued = pa.Table.from_pylist(fitted(purchases(2_000)), schema=detectors.RISK_VERSION_SCHEMA)
    other = changed(NOISY_OR, version=["noisy_or-2"])
    versions = fitted(purchases(2_000), issued, noisy_or=other)
    names = [version["version"] for version in versions if version["method"] == "noisy_or"]
    assert names == ["noisy_or-1", "noisy_or-2"]


def test_a_row_without_weight_or_risk_of_its_rules_is_refused():
    rows = purchases(100)
    with pytest.raises(detectors.DetectorError, match="no weight above zero"):
        Terms.read(changed(rows, weight=np.zeros(100)))
    with pytest.raises(detectors.DetectorError, match="no rule_term"):
        Terms.read(changed(rows, rule_term=pa.nulls(100, pa.float64())))
