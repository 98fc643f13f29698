"""What the tree is good for."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.line_up import gradient_boosted_tree
from tests.detectors.card_company import (
    CATALOGUE,
    LATER,
    SCALES,
    SCORED,
    TRAINING,
    as_batch,
    fitted,
    no_segments,
    scores,
    with_column,
)


class TestGradientBoostedTree:
    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.lists(
                st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)),
                min_size=len(SCALES),
                max_size=len(SCALES),
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_contributions_add_up_to_the_score(self, artefacts, rows):
        payload = artefacts["gradient_boosted_tree"]["artefact"][0].as_py()
        model = gradient_boosted_tree.load(payload)
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        parts = gradient_boosted_tree.shapley_values(model._booster, columns)
        scored = model.score(columns, no_segments(len(rows)))
        np.testing.assert_allclose(parts.sum(axis=1), scored.score, atol=1e-6)
        np.testing.assert_array_equal(parts[scored.explained, :-1], scored.contributions)
        assert np.ptp(parts[:, -1]) == 0, "one base value for all rows"

    def test_probability_is_the_logistic_of_the_score(self, whole):
        for row in whole["gradient_boosted_tree"].values():
            assert row["probability"] == pytest.approx(1 / (1 + np.exp(-row["score"])))

    def test_probabilities_keep_their_meaning_under_weights(self):
        undecided = TRAINING["misuse"].is_null()
        decided = TRAINING.filter(pc.invert(undecided))
        weight = np.where(decided["misuse"].to_numpy(), 1.0, 3.0)
        table = fitted("gradient_boosted_tree", training=with_column(decided, "weight", weight))
        rows = with_column(decided, "transaction_date", [LATER] * len(decided))
        probability = np.array(
            [row["probability"] for row in scores("gradient_boosted_tree", table, as_batch(rows))]
        )
        rate = np.average(decided["misuse"].to_numpy(), weights=weight)
        assert np.average(probability, weights=weight) == pytest.approx(rate, rel=0.1)

    def test_undecided_rows_enter_as_negatives_with_their_weight(self, artefacts):
        innocent = with_column(TRAINING, "misuse", TRAINING["misuse"].fill_null(False))
        table = fitted("gradient_boosted_tree", training=innocent)
        assert table["artefact"] == artefacts["gradient_boosted_tree"]["artefact"]
        weight = np.where(TRAINING["misuse"].is_null().to_numpy(), 0.1, 1.0)
        lighter = fitted("gradient_boosted_tree", training=with_column(TRAINING, "weight", weight))
        assert lighter["artefact"] != artefacts["gradient_boosted_tree"]["artefact"]

    def test_missing_values_can_be_the_signal(self):
        missing = TRAINING["truth"].to_numpy()
        ratio = pa.array(np.where(missing, 0.0, TRAINING["ratio"].to_numpy()), mask=missing)
        table = fitted("gradient_boosted_tree", training=with_column(TRAINING, "ratio", ratio))
        unknown = with_column(SCORED, "ratio", pa.nulls(len(SCORED), pa.float64()))
        known = [row["score"] for row in scores("gradient_boosted_tree", table, as_batch(SCORED))]
        alarm = [row["score"] for row in scores("gradient_boosted_tree", table, as_batch(unknown))]
        assert np.median(alarm) > np.median(known) + 2

    def test_features_without_any_value_can_be_fitted(self):
        nothing = CATALOGUE.filter(pc.equal(CATALOGUE["feature"], "never_known"))
        table = fitted("gradient_boosted_tree", catalogue=nothing)
        assert table["status"].to_pylist() == ["fitted"]
        rows = scores("gradient_boosted_tree", table, as_batch(SCORED.slice(0, 3)))
        assert len({row["score"] for row in rows}) == 1
