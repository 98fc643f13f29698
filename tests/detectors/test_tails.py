"""Frozen scores, and the tails of single features."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.artefacts import read_array
from detectors.line_up import empirical_tails
from detectors.reference import FrozenScores, ReferenceParameters, upper_threshold
from tests.detectors.card_company import (
    CATALOGUE,
    SCORED,
    fitted,
    no_segments,
    with_column,
)


class TestFrozenScores:
    @settings(deadline=None)
    @given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(-1, 21))
    def test_tail_is_the_rank_in_the_reference(self, reference, score):
        values = np.array(reference, dtype=float)
        frozen = FrozenScores.freeze(values, no_segments(len(values)), ReferenceParameters())
        rank = (values <= score).sum() / (len(reference) + 1)
        [tail] = frozen.tail(np.array([float(score)]), no_segments(1))
        assert tail == pytest.approx(-np.log10(1 - rank))
        assert 0 <= tail <= np.log10(len(reference) + 1) + 1e-12

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=60),
        st.floats(0, 1),
    )
    def test_threshold_holds_the_share_under_ties(self, rows, share):
        scores = np.array([score for score, _ in rows], dtype=float)
        weight = np.array([1.0 + weight for _, weight in rows])
        threshold = upper_threshold(scores, weight, share)
        assert weight[scores >= threshold].sum() <= share * weight.sum() + 1e-9
        below = scores[scores < threshold]
        if below.size:
            reached = weight[scores >= below.max()].sum()
            assert reached > share * weight.sum() - 1e-9

    def test_unsupervised_tails_come_from_the_reference_scores(self, artefacts, whole):
        payload = json.loads(artefacts["empirical_tails"]["artefact"][0].as_py())
        reference = read_array(payload["reference_scores"], "reference_scores", (None,))
        for row in list(whole["empirical_tails"].values())[:200]:
            rank = (reference <= row["score"]).sum() / (reference.size + 1)
            assert row["tail"] == pytest.approx(-np.log10(1 - rank))


class TestEmpiricalTails:
    @staticmethod
    def part(values: np.ndarray, value: float) -> float:
        shared = [
            v
            for v, n in zip(*np.unique(values, return_counts=True), strict=True)
            if n >= 0.05 * values.size and abs(value - v) <= 0.02 * abs(v)
        ]
        value = shared[0] if shared else value
        left = (1 + (values <= value).sum()) / (values.size + 1)
        right = (1 + (values >= value).sum()) / (values.size + 1)
        return max(-np.log(left), -np.log(right))

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.integers(-30, 30), min_size=1, max_size=300),
        st.lists(st.floats(-40, 40), min_size=1, max_size=20),
        st.sampled_from([0.001, 0.05, 0.5]),
    )
    @example([23], [23.25], 0.001)
    @example([0] * 9 + [30] * 9, [30.5, 30.7, -0.1], 0.05)
    def test_part_is_the_definition_up_to_the_step(self, reference, values, step):
        known = np.array(reference, dtype=float)
        table = empirical_tails.TailTable.fit(known, step)
        for value, part in zip(values, table.parts(np.array(values)), strict=True):
            exact = self.part(known, value)
            assert exact - step - 1e-9 <= part <= exact + 1e-9

    def test_few_knots_describe_many_values(self):
        values = np.random.default_rng(0).lognormal(size=100_000)
        table = empirical_tails.TailTable.fit(values, 0.05)
        assert len(table.content()["knots"]) < 500
        assert table.parts(values).mean() == pytest.approx(table.mean, rel=0.05)

    def test_value_that_most_rows_share_is_normal_on_both_sides(self):
        values = np.array([5.0] * 900 + [4.0] * 50 + [6.0] * 50)
        low, common, high = empirical_tails.TailTable.fit(values, 0.05).parts(
            np.array([4.0, 5.0, 6.0])
        )
        assert common < 0.06
        assert low == pytest.approx(high)
        assert low > 2.9

    def test_beyond_the_reference_is_rarer_than_its_edge_but_bounded(self):
        values = np.arange(1_000.0)
        table = empirical_tails.TailTable.fit(values, 0.05)
        edge, beyond, infinite = table.parts(np.array([999.0, 1_001.0, np.inf]))
        assert edge < beyond == infinite == pytest.approx(np.log(1_001))

    def test_missing_counts_as_the_median_and_a_feature_without_values_as_nothing(self):
        table = empirical_tails.TailTable.fit(np.array([1.0, np.nan, 2.0, 3.0, np.nan]), 0.05)
        missing, median = table.parts(np.array([np.nan, 2.0]))
        assert missing == median
        empty = empirical_tails.TailTable.fit(np.array([np.nan, np.nan]), 0.05)
        assert empty.parts(np.array([np.nan, 7.0])).tolist() == [0.0, 0.0]

    def test_contributions_add_up_to_the_score(self, artefacts):
        model = empirical_tails.load(artefacts["empirical_tails"]["artefact"][0].as_py())
        columns = [SCORED[name].to_numpy() for name in model.features]
        scored = model.score(columns, no_segments(len(SCORED)))
        base = sum(table.mean for table in model._tables)
        assert scored.explained.size > 10
        np.testing.assert_allclose(
            base + scored.contributions.sum(axis=1), scored.score[scored.explained], atol=1e-9
        )

    def test_scale_does_not_matter(self, artefacts):
        linear = with_column(CATALOGUE, "scale", ["linear"] * len(CATALOGUE))
        changed = fitted("empirical_tails", catalogue=linear)
        assert changed["artefact"] == artefacts["empirical_tails"]["artefact"]
