"""The stack: rules, tree and unsupervised detectors as one probability of misuse.

A logistic regression of known outcomes on three terms of a purchase: what its rules say, the
log-odds that the tree gives, and how far out it is for the detectors without labels. Four or five
numbers come out, rounded before they are used, so that whoever reads them computes the very risk.

Evidence of misuse never counts against it: a part whose slope would be negative is left out. A part
that hardly any confirmed misuse had is not known to a stack, and purchases that have it are left to
the noisy-or of prior weights. So are purchases that another version of the tree has scored: two
versions are not on one scale.

A stack is put into use when enough is decided and it gives the outcomes of later weeks, which it
has not learned from, more probability than what was in use: the lower logarithmic loss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from detectors.arrays import DetectorError, Floats, Integers
from detectors.artefacts import version_name, write_json
from detectors.contract import bounded, read_parameters
from detectors.features import read_column, read_numbers
from detectors.training import EPOCH
from detectors.validation import LEAST_MISUSE, Booleans, calibration_error

STACK, NOISY_OR = "stack", "noisy_or"

#: Columns of one version of the risk, as the ledger keeps them.
RISK_VERSION_SCHEMA = pa.schema(
    [
        ("version", pa.string()),
        ("fitted_on", pa.date32()),
        ("method", pa.string()),
        ("tree_version", pa.string()),
        ("intercept", pa.float64()),
        ("rule_coefficient", pa.float64()),
        ("tree_coefficient", pa.float64()),
        ("no_tree_coefficient", pa.float64()),
        ("anomaly_coefficient", pa.float64()),
        ("anomaly_tail_from", pa.float64()),
        ("anomaly_tail_full", pa.float64()),
        ("decided_misuse", pa.int64()),
        ("decided_innocent", pa.int64()),
        ("holdout_from", pa.date32()),
        ("holdout_until", pa.date32()),
        ("compared_with", pa.string()),
        ("log_loss", pa.float64()),
        ("log_loss_before", pa.float64()),
        ("calibration_error", pa.float64()),
        ("is_in_use", pa.bool_()),
        ("verdict_reason", pa.string()),
    ]
)

#: Coefficients are rounded to so many decimals before anything is computed with them.
DECIMALS = 6
#: A risk below one in ten thousand is judged as that: a wrong risk of 0 would decide alone.
LEAST_RISK = 1e-4


@dataclass(frozen=True)
class StackParameters:
    """What must be decided among the training rows before a stack may be put into use."""

    minimum_misuse: int = bounded(50, LEAST_MISUSE, 10_000_000)
    minimum_innocent: int = bounded(200, LEAST_MISUSE, 10_000_000)


@dataclass(frozen=True)
class Terms:
    """n purchases sorted by transaction id; every array has shape (n,), a missing part is NaN.

    `misuse` where it was confirmed, `decided` where anything was; `days` counts from 1970.
    `tree_version` is the tree behind all of `tree`, None without one.
    """

    rule: Floats
    tree: Floats
    anomaly: Floats
    noisy_or: Floats
    misuse: Booleans
    decided: Booleans
    weight: Floats
    days: Integers
    tree_version: str | None

    @classmethod
    def read(cls, rows: pa.Table) -> Terms:
        """Read rows in any order: transaction_id, transaction_date, misuse, weight and terms."""
        rows = rows.sort_by("transaction_id")
        misuse = read_column(rows, "misuse", pa.bool_())
        days = pc.cast(read_column(rows, "transaction_date", pa.date32()), pa.int32())
        versions = pc.unique(read_column(rows, "tree_version", pa.string())).to_pylist()
        if len(versions) > 1:
            raise DetectorError("The training rows of a stack are scored by more than one tree.")
        terms = cls(
            rule=read_numbers(rows, "rule_term"),
            tree=read_numbers(rows, "tree_term"),
            anomaly=read_numbers(rows, "anomaly_term"),
            noisy_or=read_numbers(rows, "noisy_or_risk"),
            misuse=pc.fill_null(misuse, False).to_numpy(zero_copy_only=False).astype(bool),
            decided=pc.is_valid(misuse).to_numpy(zero_copy_only=False).astype(bool),
            weight=read_numbers(rows, "weight"),
            days=days.to_numpy(zero_copy_only=False).astype(np.int64),
            tree_version=versions[0] if versions else None,
        )
        if not (np.isfinite(terms.weight) & (terms.weight > 0)).all():
            raise DetectorError("A training row of the stack has no weight above zero.")
        if not (np.isfinite(terms.rule) & np.isfinite(terms.noisy_or)).all():
            raise DetectorError("A training row of the stack has no rule_term or noisy_or_risk.")
        return terms

    def where(self, chosen: Booleans) -> Terms:
        """The rows at which `chosen`, of shape (n,), is true."""
        arrays = {name: values for name, values in vars(self).items() if name != "tree_version"}
        return replace(self, **{name: values[chosen] for name, values in arrays.items()})


@dataclass(frozen=True)
class Stack:
    """Coefficients of the log-odds, rounded; None for a part that the stack does not know."""

    intercept: float
    rule_coefficient: float
    tree_coefficient: float | None
    no_tree_coefficient: float
    anomaly_coefficient: float | None

    def risk(self, terms: Terms) -> Floats:
        """Probability of misuse; the noisy-or's where a purchase has a part that is not known."""
        tree = np.where(
            np.isnan(terms.tree),
            self.no_tree_coefficient,
            _times(self.tree_coefficient, terms.tree),
        )
        anomaly = np.where(
            np.isnan(terms.anomaly), 0.0, _times(self.anomaly_coefficient, terms.anomaly)
        )
        log_odds = self.intercept + self.rule_coefficient * terms.rule + tree + anomaly
        return np.where(np.isnan(log_odds), terms.noisy_or, 1 / (1 + np.exp(-log_odds)))


