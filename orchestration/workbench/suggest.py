"""Rules that reviewed history suggests, for a person to judge.

Small trees are grown on bootstrap samples of the earlier decisions, as SkopeRules does; every path to
a leaf is a candidate. A candidate is judged on all decisions by SQL: at least so many confirmed cases
in the earlier part, a precision that holds up in the later part, and something that no other rule has
found. What is written is an ordinary rule in the stage shadow.
"""

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import yaml
from scipy.stats import binomtest
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.rows import one_row
from orchestration.engine.warehouse import connect
from orchestration.settings.rules import TYPOLOGIES

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

#: A rule's typology by the family of its first feature, where it is not the family's own name.
_TYPOLOGY_BY_FAMILY = {
    "split": "limit_evasion",
    "time": "time_place",
    "leave": "time_place",
    "place": "time_place",
    "merchant": "merchant",
    "duplicate": "merchant",
    "cash_like": "cash_like",
    "amount": "cash_like",
    "peer": "cash_like",
}
_RULE_UNITS = {
    "currency": "currency",
    "purchases": "purchases",
    "days": "days",
    "hours": "hours",
    "share": "share",
    "times": "times",
    "standard_deviations": "standard_deviations",
}


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


# --- a suggestion as a rule -----------------------------------------------------------------------


def write_rule(home: Home, suggestion: Suggestion, root: Path | None = None) -> Suggestion:
    """Write a suggestion as a rule in the stage shadow: SQL, yml entry with tests, thresholds."""
    root = root or project_root()
    with connect(home, read_only=True) as connection:
        catalogue = {
            row[0]: (row[1], row[2])
            for row in connection.execute(
                "select feature, family, unit from seeds.feature_catalog"
            ).fetchall()
        }
    first = suggestion.predicates[0]
    family, unit = catalogue[first.feature]
    typology = _TYPOLOGY_BY_FAMILY.get(family, "card_behaviour")
    if typology not in TYPOLOGIES:
        raise RuntimeError(f"{typology} is no typology")
    folder = root / "models/rules" / typology
    taken = [
        int(match[1])
        for path in folder.glob("rule_*.sql")
        if (match := re.match(rf"rule_{typology}_(\d+)_", path.name))
    ]
    rule_id = f"{typology}_{max(taken, default=0) + 1:03}"
    name = f"rule_{rule_id}_suggested"
    parameters = [
        f"{'minimum' if each.above else 'maximum'}_{each.feature}" for each in suggestion.predicates
    ]
    sql_file = folder / f"{name}.sql"
    sql_file.write_text(_sql(rule_id, suggestion, parameters), encoding="utf-8")
    yml_file = folder / f"_{name}.yml"
    units = [_threshold_unit(catalogue[each.feature][1]) for each in suggestion.predicates]
    entry = _entry(rule_id, name, suggestion, _RULE_UNITS.get(unit, "times"))
    tests = _unit_tests(rule_id, name, suggestion, parameters, units)
    yml_file.write_text(
        yaml.safe_dump(
            {"version": 2, "models": [entry], "unit_tests": tests},
            allow_unicode=True,
            sort_keys=False,
            width=100,
        ),
        encoding="utf-8",
    )
    seed = root / "seeds/rule_thresholds.csv"
    with seed.open("a", encoding="utf-8") as file:
        for parameter, predicate, unit_text in zip(
            parameters, suggestion.predicates, units, strict=True
        ):
            file.write(
                f"{rule_id},{parameter},{predicate.value:g},{unit_text},"
                '"found in reviewed cases, not yet judged by a person"\n'
            )
    return Suggestion(
        **{**vars(suggestion), "files": (sql_file, yml_file, seed)},
    )


def _sql(rule_id: str, suggestion: Suggestion, parameters: Sequence[str]) -> str:
    features = sorted({each.feature for each in suggestion.predicates})
    first = suggestion.predicates[0]
    columns = [
        "transaction_id",
        "authorized_at",
        *(["amount"] if "amount" not in features else []),
        *features,
    ]
    conditions = "\n        and ".join(
        f"{each.feature} {'>' if each.above else '<='}"
        f" {{{{ rule_threshold('{rule_id}', '{parameter}') }}}}"
        for each, parameter in zip(suggestion.predicates, parameters, strict=True)
    )
    evidence = ", ".join(f"'{name}'" for name in [*features, "amount"][: len(features) + 1])
    listed = ",\n        ".join(columns)
    return f"""-- Grain: one row per purchase that looks like reviewed misuse.
with

transactions as (
    select
        {listed}
    from {{{{ ref('feat_transaction') }}}}
    where is_purchase
),

final as (
    select
        '{rule_id}' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        {first.feature}::double as observed_value,
        {{{{ rule_threshold('{rule_id}', '{parameters[0]}') }}}}::double
            as threshold_value,
        {{{{ evidence([{evidence}]) }}}} as evidence
    from transactions
    where
        {conditions}
)

select * from final
"""


