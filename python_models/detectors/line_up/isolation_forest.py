"""Isolation forest: how few random cuts separate a transaction from all others?

scikit-learn's IsolationForest (Liu, Ting and Zhou, "Isolation Forest", ICDM 2008). The score is
2 ** -(mean path length / expected path length), between 0 and 1, higher when more isolated.
Random cuts are drawn uniformly between the extremes of a feature, so heavy-tailed features must
come on the log scale; missing values take the reference median.

The artefact is a skops archive. It is read as untrusted: only the types listed here may occur in
it, skops builds them without pickle, and the indices inside every tree are checked, because
scikit-learn follows them without looking.

A reason is the drop in the score when that one feature is put back to its reference median, all
others unchanged. It is computed for the explained rows only, one feature at a time for all of
them together.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import IsolationForest
from sklearn.tree import ExtraTreeRegressor
from sklearn.tree._tree import Tree
from skops import io as skops_io

from detectors.arrays import DetectorError, Floats
from detectors.artefacts import read_names, read_numbers, require
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments, check_scale, lower_median, scaled
from detectors.reference import (
    FrozenScores,
    ReferenceParameters,
    draw_sample,
    fill_missing,
    take_rows,
)
from detectors.training import Training

NAME = "isolation_forest"
FORMAT = "cardwatch/isolation_forest/2"

Matrix = npt.NDArray[np.float32]

#: The only (module, class, loader) an archive may name. skops trusts many more by default.
ALLOWED_NODES = frozenset(
    {
        ("builtins", "dict", "DictNode"),
        ("builtins", "list", "ListNode"),
        ("builtins", "tuple", "TupleNode"),
        ("builtins", "str", "JsonNode"),
        ("builtins", "str", "TypeNode"),
        ("numpy", "ndarray", "NdArrayNode"),
        ("sklearn.ensemble._iforest", "IsolationForest", "ObjectNode"),
        ("sklearn.tree._classes", "ExtraTreeRegressor", "ObjectNode"),
        ("sklearn.tree._tree", "Tree", "TreeNode"),
    }
)

#: The type skops does not trust by default: its indices can point outside. `_check_tree` looks.
TRUSTED_TYPES = ["sklearn.tree._tree.Tree"]

SCHEMA_FILE = "schema.json"
LARGEST_ARCHIVE_BYTES = 512 * 1024 * 1024
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class IsolationForestParameters(ReferenceParameters):
    """Parameters of this detector, besides the shared ones.

    n_estimators: number of trees.
    max_samples: rows drawn for each tree.
    max_features: share of the features each tree may cut.
    seed: of the random cuts.
    """

    n_estimators: int = bounded(100, 1, 10_000)
    max_samples: int = bounded(256, 2, 1_000_000)
    max_features: float = bounded(1.0, 0.01, 1.0)
    seed: int = bounded(20_240_229, 0, 2**31 - 1)


@dataclass(frozen=True)
class Scaling:
    """Names, scales and reference medians (on their scale) of f features."""

    names: tuple[str, ...]
    scales: tuple[str, ...]
    medians: Floats

    def matrix(self, columns: Sequence[Floats]) -> Matrix:
        """The columns, each of shape (n,), as float32 of shape (n, f) without missing values."""
        matrix = np.empty((columns[0].size, len(columns)), dtype=np.float32)
        for position, (column, scale) in enumerate(zip(columns, self.scales, strict=True)):
            filled = fill_missing(scaled(column, scale), float(self.medians[position]))
            matrix[:, position] = np.clip(filled, -LARGEST_FLOAT32, LARGEST_FLOAT32)
        return matrix


class Paths:
    """The trees of a fitted forest with the path length that every node stands for.

    The sum over the trees is scikit-learn's `score_samples`, but always in the same order, while
    scikit-learn adds trees up in the order in which its workers finish.
    """

    def __init__(self, forest: Any) -> None:
        """Take a fitted IsolationForest."""
        self._trees = [
            (estimator.tree_, features, depth + remaining - 1.0)
            for estimator, features, depth, remaining in zip(
                forest.estimators_,
                forest.estimators_features_,
                forest._decision_path_lengths,
                forest._average_path_length_per_tree,
                strict=True,
            )
        ]
        self._expected = len(self._trees) * average_path_length(forest.max_samples_)

    def score(self, matrix: Matrix) -> Floats:
        """The score of every row of the matrix (n, f), shape (n,); higher is more isolated."""
        lengths = np.zeros(matrix.shape[0])
        for tree, features, path_length in self._trees:
            every = features.size == matrix.shape[1]
            leaves = tree.apply(matrix if every else matrix[:, features])
            lengths += path_length[leaves]
        score: Floats = 2.0 ** (-lengths / self._expected)
        return score


def average_path_length(rows: int) -> float:
    """Expected length of an unsuccessful search in a binary tree of `rows` >= 2 rows.

    c(n) = 2 H(n - 1) - 2 (n - 1) / n with H(i) = ln(i) + Euler's constant; c(2) = 1.
    """
    if rows == 2:
        return 1.0
    return 2.0 * (math.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows


class IsolationForestModel:
    """A loaded artefact."""

    def __init__(self, scaling: Scaling, paths: Paths, reference: FrozenScores) -> None:
        """Take the paths of a forest over the scaled features."""
        self.features = scaling.names
        self._scaling = scaling
        self._paths = paths
        self._reference = reference

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows."""
        matrix = self._scaling.matrix(columns)
        score = self._paths.score(matrix)
        tail = self._reference.tail(score, segments)
        explained = self._reference.explained(tail)
        return Scored(
            score=score,
            tail=tail,
            explained=explained,
            contributions=self._drops(matrix[explained], score[explained]),
        )

    def _drops(self, matrix: Matrix, score: Floats) -> Floats:
        """Drop in the score, shape (k, f), with each feature of k rows at its median in turn."""
        drops = np.zeros(matrix.shape)
        typical = self._scaling.medians.astype(np.float32)
        for position, median in enumerate(typical):
            moved = np.flatnonzero(matrix[:, position] != median)
            changed = matrix[moved]
            changed[:, position] = median
            drops[moved, position] = score[moved] - self._paths.score(changed)
        return drops


