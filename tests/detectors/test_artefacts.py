"""Artefacts are untrusted: a changed one is refused, and nothing in it is ever executed."""

import functools
import hashlib
import io
import json
import os
import pickle
import re
import zipfile
from datetime import date

import numpy as np
import pyarrow as pa
import pytest
import skops.io as skops_io

import detectors
from detectors.artefacts import write_array
from detectors.line_up import isolation_forest

DAY = date(2025, 8, 1)
CATALOGUE = pa.table(
    {
        "feature": ["amount", "ratio"],
        "scale": ["log", "linear"],
        "in_tree": [True, True],
        "in_anomaly": [True, True],
        "in_peer": [True, False],
        "in_collective": [False, True],
    }
)
PARAMETERS = {
    "gradient_boosted_tree": {"n_estimators": 4},
    "isolation_forest": {"n_estimators": 6},
    "empirical_tails": {},
    "principal_components": {},
    "nearest_neighbours": {"sample_rows": 50},
    "gaussian_mixture": {"maximum_components": 2},
    "peer_deviation": {},
    "collective_shift": {},
}


def transactions(rows: int = 1_200) -> pa.Table:
    random = np.random.default_rng(8)
    misuse = random.random(rows) < 0.1
    return pa.table(
        {
            "transaction_id": [f"t{number}" for number in range(rows)],
            "transaction_date": [date(2025, 7, 1)] * rows,
            "amount": random.lognormal(3, 1, rows) * np.where(misuse, 5, 1),
            "ratio": random.normal(0, 1, rows),
            "misuse": misuse,
            "weight": np.ones(rows),
        }
    )


@pytest.fixture(scope="module")
def artefacts() -> dict[str, pa.Table]:
    return {
        algorithm: detectors.fit(
            algorithm,
            features=CATALOGUE,
            parameters={"minimum_rows": 1_000, **given} if "forest" in algorithm else given,
            trained_until=DAY,
            training=transactions(),
        )
        for algorithm, given in PARAMETERS.items()
    }


def payload(table: pa.Table) -> bytes:
    return table["artefact"][0].as_py()


def changed(table: pa.Table, **values) -> pa.Table:
    [row] = table.to_pylist()
    return pa.Table.from_pylist([{**row, **values}], schema=detectors.ARTEFACT_SCHEMA)


def sealed(table: pa.Table, content: bytes) -> pa.Table:
    """The row with other content whose hash and version are right again."""
    sha256 = hashlib.sha256(content).hexdigest()
    version = f"{table['detector'][0].as_py()}-{DAY}-{sha256[:8]}"
    return changed(table, artefact=content, artefact_sha256=sha256, version=version)


def score(table: pa.Table) -> list[dict]:
    rows = transactions(20).set_column(1, "transaction_date", pa.array([DAY] * 20))
    batches = rows.combine_chunks().to_batches()
    algorithm = table["detector"][0].as_py()
    scored = detectors.score(algorithm, artefacts=table, batches=batches)
    return [row for batch in scored for row in batch.to_pylist()]


def refused(table: pa.Table, message: str) -> None:
    with pytest.raises(detectors.DetectorError, match=message) as caught:
        score(table)
    text = str(caught.value)
    assert "\n" not in text.strip()


