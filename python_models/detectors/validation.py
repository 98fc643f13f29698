"""Validation: how versions do on days they have not learned from, and which of two is better.

Rows are never split at random: the holdout lies after everything that was learned from. Outcomes
count with the weight of their row (1 / review probability; a purchase that nobody looked at is a
small part of an innocent one), so that figures speak of all purchases and not of the reviewed ones.
Two versions are compared on the same rows, with intervals from a bootstrap over cards: purchases
of one card resemble each other and must not count as independent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.arrays import Floats, Integers
from detectors.contract import Model
from detectors.features import Segments, read_column, read_numbers, read_segments

Booleans = npt.NDArray[np.bool_]

#: Share of the purchases that reviewers can look at; figures "at budget" are at this share.
BUDGET_SHARE = 0.01
#: With fewer cases of misuse than this an interval says nothing, for all rows and for a segment.
LEAST_MISUSE = 10
#: A tail of 2 stands for one purchase in a hundred; that is what is held against the holdout.
FAR_TAIL, FAR_SHARE = 2.0, 0.01
#: Cards whose highest scores a day are looked at.
CARDS_A_DAY = 100
REPETITIONS = 400
#: Percentiles of a 90 % interval: that its low end is above zero is a one-sided test at 5 %.
INTERVAL = (5.0, 95.0)
SEED = 20_240_229


@dataclass(frozen=True)
class Holdout:
    """n rows to judge on: `misuse` where it was confirmed, `weight` as in training, shape (n,).

    `cards` and `days` are whole numbers, `amount` is in the currency of the purchase.
    """

    rows: pa.Table
    misuse: Booleans
    weight: Floats
    amount: Floats
    cards: Integers
    days: Integers
    segments: Segments

    @classmethod
    def read(cls, rows: pa.Table) -> Holdout:
        """Read rows with the columns of training, and card_id and amount, in any order."""
        rows = rows.sort_by("transaction_id")  # figures and samples must not depend on the order
        decided = read_column(rows, "misuse", pa.bool_())
        names = read_column(rows, "card_id", pa.string()).to_pylist()
        _, cards = np.unique(np.array([str(name) for name in names]), return_inverse=True)
        return cls(
            rows=rows,
            misuse=pc.fill_null(decided, False).to_numpy(zero_copy_only=False).astype(bool),
            weight=read_numbers(rows, "weight"),
            amount=np.nan_to_num(read_numbers(rows, "amount")),
            cards=cards.astype(np.int64),
            days=pc.cast(read_column(rows, "transaction_date", pa.date32()), pa.int32())
            .to_numpy(zero_copy_only=False)
            .astype(np.int64),
            segments=read_segments(rows),
        )

    def rank(self, model: Model) -> Ranked:
        """Score the rows with a version."""
        scored = model.score(
            [read_numbers(self.rows, name) for name in model.features], self.segments
        )
        ranks = scored.score if scored.tail is None else scored.tail + 1e-9 * scored.score
        return Ranked(ranks, scored.tail, scored.probability)


@dataclass(frozen=True)
class Ranked:
    """A version's view of n rows: what it orders them by, and its tail or probability."""

    rank: Floats
    tail: Floats | None
    probability: Floats | None


@dataclass(frozen=True)
class Verdict:
    """What a comparison came to: better, not better, worse or unknown, and why in one sentence."""

    name: str
    reason: str
    comparison: Mapping[str, Any]


def measure(ranked: Ranked, holdout: Holdout) -> dict[str, Any]:
    """Figures of a version on a holdout; None where there is nothing to divide by."""
    counts = holdout.weight * holdout.misuse
    order = np.argsort(-ranked.rank, kind="stable")
    top = order[: max(1, int(BUDGET_SHARE * order.size))]
    figures: dict[str, Any] = {
        "rows": int(holdout.misuse.size),
        "misuse": int((counts > 0).sum()),
        "average_precision": _average_precision(ranked.rank, holdout.misuse, holdout.weight),
        "precision_at_budget": _ratio(counts[top].sum(), holdout.weight[top].sum()),
        "recall_at_budget": _ratio(counts[top].sum(), counts.sum()),
        "value_share_at_budget": _ratio(
            (counts * holdout.amount)[top].sum(), (counts * holdout.amount).sum()
        ),
        "card_precision_100": (
            card_precision(holdout.misuse, ranked.rank, holdout.cards, holdout.days)
            if holdout.days.size
            else None
        ),
        "by_segment": {
            name: _average_precision(ranked.rank[rows], holdout.misuse[rows], holdout.weight[rows])
            for name, rows in _judged_segments(holdout)
        },
    }
    if ranked.tail is not None:
        figures["far_tail_share"] = _ratio((ranked.tail >= FAR_TAIL).sum(), ranked.tail.size)
    if ranked.probability is not None:
        expected = (holdout.weight * ranked.probability).sum()
        figures["expected_misuse"] = float(expected)
        figures["expected_to_observed"] = _ratio(expected, counts.sum())
        figures["calibration_error"] = calibration_error(
            ranked.probability, holdout.misuse, holdout.weight
        )
    return figures


