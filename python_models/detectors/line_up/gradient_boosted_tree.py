"""Gradient boosted trees: how likely is misuse, judging by the cases decided so far?

LightGBM (Ke et al., NeurIPS 2017) with a logistic loss. Confirmed misuse is the positive class;
decided innocent and undecided rows are negatives, each with its given weight. Classes are not
rebalanced, so that under those weights probabilities keep their meaning.

The artefact is JSON around LightGBM's own text format, cut off where its record of the run
begins. The text is read as untrusted: every tree is checked before LightGBM sees it, because its
reader follows the indices in the text without looking.

The score is in log-odds. Reasons are exact Shapley values (Lundberg and Lee, TreeSHAP, by
LightGBM's `pred_contrib`): with LightGBM's base value they add up to the score.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lightgbm
import numpy as np

from detectors.arrays import DetectorError, Floats
from detectors.artefacts import read_json, read_names, read_number, require, write_json
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments
from detectors.reference import take_rows, upper_threshold
from detectors.training import Training

NAME = "gradient_boosted_tree"
FORMAT = "cardwatch/gradient_boosted_tree/1"

START_OF_TREE = "Tree="
END_OF_TREES = "end of trees\n"
PLAIN_TEXT = re.compile(r"[ -~\n]*")
#: A threshold is infinite where a cut only parts missing values from all others.
NUMBER = re.compile(r"-?([0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|inf|nan)")
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
HEADER = frozenset(
    {
        "version",
        "num_class",
        "num_tree_per_iteration",
        "label_index",
        "max_feature_idx",
        "objective",
        "feature_names",
        "feature_infos",
        "tree_sizes",
    }
)
#: Lists with one value per inner node, and with one per leaf. Where their lengths differ LightGBM
#: reads past the end of some and ends the whole process for others.
INNER_LISTS = (
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_value",
    "internal_weight",
    "internal_count",
)
LEAF_LISTS = ("leaf_value", "leaf_weight", "leaf_count")
#: Bit 0 would be a categorical cut; bit 1 is the side of missing values, bits 2 and 3 their kind.
NUMERICAL_DECISIONS = frozenset(range(0, 16, 2))


@dataclass(frozen=True)
class GradientBoostedTreeParameters:
    """Parameters of this detector; those with LightGBM's names mean what they mean there.

    minimum_positive: fewer cases of decided misuse, or of decided innocent rows, than this and
        the fit is skipped; rows without weight do not count.
    explained_share: share of the weighted training rows, those with the highest scores, that
        would be given reasons. Reasons for one row cost as much as scores for 150 rows.
    num_threads: for fitting only, 0 for all cores; the model does not depend on it. More than one
        pays off only on idle cores: threads wait for each other at every step, and on busy cores
        a fit has been seen to take twenty times as long.
    """

    n_estimators: int = bounded(200, 1, 10_000)
    learning_rate: float = bounded(0.05, 0.0001, 1.0)
    num_leaves: int = bounded(31, 2, 4_096)
    max_depth: int = bounded(-1, -1, 1_000)
    min_child_samples: int = bounded(50, 1, 1_000_000)
    min_child_weight: float = bounded(0.001, 0.0, 1_000_000.0)
    min_split_gain: float = bounded(0.0, 0.0, 1_000_000.0)
    feature_fraction: float = bounded(0.6, 0.01, 1.0)
    bagging_fraction: float = bounded(0.8, 0.01, 1.0)
    bagging_freq: int = bounded(1, 0, 10_000)
    lambda_l1: float = bounded(0.0, 0.0, 1_000_000.0)
    lambda_l2: float = bounded(1.0, 0.0, 1_000_000.0)
    path_smooth: float = bounded(0.0, 0.0, 1_000_000.0)
    max_bin: int = bounded(255, 2, 65_535)
    seed: int = bounded(20_240_229, 0, 2**31 - 1)
    num_threads: int = bounded(1, 0, 1_024)
    minimum_positive: int = bounded(30, 1, 10_000_000)
    explained_share: float = bounded(0.01, 0.0, 1.0)


class GradientBoostedTreeModel:
    """A loaded artefact. LightGBM scores with all cores it may use (OMP_NUM_THREADS)."""

    def __init__(
        self, features: tuple[str, ...], booster: lightgbm.Booster, explain_above: float
    ) -> None:
        """Take a booster over the features, and the log-odds from which rows are explained."""
        self.features = features
        self._booster = booster
        self._explain_above = explain_above

    def score(self, columns: Sequence[Floats], _segments: Segments) -> Scored:
        """Score n rows; a probability means the same in every segment."""
        score = log_odds(self._booster, columns)
        explained = np.flatnonzero(score >= self._explain_above)
        return Scored(
            score=score,
            probability=1 / (1 + np.exp(-score)),
            explained=explained,
            contributions=shapley_values(self._booster, take_rows(columns, explained))[:, :-1],
        )


def log_odds(booster: lightgbm.Booster, columns: Sequence[Floats]) -> Floats:
    """Log-odds of misuse of n rows, shape (n,)."""
    if columns[0].size == 0:
        return np.empty(0)
    return np.asarray(booster.predict(np.column_stack(columns), raw_score=True), dtype=np.float64)


def shapley_values(booster: lightgbm.Booster, columns: Sequence[Floats]) -> Floats:
    """Shapley values of n rows over f features and the base value, shape (n, f + 1)."""
    if columns[0].size == 0:
        return np.empty((0, len(columns) + 1))
    return np.asarray(
        booster.predict(np.column_stack(columns), pred_contrib=True), dtype=np.float64
    )


def fit(training: Training, parameters: GradientBoostedTreeParameters) -> Outcome:
    """Fit the trees, unless too few cases are decided, and write the JSON artefact."""
    weighted = training.weight > 0
    decided = {
        "confirmed cases": int(weighted[training.misuse == 1].sum()),
        "cases decided innocent": int(weighted[training.misuse == 0].sum()),
    }
    for kind, known in decided.items():
        if known < parameters.minimum_positive:
            return Outcome(
                training_rows=training.misuse.size,
                note=f"{known} {kind} known on {training.until}; "
                f"the tree needs {parameters.minimum_positive}.",
            )
    names = [feature.name for feature in training.features]
    rows = lightgbm.Dataset(
        np.column_stack(training.columns),
        label=(training.misuse == 1).astype(np.float64),
        weight=training.weight,
        feature_name=names,
        categorical_feature=[],
        params=_lightgbm_parameters(parameters),
    )
    try:
        booster = lightgbm.train(
            _lightgbm_parameters(parameters), rows, num_boost_round=parameters.n_estimators
        )
    except lightgbm.basic.LightGBMError as error:
        raise DetectorError(f"LightGBM refuses to fit {NAME}: {error}.") from error
    trees, _, _ = booster.model_to_string().partition(END_OF_TREES)
    threshold = upper_threshold(
        log_odds(booster, training.columns), training.weight, parameters.explained_share
    )
    content = {
        "format": FORMAT,
        "features": names,
        "explain_above": threshold,
        "model": trees + END_OF_TREES,
    }
    return Outcome(training_rows=training.misuse.size, payload=write_json(content))


def load(payload: bytes) -> GradientBoostedTreeModel:
    """Read a JSON artefact, checking the text of every tree before LightGBM reads it."""
    content = read_json(payload, FORMAT)
    features = read_names(content)
    explain_above = read_number(content, "explain_above")
    text = content.get("model")
    text = text if isinstance(text, str) else ""
    _check_model(text, features)
    try:
        booster = lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise DetectorError(f"LightGBM cannot read the artefact: {error}.") from error
    return GradientBoostedTreeModel(features, booster, explain_above)


def _lightgbm_parameters(parameters: GradientBoostedTreeParameters) -> dict[str, object]:
    """LightGBM's parameters for a fit that repeats exactly, whatever the number of threads."""
    return {
        "objective": "binary",
        "metric": "none",
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.num_leaves,
        "max_depth": parameters.max_depth,
        "min_child_samples": parameters.min_child_samples,
        "min_child_weight": parameters.min_child_weight,
        "min_split_gain": parameters.min_split_gain,
        "feature_fraction": parameters.feature_fraction,
        "bagging_fraction": parameters.bagging_fraction,
        "bagging_freq": parameters.bagging_freq,
        "lambda_l1": parameters.lambda_l1,
        "lambda_l2": parameters.lambda_l2,
        "path_smooth": parameters.path_smooth,
        "max_bin": parameters.max_bin,
        "seed": parameters.seed,
        "num_threads": parameters.num_threads,
    }


