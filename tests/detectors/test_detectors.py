"""What every detector promises, and what each of them is good for."""

import itertools
import json
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import detectors
from detectors import empirical_tails, gradient_boosted_tree, isolation_forest, scoring
from detectors.artefacts import read_array
from detectors.features import Feature, Segments
from detectors.reference import FrozenScores, ReferenceParameters, upper_threshold
from detectors.training import read_training

FIRST_DAY = date(2025, 1, 1)
TRAINED_UNTIL = date(2025, 8, 1)
LATER = date(2025, 8, 20)
UNSUPERVISED = [name for name in detectors.ALGORITHMS if name != "gradient_boosted_tree"]
SCALES = {
    "amount": "log",
    "count_7d": "log",
    "ratio": "linear",
    "hour": "linear",
    "flag": "linear",
    "rarely_known": "log",
    "never_known": "linear",
}
CATALOGUE = pa.table(
    {
        "feature": list(SCALES),
        "scale": list(SCALES.values()),
        "in_tree": [True] * len(SCALES),
        **{
            flag: [name != "hour" for name in SCALES]
            for flag in ("in_anomaly", "in_peer", "in_collective")
        },
    }
)
SMALL = {
    "gradient_boosted_tree": {"n_estimators": 40, "min_child_samples": 20},
    "isolation_forest": {"n_estimators": 40},
    "nearest_neighbours": {"sample_rows": 500},
    "gaussian_mixture": {"maximum_components": 2, "maximum_mixture_rows": 2_000},
}


def company(rows: int, seed: int, first: date = FIRST_DAY, days: int = 200) -> pa.Table:
    """Card transactions of which about 2 % are misuse: higher amounts, ratios and counts."""
    random = np.random.default_rng(seed)
    misuse = random.random(rows) < 0.02
    known = random.random(rows) < 0.15
    amount = np.round(random.lognormal(3, 1, rows) * np.where(misuse, 12, 1))
    columns = {
        "amount": amount,
        "count_7d": random.poisson(np.where(misuse, 9, 2)).astype(float),
        "ratio": random.normal(np.where(misuse, 3, 0), 1),
        "hour": random.integers(0, 24, rows).astype(float),
        "flag": (random.random(rows) < 0.1).astype(float),
        "rarely_known": pa.array(random.lognormal(0, 1, rows), mask=~known),
        "never_known": pa.nulls(rows, pa.float64()),
    }
    return pa.table(
        {
            "transaction_id": [f"{seed}-{number:06d}" for number in range(rows)],
            "transaction_date": pa.array(
                [first + timedelta(days=int(day)) for day in random.integers(0, days, rows)]
            ),
            **columns,
            "misuse": pa.array(misuse, mask=random.random(rows) < 0.3),
            "weight": np.ones(rows),
            "truth": misuse,
        }
    )


TRAINING = company(6_000, seed=1)
SCORED = company(1_500, seed=2, first=LATER, days=30)


def fitted(algorithm: str, *, training=TRAINING, catalogue=CATALOGUE, until=TRAINED_UNTIL, **given):
    return detectors.fit(
        algorithm,
        features=catalogue,
        parameters={**SMALL.get(algorithm, {}), **given},
        trained_until=until,
        training=training,
    )


def scores(algorithm: str, artefacts: pa.Table, *batches: pa.RecordBatch) -> list[dict]:
    scored = detectors.score(algorithm, artefacts=artefacts, batches=batches)
    return [row for batch in scored for row in batch.to_pylist()]


def as_batch(rows: pa.Table) -> pa.RecordBatch:
    return rows.combine_chunks().to_batches(max_chunksize=len(rows))[0]


def no_segments(rows: int) -> Segments:
    return Segments((), np.full(rows, -1))


def shuffled(rows: pa.Table, seed: int) -> pa.Table:
    return rows.take(np.random.default_rng(seed).permutation(len(rows)))


def with_column(rows: pa.Table, name: str, values) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, pa.array(values))


@pytest.fixture(scope="module")
def artefacts() -> dict[str, pa.Table]:
    return {algorithm: fitted(algorithm) for algorithm in detectors.ALGORITHMS}