class Touch:
    """Pickles as a call that creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("algorithm", PARAMETERS)
class TestEveryDetector:
    def test_sealed_artefact_is_scored(self, algorithm, artefacts):
        table = artefacts[algorithm]
        assert sealed(table, payload(table)).equals(table)
        assert all(row["version"] for row in score(table))

    def test_changed_bytes_are_refused_before_anything_is_scored(self, algorithm, artefacts):
        content = bytearray(payload(artefacts[algorithm]))
        content[len(content) // 2] ^= 1
        table = changed(artefacts[algorithm], artefact=bytes(content))
        with pytest.raises(detectors.DetectorError, match="does not match its recorded hash"):
            detectors.score(algorithm, artefacts=table, batches=[])

    def test_version_of_another_artefact_is_refused(self, algorithm, artefacts):
        version = f"{algorithm}-{DAY}-00000000"
        refused(changed(artefacts[algorithm], version=version), "does not belong")

    def test_other_list_of_features_is_refused(self, algorithm, artefacts):
        refused(changed(artefacts[algorithm], features='["ratio", "amount"]'), "other features")

    def test_fitted_without_an_artefact_is_refused(self, algorithm, artefacts):
        refused(changed(artefacts[algorithm], artefact=None), "no artefact")

    def test_artefact_table_without_a_column_is_refused(self, algorithm, artefacts):
        refused(artefacts[algorithm].drop_columns(["artefact_sha256"]), "no column")

    def test_pickle_is_not_executed(self, algorithm, artefacts, tmp_path):
        trace = tmp_path / "executed"
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            content = pickle.dumps(Touch(trace), protocol=protocol)
            refused(sealed(artefacts[algorithm], content), "cannot be loaded")
        assert not trace.exists()
        pickle.loads(content)  # noqa: S301 (the payload does work when it is unpickled)
        assert trace.exists()

    @pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b"[" * 100_000])
    def test_other_content_is_refused(self, algorithm, artefacts, content):
        refused(sealed(artefacts[algorithm], content), "cannot be loaded")

    def test_artefact_of_another_detector_is_refused(self, algorithm, artefacts):
        for other in set(PARAMETERS) - {algorithm}:
            table = sealed(artefacts[algorithm], payload(artefacts[other]))
            refused(table, "cannot be loaded|lists other features")


class TestSkopsArchive:
    @pytest.fixture
    def content(self, artefacts):
        return isolation_forest._read_archive(payload(artefacts["isolation_forest"]))

    def refused(self, artefacts, content: object, message: str) -> None:
        refused(sealed(artefacts["isolation_forest"], skops_io.dumps(content)), message)

    def test_archive_written_by_skops_itself_is_read(self, artefacts, content):
        table = sealed(artefacts["isolation_forest"], skops_io.dumps(content))
        before = score(artefacts["isolation_forest"])
        assert [row["score"] for row in score(table)] == [row["score"] for row in before]

    def test_function_call_is_not_executed(self, artefacts, content, tmp_path):
        trace = tmp_path / "executed"
        call = functools.partial(os.mkdir, str(trace))
        self.refused(artefacts, {**content, "forest": call}, "it names the type")
        assert not trace.exists()

    @pytest.mark.parametrize(
        "value", [np.float64(1.0), np.add, np.random.default_rng(0), {1, 2}, re.compile("a")]
    )
    def test_types_that_are_not_needed_are_refused(self, artefacts, content, value):
        try:
            archive = skops_io.dumps({**content, "extra": value})
        except Exception:
            pytest.skip("skops does not store this type")
        refused(sealed(artefacts["isolation_forest"], archive), "it names the type")

    def test_renamed_type_in_the_schema_is_refused(self, artefacts):
        original = payload(artefacts["isolation_forest"])
        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(original)) as source,
            zipfile.ZipFile(buffer, "w") as target,
        ):
            for name in source.namelist():
                data = source.read(name)
                if name == "schema.json":
                    data = data.replace(b'"ObjectNode"', b'"OperatorFuncNode"', 1)
                target.writestr(name, data)
        refused(sealed(artefacts["isolation_forest"], buffer.getvalue()), "it names the type")

    def test_unpacked_size_is_limited(self, artefacts, monkeypatch):
        monkeypatch.setattr(isolation_forest, "LARGEST_ARCHIVE_BYTES", 1_000)
        refused(artefacts["isolation_forest"], "too large")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("left_child", 10**6),
            ("right_child", -7),
            ("left_child", 0),
            ("feature", 2),
            ("feature", -5),
        ],
    )
    def test_tree_that_points_outside_itself_is_refused(self, artefacts, content, name, value):
        tree = content["forest"].estimators_[2].tree_
        state = tree.__getstate__()
        nodes = state["nodes"].copy()
        nodes[name][0] = value
        tree.__setstate__({**state, "nodes": nodes})
        self.refused(artefacts, content, "points outside|one child|no feature")

    def test_tree_that_counts_more_nodes_than_it_has_is_refused(self, artefacts, content):
        tree = content["forest"].estimators_[0].tree_
        tree.__setstate__({**tree.__getstate__(), "node_count": 10**5})
        forest = content["forest"]
        with pytest.raises(detectors.DetectorError, match="more nodes"):
            isolation_forest._check_forest(forest, 2)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"forest": None}, "no isolation forest"),
            ({"scales": ["log"]}, "differ in number"),
            ({"scales": ["log", "cubic"]}, "linear or log"),
            ({"medians": np.array([1.0])}, "differ in number"),
            ({"medians": np.array([1.0, np.nan])}, "not a list of numbers"),
            ({"reference_scores": write_array(np.array([0.6, 0.5]))}, "not sorted"),
            ({"reference_scores": write_array(np.array([]))}, "not sorted"),
            ({"segment_scores": {"x": write_array(np.array([2.0, 1.0]))}}, "not sorted"),
            ({"segment_scores": []}, "no scores by segment"),
            ({"explain_above": "often"}, "explain_above"),
            ({"features": ["amount", "amount"]}, "twice"),
            ({"features": []}, "no list of features"),
            ({"format": "other"}, "it is not cardwatch"),
        ],
    )
    def test_parts_that_do_not_fit_are_refused(self, artefacts, content, change, message):
        self.refused(artefacts, {**content, **change}, message)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("estimators_", []),
            ("estimators_", None),
            ("estimators_features_", [np.array([0, 9])] * 6),
            ("_decision_path_lengths", tuple([np.array([1.0])] * 6)),
            ("max_samples_", 0),
            ("max_samples_", "many"),
        ],
    )
    def test_forest_with_wrong_parts_is_refused(self, artefacts, content, name, value):
        setattr(content["forest"], name, value)
        self.refused(artefacts, content, "cannot be loaded")


class TestEmpiricalTailsArtefact:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"knots": [2.0, 1.0, 3.0]}, "ascend"),
            ({"knots": [1.0, 2.0]}, "length"),
            ({"knots": [1.0, "2.0", 3.0]}, "knots"),
            ({"knots": [1.0, float("nan"), 3.0]}, "knots"),
            ({"knots": [1.0, 10**400, 3.0]}, "knots"),
            ({"below": [0, 1.5, 2]}, "list of counts"),
            ({"below": [0, 1, 10**300]}, "out of range"),
            ({"below": [-1, 1, 2]}, "out of range"),
            ({"below": [0, 0, 2]}, "overlap"),
            ({"upto": [0, 2, 3]}, "no values"),
            ({"upto": None}, "list of counts"),
            ({"median": None}, "median"),
        ],
    )
    def test_table_that_does_not_add_up_is_refused(self, artefacts, change, message):
        table = artefacts["empirical_tails"]
        content = json.loads(payload(table))
        sound = {"knots": [1.0, 2.0, 3.0], "below": [0, 1, 2], "upto": [1, 2, 3], "median": 2.0}
        content["tables"][0] = sound
        assert score(sealed(table, json.dumps(content).encode()))
        content["tables"][0] = {**sound, **change}
        refused(sealed(table, json.dumps(content).encode()), message)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"tables": {}}, "no tables"),
            ({"tables": [[], []]}, "not an object"),
            ({"tables": []}, "differ in number"),
            ({"features": ["amount", 3]}, "no name"),
            ({"reference_scores": write_array(np.array([3.0, 1.0]))}, "not sorted"),
            ({"reference_scores": [True]}, "reference_scores"),
            ({"segment_scores": {"x": write_array(np.empty(0))}}, "not sorted"),
            ({"upper_only": True}, "neither 0 nor 1"),
            ({"upper_only": 2}, "neither 0 nor 1"),
            ({"explain_above": None}, "explain_above"),
        ],
    )
    def test_content_of_the_wrong_shape_is_refused(self, artefacts, change, message):
        table = artefacts["empirical_tails"]
        content = {**json.loads(payload(table)), **change}
        refused(sealed(table, json.dumps(content).encode()), message)


class TestTreeText:
    def with_text(self, artefacts, change) -> pa.Table:
        table = artefacts["gradient_boosted_tree"]
        content = json.loads(payload(table))
        text = change(content["model"])
        assert text != content["model"]
        blocks = text.partition("end of trees")[0].split("Tree=")[1:]
        sizes = " ".join(str(len("Tree=" + block)) for block in blocks)
        content["model"] = re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", text)
        return sealed(table, json.dumps(content).encode())

    @pytest.mark.parametrize(
        ("pattern", "replacement", "message"),
        [
            (r"left_child=\S+", "left_child=99999", "do not form a tree"),
            (r"left_child=\S+", "left_child=0", "do not form a tree"),
            (r"right_child=\S+", "right_child=-99", "do not form a tree"),
            (r"right_child=.*", "right_child=", "differs in length"),
            (r"right_child=\S+", "right_child=1_0", "no numbers"),
            (r"right_child=\S+", "right_child=1.5", "not whole"),
            (r"split_feature=\S+", "split_feature=2", "no feature"),
            (r"split_feature=\S+", "split_feature=-1", "no feature"),
            (r"num_leaves=\S+", "num_leaves=3", "no value"),
            (r"num_leaves=\S+", "num_leaves=0", "no value"),
            (r"leaf_value=\S+", "leaf_value=nan", "not finite"),
            (r"leaf_value=\S+", "leaf_value=high", "no numbers"),
            (r"leaf_value=\S+", "leaf_value=1e999", "not finite"),
            (r"leaf_weight=\S+ ", "leaf_weight= ", "no numbers"),
            (r"decision_type=\S+", "decision_type=1", "not numerical"),
            (r"num_cat=0", "num_cat=1", "other than numerical"),
            (r"is_linear=0", "is_linear=1", "other than numerical"),
            (r"shrinkage=1\n", "shrinkage=1\nnum_leaves=2\n", "repeated"),
            (r"internal_count=.*", "internal_count=", "differs in length"),
            (r"threshold=.*", "threshold=1.0", "differs in length"),
            (r"leaf_count=.*", "leaf_count=1", "differs in length"),
            (r"feature_infos=\S+", "feature_infos=none none", "differ in number"),
            (r"max_feature_idx=1", "max_feature_idx=7", "max_feature_idx"),
            (r"objective=.*", "objective=binary sigmoid:7", "objective"),
            (r"num_class=1", "num_class=2", "num_class"),
            (r"\nversion=v4", "\nversion=v4\naverage_output", "has no value"),
            (r"version=v4", "linear=v4", "no header"),
            (r"end of trees", "end of trees\nparameters:", "not complete"),
            (r"version=v4", "version=v4\r", "not complete"),
        ],
    )
    def test_text_that_points_outside_itself_is_refused(
        self, artefacts, pattern, replacement, message
    ):
        table = self.with_text(artefacts, lambda text: re.sub(pattern, replacement, text, count=1))
        refused(table, message)

    def test_wrong_tree_sizes_are_refused(self, artefacts):
        table = artefacts["gradient_boosted_tree"]
        content = json.loads(payload(table))
        for sizes in ("", "1 2 3 4", "99999999999 1 1 1"):
            text = re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", content["model"])
            changed_content = {**content, "model": text}
            refused(sealed(table, json.dumps(changed_content).encode()), "their sizes")

    @pytest.mark.parametrize("change", [{"model": None}, {"explain_above": "x"}, {"features": 3}])
    def test_content_of_the_wrong_shape_is_refused(self, artefacts, change):
        table = artefacts["gradient_boosted_tree"]
        content = {**json.loads(payload(table)), **change}
        refused(sealed(table, json.dumps(content).encode()), "cannot be loaded")
