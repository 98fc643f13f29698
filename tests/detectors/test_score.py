"""What a score of every detector promises."""

import itertools
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import detectors
from detectors import scoring
from tests.detectors.card_company import (
    SCALES,
    SCORED,
    TRAINING,
    as_batch,
    fitted,
    scores,
    shuffled,
    with_column,
)


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
