"""Detectors on normal scores, ranks by segment, and what each of them is good for."""

import base64
import hashlib
import itertools
import json
import os
import pickle
import threading
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

import detectors
from detectors import (
    gaussian_mixture,
    nearest_neighbours,
    principal_components,
    scoring,
)
from detectors.arrays import DetectorError
from detectors.artefacts import read_array, write_array
from detectors.empirical_tails import TailTable
from detectors.features import Segments
from detectors.normal_scores import GRID, ExactProduct, NormalScores, NormalTable, sum_of_rows
from detectors.reference import FrozenScores, ReferenceParameters

UNTIL = date(2025, 8, 1)
FEATURES = [f"f{number:02d}" for number in range(12)]
CATALOGUE = pa.table(
    {
        "feature": FEATURES,
        "scale": ["linear"] * len(FEATURES),
        "in_anomaly": [True] * len(FEATURES),
        "in_peer": [number < 4 for number in range(len(FEATURES))],
        "in_collective": [number >= 8 for number in range(len(FEATURES))],
    }
)
ON_NORMAL_SCORES = {
    "principal_components": {},
    "nearest_neighbours": {"sample_rows": 700},
    "gaussian_mixture": {"maximum_components": 2},
}


def purchases(rows: int, seed: int, broken: int = 0) -> pa.Table:
    """Rows that move together along three directions; the first `broken` ones do not."""
    random = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(3, len(FEATURES)))
    values = random.normal(size=(rows, 3)) @ directions + 0.4 * random.normal(size=(rows, 12))
    for feature in range(6):
        values[:broken, feature] = random.permutation(values[:, feature])[:broken]
    values[:, 3] = values[:, 3] > 1
    values[:, 4] = np.round(np.exp(values[:, 4] / 2))
    values[:, 5] = np.exp(values[:, 5])
    values[:, 11] = 7.0
    columns = {name: values[:, position] for position, name in enumerate(FEATURES)}
    return pa.table(
        {
            "transaction_id": [f"{seed}-{number}" for number in range(rows)],
            "transaction_date": pa.array([date(2025, 7, 1)] * rows),
            **columns,
            "f06": pa.array(columns["f06"], mask=random.random(rows) < 0.2),
            "misuse": pa.nulls(rows, pa.bool_()),
            "weight": np.ones(rows),
        }
    )


def fitted(algorithm: str, training: pa.Table, **given) -> pa.Table:
    return detectors.fit(
        algorithm,
        features=CATALOGUE,
        parameters={**ON_NORMAL_SCORES.get(algorithm, {}), **given},
        trained_until=UNTIL,
        training=training,
    )


def scored(algorithm: str, artefacts: pa.Table, *batches: pa.RecordBatch) -> list[dict]:
    results = detectors.score(algorithm, artefacts=artefacts, batches=batches)
    return [row for batch in results for row in batch.to_pylist()]


def later(rows: pa.Table) -> pa.RecordBatch:
    position = rows.column_names.index("transaction_date")
    dated = rows.set_column(position, "transaction_date", pa.array([UNTIL] * len(rows)))
    return dated.combine_chunks().to_batches()[0]


def numbers(rows: pa.Table) -> list[np.ndarray]:
    return [rows[name].to_numpy() for name in FEATURES]


def no_segments(rows: int) -> Segments:
    return Segments((), np.full(rows, -1))


TRAINING = purchases(5_000, seed=1)
ROWS = purchases(900, seed=2, broken=60)


@pytest.fixture(scope="module")
def artefacts() -> dict[str, pa.Table]:
    return {name: fitted(name, TRAINING) for name in detectors.ALGORITHMS[1:]}


@pytest.fixture(scope="module")
def whole(artefacts) -> dict[str, dict[str, dict]]:
    return {
        name: {row["transaction_id"]: row for row in scored(name, table, later(ROWS))}
        for name, table in artefacts.items()
    }