def compare(challenger: Ranked, champion: Ranked, holdout: Holdout) -> Verdict:
    """Judge a challenger against the champion on the same rows.

    A detector with probabilities is better when the 90 % interval of the difference in average
    precision lies above zero. One without labels is better when its far tail has kept its meaning
    and the champion's has not: the distance of the share of tails >= 2 from 1 % is smaller, beyond
    the interval. Neither is better when its average precision is clearly lower, over all or in a
    segment.
    """
    judge = _Bootstrap(holdout)
    precision = judge.difference(challenger, champion, np.arange(holdout.misuse.size))
    segments = {}
    for name, rows in _judged_segments(holdout):
        found = judge.difference(challenger, champion, rows)
        if found:
            segments[name] = found
    comparison: dict[str, Any] = {"average_precision": precision, "by_segment": segments}
    worse = [name for name, found in segments.items() if found["high"] < 0]
    if precision and precision["high"] < 0:
        reason = f"average precision is lower by {_interval(precision, -1)}"
        return Verdict("worse", reason, comparison)
    if worse:
        lowest = min(worse, key=lambda name: segments[name]["difference"])
        reason = f"in {lowest} average precision is lower by {_interval(segments[lowest], -1)}"
        return Verdict("worse", reason, comparison)
    if challenger.tail is not None and champion.tail is not None:
        tails = judge.tail_distance(challenger.tail, champion.tail)
        comparison["far_tail_distance"] = tails
        if tails["low"] > 0:
            reason = (
                f"{tails['champion_share']:.1%} of the holdout lie in what is one percent to the "
                f"champion, {tails['challenger_share']:.1%} to the challenger"
            )
            return Verdict("better", reason, comparison)
        if not precision:
            return Verdict("not better", "the champion's tail has kept its meaning", comparison)
    if not precision:
        reason = f"fewer than {LEAST_MISUSE} cases of misuse are known in the holdout"
        return Verdict("unknown", reason, comparison)
    if precision["low"] > 0:
        reason = f"average precision is higher by {_interval(precision, 1)}"
        return Verdict("better", reason, comparison)
    reason = f"the difference in average precision, {_interval(precision, 1)}, is within noise"
    return Verdict("not better", reason, comparison)


def card_precision(
    misuse: Booleans,
    scores: Floats,
    cards: Integers,
    days: Integers,
    cards_a_day: int = CARDS_A_DAY,
) -> float:
    """Share of the cards looked at that had misuse that day, mean over the days; shape (n,) each.

    Each day the cards with the highest scores are looked at, a card by its highest score of the
    day, equal scores by card; one found to have misuse is not looked at again on later days.
    """
    found: set[int] = set()
    shares = []
    for day in np.unique(days):
        today = np.flatnonzero(days == day)
        today = today[[card not in found for card in cards[today].tolist()]]
        known, card = np.unique(cards[today], return_inverse=True)
        highest = np.full(known.size, -np.inf)
        np.maximum.at(highest, card, scores[today])
        misused = np.zeros(known.size, dtype=bool)
        np.logical_or.at(misused, card, misuse[today])
        looked_at = np.argsort(-highest, kind="stable")[:cards_a_day]
        hits = known[looked_at][misused[looked_at]].tolist()
        found.update(hits)
        shares.append(len(hits) / cards_a_day)
    return fmean(shares)


