"""Arrays of an artefact, and fits that were tampered with."""

import base64
import hashlib
import json
import os
import pickle

import numpy as np
import pyarrow as pa
import pytest

import detectors
from detectors.arrays import DetectorError
from detectors.artefacts import read_array, write_array
from tests.detectors.correlated import ON_NORMAL_SCORES, ROWS, UNTIL, later, scored


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
    def refused(self, fits, algorithm, change, message):
        table = fits[algorithm]
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
    def test_normal_scores(self, algorithm, change, message, fits):
        def spoil(content):
            first, *others = content["normal_scores"]
            return {"normal_scores": [{**first, **change}, *others]}

        self.refused(fits, algorithm, spoil, message)

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
    def test_shared_parts(self, algorithm, change, message, fits):
        self.refused(fits, algorithm, change, message)

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
    def test_parts_of_their_own(self, algorithm, change, message, fits):
        self.refused(fits, algorithm, change, message)
