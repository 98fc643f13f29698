"""What the isolation forest is good for."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.metrics import roc_auc_score

from detectors.line_up import isolation_forest
from tests.detectors.card_company import (
    CATALOGUE,
    LATER,
    SCALES,
    SCORED,
    as_batch,
    company,
    fitted,
    scores,
    with_column,
)


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