def calibration_error(
    probability: Floats, misuse: Booleans, weight: Floats, bins: int = 10
) -> float | None:
    """Mean distance of probability and observed share over ten bins with equally many rows."""
    if not weight.sum() > 0:
        return None
    place = np.argsort(np.argsort(probability, kind="stable"), kind="stable")
    by_bin = (place * bins) // max(place.size, 1)
    expected = np.bincount(by_bin, weight * probability, bins)
    observed = np.bincount(by_bin, weight * misuse, bins)
    return float(np.abs(expected - observed).sum() / weight.sum())


class _Bootstrap:
    """Resamples the cards of a holdout; both versions see the same samples."""

    def __init__(self, holdout: Holdout) -> None:
        self._holdout = holdout
        number = int(holdout.cards.max()) + 1 if holdout.cards.size else 0
        draw = np.random.default_rng(SEED)
        self._samples = draw.poisson(1.0, size=(REPETITIONS, number)).astype(np.float64)

    def difference(
        self, challenger: Ranked, champion: Ranked, rows: Integers
    ) -> dict[str, float] | None:
        """Average precision of the challenger less the champion's; None with too few cases."""
        rows = rows[self._holdout.weight[rows] > 0]
        misuse, weight = self._holdout.misuse[rows], self._holdout.weight[rows]
        if (weight[misuse] > 0).sum() < LEAST_MISUSE:
            return None
        both = [_precision_curve(ranked.rank[rows], misuse) for ranked in (challenger, champion)]
        cards = self._holdout.cards[rows]

        def gain(times: Floats) -> float:
            first, second = (curve(weight * times[cards]) for curve in both)
            return np.nan if first is None or second is None else first - second

        return self._interval(gain)

    def tail_distance(self, challenger: Floats, champion: Floats) -> dict[str, float]:
        """How much nearer the challenger's share of far tails is to what a tail promises."""
        cards, number = self._holdout.cards, self._samples.shape[1]
        purchases = np.bincount(cards, minlength=number)
        far = [np.bincount(cards, tail >= FAR_TAIL, number) for tail in (challenger, champion)]

        def nearer(times: Floats) -> float:
            rows = times @ purchases
            first, second = (abs(times @ counts / rows - FAR_SHARE) for counts in far)
            return float(second - first)

        shares = [float(counts.sum() / purchases.sum()) for counts in far]
        return {
            **self._interval(nearer),
            "challenger_share": shares[0],
            "champion_share": shares[1],
        }

    def _interval(self, figure: Callable[[Floats], float]) -> dict[str, float]:
        found = np.array([figure(times) for times in self._samples])
        low, high = np.nanpercentile(found, INTERVAL)
        whole = figure(np.ones(self._samples.shape[1]))
        return {"difference": float(whole), "low": float(low), "high": float(high)}


def _precision_curve(ranks: Floats, misuse: Booleans) -> Callable[[Floats], float | None]:
    """Average precision as a function of the rows' weights, with the sorting done once.

    The sum over thresholds of precision x gain in recall, equal ranks taken together; the same as
    scikit-learn's average_precision_score, which would sort again for every sample.
    """
    order = np.argsort(-ranks, kind="stable")
    ordered = ranks[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = misuse[order]

    def average(weight: Floats) -> float | None:
        ordered_weight = weight[order]
        seen = np.cumsum(ordered_weight)[ends]
        found = np.cumsum(ordered_weight * hits)[ends]
        if found.size == 0 or found[-1] <= 0:
            return None
        precision = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        return float((np.diff(found, prepend=0.0) * precision).sum() / found[-1])

    return average


def _average_precision(ranks: Floats, misuse: Booleans, weight: Floats) -> float | None:
    return _precision_curve(ranks, misuse)(weight)


def _judged_segments(holdout: Holdout) -> list[tuple[str, Integers]]:
    """Segments with enough known misuse to say something about, and their rows."""
    by_code = {
        name: np.flatnonzero(holdout.segments.codes == code)
        for code, name in enumerate(holdout.segments.names)
    }
    known = holdout.misuse & (holdout.weight > 0)
    return [(name, rows) for name, rows in by_code.items() if known[rows].sum() >= LEAST_MISUSE]


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _interval(found: Mapping[str, float], sign: int) -> str:
    low, high = sorted((sign * found["low"], sign * found["high"]))
    return f"{sign * found['difference']:.3f} [{low:.3f}, {high:.3f}]"