@pytest.fixture(scope="module")
def whole(artefacts) -> dict[str, dict[str, dict]]:
    """Every row of SCORED, scored in one batch, by transaction."""
    return {
        algorithm: {
            row["transaction_id"]: row for row in scores(algorithm, table, as_batch(SCORED))
        }
        for algorithm, table in artefacts.items()
    }


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


@pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
class TestScore:
    def test_rows_keep_their_order_and_columns_their_types(self, algorithm, artefacts):
        [batch] = detectors.score(
            algorithm, artefacts=artefacts[algorithm], batches=[as_batch(SCORED)]
        )
        assert batch.schema == detectors.SCORE_SCHEMA
        batch.validate(full=True)
        assert batch["transaction_id"].to_pylist() == SCORED["transaction_id"].to_pylist()
        assert batch["transaction_date"].to_pylist() == SCORED["transaction_date"].to_pylist()
        assert batch["score"].null_count == batch["version"].null_count == 0
        supervised = algorithm == "gradient_boosted_tree"
        assert batch["tail"].null_count == (len(batch) if supervised else 0)
        assert batch["probability"].null_count == (0 if supervised else len(batch))

    @settings(max_examples=12, deadline=None)
    @given(data=st.data())
    def test_score_does_not_depend_on_the_batch(self, algorithm, data, artefacts, whole):
        seed = data.draw(st.integers(0, 2**32 - 1))
        kept = data.draw(st.integers(1, len(SCORED)))
        cuts = data.draw(st.lists(st.integers(0, kept), max_size=4))
        rows = shuffled(SCORED, seed).slice(0, kept)
        edges = [0, *sorted(cuts), kept]
        batches = [
            as_batch(rows).slice(start, stop - start) for start, stop in itertools.pairwise(edges)
        ]
        for row in scores(algorithm, artefacts[algorithm], *batches):
            assert row == whole[algorithm][row["transaction_id"]]

    def test_score_of_a_single_row_is_the_same(self, algorithm, artefacts, whole):
        explained = [
            number for number, row in enumerate(whole[algorithm].values()) if row["reasons"]
        ]
        chosen = [*range(60), *explained[:20]]
        batches = [as_batch(SCORED.slice(number, 1)) for number in chosen]
        for row in scores(algorithm, artefacts[algorithm], *batches):
            assert row == whole[algorithm][row["transaction_id"]]

    def test_few_batches_are_held_at_a_time(self, algorithm, artefacts):
        taken = []

        def source():
            for number in range(20):
                taken.append(number)
                yield as_batch(SCORED.slice(number * 10, 10))

        scored = detectors.score(algorithm, artefacts=artefacts[algorithm], batches=source())
        assert taken == []
        for number in range(3):
            [first] = next(scored)["transaction_id"].to_pylist()[:1]
            assert first == SCORED["transaction_id"][number * 10].as_py()
            assert len(taken) <= number + scoring.WORKERS + 1
        scored.close()

    def test_failure_of_a_batch_is_passed_on_in_its_place(self, algorithm, artefacts):
        sound = as_batch(SCORED.slice(0, 10))
        scored = detectors.score(
            algorithm,
            artefacts=artefacts[algorithm],
            batches=[sound, sound.drop_columns(["ratio"]), sound],
        )
        assert next(scored).num_rows == 10
        with pytest.raises(detectors.DetectorError, match="no column ratio"):
            next(scored)

    def test_empty_batch_stays_empty(self, algorithm, artefacts):
        [batch] = detectors.score(
            algorithm, artefacts=artefacts[algorithm], batches=[as_batch(SCORED).slice(0, 0)]
        )
        assert (batch.num_rows, batch.schema) == (0, detectors.SCORE_SCHEMA)

    def test_later_misuse_ranks_high(self, algorithm, whole):
        truth = SCORED["truth"].to_numpy()
        score = np.array([row["score"] for row in whole[algorithm].values()])
        # these features do not move together, so principal components have nothing to go by
        least = {"gradient_boosted_tree": (0.97, 0.7), "principal_components": (0.7, 0.03)}.get(
            algorithm, (0.9, 0.3)
        )
        assert roc_auc_score(truth, score) > least[0]
        assert average_precision_score(truth, score) > least[1], f"chance is {truth.mean():.2f}"

    def test_reasons_are_the_strongest_positive_contributions(self, algorithm, whole):
        rows = list(whole[algorithm].values())
        explained = [row for row in rows if row["reasons"] is not None]
        assert 0.005 < len(explained) / len(rows) < 0.08
        lowest = min(row["score"] for row in explained)
        assert all(row["score"] < lowest for row in rows if row["reasons"] is None)
        for row in explained:
            contributions = [reason["contribution"] for reason in row["reasons"]]
            assert 1 <= len(contributions) <= 5
            assert contributions == sorted(contributions, reverse=True)
            assert contributions[-1] > 0

    def test_nulls_infinities_and_other_number_types_are_scored(self, algorithm, artefacts):
        rows = SCORED.slice(0, 4)
        nothing = pa.table(
            {
                name: pa.nulls(4, pa.float64()) if name in SCALES else rows[name]
                for name in rows.column_names
            }
        )
        extreme = with_column(rows, "amount", [np.inf, -np.inf, 1e308, np.nan])
        whole_numbers = with_column(rows, "count_7d", rows["count_7d"].cast(pa.int16()))
        for batch in (nothing, extreme, whole_numbers):
            assert all(
                np.isfinite(row["score"])
                for row in scores(algorithm, artefacts[algorithm], as_batch(batch))
            )
        typed = scores(algorithm, artefacts[algorithm], as_batch(whole_numbers))
        assert typed == scores(algorithm, artefacts[algorithm], as_batch(rows))

    def test_missing_feature_column_is_refused(self, algorithm, artefacts):
        with pytest.raises(detectors.DetectorError, match="no column ratio"):
            scores(algorithm, artefacts[algorithm], as_batch(SCORED.drop_columns(["ratio"])))