def model_of(artefacts, algorithm: str):
    module = {
        "principal_components": principal_components,
        "nearest_neighbours": nearest_neighbours,
        "gaussian_mixture": gaussian_mixture,
    }[algorithm]
    return module.load(artefacts[algorithm]["artefact"][0].as_py())


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
    def test_any_split_gives_the_same_bits(self, algorithm, data, artefacts, whole):
        seed = data.draw(st.integers(0, 2**32 - 1))
        kept = data.draw(st.integers(1, len(ROWS)))
        cuts = data.draw(st.lists(st.integers(0, kept), max_size=6))
        rows = ROWS.take(np.random.default_rng(seed).permutation(len(ROWS))[:kept])
        edges = [0, *sorted(cuts), kept]
        batch = later(rows)
        batches = [batch.slice(start, stop - start) for start, stop in itertools.pairwise(edges)]
        for row in scored(algorithm, artefacts[algorithm], *batches):
            assert row == whole[algorithm][row["transaction_id"]]

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_a_row_alone_is_a_row_among_many_thousands(self, algorithm, artefacts, whole):
        many = pa.concat_tables([purchases(9_000, seed=3), ROWS, purchases(3_001, seed=4)])
        rows = {
            row["transaction_id"]: row
            for row in scored(algorithm, artefacts[algorithm], later(many))
        }
        for number in range(0, len(ROWS), 9):
            [alone] = scored(algorithm, artefacts[algorithm], later(ROWS.slice(number, 1)))
            assert (
                alone == rows[alone["transaction_id"]] == whole[algorithm][alone["transaction_id"]]
            )

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_fit_does_not_depend_on_the_order_of_rows(self, algorithm, artefacts):
        shuffled = TRAINING.take(np.random.default_rng(5).permutation(len(TRAINING)))
        assert fitted(algorithm, shuffled).equals(artefacts[algorithm])

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    def test_fit_does_not_depend_on_the_number_of_threads(self, algorithm, artefacts):
        for threads in (1, 3):
            with threadpool_limits(threads):
                assert fitted(algorithm, TRAINING).equals(artefacts[algorithm])


class TestParallelScoring:
    def test_batches_are_scored_at_the_same_time_and_come_in_order(self, monkeypatch):
        monkeypatch.setattr(scoring, "WORKERS", 2)
        together = threading.Barrier(2, timeout=20)

        def score_batch(_timeline, batch):
            together.wait()
            return batch

        monkeypatch.setattr(scoring, "score_batch", score_batch)
        assert list(scoring.score_batches(None, iter(range(10)))) == list(range(10))

    def test_failure_of_the_source_is_passed_on(self, artefacts):
        def source():
            yield later(ROWS)
            raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            list(
                detectors.score(
                    "empirical_tails", artefacts=artefacts["empirical_tails"], batches=source()
                )
            )


class TestPrincipalComponents:
    def test_broken_correlations_rank_high(self, whole):
        truth = np.arange(len(ROWS)) < 60

        def quality(name):
            return roc_auc_score(truth, [row["score"] for row in whole[name].values()])

        assert quality("principal_components") > 0.85 > 0.75 > quality("isolation_forest")

    def test_score_is_what_the_components_leave_over(self, artefacts):
        model = model_of(artefacts, "principal_components")
        content = json.loads(artefacts["principal_components"]["artefact"][0].as_py())
        projection = read_array(content["projection"], "projection", (12, 12))
        np.testing.assert_allclose(projection @ projection, projection, atol=1e-9)
        matrix = model._residuals._normals.matrix(numbers(ROWS))
        offset = read_array(content["offset"], "offset", (12,))
        expected = np.square(projection @ matrix - offset[:, np.newaxis]).sum(axis=0)
        found = model.score(numbers(ROWS), no_segments(len(ROWS)))
        np.testing.assert_allclose(found.score, expected, atol=1e-5)

    def test_contributions_add_up_to_the_score_less_the_mean(self, artefacts):
        model = model_of(artefacts, "principal_components")
        found = model.score(numbers(ROWS), no_segments(len(ROWS)))
        assert found.explained.size > 10
        np.testing.assert_allclose(
            found.contributions.sum(axis=1) + model._mean_parts.sum(),
            found.score[found.explained],
            atol=1e-9,
        )
        usual = model.score(numbers(TRAINING), no_segments(len(TRAINING))).score.mean()
        assert model._mean_parts.sum() == pytest.approx(usual, rel=1e-6)

    def test_constant_features_alone_can_be_fitted(self):
        flat = TRAINING
        for name in FEATURES:
            flat = flat.set_column(flat.column_names.index(name), name, pa.array([1.0] * len(flat)))
        for algorithm in ON_NORMAL_SCORES:
            table = fitted(algorithm, flat)
            assert table["status"].to_pylist() == ["fitted"]
            found = scored(algorithm, table, later(ROWS))
            assert len({row["score"] for row in found}) == 1