def fit(training: Training, parameters: IsolationForestParameters) -> Outcome:
    """Fit the forest and write the skops archive."""
    sample = draw_sample(training, parameters)
    if isinstance(sample, Outcome):
        return sample
    columns = take_rows(training.columns, sample.rows)
    names = tuple(feature.name for feature in training.features)
    scales = tuple(feature.scale for feature in training.features)
    medians = [
        lower_median(scaled(column, scale)) or 0.0
        for column, scale in zip(columns, scales, strict=True)
    ]
    scaling = Scaling(names, scales, np.clip(medians, -LARGEST_FLOAT32, LARGEST_FLOAT32))
    forest = IsolationForest(
        n_estimators=parameters.n_estimators,
        max_samples=min(parameters.max_samples, sample.rows.size),
        max_features=parameters.max_features,
        random_state=parameters.seed,
    ).fit(scaling.matrix(columns))
    scores = Paths(forest).score(scaling.matrix(take_rows(training.columns, sample.scored)))
    reference = FrozenScores.freeze(scores, training.segments.take(sample.scored), parameters)
    content = {
        "format": FORMAT,
        "features": list(names),
        "scales": list(scales),
        "medians": scaling.medians,
        "forest": forest,
        **reference.content(),
    }
    return Outcome(training_rows=sample.rows.size, payload=_write_archive(content))


def load(payload: bytes) -> IsolationForestModel:
    """Read a skops archive without executing anything in it, and check what it built."""
    content = _read_archive(payload)
    require(isinstance(content, dict) and content.get("format") == FORMAT, f"it is not {FORMAT}")
    names = read_names(content)
    scales = content.get("scales")
    scales = tuple(scales) if isinstance(scales, list) else ()
    require(len(scales) == len(names), "features and scales differ in number")
    for name, scale in zip(names, scales, strict=True):
        check_scale(name, scale)
    medians = read_numbers(content.get("medians"), "medians")
    require(medians.size == len(names), "features and medians differ in number")
    forest = content.get("forest")
    _check_forest(forest, len(names))
    scaling = Scaling(names, scales, medians)
    return IsolationForestModel(scaling, Paths(forest), FrozenScores.read(content))