@pytest.mark.parametrize("algorithm", detectors.ALGORITHMS)
class TestVersions:
    def test_each_day_is_scored_by_the_latest_version_before_it(self, algorithm):
        days = [date(2025, 3, 1), date(2025, 5, 1), date(2025, 7, 1), date(2025, 8, 1)]
        tables = []
        for until in days:
            known = TRAINING.filter(pc.less(TRAINING["transaction_date"], pa.scalar(until)))
            skipped = until == date(2025, 7, 1)
            rows = known.slice(0, 20) if skipped else known
            few = {"minimum_positive": 10} if algorithm == "gradient_boosted_tree" else {}
            tables.append(fitted(algorithm, training=rows, until=until, **few))
        assert [table["status"][0].as_py() for table in tables] == [
            "fitted", "fitted", "skipped", "fitted",
        ]  # fmt: skip
        others = [name for name in detectors.ALGORITHMS if name != algorithm]
        artefacts = pa.concat_tables([*reversed(tables), fitted(others[0])])

        dates = [
            date(2025, 2, 28), date(2025, 3, 1), date(2025, 4, 30), date(2025, 5, 1),
            date(2025, 7, 15), date(2025, 7, 31), date(2025, 8, 1), date(2026, 1, 1),
        ]  # fmt: skip
        expected = [None, 0, 0, 1, 1, 1, 3, 3]
        rows = with_column(SCORED.slice(0, 8), "transaction_date", dates)
        mixed = scores(algorithm, artefacts, as_batch(rows))
        for number, (row, version) in enumerate(zip(mixed, expected, strict=True)):
            if version is None:
                assert (row["score"], row["version"], row["reasons"]) == (None, None, None)
                assert (row["tail"], row["probability"]) == (None, None)
            else:
                assert row["version"] == tables[version]["version"][0].as_py()
                assert [row] == scores(algorithm, tables[version], as_batch(rows.slice(number, 1)))

    def test_without_a_fitted_version_nothing_is_scored(self, algorithm):
        skipped = fitted(algorithm, training=TRAINING.slice(0, 10))
        for artefacts in (skipped, skipped.slice(0, 0)):
            rows = scores(algorithm, artefacts, as_batch(SCORED.slice(0, 5)))
            assert {row["score"] for row in rows} == {row["version"] for row in rows} == {None}

    def test_the_same_version_twice_is_one(self, algorithm, artefacts, whole):
        twice = pa.concat_tables([artefacts[algorithm], artefacts[algorithm]])
        rows = scores(algorithm, twice, as_batch(SCORED))
        assert rows == list(whole[algorithm].values())

    def test_two_versions_of_one_day_are_refused(self, algorithm, artefacts):
        other = fitted(algorithm, training=TRAINING.slice(0, 5_000))
        with pytest.raises(detectors.DetectorError, match="claim the same days"):
            scores(algorithm, pa.concat_tables([artefacts[algorithm], other]), as_batch(SCORED))

    def test_row_without_a_date_is_refused(self, algorithm, artefacts):
        rows = with_column(SCORED, "transaction_date", pa.nulls(len(SCORED), pa.date32()))
        with pytest.raises(detectors.DetectorError, match="no transaction_date"):
            scores(algorithm, artefacts[algorithm], as_batch(rows))


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


