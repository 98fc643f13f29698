"""Rules that reviewed history suggests, for a person to judge.

Small trees are grown on bootstrap samples of the earlier decisions, as SkopeRules does; every path to
a leaf is a candidate. A candidate is judged on all decisions by SQL: at least so many confirmed cases
in the earlier part, a precision that holds up in the later part, and something that no other rule has
found. What is written is an ordinary rule in the stage shadow.
"""

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from scipy.stats import binomtest
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.rows import one_row
from orchestration.engine.warehouse import connect

#: Confirmed cases that a suggestion must rest on, and those that the later part must hold.
LEAST_CASES = 20
LEAST_LATER_CASES = 5
#: Part of the time that candidates are grown on; the rest judges them.
EARLIER = 0.7
MOST_SUGGESTIONS = 5
#: A suggestion must be so many times as precise as what is reviewed is on the whole.
LEAST_LIFT = 2.0

_TREES = 60
_DEPTH = 3
_SAMPLE = 60_000
_SEED = 20_240_101


@dataclass(frozen=True, order=True)
class Predicate:
    """A feature above a value, or not above it."""

    feature: str
    above: bool
    value: float

    def __str__(self) -> str:
        """The predicate as SQL."""
        return f"{self.feature} {'>' if self.above else '<='} {self.value:g}"