def _check_model(text: str, features: tuple[str, ...]) -> None:
    """Refuse a text in which LightGBM would read out of bounds or walk in circles.

    The text is a header and one block per tree; `tree_sizes` gives the bytes of every block.
    """
    trees, end, rest = text.partition(END_OF_TREES)
    require(end and not rest and PLAIN_TEXT.fullmatch(text), "the model text is not complete")
    header, *blocks = trees.split(START_OF_TREE)
    lines = _entries(header)
    require(header.startswith("tree\n") and lines.keys() == HEADER, "the model text has no header")
    expected = {
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "objective": "binary sigmoid:1",
        "max_feature_idx": str(len(features) - 1),
        "feature_names": " ".join(features),
    }
    for name, value in expected.items():
        require(lines[name] == value, f"{name} of the model text is not as expected")
    require(len(_values(lines, "feature_infos")) == len(features), "features differ in number")
    sizes = [len(START_OF_TREE) + len(block) for block in blocks]
    require(sizes and _whole_numbers(lines, "tree_sizes") == sizes, "trees differ from their sizes")
    for block in blocks:
        _check_tree(_entries(block), len(features))


def _check_tree(lines: Mapping[str, str], number_of_features: int) -> None:
    """Refuse a block that is not one tree of plain numerical cuts.

    Inner nodes are numbered from 0, each above its children; a child below 0 is the leaf
    -(child + 1). So every node but the root, and every leaf, is the child of exactly one node.
    """
    plain = _whole_numbers(lines, "num_cat") == [0] and _whole_numbers(lines, "is_linear") == [0]
    require(plain, "a tree has other than numerical cuts")
    leaves = (_whole_numbers(lines, "num_leaves") or [0])[0]
    require(leaves == len(_values(lines, "leaf_value")) > 0, "a leaf has no value")
    for names, length in ((INNER_LISTS, leaves - 1), (LEAF_LISTS, leaves)):
        for name in names:
            values = _values(lines, name)
            fits = len(values) == length or (leaves == 1 and not values)
            require(fits, f"{name} differs in length")
            require(all(NUMBER.fullmatch(value) for value in values), f"{name} holds no numbers")
    finite = all(math.isfinite(float(value)) for value in _values(lines, "leaf_value"))
    require(finite, "a leaf_value is not finite")
    cuts = _whole_numbers(lines, "split_feature")
    require(all(0 <= feature < number_of_features for feature in cuts), "a cut has no feature")
    kinds = _whole_numbers(lines, "decision_type")
    require(all(kind in NUMERICAL_DECISIONS for kind in kinds), "a cut is not numerical")
    sides = [_whole_numbers(lines, name) for name in ("left_child", "right_child")]
    once = sorted(sides[0] + sides[1]) == [*range(-leaves, 0), *range(1, leaves - 1)]
    downwards = all(child < 0 or child > node for side in sides for node, child in enumerate(side))
    require(downwards and (once or leaves == 1), "the nodes do not form a tree")


def _entries(block: str) -> dict[str, str]:
    """The lines `name=value` below the first line of a block; no name may occur twice."""
    lines = [line for line in block.split("\n")[1:] if line]
    require(all("=" in line for line in lines), "a line of the model text has no value")
    entries = dict(line.split("=", 1) for line in lines)
    require(len(entries) == len(lines), "a line of the model text is repeated")
    return entries


def _values(lines: Mapping[str, str], name: str) -> list[str]:
    """The values of a line; none for an empty or missing line."""
    return lines[name].split(" ") if lines.get(name) else []


def _whole_numbers(lines: Mapping[str, str], name: str) -> list[int]:
    """The whole numbers of a line, written as LightGBM writes them."""
    values = _values(lines, name)
    require(all(WHOLE_NUMBER.fullmatch(value) for value in values), f"{name} is not whole")
    return [int(value) for value in values]


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_tree",
    parameters=GradientBoostedTreeParameters,
    fit=fit,
    load=load,
)