class TestNearestNeighbours:
    def test_score_is_the_mean_distance_to_the_nearest(self, artefacts):
        model = model_of(artefacts, "nearest_neighbours")
        hood = model._neighbourhood
        rows = hood._normals.matrix(numbers(ROWS)).T
        distances = np.sort(
            np.sqrt(np.square(rows[:, np.newaxis] - hood._sample[np.newaxis]).sum(axis=2)), axis=1
        )
        found = model.score(numbers(ROWS), no_segments(len(ROWS)))
        np.testing.assert_allclose(found.score, distances[:, :5].mean(axis=1), rtol=1e-12)

    def test_nearest_rows_are_named(self, artefacts, whole):
        hood = model_of(artefacts, "nearest_neighbours")._neighbourhood
        explained = [row for row in whole["nearest_neighbours"].values() if row["reasons"]]
        assert len(explained) > 10
        positions = {row: number for number, row in enumerate(ROWS["transaction_id"].to_pylist())}
        matrix = hood._normals.matrix(numbers(ROWS)).T
        for row in explained:
            distance = np.square(hood._sample - matrix[positions[row["transaction_id"]]]).sum(
                axis=1
            )
            order = np.argsort(distance, kind="stable")[:3]
            assert row["nearest"] == [hood._identifiers[number] for number in order]

    def test_others_name_none(self, whole):
        for name, rows in whole.items():
            for row in rows.values():
                named = name == "nearest_neighbours" and row["reasons"] is not None
                assert (row["nearest"] is not None) == named

    def test_reference_row_is_not_its_own_neighbour(self):
        table = fitted("nearest_neighbours", TRAINING, neighbours=1, sample_rows=5_000)
        content = json.loads(table["artefact"][0].as_py())
        reference = read_array(content["reference_scores"], "reference_scores", (None,))
        assert reference.min() > 0
        found = scored("nearest_neighbours", table, later(TRAINING))
        assert {row["score"] for row in found} == {0.0}

    def test_ties_go_to_the_first_of_the_sample(self):
        twins = pa.concat_tables(
            [
                TRAINING.slice(0, 600).set_column(
                    0, "transaction_id", pa.array([f"{letter}{n:03d}" for n in range(600)])
                )
                for letter in "abcd"
            ]
        )
        table = fitted("nearest_neighbours", twins, sample_rows=2_400, explained_share=0.5)
        for row in scored("nearest_neighbours", table, later(ROWS)):
            if row["nearest"]:
                assert [name[0] for name in row["nearest"]] == ["a", "b", "c"]
                assert len({name[1:] for name in row["nearest"]}) == 1

    def test_reasons_add_up_and_name_what_stands_out(self, artefacts):
        model = model_of(artefacts, "nearest_neighbours")
        columns = [column.copy() for column in numbers(TRAINING.slice(0, 200))]
        columns[7][:] = 1e6
        found = model.score(columns, no_segments(200))
        assert found.explained.size > 20
        assert (found.contributions >= 0).all()
        np.testing.assert_allclose(found.contributions.sum(axis=1), found.score[found.explained])
        assert (found.contributions.argmax(axis=1) == 7).mean() > 0.5