def _write_archive(content: Mapping[str, Any]) -> bytes:
    """The skops archive of the content, with the same bytes for the same content.

    skops names arrays and nodes by their address in memory, which changes from run to run, and
    only uses the addresses to share nodes. Arrays are renamed by their hash, addresses removed.
    """
    with zipfile.ZipFile(io.BytesIO(skops_io.dumps(dict(content)))) as archive:
        schema = json.loads(archive.read(SCHEMA_FILE))
        arrays: dict[str, bytes] = {}
        for node in _nodes(schema):
            node.pop("__id__", None)
            if "file" in node:
                array = archive.read(node["file"])
                node["file"] = f"{hashlib.sha256(array).hexdigest()}.npy"
                arrays[node["file"]] = array
    arrays[SCHEMA_FILE] = json.dumps(schema, separators=(",", ":")).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            archive.writestr(zipfile.ZipInfo(name), arrays[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _read_archive(payload: bytes) -> Any:
    """Check every node of an untrusted skops archive against the allowed types, then build it."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            require(unpacked <= LARGEST_ARCHIVE_BYTES, "it is too large")
            for node in _nodes(json.loads(archive.read(SCHEMA_FILE))):
                if node.keys() & {"__class__", "__module__", "__loader__"}:
                    kind = (node["__module__"], node["__class__"], node["__loader__"])
                    require(kind in ALLOWED_NODES, f"it names the type {'.'.join(kind[:2])}")
        return skops_io.loads(payload, trusted=TRUSTED_TYPES)
    except DetectorError:
        raise
    except Exception as error:
        raise DetectorError(f"The artefact is not a sound skops archive: {error}.") from error


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a skops schema, outermost first."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_forest(forest: Any, number_of_features: int) -> None:
    """Refuse a forest whose parts do not fit together or whose trees point outside themselves."""
    require(type(forest) is IsolationForest, "it holds no isolation forest")
    parts = [
        getattr(forest, name, None)
        for name in (
            "estimators_",
            "estimators_features_",
            "_decision_path_lengths",
            "_average_path_length_per_tree",
        )
    ]
    require(all(isinstance(part, (list, tuple)) for part in parts), "the forest has no trees")
    require(len({len(part) for part in parts if part}) == 1 and all(parts), "trees are missing")
    rows = getattr(forest, "max_samples_", None)
    require(type(rows) is int and rows >= 2, "the forest has no sample size")
    for estimator, used, *lengths in zip(*parts, strict=True):
        require(type(estimator) is ExtraTreeRegressor, "a part of the forest is not a tree")
        tree: Any = getattr(estimator, "tree_", None)
        require(type(tree) is Tree, "a tree of the forest is empty")
        columns = np.asarray(used)
        require(columns.ndim == 1 and columns.dtype.kind in "iu", "a tree has no features")
        require((columns >= 0).all() and (columns < number_of_features).all(), "features differ")
        _check_tree(tree, columns.size)
        for length in lengths:
            numbers = read_numbers(length, "path length")
            require(numbers.size == tree.node_count, "a node has no path length")


def _check_tree(tree: Any, number_of_features: int) -> None:
    """Refuse a tree in which scikit-learn would read out of bounds or walk in circles."""
    require(0 < tree.node_count <= tree.capacity, "a tree counts more nodes than it has")
    node = np.arange(tree.node_count)
    left, right = tree.children_left, tree.children_right
    leaf = left == -1
    require(np.array_equal(leaf, right == -1), "a node has one child only")
    for child in (left, right):
        inside = (child > node) & (child < tree.node_count)
        require((inside | leaf).all(), "a node points outside its tree")
    inside = (tree.feature >= 0) & (tree.feature < number_of_features)
    require((inside | leaf).all(), "a cut has no feature")


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_anomaly",
    parameters=IsolationForestParameters,
    fit=fit,
    load=load,
)