def _entry(rule_id: str, name: str, suggestion: Suggestion, unit: str) -> dict[str, Any]:
    low, high = suggestion.later.interval()
    condition = " and ".join(map(str, suggestion.predicates))
    earlier, later = suggestion.earlier, suggestion.later
    figures = (
        f"{earlier.cases} of {earlier.hits} earlier and {later.cases} of {later.hits} later decisions "
        f"were misuse ({later.precision:.0%}, 95 % interval {low:.0%} to {high:.0%}, against "
        f"{suggestion.base_rate:.1%} of all)"
    )
    figures_ko = (
        f"과거 결정 {earlier.hits}건 중 {earlier.cases}건, 이후 결정 {later.hits}건 중 {later.cases}건이 "
        f"오남용으로 확정되었다(정밀도 {later.precision:.0%}, 95% 구간 {low:.0%}~{high:.0%})"
    )
    first = suggestion.predicates[0].feature
    return {
        "name": name,
        "description": f"Suggested by reviewed cases, {condition}. {figures}.",
        "config": {
            "meta": {
                "rule_id": rule_id,
                "typology": rule_id[: -len("_000")],
                "title_en": "Like reviewed misuse",
                "title_ko": "확정된 오남용과 유사",
                "description_ko": f"검토 사례에서 제안된 규칙: {condition}. {figures_ko}.",
                "explanation_en": f"{first} is {{observed}}, as in reviewed misuse (from {{threshold}})",
                "explanation_ko": f"{first} 값이 {{observed}}(기준 {{threshold}}), 확정된 오남용과 유사",
                "what_to_do_en": "Ask for purpose and receipt, and tell the owner whether the rule is any good.",
                "what_to_do_ko": "사용 목적과 영수증을 확인하고, 규칙이 적절한지 담당자에게 알린다.",
                "unit": unit,
                "severity": "low",
                "kind": "scoring",
                "stage": "shadow",
                "owner": "card audit",
                "policy_clause": "to be named",
                "needs": sorted({each.feature for each in suggestion.predicates}),
                "expected_hits_a_month": {"low": 0, "high": max(10, suggestion.later.hits)},
                "review_by": f"{date.today() + timedelta(days=180)}",
            }
        },
        "columns": [
            {"name": column, "data_type": data_type, "description": described}
            for column, data_type, described in (
                ("rule_id", "varchar", "The rule, as in its yml entry."),
                ("subject_type", "varchar", "What the rule judges."),
                ("subject_id", "varchar", "The transaction; a rule names it once."),
                ("transaction_id", "varchar", "The transaction."),
                ("occurred_at", "timestamp", "When the purchase was authorized."),
                ("observed_value", "double", "What was found, in the rule's unit."),
                ("threshold_value", "double", "What it is compared with."),
                ("evidence", "varchar", "What the rule saw, as a JSON object."),
            )
        ],
    }


def _unit_tests(
    rule_id: str,
    name: str,
    suggestion: Suggestion,
    parameters: Sequence[str],
    units: Sequence[str],
) -> list[dict[str, Any]]:
    """One test that fires just beyond every limit, and one that is silent where one is not passed."""
    limits = [0.5 if unit == "share" else 100.0 for unit in units]
    beyond = [0.505 if unit == "share" else 100.5 for unit in units]
    firing: dict[str, Any] = {"transaction_id": "just_beyond", "is_purchase": True}
    for each, limit, further in zip(suggestion.predicates, limits, beyond, strict=True):
        firing[each.feature] = further if each.above else limit
    silent = [{**firing, "transaction_id": "declined", "is_purchase": False}]
    for place, each in enumerate(suggestion.predicates):
        value = limits[place] if each.above else beyond[place]
        silent.append({**firing, "transaction_id": f"not_{parameters[place]}", each.feature: value})
    thresholds = {
        "input": "ref('rule_thresholds')",
        "rows": [
            {"rule_id": rule_id, "parameter": parameter, "threshold": limit}
            for parameter, limit in zip(parameters, limits, strict=True)
        ],
    }
    return [
        {
            "name": f"{rule_id}_fires_just_beyond_every_limit",
            "model": name,
            "given": [{"input": "ref('feat_transaction')", "rows": [firing]}, thresholds],
            "expect": {"rows": [{"rule_id": rule_id, "subject_id": "just_beyond"}]},
        },
        {
            "name": f"{rule_id}_silent_exactly_at_each_limit",
            "model": name,
            "given": [{"input": "ref('feat_transaction')", "rows": silent}, thresholds],
            "expect": {"rows": []},
        },
    ]


def _threshold_unit(unit: str) -> str:
    return "share" if unit == "share" else unit.replace("_", " ")


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
