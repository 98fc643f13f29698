"""Normal scores, exact sums, and scoring in parallel."""

import itertools
import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

import detectors
from detectors import scoring
from detectors.normal_scores import GRID, ExactProduct, NormalTable, sum_of_rows
from tests.detectors.correlated import (
    ON_NORMAL_SCORES,
    ROWS,
    TRAINING,
    fitted,
    later,
    purchases,
    scored,
)


class TestNormalScores:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(-5, 5), min_size=1, max_size=100))
    def test_score_is_the_normal_quantile_of_the_mid_rank(self, reference):
        values = np.array(reference, dtype=float)
        table = NormalTable.fit(values)
        distinct = np.unique(values)
        ranks = [((values < x).sum() + (values <= x).sum()) / 2 for x in distinct]
        expected = ndtri(np.array(ranks) / values.size)
        np.testing.assert_allclose(table.look_up(distinct), expected, atol=GRID)

    def test_many_values_are_described_by_few_knots(self):
        values = np.random.default_rng(0).lognormal(size=50_000)
        table = NormalTable.fit(values)
        assert table.knots.size <= 130
        found = table.look_up(values)
        np.testing.assert_allclose([found.mean(), found.std()], [0, 1], atol=0.01)
        order = np.argsort(values)
        assert (np.diff(found[order]) >= 0).all()
        np.testing.assert_allclose(
            found[order], ndtri((np.arange(values.size) + 0.5) / values.size), atol=0.06
        )

    def test_missing_constant_and_infinite_values(self):
        table = NormalTable.fit(np.array([1.0, np.nan, 2.0, 3.0]))
        low, missing, middle, high = table.look_up(np.array([-np.inf, np.nan, 2.0, np.inf]))
        assert low < missing == middle == 0 < high == -low
        for reference in ([5.0, 5.0], [np.nan, np.nan], []):
            table = NormalTable.fit(np.array(reference))
            assert table.look_up(np.array([np.nan, 5.0, 9.0, -np.inf])).tolist() == [0.0] * 4

    def test_common_extremes_stay_near(self):
        table = NormalTable.fit(np.array([0.0] * 90 + [1.0] * 10))
        no, yes = table.look_up(np.array([0.0, 1.0]))
        assert no == pytest.approx(ndtri(0.45), abs=GRID)
        assert yes == pytest.approx(ndtri(0.95), abs=GRID)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 130), st.floats(1e-9, 1e9))
    def test_products_are_exact_and_so_independent_of_order(self, seed, features, size):
        random = np.random.default_rng(seed)
        matrix = random.normal(size=(5, features)) * size
        normals = np.rint(random.uniform(-7.9, 7.9, size=(features, 37)) / GRID) * GRID
        product = ExactProduct(matrix)
        order = random.permutation(features)
        rounded = product._matrix
        np.testing.assert_allclose(rounded, matrix, atol=np.abs(matrix).max() * 1e-6)
        forwards, backwards = np.zeros((5, 37)), np.zeros((5, 37))
        for position in range(features):
            forwards += np.outer(rounded[:, position], normals[position])
            shuffled = order[position]
            backwards += np.outer(rounded[:, shuffled], normals[shuffled])
        assert (product(normals) == forwards).all()
        assert (forwards == backwards).all()
        assert (product(normals[:, :1]) == forwards[:, :1]).all()


class TestIndependenceOfBatches:
    @settings(max_examples=25, deadline=None)
    @given(data=st.data())
    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS[1:])
    def test_any_split_gives_the_same_bits(self, algorithm, data, fits, found):
        seed = data.draw(st.integers(0, 2**32 - 1))
        kept = data.draw(st.integers(1, len(ROWS)))
        cuts = data.draw(st.lists(st.integers(0, kept), max_size=6))
        rows = ROWS.take(np.random.default_rng(seed).permutation(len(ROWS))[:kept])
        edges = [0, *sorted(cuts), kept]
        batch = later(rows)
        batches = [batch.slice(start, stop - start) for start, stop in itertools.pairwise(edges)]
        for row in scored(algorithm, fits[algorithm], *batches):
            assert row == found[algorithm][row["transaction_id"]]

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_a_row_alone_is_a_row_among_many_thousands(self, algorithm, fits, found):
        many = pa.concat_tables([purchases(9_000, seed=3), ROWS, purchases(3_001, seed=4)])
        rows = {
            row["transaction_id"]: row for row in scored(algorithm, fits[algorithm], later(many))
        }
        for number in range(0, len(ROWS), 9):
            [alone] = scored(algorithm, fits[algorithm], later(ROWS.slice(number, 1)))
            assert (
                alone == rows[alone["transaction_id"]] == found[algorithm][alone["transaction_id"]]
            )

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_fit_does_not_depend_on_the_order_of_rows(self, algorithm, fits):
        shuffled = TRAINING.take(np.random.default_rng(5).permutation(len(TRAINING)))
        assert fitted(algorithm, shuffled).equals(fits[algorithm])

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_fit_does_not_depend_on_the_number_of_threads(self, algorithm, fits):
        for threads in (1, 3):
            with threadpool_limits(threads):
                assert fitted(algorithm, TRAINING).equals(fits[algorithm])


class TestParallelScoring:
    def test_batches_are_scored_at_the_same_time_and_come_in_order(self, monkeypatch):
        monkeypatch.setattr(scoring, "WORKERS", 2)
        together = threading.Barrier(2, timeout=20)

        def score_batch(_timeline, batch):
            together.wait()
            return batch

        monkeypatch.setattr(scoring, "score_batch", score_batch)
        assert list(scoring.score_batches(None, iter(range(10)))) == list(range(10))

    def test_failure_of_the_source_is_passed_on(self, fits):
        def source():
            yield later(ROWS)
            raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            list(
                detectors.score(
                    "empirical_tails",
                    artefacts=fits["empirical_tails"],
                    batches=source(),
                )
            )


def test_sums_do_not_depend_on_the_number_of_columns():
    parts = np.random.default_rng(0).normal(size=(40, 50))
    assert (sum_of_rows(parts[:, :1]) == sum_of_rows(parts)[:1]).all()