class TestGaussianMixture:
    def test_score_is_the_density_of_scikit_learn(self, artefacts):
        density = model_of(artefacts, "gaussian_mixture")._density
        matrix = density._normals.matrix(numbers(ROWS)).T
        total = np.zeros(len(ROWS))
        weights = 0.0
        for factor, offset, constant in zip(
            density._factors, density._offsets, density._constants, strict=True
        ):
            covariance = np.linalg.inv(factor._matrix.T @ factor._matrix)
            mean = np.linalg.solve(factor._matrix, offset[:, 0])
            _, volume = np.linalg.slogdet(factor._matrix)
            weight = np.exp(constant - volume + 6 * np.log(2 * np.pi))
            weights += weight
            total += weight * multivariate_normal(mean, covariance).pdf(matrix)
        assert weights == pytest.approx(1)
        found = density.scores(numbers(ROWS))
        np.testing.assert_allclose(found, -np.log(total), rtol=1e-5)

    def test_surprise_is_the_conditional_distance(self):
        random = np.random.default_rng(0)
        factor = np.tril(random.normal(size=(3, 3))) + 3 * np.eye(3)
        covariance = np.linalg.inv(factor.T @ factor)
        mean = np.array([0.3, -0.2, 0.1])
        normals = NormalScores.fit([random.normal(size=500) for _ in range(3)])
        density = gaussian_mixture.Density(
            normals, factor[np.newaxis], (factor @ mean)[np.newaxis], np.zeros(1)
        )
        columns = [np.array([1.0, -2.0]), np.array([0.5, 0.1]), np.array([-1.0, 2.0])]
        rows = normals.matrix(columns).T
        for feature in range(3):
            rest = [other for other in range(3) if other != feature]
            gain = covariance[feature, rest] @ np.linalg.inv(covariance[np.ix_(rest, rest)])
            spread = covariance[feature, feature] - gain @ covariance[rest, feature]
            expected = mean[feature] + (rows[:, rest] - mean[rest]) @ gain
            np.testing.assert_allclose(
                density.surprises(columns)[feature],
                np.square(rows[:, feature] - expected) / spread,
                rtol=1e-6,
            )

    def test_number_of_components_follows_the_data(self):
        random = np.random.default_rng(0)
        one, names = TRAINING, FEATURES[:11]
        two = TRAINING
        for name in names:
            plain = random.normal(size=len(TRAINING))
            position = one.column_names.index(name)
            one = one.set_column(position, name, pa.array(plain))
            apart = plain + 8 * (np.arange(len(TRAINING)) % 2)
            two = two.set_column(position, name, pa.array(apart))
        for rows, expected in ((one, 1), (two, 2)):
            table = fitted("gaussian_mixture", rows, maximum_components=4)
            model = gaussian_mixture.load(table["artefact"][0].as_py())
            assert model._density._constants.size == expected


class TestSegments:
    def test_tail_is_the_rank_in_the_segment(self):
        random = np.random.default_rng(0)
        codes = np.array([0] * 1_500 + [1] * 1_000 + [2] * 30 + [-1] * 70)
        values = random.normal(size=2_600) + 5 * (codes == 1)
        segments = Segments(("large", "other", "small"), codes)
        frozen = FrozenScores.freeze(values, segments, ReferenceParameters())
        asked = Segments(("new", "other", "large", "small"), np.array([0, 1, 2, 3, -1]))
        found = frozen.tail(np.full(5, 1.0), asked)
        for tail, among in zip(
            found,
            (values, values[codes == 1], values[codes == 0], values, values),
            strict=True,
        ):
            rank = (among <= 1.0).sum() / (among.size + 1)
            assert tail == pytest.approx(-np.log10(1 - rank))

    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS[1:])
    def test_each_segment_is_explained_by_its_own_measure(self, algorithm):
        names = np.where(np.arange(len(TRAINING)) % 4 == 0, "wild", "calm")
        training = TRAINING.append_column("segment", pa.array(names))
        for name in ("f00", "f09"):
            wider = training[name].to_numpy() * np.where(names == "wild", 6, 1)
            training = training.set_column(training.column_names.index(name), name, pa.array(wider))
        table = fitted(algorithm, training, explained_share=0.1)
        rows = scored(algorithm, table, later(training))
        assert (
            table["data_fingerprint"]
            != fitted(algorithm, training.drop_columns(["segment"]), explained_share=0.1)[
                "data_fingerprint"
            ]
        )
        for segment in ("wild", "calm"):
            explained = [
                row["reasons"] is not None
                for row, name in zip(rows, names, strict=True)
                if name == segment
            ]
            assert 0.05 < np.mean(explained) < 0.15

        pooled = scored(algorithm, table, later(training.drop_columns(["segment"])))
        assert [row["score"] for row in pooled] == [row["score"] for row in rows]
        assert [row["tail"] for row in pooled] != [row["tail"] for row in rows]

    def test_small_segments_share_the_pooled_reference(self):
        names = np.where(np.arange(len(TRAINING)) % 10 == 0, "few", "many")
        training = TRAINING.append_column("segment", pa.array(names))
        for least, kept in ((1_000, {"many"}), (400, {"few", "many"}), (5_000, set())):
            table = fitted("empirical_tails", training, minimum_segment_rows=least)
            content = json.loads(table["artefact"][0].as_py())
            assert set(content["segment_scores"]) == kept


