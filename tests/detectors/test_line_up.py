"""What the detectors on normal scores are good for, and ranks by segment."""

import json

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score

import detectors
from detectors.artefacts import read_array
from detectors.features import Segments
from detectors.line_up import gaussian_mixture
from detectors.line_up.empirical_tails import TailTable
from detectors.normal_scores import NormalScores
from detectors.reference import FrozenScores, ReferenceParameters
from tests.detectors.correlated import (
    FEATURES,
    ON_NORMAL_SCORES,
    ROWS,
    TRAINING,
    fitted,
    later,
    model_of,
    no_segments,
    numbers,
    scored,
)


class TestPrincipalComponents:
    def test_broken_correlations_rank_high(self, found):
        truth = np.arange(len(ROWS)) < 60

        def quality(name):
            return roc_auc_score(truth, [row["score"] for row in found[name].values()])

        assert quality("principal_components") > 0.85 > 0.75 > quality("isolation_forest")

    def test_score_is_what_the_components_leave_over(self, fits):
        model = model_of(fits, "principal_components")
        content = json.loads(fits["principal_components"]["artefact"][0].as_py())
        projection = read_array(content["projection"], "projection", (12, 12))
        np.testing.assert_allclose(projection @ projection, projection, atol=1e-9)
        matrix = model._residuals._normals.matrix(numbers(ROWS))
        offset = read_array(content["offset"], "offset", (12,))
        expected = np.square(projection @ matrix - offset[:, np.newaxis]).sum(axis=0)
        found = model.score(numbers(ROWS), no_segments(len(ROWS)))
        np.testing.assert_allclose(found.score, expected, atol=1e-5)

    def test_contributions_add_up_to_the_score_less_the_mean(self, fits):
        model = model_of(fits, "principal_components")
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
    def test_score_is_the_mean_distance_to_the_nearest(self, fits):
        model = model_of(fits, "nearest_neighbours")
        hood = model._neighbourhood
        rows = hood._normals.matrix(numbers(ROWS)).T
        distances = np.sort(
            np.sqrt(np.square(rows[:, np.newaxis] - hood._sample[np.newaxis]).sum(axis=2)), axis=1
        )
        found = model.score(numbers(ROWS), no_segments(len(ROWS)))
        np.testing.assert_allclose(found.score, distances[:, :5].mean(axis=1), rtol=1e-12)

    def test_nearest_rows_are_named(self, fits, found):
        hood = model_of(fits, "nearest_neighbours")._neighbourhood
        explained = [row for row in found["nearest_neighbours"].values() if row["reasons"]]
        assert len(explained) > 10
        positions = {row: number for number, row in enumerate(ROWS["transaction_id"].to_pylist())}
        matrix = hood._normals.matrix(numbers(ROWS)).T
        for row in explained:
            distance = np.square(hood._sample - matrix[positions[row["transaction_id"]]]).sum(
                axis=1
            )
            order = np.argsort(distance, kind="stable")[:3]
            assert row["nearest"] == [hood._identifiers[number] for number in order]

    def test_others_name_none(self, found):
        for name, rows in found.items():
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

    def test_reasons_add_up_and_name_what_stands_out(self, fits):
        model = model_of(fits, "nearest_neighbours")
        columns = [column.copy() for column in numbers(TRAINING.slice(0, 200))]
        columns[7][:] = 1e6
        found = model.score(columns, no_segments(200))
        assert found.explained.size > 20
        assert (found.contributions >= 0).all()
        np.testing.assert_allclose(found.contributions.sum(axis=1), found.score[found.explained])
        assert (found.contributions.argmax(axis=1) == 7).mean() > 0.5


class TestGaussianMixture:
    def test_score_is_the_density_of_scikit_learn(self, fits):
        density = model_of(fits, "gaussian_mixture")._density
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
    def test_have_features_of_their_own(self, algorithm, features, fits):
        [row] = fits[algorithm].to_pylist()
        assert json.loads(row["features"]) == features
        assert json.loads(row["parameters"])["upper_only"] == 1
        assert row["version"].startswith(f"{algorithm}-2025-08-01-")