def fit_stack(terms: Terms) -> Stack | None:
    """Fit on rows that have no unknown part; None if fewer than `LEAST_MISUSE` of them are misuse.

    A purchase without a tree counts as one of which the tree says what it says on average.
    Slopes are kept from running away by a normal prior of unit width (scikit-learn's default),
    which matters only where outcomes are separated perfectly.
    """
    has_tree, has_anomaly = ~np.isnan(terms.tree), ~np.isnan(terms.anomaly)
    knows_tree = (terms.misuse & has_tree).sum() >= LEAST_MISUSE
    knows_anomaly = (terms.misuse & has_anomaly).sum() >= LEAST_MISUSE
    usable = (knows_tree | ~has_tree) & (knows_anomaly | ~has_anomaly)
    rows = terms.where(usable)
    if rows.misuse.sum() < LEAST_MISUSE or rows.misuse.all():
        return None
    has_tree = ~np.isnan(rows.tree)
    average = (
        float(np.average(rows.tree[has_tree], weights=rows.weight[has_tree])) if knows_tree else 0.0
    )
    columns = {
        "rule": rows.rule,
        "tree": np.where(has_tree, rows.tree, average),
        "anomaly": np.nan_to_num(rows.anomaly),
    }
    left_out = set() if knows_tree else {"tree"}
    while True:
        intercept, slopes = _regress(columns, left_out, rows)
        lowest = min(slopes, key=lambda name: slopes[name])
        if slopes[lowest] >= 0:
            break
        left_out.add(lowest)
    return Stack(
        intercept=_rounded(intercept),
        rule_coefficient=_rounded(slopes["rule"]),
        tree_coefficient=_rounded(slopes["tree"]) if knows_tree else None,
        no_tree_coefficient=_rounded(slopes["tree"] * average),
        anomaly_coefficient=_rounded(slopes["anomaly"]) if knows_anomaly else None,
    )


def fit_risk_versions(
    *,
    due: pa.Table,
    issued: pa.Table,
    noisy_or: pa.Table,
    parameters: Mapping[str, Any] | None,
    training: Callable[[date], pa.Table],
) -> pa.Table:
    """All versions of the risk: those issued, the noisy-or, and a stack for every day that is due.

    due: fitted_on and holdout_from of the days on which a stack is due.
    issued: rows of the ledger.
    noisy_or: one row, the noisy-or of the weights of today.
    training: gives the training rows of a day: transaction_id, transaction_date, misuse (null while
        not decided), weight, rule_term, tree_term and anomaly_term (null where there was none),
        noisy_or_risk, and tree_version, the champion of the day. Called only for days that need a
        fit.

    Returns rows of `RISK_VERSION_SCHEMA`.
    """
    minimum = read_parameters(StackParameters, parameters or {}, STACK)
    versions = issued.select(RISK_VERSION_SCHEMA.names).cast(RISK_VERSION_SCHEMA).to_pylist()
    prior = noisy_or.to_pylist()[0]
    if prior["version"] not in {version["version"] for version in versions}:
        reason = "needs no decisions"
        first = {"decided_misuse": 0, "decided_innocent": 0, "is_in_use": True}
        versions.append({**prior, **first, "verdict_reason": reason})
    for day in sorted(due.to_pylist(), key=lambda row: row["fitted_on"]):
        earlier = (
            version
            for version in versions
            if version["method"] == STACK
            and version["is_in_use"]
            and version["fitted_on"] < day["fitted_on"]
        )
        in_use = max(earlier, key=lambda version: version["fitted_on"], default=prior)
        versions.append(
            {
                "fitted_on": day["fitted_on"],
                "method": STACK,
                "anomaly_tail_from": prior["anomaly_tail_from"],
                "anomaly_tail_full": prior["anomaly_tail_full"],
                **_fit_and_judge(day, Terms.read(training(day["fitted_on"])), in_use, minimum),
            }
        )
    versions.sort(key=lambda version: (version["fitted_on"] or date.max, version["version"]))
    return pa.Table.from_pylist(versions, schema=RISK_VERSION_SCHEMA)