@dataclass(frozen=True)
class Judged:
    """How a candidate did on a part of the decisions."""

    hits: int
    cases: int

    @property
    def precision(self) -> float:
        """Share of misuse among what was decided."""
        return self.cases / self.hits if self.hits else 0.0

    def interval(self) -> tuple[float, float]:
        """Wilson interval of the precision, 95 %."""
        if not self.hits:
            return 0.0, 1.0
        interval = binomtest(self.cases, self.hits).proportion_ci(0.95, method="wilson")
        return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Suggestion:
    """A candidate that held up: what it says, how it did, and how much of it is new."""

    predicates: tuple[Predicate, ...]
    earlier: Judged
    later: Judged
    later_cases_of_no_rule: int
    base_rate: float
    files: tuple[Path, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The suggestion as one object for machines."""
        low, high = self.later.interval()
        return {
            **asdict(self),
            "sql": " and ".join(map(str, self.predicates)),
            "later_precision": self.later.precision,
            "later_precision_from": low,
            "later_precision_to": high,
        }


def suggest(home: Home) -> list[Suggestion]:
    """Find rules in the decisions of this home, the most convincing first.

    Raises CardwatchError with one sentence when too little has been decided.
    """
    with connect(home, read_only=True) as connection:
        features = _prepare(connection)
        cases, boundary = one_row(
            connection,
            f"""
            select
                count(*) filter (where misuse),
                quantile_disc(transaction_date, {EARLIER}) filter (where misuse)
            from decided
            """,
        )
        if cases < LEAST_CASES + LEAST_LATER_CASES:
            raise CardwatchError(
                f"{cases} confirmed cases are too few to learn a rule from, it needs "
                f"{LEAST_CASES + LEAST_LATER_CASES}; let reviewers decide more, or land labels"
            )
        candidates = _grow(connection, features, boundary)
        judged = _judge(connection, candidates, boundary)
        return _choose(connection, judged, boundary)


# --- candidates -----------------------------------------------------------------------------------


def _prepare(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Make the table of decided purchases: outcome, whether a rule found them, and their features.

    Returns the names of the features.
    """
    try:
        features = [
            row[0]
            for row in connection.execute(
                "select feature from seeds.feature_catalog order by feature"
            ).fetchall()
        ]
        connection.execute(
            f"""
            create temp table decided as
            with latest as (
                select transaction_id, misuse from labels.latest_decisions where is_latest
            ),
            hits as (
                select distinct rule_hits.transaction_id
                from scoring.rule_hits as rule_hits
                inner join scoring.rule_catalog as catalog using (rule_id)
                where catalog.stage = 'live'
            )
            select
                vectors.transaction_id,
                vectors.transaction_date,
                latest.misuse,
                hits.transaction_id is not null as is_found,
                {", ".join(f"vectors.{feature}" for feature in features)}
            from features.feat_transaction as vectors
            inner join latest using (transaction_id)
            left join hits on vectors.transaction_id = hits.transaction_id
            where vectors.is_purchase
            """
        )
    except duckdb.CatalogException as error:
        raise CardwatchError(
            "the warehouse has not been built yet; run `cardwatch run` first"
        ) from error
    return features


def _grow(
    connection: duckdb.DuckDBPyConnection, features: Sequence[str], boundary: date
) -> set[tuple[Predicate, ...]]:
    """Paths of small trees on the earlier decisions: all misuse and a sample of the rest."""
    sample = connection.execute(
        f"""
        select misuse, {", ".join(features)}
        from decided
        where transaction_date <= ?
        order by not misuse, md5(transaction_id)
        limit {_SAMPLE}
        """,
        [boundary],
    ).fetchnumpy()
    outcome = np.asarray(sample["misuse"], dtype=bool)
    # DuckDB masks what is null
    matrix = np.column_stack(
        [np.ma.filled(np.ma.asarray(sample[name]).astype(np.float64), np.nan) for name in features]
    ).astype(np.float32)
    trees = BaggingClassifier(
        DecisionTreeClassifier(
            max_depth=_DEPTH,
            min_samples_leaf=LEAST_CASES,
            class_weight="balanced",
            max_features=0.3,
            random_state=_SEED,
        ),
        n_estimators=_TREES,
        max_samples=0.7,
        random_state=_SEED,
    ).fit(matrix, outcome)
    return {
        simplified
        for tree in trees.estimators_
        for path in _paths(tree.tree_, features)
        if (simplified := _simplify(path))
    }


def _paths(tree: Any, features: Sequence[str]) -> Iterator[list[Predicate]]:
    """Every way from the root to a node, the inner ones too: short rules are easier to judge."""
    waiting: list[tuple[int, list[Predicate]]] = [(0, [])]
    while waiting:
        node, path = waiting.pop()
        if path:
            yield path
        if tree.children_left[node] == -1:
            continue
        feature, value = features[tree.feature[node]], float(tree.threshold[node])
        if not math.isfinite(value):
            continue  # known against unknown, which a rule does not ask
        waiting.append((tree.children_left[node], [*path, Predicate(feature, False, value)]))
        waiting.append((tree.children_right[node], [*path, Predicate(feature, True, value)]))


def _simplify(path: Iterable[Predicate]) -> tuple[Predicate, ...]:
    """The same path with one limit per feature and side, at values that a person would write."""
    tightest: dict[tuple[str, bool], float] = {}
    for predicate in path:
        key = predicate.feature, predicate.above
        value = _rounded(predicate.value)
        choose = max if predicate.above else min
        tightest[key] = choose(tightest.get(key, value), value)
    return tuple(sorted(Predicate(name, above, value) for (name, above), value in tightest.items()))


def _rounded(value: float) -> float:
    """A value with two significant digits."""
    if value == 0:
        return 0.0
    return round(value, 1 - math.floor(math.log10(abs(value))))


# --- judgement ------------------------------------------------------------------------------------


def _judge(
    connection: duckdb.DuckDBPyConnection,
    candidates: Iterable[tuple[Predicate, ...]],
    boundary: date,
) -> list[Suggestion]:
    """The candidates that hold up on every decision, not only on those they were grown on."""
    (base,) = one_row(
        connection,
        "select avg(misuse::integer) from decided where transaction_date > ?",
        [boundary],
    )
    suggestions = []
    for predicates in sorted(candidates):
        counts = one_row(
            connection,
            f"""
            select
                count(*) filter (where transaction_date <= $1),
                count(*) filter (where transaction_date <= $1 and misuse),
                count(*) filter (where transaction_date > $1),
                count(*) filter (where transaction_date > $1 and misuse),
                count(*) filter (where transaction_date > $1 and misuse and not is_found)
            from decided
            where {" and ".join(map(str, predicates))}
            """,
            [boundary],
        )
        earlier, later, new = Judged(*counts[:2]), Judged(*counts[2:4]), counts[4]
        if (
            earlier.cases >= LEAST_CASES
            and later.cases >= LEAST_LATER_CASES
            and later.interval()[0] >= LEAST_LIFT * base
            and new > 0
        ):
            suggestions.append(Suggestion(predicates, earlier, later, new, base))
    return suggestions


def _choose(
    connection: duckdb.DuckDBPyConnection, judged: list[Suggestion], boundary: date
) -> list[Suggestion]:
    """The best few that find different cases: each must add to what those before it find."""
    chosen: list[Suggestion] = []
    found: set[str] = set()
    by_worth = sorted(
        judged,
        key=lambda each: (
            -each.later.interval()[0] * math.sqrt(each.later_cases_of_no_rule),
            len(each.predicates),
            each.predicates,
        ),
    )
    for suggestion in by_worth[:200]:
        condition = " and ".join(map(str, suggestion.predicates))
        cases = {
            row[0]
            for row in connection.execute(
                f"""
                select transaction_id
                from decided
                where misuse and not is_found and transaction_date > ? and {condition}
                """,
                [boundary],
            ).fetchall()
        }
        if len(cases - found) > len(cases) / 2:
            chosen.append(suggestion)
            found |= cases
        if len(chosen) == MOST_SUGGESTIONS:
            break
    return chosen


# --- the answer -----------------------------------------------------------------------------------


def describe(suggestions: Sequence[Suggestion], written: bool) -> str:
    """The suggestions as a page for a terminal."""
    if not suggestions:
        return "no rule is suggested: nothing in the decisions is both precise in a later period and new"
    lines = []
    for place, each in enumerate(suggestions, start=1):
        low, high = each.later.interval()
        lines += [
            f"{place}. " + "\n   and ".join(map(str, each.predicates)),
            f"   earlier {each.earlier.cases} of {each.earlier.hits} decided were misuse, later "
            f"{each.later.cases} of {each.later.hits}: {each.later.precision:.0%} "
            f"({low:.0%} to {high:.0%}), {each.base_rate:.1%} of all are",
            f"   {each.later_cases_of_no_rule} of the later cases were found by no live rule",
        ]
        lines += [f"   written: {file}" for file in each.files]
    lines.append(
        textwrap.fill(
            "Judge them: read, backtest, give a title and a policy clause, or delete the files."
            if written
            else "Write one as a rule in the stage shadow with --write NUMBER.",
            width=100,
        )
    )
    return "\n".join(lines)
