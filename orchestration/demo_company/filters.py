"""The company's two existing filters, and what its reviewers decided about their hits.

No filter looks at the truth. The reviewers do, with their share of mistakes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.demo_company import figures as f
from orchestration.demo_company.days import Array
from orchestration.demo_company.files import (
    FEED_COLUMNS,
    Column,
    days_of,
    ids,
    moments,
    words,
    write_daily,
)
from orchestration.demo_company.merchants import FOREIGN, TRADE_RESTRICTED
from orchestration.demo_company.trades import TRADE, TRADES
from orchestration.demo_company.world import APPROVED, MANUAL, ONLINE, Bills, World, at_hour

FILTERS = ("rules_v1", "tree_v1")


@dataclass
class Hits:
    """What the filters flagged, by time: filter index, position of the bill, moment, score."""

    filter: Array
    bill: Array
    flagged_at: Array
    score: Array


def run_filters(world: World, rng: np.random.Generator, bills: Bills) -> Hits:
    """Both filters over all approved purchases, each the morning after the purchase.

    ``rules_v1`` counts five crude rules; ``tree_v1`` adds up step functions of much the same
    facts with noise and flags its highest scores, so the two agree more often than by chance.
    """
    candidates = np.flatnonzero((bills.status == APPROVED) & (bills.amount > 0))
    b = bills.only(candidates)
    facts = _facts(world, b)
    rules = (
        facts["restricted"] & (b.amount >= f.RULE_RESTRICTED_FROM),
        facts["night"] & (b.amount >= f.RULE_NIGHT_FROM),
        facts["near_limit"],
        facts["day_off"] & (b.amount >= f.RULE_DAY_OFF_FROM),
        b.amount >= f.RULE_LARGE_FROM,
    )
    points = np.sum(rules, axis=0)
    logit = f.TREE_BIAS + rng.normal(0, f.TREE_NOISE, len(b))
    for name, weight in f.TREE_WEIGHTS.items():
        logit += weight * facts[name]
    tree = logit > np.quantile(logit, 1 - f.TREE_SHARE)
    scores = (points / len(rules), 1 / (1 + np.exp(-logit)))
    found = (np.flatnonzero(points), np.flatnonzero(tree))
    day = [days_of(b.at[where]) + 1 for where in found]
    hits = Hits(
        filter=np.concatenate([np.full(len(where), i) for i, where in enumerate(found)]),
        bill=candidates[np.concatenate(found)],
        flagged_at=np.concatenate(
            [at_hour(d, np.full(len(d), h)) for d, h in zip(day, f.FLAG_HOURS, strict=True)]
        ),
        score=np.concatenate([s[where] for s, where in zip(scores, found, strict=True)]).round(4),
    )
    inside = hits.flagged_at < world.days.count * f.SECONDS_PER_DAY
    order = np.lexsort((hits.bill, hits.flagged_at))
    order = order[inside[order]]
    return Hits(*(getattr(hits, name)[order] for name in ("filter", "bill", "flagged_at", "score")))


def _facts(world: World, bills: Bills) -> dict[str, Array]:
    """What the filters can see of each purchase, true or false."""
    trade = world.merchants.trade[bills.merchant]
    hour = bills.at % f.SECONDS_PER_DAY // 3_600
    day = days_of(bills.at)
    limit = world.cards.single_limit(bills.card, bills.at)
    size = np.log(np.maximum(bills.amount, 1))
    n = np.maximum(np.bincount(trade, minlength=len(TRADES)), 1)
    mean = np.bincount(trade, size, len(TRADES)) / n
    spread = np.sqrt(np.bincount(trade, (size - mean[trade]) ** 2, len(TRADES)) / n) + 1e-6
    return {
        "restricted": TRADE_RESTRICTED[trade],
        "night": ((hour >= 23) | (hour < 6)) & (trade != TRADE["taxi"]) & (bills.entry != ONLINE),
        "day_off": world.days.off[day] & (bills.entry != ONLINE),
        "near_limit": (bills.amount >= f.RULE_NEAR_LIMIT * limit) & (bills.amount <= limit),
        "high_ticket": (size - mean[trade]) / spread[trade] > 1.8,
        "round": (bills.amount % 50_000 == 0) & (bills.amount >= 100_000),
        "manual": bills.entry == MANUAL,
        "abroad": FOREIGN[world.merchants.city[bills.merchant]],
    }


def write_hits(world: World, hits: Hits, folder: Path) -> int:
    """Write the daily files of hits; returns their number."""

    def rows(part: slice) -> Column:
        columns = {
            "filter": words(hits.filter[part], FILTERS),
            "transaction_id": ids("tx_", hits.bill[part], 9),
            "flagged_at": moments(world.days, hits.flagged_at[part], unit="s"),
            "score": pa.array(hits.score[part]),
        }
        return pa.table(columns).select(FEED_COLUMNS["external_hits"])

    return write_daily(folder, world.days, hits.flagged_at, rows, "csv")


def write_labels(
    world: World, rng: np.random.Generator, bills: Bills, hits: Hits, folder: Path
) -> int:
    """Write what became known, by day of decision; returns the number of files.

    Most hits are reviewed, a random sample is audited, a few cases are reported by colleagues;
    of several decisions on one purchase only the first is kept.
    """
    end = world.days.count * f.SECONDS_PER_DAY
    spent = np.flatnonzero((bills.status == APPROVED) & (bills.amount > 0))
    misuse = bills.kind > 0

    bill, first_hit = np.unique(hits.bill, return_index=True)
    reviewed = rng.random(len(bill)) < f.REVIEWED_SHARE
    audited = spent[rng.random(len(spent)) < f.AUDIT_SHARE]
    told = np.where(misuse[spent], f.HOTLINE_SHARE, f.HOTLINE_FALSE_SHARE)
    reported = spent[rng.random(len(spent)) < told]

    sources = (
        (bill[reviewed], hits.flagged_at[first_hit[reviewed]], f.REVIEW_MEDIAN_DAYS),
        (audited, bills.at[audited], f.REVIEW_MEDIAN_DAYS),
        (reported, bills.at[reported], f.HOTLINE_MEDIAN_DAYS),
    )
    subject = np.concatenate([bills_of for bills_of, _, _ in sources])
    decided = np.concatenate([_decided(world, rng, known, days) for _, known, days in sources])
    luck = rng.random(len(subject))
    truth = misuse[subject]
    verdict = np.where(truth, luck >= f.REVIEW_MISSES, luck < f.REVIEW_FALSE_POSITIVES)

    order = np.lexsort((subject, decided))
    order = order[decided[order] < end]
    _, earliest = np.unique(subject[order], return_index=True)
    order = order[np.sort(earliest)]
    subject, verdict, decided = subject[order], verdict[order], decided[order]

    def rows(part: slice) -> Column:
        columns = {
            "transaction_id": ids("tx_", subject[part], 9),
            "misuse": pa.array(verdict[part]),
            "decided_at": moments(world.days, decided[part], unit="s"),
        }
        return pa.table(columns).select(FEED_COLUMNS["labels"])

    return write_daily(folder, world.days, decided, rows, "csv")


def _decided(world: World, rng: np.random.Generator, known_at: Array, median: float) -> Array:
    """When something known at a moment is decided: office hours of a working day, days later."""
    delay = rng.lognormal(np.log(median), f.REVIEW_SPREAD, len(known_at))
    delay = np.clip(delay, 0, f.REVIEW_MAX_DAYS - 5)  # a holiday may add some days
    day = days_of(known_at + (delay * f.SECONDS_PER_DAY).astype(np.int64))
    hour = rng.uniform(9, 18, len(known_at))
    day += at_hour(day, hour) <= known_at
    return at_hour(world.days.workday_from(day), hour)