def log_loss(risk: Floats, misuse: Booleans, weight: Floats) -> float:
    """Mean of -ln(probability given to what happened) over purchases of weight `weight`."""
    kept = np.clip(risk, LEAST_RISK, 1 - LEAST_RISK)
    return float(-np.average(np.log(np.where(misuse, kept, 1 - kept)), weights=weight))


def _fit_and_judge(
    due: Mapping[str, Any], terms: Terms, in_use: Mapping[str, Any], minimum: StackParameters
) -> dict[str, Any]:
    """A version for a due day from all of its rows, judged by one that knew no held-out week.

    Held back are the days of the tree's own holdout and later, but at most the later half: a tree
    that is new has seen all that lies before.
    """
    found: dict[str, Any] = {
        "version": version_name(STACK, due["fitted_on"], None),
        "tree_version": terms.tree_version,
        "decided_misuse": int(terms.misuse.sum()),
        "decided_innocent": int((terms.decided & ~terms.misuse).sum()),
        "is_in_use": False,
    }
    if (
        found["decided_misuse"] < minimum.minimum_misuse
        or found["decided_innocent"] < minimum.minimum_innocent
    ):
        return found | {
            "verdict_reason": f"{found['decided_misuse']} purchases decided as misuse and "
            f"{found['decided_innocent']} as innocent are known; "
            f"{minimum.minimum_misuse} and {minimum.minimum_innocent} are needed"
        }
    stack = fit_stack(terms)
    if stack is None:
        return found | {"verdict_reason": "too little of the decided misuse has the same parts"}
    sha256 = hashlib.sha256(write_json(asdict(stack))).hexdigest()
    found |= asdict(stack)
    found["version"] = version_name(STACK, due["fitted_on"], sha256)
    found["compared_with"] = in_use["version"]
    first, until = (
        (int(terms.days.min()) + int(terms.days.max()) + 1) // 2,
        int(terms.days.max()) + 1,
    )
    if due["holdout_from"]:
        first = max(first, (due["holdout_from"] - EPOCH).days)
    challenger = fit_stack(terms.where(terms.days < first))
    held = terms.where(terms.days >= first)
    if challenger is None or held.misuse.sum() < LEAST_MISUSE:
        which = "before" if challenger is None else "in"
        return found | {
            "verdict_reason": f"fewer than {LEAST_MISUSE} cases of misuse are known {which} "
            f"the weeks held back"
        }
    found["holdout_from"], found["holdout_until"] = (
        EPOCH + timedelta(days=day) for day in (first, until)
    )
    risk, before = challenger.risk(held), _risk(in_use, held)
    found["log_loss"] = log_loss(risk, held.misuse, held.weight)
    found["log_loss_before"] = log_loss(before, held.misuse, held.weight)
    found["calibration_error"] = calibration_error(risk, held.misuse, held.weight)
    found["is_in_use"] = found["log_loss"] < found["log_loss_before"]
    return found | {
        "verdict_reason": f"log loss {found['log_loss']:.5f} on later weeks, "
        f"{found['log_loss_before']:.5f} with {in_use['version']}"
    }


def _risk(version: Mapping[str, Any], terms: Terms) -> Floats:
    """The risk that a recorded version gives."""
    if version["method"] == NOISY_OR or version["tree_version"] != terms.tree_version:
        return terms.noisy_or
    return Stack(**{name: version[name] for name in Stack.__dataclass_fields__}).risk(terms)


def _regress(
    columns: Mapping[str, Floats], left_out: set[str], rows: Terms
) -> tuple[float, dict[str, float]]:
    """Intercept and slopes of the weighted regression; what is left out has a slope of 0.

    Newton's method ends so near the optimum that no rounded digit depends on the machine.
    """
    names = [name for name in columns if name not in left_out and columns[name].any()]
    slopes = dict.fromkeys(columns, 0.0)
    if not names:
        share = float(np.average(rows.misuse, weights=rows.weight))
        return float(np.log(share / (1 - share))), slopes
    # imported late: it takes seconds, and who only asks for the detectors' names does not fit
    from sklearn.linear_model import LogisticRegression

    with threadpool_limits(1):
        model = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=200)
        model.fit(
            np.column_stack([columns[name] for name in names]),
            rows.misuse,
            sample_weight=rows.weight,
        )
    slopes |= dict(zip(names, (float(slope) for slope in model.coef_[0]), strict=True))
    return float(model.intercept_[0]), slopes


def _times(coefficient: float | None, values: Floats) -> Floats:
    """A term of the log-odds; NaN, for not known, without a coefficient."""
    return values * (np.nan if coefficient is None else coefficient)


def _rounded(value: float) -> float:
    return round(value, DECIMALS) + 0.0  # no negative zero