class TestUpperTails:
    def test_only_high_values_count(self):
        values = np.arange(1_000.0)
        both = TailTable.fit(values, 0.01)
        upper = TailTable.fit(values, 0.01, upper_only=True)
        low, middle, high = upper.parts(np.array([-5.0, 500.0, 2_000.0]))
        assert low == 0.0
        assert middle == pytest.approx(np.log(2), abs=0.02)
        assert high == both.parts(np.array([2_000.0]))[0]

    @pytest.mark.parametrize(
        ("algorithm", "features"),
        [("peer_deviation", FEATURES[:4]), ("collective_shift", FEATURES[8:])],
    )
    def test_have_features_of_their_own(self, algorithm, features, artefacts):
        [row] = artefacts[algorithm].to_pylist()
        assert json.loads(row["features"]) == features
        assert json.loads(row["parameters"])["upper_only"] == 1
        assert row["version"].startswith(f"{algorithm}-2025-08-01-")


def sealed(table: pa.Table, content: bytes) -> pa.Table:
    [row] = table.to_pylist()
    sha256 = hashlib.sha256(content).hexdigest()
    version = f"{row['detector']}-{UNTIL}-{sha256[:8]}"
    row = {**row, "artefact": content, "artefact_sha256": sha256, "version": version}
    return pa.Table.from_pylist([row], schema=detectors.ARTEFACT_SCHEMA)


