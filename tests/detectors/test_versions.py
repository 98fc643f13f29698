"""Versions: judged on later days, compared with the champion on the same ones, promoted or not."""

import json
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

import detectors
from detectors.features import Segments
from detectors.validation import Holdout, Ranked, _precision_curve, compare, measure

FIRST_DAY = date(2025, 1, 1)
DAYS = 150
CATALOGUE = pa.table(
    {
        "feature": ["amount", "pace", "novelty"],
        "scale": ["log", "log", "linear"],
        **{flag: [True] * 3 for flag in ("in_tree", "in_anomaly", "in_peer", "in_collective")},
    }
)
TREE = {"n_estimators": 40, "min_child_samples": 20, "minimum_positive": 20}
EMPTY_PROMOTIONS = detectors.PROMOTION_SCHEMA.empty_table()


def company(rows: int = 9_000, seed: int = 1, change_on: date | None = None) -> pa.Table:
    """Purchases of 150 days, 3 % misuse: high amounts, and from a day on a fast pace instead."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, DAYS, rows))
    misuse = random.random(rows) < 0.03
    changed = day >= ((change_on - FIRST_DAY).days if change_on else DAYS)
    old, new = misuse & ~changed, misuse & changed
    return pa.table(
        {
            "transaction_id": [f"{seed}-{number:06d}" for number in range(rows)],
            "transaction_date": pa.array([FIRST_DAY + timedelta(days=int(d)) for d in day]),
            "card_id": [f"K{number}" for number in random.integers(0, 400, rows)],
            "segment": np.where(random.random(rows) < 0.5, "hotel", "restaurant").tolist(),
            "amount": random.lognormal(3, 0.5, rows) * np.where(old, 4, 1),
            "pace": random.lognormal(1, 0.3, rows) * np.where(new, 5, 1),
            "novelty": random.random(rows),
            "misuse": pa.array(misuse),
            "weight": np.ones(rows),
        }
    )


def schedule(*days: date, gap: int = 5, held: int = 28) -> pa.Table:
    return pa.table(
        {
            "fitted_on": pa.array(days, pa.date32()),
            "reason": ["schedule"] * len(days),
            "holdout_from": pa.array([d - timedelta(days=gap + held) for d in days], pa.date32()),
            "holdout_until": pa.array([d - timedelta(days=gap) for d in days], pa.date32()),
            "features_version": ["v1"] * len(days),
        }
    )


def before(rows: pa.Table):
    def training(day: date) -> pa.Table:
        return rows.filter(pa.compute.less(rows["transaction_date"], pa.scalar(day, pa.date32())))

    return training


def due(
    name: str,
    *days: date,
    rows: pa.Table,
    issued: pa.Table | None = None,
    promotion: str = "manual",
    promotions: pa.Table = EMPTY_PROMOTIONS,
    **parameters,
) -> list[dict]:
    return detectors.fit_due(
        name,
        schedule=schedule(*days),
        issued=detectors.ARTEFACT_SCHEMA.empty_table() if issued is None else issued,
        promotions=promotions,
        features=CATALOGUE,
        parameters={**(TREE if name == "gradient_boosted_tree" else {}), **parameters},
        promotion=promotion,
        training=before(rows),
    ).to_pylist()


def as_table(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=detectors.ARTEFACT_SCHEMA)


MARCH, APRIL, MAY = date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)
STABLE, CHANGING = company(), company(change_on=date(2025, 3, 5))


class TestWhatIsFitted:
    def test_a_version_learns_before_its_holdout_and_is_judged_there(self):
        [row] = due("gradient_boosted_tree", APRIL, rows=STABLE)
        assert row["trained_until"] == row["holdout_from"] == APRIL - timedelta(days=33)
        assert row["holdout_until"] == APRIL - timedelta(days=5)
        figures = json.loads(row["metrics"])
        assert figures["rows"] == sum(
            row["holdout_from"] <= day < row["holdout_until"]
            for day in STABLE["transaction_date"].to_pylist()
        )
        assert figures["average_precision"] > 0.5
        assert set(figures["by_segment"]) == {"hotel", "restaurant"}
        assert 0.7 < figures["expected_to_observed"] < 1.4

    def test_what_happens_in_the_holdout_changes_the_figures_and_not_the_model(self):
        [row] = due("gradient_boosted_tree", APRIL, rows=STABLE)
        late = [
            flag and day < row["holdout_from"]
            for flag, day in zip(
                STABLE["misuse"].to_pylist(), STABLE["transaction_date"].to_pylist(), strict=True
            )
        ]
        position = STABLE.column_names.index("misuse")
        [other] = due(
            "gradient_boosted_tree", APRIL, rows=STABLE.set_column(position, "misuse", [late])
        )
        assert other["artefact_sha256"] == row["artefact_sha256"]
        assert other["metrics"] != row["metrics"]

    def test_with_too_little_history_it_takes_all_and_is_judged_on_nothing(self):
        [row] = due("gradient_boosted_tree", date(2025, 2, 10), rows=STABLE)
        assert row["status"] == "fitted"
        assert row["holdout_from"] is row["metrics"] is None
        assert row["trained_until"] == date(2025, 2, 10)

    def test_a_schedule_without_a_holdout_takes_all(self):
        days = schedule(APRIL)
        unknown = pa.nulls(1, pa.date32())
        for name in ("holdout_from", "holdout_until"):
            days = days.set_column(days.column_names.index(name), name, unknown)
        table = detectors.fit_due(
            "empirical_tails",
            schedule=days,
            issued=detectors.ARTEFACT_SCHEMA.empty_table(),
            promotions=EMPTY_PROMOTIONS,
            features=CATALOGUE,
            parameters=None,
            promotion="manual",
            training=before(STABLE),
        )
        assert table["trained_until"].to_pylist() == [APRIL]
        assert table["metrics"].to_pylist() == [None]

    @pytest.mark.parametrize("name", detectors.ALGORITHMS)
    def test_any_version_can_be_made_again_from_its_row(self, name):
        [row] = due(name, APRIL, rows=STABLE)
        again = detectors.fit(
            name,
            features=CATALOGUE,
            parameters=json.loads(row["parameters"]),
            trained_until=row["trained_until"],
            training=before(STABLE)(row["trained_until"]),
        ).to_pylist()[0]
        assert again["artefact_sha256"] == row["artefact_sha256"]
        assert again["data_fingerprint"] == row["data_fingerprint"]

    def test_neither_fit_nor_figures_depend_on_the_order_of_rows(self):
        mixed = STABLE.take(np.random.default_rng(3).permutation(STABLE.num_rows))
        for name in ("empirical_tails", "gradient_boosted_tree"):
            assert due(name, MARCH, MAY, rows=mixed) == due(name, MARCH, MAY, rows=STABLE)

    def test_what_was_issued_is_not_fitted_again(self):
        first = due("empirical_tails", MARCH, rows=STABLE)
        asked = []

        def training(day):
            asked.append(day)
            return before(STABLE)(day)

        table = detectors.fit_due(
            "empirical_tails",
            schedule=schedule(MARCH, APRIL),
            issued=as_table(first),
            promotions=EMPTY_PROMOTIONS,
            features=CATALOGUE,
            parameters=None,
            promotion="manual",
            training=training,
        )
        assert asked == [APRIL]
        assert table.slice(0, 1).to_pylist() == first


class TestPromotion:
    def test_the_first_version_is_champion_and_a_better_one_of_a_first_run_follows(self):
        march, may = due("gradient_boosted_tree", MARCH, MAY, rows=CHANGING)
        assert (march["verdict"], march["is_promoted"]) == ("first", True)
        assert may["compared_with"] == march["version"]
        assert (may["verdict"], may["is_promoted"]) == ("better", True)
        assert json.loads(may["comparison"])["average_precision"]["low"] > 0

    def test_after_the_first_issue_a_candidate_stays_one_unless_configured(self):
        [march] = due("gradient_boosted_tree", MARCH, rows=CHANGING)
        for promotion, promoted in (("manual", False), ("automatic", True)):
            _, may = due(
                "gradient_boosted_tree",
                MARCH,
                MAY,
                rows=CHANGING,
                issued=as_table([march]),
                promotion=promotion,
            )
            assert (may["verdict"], may["is_promoted"]) == ("better", promoted)

    def test_a_version_that_is_only_newer_is_not_promoted(self):
        _, may = due("gradient_boosted_tree", MARCH, MAY, rows=STABLE, promotion="automatic")
        assert may["verdict"] == "not better"
        assert not may["is_promoted"]

    def test_without_labels_the_detector_whose_tail_kept_its_meaning_is_better(self):
        rows = STABLE
        position = rows.column_names.index("amount")
        later = np.array([day >= MARCH for day in rows["transaction_date"].to_pylist()])
        dearer = rows["amount"].to_numpy() * np.where(later, 6, 1)
        unknown = pa.nulls(rows.num_rows, pa.bool_())
        rows = rows.set_column(position, "amount", [dearer])
        rows = rows.set_column(rows.column_names.index("misuse"), "misuse", unknown)
        _, may = due("empirical_tails", MARCH, MAY, rows=rows, upper_only=1)
        assert may["verdict"] == "better"
        assert "of the holdout lie in what is one percent to the champion" in may["verdict_reason"]
        unmoved = STABLE.set_column(STABLE.column_names.index("misuse"), "misuse", unknown)
        _, may = due("empirical_tails", MARCH, MAY, rows=unmoved, upper_only=1)
        assert may["verdict"] == "not better"

    def test_promotion_is_one_of_two_words(self):
        with pytest.raises(detectors.DetectorError, match="must be automatic or manual"):
            due("empirical_tails", MARCH, rows=STABLE, promotion="always")

    def test_promotions_say_who_scores_and_a_rollback_takes_effect_from_its_day(self):
        march, may = due("gradient_boosted_tree", MARCH, MAY, rows=CHANGING)
        promotions = pa.Table.from_pylist(
            [
                {
                    "detector": "gradient_boosted_tree",
                    "version": version,
                    "champion_from": day,
                    "decided_at": datetime(2025, 6, 1, hour),
                }
                for version, day, hour in (
                    (may["version"], MAY, 1),
                    (march["version"], date(2025, 5, 10), 2),
                    (may["version"], date(2025, 5, 20), 3),
                    (march["version"], date(2025, 5, 20), 4),
                )
            ],
            schema=detectors.PROMOTION_SCHEMA,
        )
        scored = detectors.score(
            "gradient_boosted_tree",
            artefacts=as_table([march, may]),
            promotions=promotions,
            batches=STABLE.combine_chunks().to_batches(),
        )
        versions = {
            row["transaction_date"]: row["version"] for part in scored for row in part.to_pylist()
        }
        assert versions[MARCH - timedelta(days=1)] is None
        assert versions[date(2025, 4, 30)] == march["version"]
        assert versions[date(2025, 5, 9)] == may["version"]
        assert versions[date(2025, 5, 10)] == march["version"]
        assert versions[date(2025, 5, 25)] == march["version"]

    def test_what_cannot_be_loaded_cannot_be_verified(self):
        [row] = due("gaussian_mixture", APRIL, rows=STABLE)
        detectors.verify(row)
        row["artefact"] = row["artefact"].replace(b"gaussian", b"Gaussian")
        with pytest.raises(detectors.DetectorError, match="does not match its recorded hash"):
            detectors.verify(row)


def holdout(rows: int, seed: int, share: float = 0.05) -> Holdout:
    random = np.random.default_rng(seed)
    return Holdout(
        rows=pa.table({}),
        misuse=random.random(rows) < share,
        weight=np.ones(rows),
        amount=random.lognormal(3, 1, rows),
        cards=random.integers(0, rows // 8, rows),
        days=random.integers(0, 7, rows),
        segments=Segments(("hotel", "restaurant"), random.integers(0, 2, rows)),
    )


def ranked(values: np.ndarray) -> Ranked:
    return Ranked(values, None, 1 / (1 + np.exp(-values)))


class TestComparison:
    def test_of_versions_that_are_equally_good_few_are_promoted(self):
        better = 0
        for seed in range(60):
            judged = holdout(3_000, seed)
            random = np.random.default_rng(1_000 + seed)
            pair = [ranked(2.0 * judged.misuse + random.normal(size=3_000)) for _ in range(2)]
            better += compare(pair[0], pair[1], judged).name == "better"
        assert better <= 9  # 5 % are expected; more than 9 of 60 would happen once in a thousand

    def test_calling_everything_innocent_is_most_accurate_and_never_better(self):
        judged = holdout(3_000, 1, share=0.01)
        useful = ranked(2.0 * judged.misuse + np.random.default_rng(2).normal(size=3_000))
        silent = ranked(np.full(3_000, -9.0))
        assert (~judged.misuse).mean() > ((useful.probability > 0.5) == judged.misuse).mean()
        assert compare(silent, useful, judged).name == "worse"
        assert not any("accura" in name for name in measure(silent, judged))

    def test_one_that_is_better_over_all_but_worse_in_a_segment_is_worse(self):
        judged = holdout(6_000, 3)
        noise = np.random.default_rng(4).normal(size=6_000)
        hotel = judged.segments.codes == 0
        champion = ranked(1.5 * judged.misuse + noise)
        challenger = ranked(np.where(hotel, 0.0, 9.0) * judged.misuse + noise)
        verdict = compare(challenger, champion, judged)
        assert verdict.name == "worse"
        assert verdict.reason.startswith("in hotel average precision is lower by")

    def test_with_few_known_cases_nothing_is_said(self):
        judged = holdout(500, 5, share=0.01)
        assert judged.misuse.sum() < 10
        pair = [ranked(np.random.default_rng(seed).normal(size=500)) for seed in (1, 2)]
        assert compare(pair[0], pair[1], judged).name == "unknown"

    def test_an_empty_denominator_is_unknown(self):
        judged = holdout(100, 6, share=0.0)
        figures = measure(ranked(np.zeros(100)), judged)
        for name in ("average_precision", "recall_at_budget", "value_share_at_budget"):
            assert figures[name] is None

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(0, 6), st.booleans(), st.floats(0.1, 9.0)),
            min_size=1,
            max_size=60,
        )
    )
    def test_average_precision_is_that_of_scikit_learn(self, rows):
        ranks, misuse, weight = (np.array(column) for column in zip(*rows, strict=True))
        found = _precision_curve(ranks.astype(float), misuse.astype(bool))(weight)
        if not misuse.any():
            assert found is None
        else:
            expected = average_precision_score(misuse, ranks, sample_weight=weight)
            assert found == pytest.approx(expected)