class TestIsolationForest:
    def test_score_is_scikit_learns(self):
        for max_features in (1.0, 0.5):
            table = fitted("isolation_forest", max_features=max_features)
            payload = table["artefact"][0].as_py()
            model = isolation_forest.load(payload)
            forest = isolation_forest._read_archive(payload)["forest"]
            matrix = model._scaling.matrix([SCORED[name].to_numpy() for name in model.features])
            np.testing.assert_allclose(
                model._paths.score(matrix), -forest.score_samples(matrix), rtol=1e-12
            )

    def test_log_scale_lets_heavy_tails_be_seen(self):
        random = np.random.default_rng(5)
        rows = company(4_000, seed=6)
        amounts = random.lognormal(3, 2.5, 4_000)
        training = with_column(rows, "amount", amounts)
        names = ["amount", "ratio"]
        only = CATALOGUE.filter(pc.is_in(CATALOGUE["feature"], pa.array(names)))
        planted = with_column(SCORED.slice(0, 400), "amount", [20.0] * 390 + [0.001] * 10)
        planted = with_column(planted, "ratio", random.normal(0, 0.5, 400))
        truth = np.arange(400) >= 390

        def quality(scale):
            catalogue = with_column(only, "scale", [scale, "linear"])
            table = fitted("isolation_forest", catalogue=catalogue, training=training)
            found = scores("isolation_forest", table, as_batch(planted))
            return roc_auc_score(truth, [row["score"] for row in found])

        assert quality("log") > 0.95 > quality("linear")

    def test_reason_names_the_feature_that_stands_out(self, artefacts):
        names = list(SCALES)
        typical = {name: [1.0] for name in names} | {"amount": [20.0], "count_7d": [2.0]}
        typical |= {"ratio": [0.0], "flag": [0.0]}
        for name, value in (("amount", 1e6), ("ratio", 9.0), ("count_7d", 60.0)):
            row = pa.table(
                {
                    "transaction_id": ["one"],
                    "transaction_date": [LATER],
                    **{**typical, name: [value]},
                }
            )
            sensitive = fitted("isolation_forest", explained_share=0.9)
            [scored] = scores("isolation_forest", sensitive, as_batch(row))
            assert scored["reasons"][0]["feature"] == name

    def test_missing_counts_as_the_median(self, artefacts):
        payload = artefacts["isolation_forest"]["artefact"][0].as_py()
        position = isolation_forest.load(payload).features.index("ratio")
        median = isolation_forest.load(payload)._scaling.medians[position]
        missing = with_column(SCORED, "ratio", pa.nulls(len(SCORED), pa.float64()))
        typical = with_column(SCORED, "ratio", np.full(len(SCORED), median))
        table = artefacts["isolation_forest"]
        assert scores("isolation_forest", table, as_batch(missing)) == scores(
            "isolation_forest", table, as_batch(typical)
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