class Touch:
    """Pickles as a call that creates a directory."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


class TestArrays:
    def test_come_back_as_they_were(self):
        values = np.random.default_rng(0).normal(size=(3, 4))
        assert (read_array(write_array(values), "x", (3, 4)) == values).all()
        assert (read_array(write_array(values, "<f4"), "x", (None, 4)) == np.float32(values)).all()

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"type": "<i8"}, "not an array"),
            ({"type": "|O"}, "not an array"),
            ({"type": ["<f8"]}, "not an array"),
            ({"data": None}, "not an array"),
            ({"data": "***"}, "not base64"),
            ({"data": "é"}, "not base64"),
            ({"data": ""}, "differs in length"),
            ({"type": "<f4"}, "differs in length"),
            ({"shape": [3]}, "differs in length"),
            ({"shape": [10**30]}, "differs in length"),
            ({"shape": [-2]}, "another shape"),
            ({"shape": [2.0]}, "another shape"),
            ({"shape": [True]}, "another shape"),
            ({"shape": [1, 2]}, "another shape"),
            ({"shape": 2}, "another shape"),
            ({"shape": None}, "another shape"),
        ],
    )
    def test_others_are_refused(self, change, message):
        sound = write_array(np.array([1.0, 2.0]))
        with pytest.raises(DetectorError, match=message):
            read_array({**sound, **change}, "x", (None,))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_values_that_are_not_finite_are_refused(self, value):
        with pytest.raises(DetectorError, match="not finite"):
            read_array(write_array(np.array([1.0, value])), "x", (2,))

    def test_pickled_bytes_are_not_executed(self, tmp_path):
        trace = tmp_path / "executed"
        data = pickle.dumps(Touch(trace))
        padded = data + b"\0" * (-len(data) % 8)
        stored = {
            "type": "<f8",
            "shape": [len(padded) // 8],
            "data": base64.b64encode(padded).decode(),
        }
        read_array(stored, "x", (None,))
        assert not trace.exists()


def array(*shape: int, value: float = 1.0) -> dict:
    return write_array(np.full(shape, value))


class TestSpoiledArtefacts:
    def refused(self, artefacts, algorithm, change, message):
        table = artefacts[algorithm]
        content = json.loads(table["artefact"][0].as_py())
        content.update(change(content) if callable(change) else change)
        with pytest.raises(DetectorError, match=message) as caught:
            scored(algorithm, sealed(table, json.dumps(content).encode()), later(ROWS))
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"knots": write_array(np.array([2.0, 1.0]))}, "normals has another shape"),
            ({"knots": array(2), "normals": array(2)}, "knots do not ascend"),
            ({"knots": array(0), "normals": array(0)}, "knots do not ascend"),
            ({"knots": array(1), "normals": array(1, value=8)}, "too large"),
            (
                {
                    "knots": write_array(np.array([1.0, 2.0])),
                    "normals": write_array(np.array([1.0, 0.0])),
                },
                "scores do not ascend",
            ),
            ({"missing": None}, "missing"),
            ({"missing": -9.0}, "too large"),
            ({"missing": True}, "missing"),
        ],
    )
    def test_normal_scores(self, algorithm, change, message, artefacts):
        def spoil(content):
            first, *others = content["normal_scores"]
            return {"normal_scores": [{**first, **change}, *others]}

        self.refused(artefacts, algorithm, spoil, message)

    @pytest.mark.parametrize("algorithm", ON_NORMAL_SCORES)
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"normal_scores": []}, "differ in number"),
            ({"normal_scores": {}}, "differ in number"),
            ({"normal_scores": [3] * 12}, "not an array"),
            ({"features": ["f00"]}, "shape|number"),
            ({"reference_scores": array(0)}, "not sorted"),
            ({"segment_scores": {"a": write_array(np.array([2.0, 1.0]))}}, "not sorted"),
            ({"segment_scores": None}, "no scores by segment"),
            ({"explain_above": "x"}, "explain_above"),
        ],
    )
    def test_shared_parts(self, algorithm, change, message, artefacts):
        self.refused(artefacts, algorithm, change, message)

    @pytest.mark.parametrize(
        ("algorithm", "change", "message"),
        [
            ("principal_components", {"projection": array(12, 11)}, "another shape"),
            ("principal_components", {"projection": array(12, 12, value=np.nan)}, "not finite"),
            ("principal_components", {"projection": array(12, 12, value=1e10)}, "too large"),
            ("principal_components", {"offset": array(1)}, "another shape"),
            ("principal_components", {"mean_parts": None}, "not an array"),
            ("nearest_neighbours", {"sample": array(700, 11)}, "another shape"),
            ("nearest_neighbours", {"sample": array(1, 12)}, "too few"),
            ("nearest_neighbours", {"sample": array(700, 12, value=9)}, "too large"),
            ("nearest_neighbours", {"sample": array(700, 12, value=0.3)}, "not on the grid"),
            ("nearest_neighbours", {"sample": array(699, 12)}, "differ in number"),
            ("nearest_neighbours", {"transactions": None}, "names no transactions"),
            ("nearest_neighbours", {"transactions": [1] * 700}, "names no transactions"),
            ("nearest_neighbours", {"neighbours": 700}, "out of range"),
            ("nearest_neighbours", {"neighbours": 0}, "out of range"),
            ("nearest_neighbours", {"neighbours": True}, "not whole"),
            ("nearest_neighbours", {"spread": array(12, value=0)}, "no spread"),
            ("gaussian_mixture", {"factors": array(0, 12, 12)}, "no components"),
            ("gaussian_mixture", {"factors": array(2, 12, 12, value=0)}, "no spread"),
            ("gaussian_mixture", {"factors": array(2, 12, 12, value=1e12)}, "too large"),
            ("gaussian_mixture", {"factors": array(2, 12)}, "another shape"),
            ("gaussian_mixture", {"offsets": array(9, 12)}, "another shape"),
            ("gaussian_mixture", {"constants": array(9)}, "another shape"),
            ("gaussian_mixture", {"constants": array(2, value=np.inf)}, "not finite"),
        ],
    )
    def test_parts_of_their_own(self, algorithm, change, message, artefacts):
        self.refused(artefacts, algorithm, change, message)


def test_sums_do_not_depend_on_the_number_of_columns():
    parts = np.random.default_rng(0).normal(size=(40, 50))
    assert (sum_of_rows(parts[:, :1]) == sum_of_rows(parts)[:1]).all()
