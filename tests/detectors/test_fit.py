"""What a fit of every detector promises."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import detectors
from detectors.features import Feature
from detectors.training import read_training
from tests.detectors.card_company import (
    CATALOGUE,
    SCALES,
    SCORED,
    SMALL,
    TRAINED_UNTIL,
    TRAINING,
    UNSUPERVISED,
    as_batch,
    fitted,
    scores,
    shuffled,
    with_column,
)


class TestFit:
    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
    def test_records_what_was_fitted_on_what(self, algorithm, artefacts):
        table = artefacts[algorithm]
        assert table.schema == detectors.ARTEFACT_SCHEMA
        [row] = table.to_pylist()
        assert row["version"] == f"{algorithm}-2025-08-01-{row['artefact_sha256'][:8]}"
        shared = {"peer_deviation": "empirical_tails", "collective_shift": "empirical_tails"}
        assert row["detector"] == algorithm
        assert row["algorithm"] == shared.get(algorithm, algorithm)
        assert (row["status"], row["note"]) == ("fitted", None)
        assert row["trained_until"] == TRAINED_UNTIL
        assert row["trained_from"] == pc.min(TRAINING["transaction_date"]).as_py()
        assert row["positive_labels"] == pc.sum(TRAINING["misuse"]).as_py()
        left_out = 0 if algorithm == "gradient_boosted_tree" else row["positive_labels"]
        assert row["training_rows"] == len(TRAINING) - left_out
        used = {"gradient_boosted_tree": set(SCALES)}.get(algorithm, set(SCALES) - {"hour"})
        assert set(json.loads(row["features"])) == used
        given = json.loads(row["parameters"])
        assert given.items() >= SMALL.get(algorithm, {}).items()

    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
    def test_does_not_depend_on_the_order_of_rows_or_features(self, algorithm, artefacts):
        chunked = pa.concat_tables([shuffled(TRAINING, 3).slice(0, 10), shuffled(TRAINING, 3)[10:]])
        again = fitted(algorithm, training=chunked, catalogue=shuffled(CATALOGUE, 4))
        assert again.equals(artefacts[algorithm])

    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
    def test_fingerprint_follows_the_data(self, algorithm, artefacts):
        amounts = TRAINING["amount"].to_numpy().copy()
        amounts[17] += 1
        changed = fitted(algorithm, training=with_column(TRAINING, "amount", amounts))
        before = artefacts[algorithm]["data_fingerprint"]
        assert changed["data_fingerprint"] != before

    @pytest.mark.parametrize("algorithm", UNSUPERVISED)
    def test_unsupervised_detectors_leave_confirmed_misuse_out(self, algorithm, artefacts):
        amounts = np.where(
            TRAINING["misuse"].fill_null(False).to_numpy(), 1e9, TRAINING["amount"].to_numpy()
        )
        changed = fitted(algorithm, training=with_column(TRAINING, "amount", amounts))
        assert changed["artefact"] == artefacts[algorithm]["artefact"]

    @pytest.mark.parametrize("algorithm", UNSUPERVISED)
    def test_sample_follows_the_transaction_and_not_its_position(self, algorithm):
        table = fitted(algorithm, maximum_rows=1_500)
        assert table["training_rows"].to_pylist() == [1_500]
        again = fitted(algorithm, maximum_rows=1_500, training=shuffled(TRAINING, 5))
        assert again["artefact"] == table["artefact"]
        rows = read_training(TRAINING, (Feature("amount", "log"),), TRAINED_UNTIL)
        chosen = rows.in_hash_order(np.arange(6_000))[:1_500]
        assert abs(chosen.mean() - 3_000) < 200, "the sample covers all ids evenly"

    def test_tree_is_skipped_with_too_few_confirmed_cases(self):
        [row] = fitted("gradient_boosted_tree", minimum_positive=5_000).to_pylist()
        confirmed = pc.sum(TRAINING["misuse"]).as_py()
        assert row["status"] == "skipped"
        assert (
            row["note"] == f"{confirmed} confirmed cases known on 2025-08-01; the tree needs 5000."
        )
        assert (row["artefact"], row["artefact_sha256"]) == (None, None)
        assert row["version"] == "gradient_boosted_tree-2025-08-01-skipped"

    def test_tree_is_skipped_with_too_few_innocent_cases(self):
        only_misuse = pc.if_else(TRAINING["misuse"], True, pa.scalar(None, pa.bool_()))
        table = fitted(
            "gradient_boosted_tree", training=with_column(TRAINING, "misuse", only_misuse)
        )
        assert table["note"].to_pylist() == [
            "0 cases decided innocent known on 2025-08-01; the tree needs 30."
        ]

    @pytest.mark.parametrize("algorithm", UNSUPERVISED)
    def test_unsupervised_detectors_are_skipped_with_too_few_rows(self, algorithm):
        [row] = fitted(algorithm, training=TRAINING.slice(0, 700)).to_pylist()
        assert row["status"] == "skipped"
        assert row["note"].endswith("known on 2025-08-01; the detector needs 1000.")

    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
    def test_no_rows_at_all_is_a_skip(self, algorithm):
        [row] = fitted(algorithm, training=TRAINING.slice(0, 0)).to_pylist()
        assert (row["status"], row["training_rows"], row["trained_from"]) == ("skipped", 0, None)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]), "more than once"),
            (lambda rows: rows.drop_columns(["ratio"]), "no column ratio"),
            (lambda rows: with_column(rows, "weight", [-1.0] * len(rows)), "negative"),
            (lambda rows: with_column(rows, "weight", pa.nulls(len(rows))), "no weight"),
            (lambda rows: with_column(rows, "ratio", ["high"] * len(rows)), "cannot be read"),
            (lambda rows: with_column(rows, "transaction_id", pa.nulls(len(rows))), "no trans"),
            (
                lambda rows: with_column(rows, "transaction_date", [TRAINED_UNTIL] * len(rows)),
                "scores",
            ),
        ],
    )
    def test_unusable_rows_are_refused(self, change, message):
        with pytest.raises(detectors.DetectorError, match=message):
            fitted("empirical_tails", training=change(TRAINING))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]), "more than once"),
            (lambda rows: with_column(rows, "scale", ["cubic"] * len(rows)), "linear or log"),
            (lambda rows: with_column(rows, "in_anomaly", [False] * len(rows)), "No feature"),
            (lambda rows: with_column(rows, "feature", ["a b"] * len(rows)), "identifier"),
            (lambda rows: rows.drop_columns(["scale"]), "no column scale"),
        ],
    )
    def test_unusable_catalogue_is_refused(self, change, message):
        with pytest.raises(detectors.DetectorError, match=message):
            fitted("empirical_tails", catalogue=change(CATALOGUE))

    def test_unknown_detector_is_refused(self):
        with pytest.raises(detectors.DetectorError, match="no detector crystal_ball; there are"):
            fitted("crystal_ball")


class TestInputColumns:
    def test_input_columns_are_all_that_scoring_reads(self, artefacts):
        for algorithm, table in artefacts.items():
            columns = detectors.input_columns(algorithm, CATALOGUE)
            rows = SCORED.append_column("segment", pa.nulls(len(SCORED), pa.string()))
            assert scores(algorithm, table, as_batch(rows.select(columns).slice(0, 5)))


class TestParameters:
    @pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"max_deepth": 3}, "does not know the parameter max_deepth"),
            ({"explained_share": "0.1"}, "must be a number"),
            ({"explained_share": float("nan")}, "must be a number"),
            ({"explained_share": 1.5}, "between 0.0 and 1.0"),
        ],
    )
    def test_unknown_or_impossible_ones_are_refused(self, algorithm, given, message):
        with pytest.raises(detectors.DetectorError, match=message):
            fitted(algorithm, **given)

    def test_whole_numbers_must_be_whole(self):
        for value in (True, 10.0):
            with pytest.raises(detectors.DetectorError, match="whole number"):
                fitted("isolation_forest", n_estimators=value)

    @pytest.mark.parametrize(
        ("algorithm", "given"),
        [
            ("gradient_boosted_tree", {"n_estimators": 41}),
            ("gradient_boosted_tree", {"learning_rate": 0.1}),
            ("gradient_boosted_tree", {"num_leaves": 7}),
            ("gradient_boosted_tree", {"max_depth": 2}),
            ("gradient_boosted_tree", {"min_child_samples": 60}),
            ("gradient_boosted_tree", {"min_child_weight": 5}),
            ("gradient_boosted_tree", {"min_split_gain": 3}),
            ("gradient_boosted_tree", {"feature_fraction": 0.3}),
            ("gradient_boosted_tree", {"bagging_fraction": 0.5}),
            ("gradient_boosted_tree", {"bagging_freq": 5}),
            ("gradient_boosted_tree", {"lambda_l1": 2.0}),
            ("gradient_boosted_tree", {"lambda_l2": 9.0}),
            ("gradient_boosted_tree", {"path_smooth": 5.0}),
            ("gradient_boosted_tree", {"max_bin": 15}),
            ("gradient_boosted_tree", {"seed": 4}),
            ("gradient_boosted_tree", {"minimum_positive": 100_000}),
            ("gradient_boosted_tree", {"explained_share": 0.2}),
            ("isolation_forest", {"n_estimators": 20}),
            ("isolation_forest", {"max_samples": 64}),
            ("isolation_forest", {"max_features": 0.5}),
            ("isolation_forest", {"seed": 4}),
            ("isolation_forest", {"minimum_rows": 10_000}),
            ("isolation_forest", {"maximum_rows": 2_000}),
            ("isolation_forest", {"maximum_reference_scores": 900}),
            ("isolation_forest", {"explained_share": 0.2}),
            ("empirical_tails", {"tail_step": 0.5}),
            ("empirical_tails", {"upper_only": 1}),
            ("peer_deviation", {"upper_only": 0}),
            ("collective_shift", {"upper_only": 0}),
            ("principal_components", {"variance_kept": 0.3}),
            ("nearest_neighbours", {"neighbours": 3}),
            ("nearest_neighbours", {"sample_rows": 700}),
            ("gaussian_mixture", {"maximum_components": 1}),
            ("gaussian_mixture", {"maximum_mixture_rows": 1_000}),
            ("gaussian_mixture", {"reg_covar": 0.2}),
            ("gaussian_mixture", {"max_iter": 1}),
            ("gaussian_mixture", {"seed": 4}),
            ("empirical_tails", {"minimum_rows": 10_000}),
            ("empirical_tails", {"maximum_rows": 2_000}),
            ("empirical_tails", {"maximum_reference_scores": 900}),
            ("empirical_tails", {"explained_share": 0.2}),
        ],
    )
    def test_every_one_has_an_effect(self, algorithm, given, artefacts):
        changed = fitted(algorithm, **given)
        assert changed["artefact"] != artefacts[algorithm]["artefact"]
        assert json.loads(changed["parameters"][0].as_py()).items() >= given.items()

    def test_number_of_threads_does_not_change_the_model(self, artefacts):
        table = fitted("gradient_boosted_tree", num_threads=2)
        assert table["artefact"] == artefacts["gradient_boosted_tree"]["artefact"]
