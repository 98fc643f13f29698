"""What the rules find of the misuse that the demo company plants, and whom they name innocently.

Reads the truth of the demo company beside the warehouse of its run. A case is what one employee
does of one kind on one day; of kinds that take two people, what happens at one merchant on one day.
"""

from dataclasses import dataclass

import duckdb

from orchestration.benchmark.measuring import Bar, BenchmarkResult
from orchestration.benchmark.quality.demo_runs import misuse_file
from orchestration.engine.home import Home
from orchestration.engine.rows import one_row, one_value
from orchestration.engine.warehouse import connect

LEAST_SHARE = 0.9

#: Rules that name a kind of misuse of the demo company.
RULES_OF_KIND = {
    "split_same_merchant": ("limit_evasion_001",),
    "split_across_cards": ("limit_evasion_004",),
    "split_neighbour_bars": ("limit_evasion_005",),
    "just_below_limit": ("limit_evasion_002", "limit_evasion_006"),
    "weekend_private": ("time_place_003",),
    "late_night_bar": ("time_place_001",),
    "use_on_leave": ("time_place_002",),
    "pre_exit_surge": ("time_place_005", "time_place_006"),
    "near_home": ("time_place_007",),
    "home_city_during_trip": ("time_place_010",),
    "restricted_merchant": ("merchant_001",),
    "disguised_bar": ("merchant_003",),
    "private_shopping": ("merchant_004",),
    "one_holder_merchant": ("merchant_006",),
    "gift_card_cash_out": ("cash_like_001", "cash_like_009"),
    "card_discount_cash": ("cash_like_003",),
    "dormant_card_wakes": ("card_behaviour_001",),
    "velocity_burst": ("card_behaviour_002",),
    "cancel_and_reapprove": ("card_behaviour_006",),
    "duplicate_claim": ("claims_001",),
    "card_and_cash_claim": ("claims_002",),
    "two_people_one_bill": ("claims_005",),
}
_OF_TWO_PEOPLE = ("split_across_cards", "two_people_one_bill")


@dataclass(frozen=True)
class PlantedKind:
    """A kind of misuse: its cases, and those that its own rules and that any rule found."""

    kind: str
    rules: tuple[str, ...]
    cases: int
    caught: int
    caught_by_any: int


@dataclass(frozen=True)
class LookAlike:
    """Hits on what only looks like misuse, and why it is innocent."""

    why_innocent: str
    hits: int


@dataclass(frozen=True)
class RuleHits:
    """A rule's hits: on misuse, on innocent look-alikes (most first), and others."""

    rule_id: str
    stage: str
    hits: int
    misuse: int
    look_alikes: tuple[LookAlike, ...]


@dataclass(frozen=True)
class PlantedResult(BenchmarkResult):
    """What was found in a home."""

    transactions: int
    kinds: tuple[PlantedKind, ...]
    rules: tuple[RuleHits, ...]

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        return [
            Bar(
                f"caught_{each.kind}",
                f"share of {each.kind} caught",
                each.caught / each.cases,
                least=LEAST_SHARE,
            )
            for each in self.kinds
            if each.rules
        ]


def run_planted(home: Home) -> PlantedResult:
    """Compare hits with the truth; the home must hold a finished run of the demo company."""
    truth = misuse_file(home)
    with connect(home, read_only=True) as connection:
        connection.execute(
            """
            create temp table planted as
            select
                misuse.kind,
                misuse.transaction_id,
                concat_ws(
                    '|', misuse.kind, transactions.transaction_date,
                    case
                        when list_contains($2, misuse.kind) then transactions.merchant_id
                        else misuse.employee_id
                    end
                ) as case_key
            from read_parquet($1) as misuse
            inner join intermediate.int_transactions as transactions using (transaction_id)
            """,
            [str(truth), list(_OF_TWO_PEOPLE)],
        )
        connection.execute(
            "create temp table alike as from read_parquet(?)",
            [str(home.truth / "look_alikes.parquet")],
        )
        kinds = [
            row[0]
            for row in connection.execute("select distinct kind from planted order by 1").fetchall()
        ]
        return PlantedResult(
            one_value(connection, "select count(*) from intermediate.int_transactions"),
            tuple(_kind(connection, kind) for kind in kinds),
            _rules(connection),
        )


def _kind(connection: duckdb.DuckDBPyConnection, kind: str) -> PlantedKind:
    rules = RULES_OF_KIND.get(kind, ())
    counted = one_row(
        connection,
        """
        with hits as (select transaction_id, rule_id from scoring.rule_hits)
        select
            count(distinct planted.case_key),
            count(distinct planted.case_key) filter (where list_contains($2, hits.rule_id)),
            count(distinct planted.case_key) filter (where hits.rule_id is not null)
        from planted
        left join hits using (transaction_id)
        where planted.kind = $1
        """,
        [kind, list(rules)],
    )
    return PlantedKind(kind, rules, *counted)


def _rules(connection: duckdb.DuckDBPyConnection) -> tuple[RuleHits, ...]:
    counted = connection.execute(
        """
        select
            catalog.rule_id,
            catalog.stage,
            count(hits.subject_id),
            count(*) filter (where hits.transaction_id in (select transaction_id from planted))
        from scoring.rule_catalog as catalog
        left join scoring.rule_hits as hits using (rule_id)
        group by all
        order by catalog.rule_id
        """
    ).fetchall()
    alike: dict[str, list[LookAlike]] = {}
    for rule_id, why, count in connection.execute(
        """
        select hits.rule_id, alike.why_innocent, count(*)
        from scoring.rule_hits as hits
        inner join alike using (transaction_id)
        where hits.transaction_id not in (select transaction_id from planted)
        group by all
        order by 1, 3 desc, 2
        """
    ).fetchall():
        alike.setdefault(rule_id, []).append(LookAlike(why, count))
    return tuple(
        RuleHits(rule_id, stage, hits, misuse, tuple(alike.get(rule_id, ())))
        for rule_id, stage, hits, misuse in counted
    )


def describe(result: PlantedResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        f"{result.transactions:,} transactions",
        "",
        f"{'planted misuse':<32}{'cases':>7}{'caught':>8}{'share':>8}{'by any rule':>13}  rules",
    ]
    for kind in result.kinds:
        share = f"{kind.caught / kind.cases:.0%}" if kind.rules else "no rule"
        lines.append(
            f"{kind.kind:<32}{kind.cases:>7}{kind.caught:>8}{share:>8}"
            f"{kind.caught_by_any / kind.cases:>13.0%}  {', '.join(kind.rules)}"
        )
    lines += [
        "",
        f"{'rule':<22}{'stage':<8}{'hits':>7}{'misuse':>8}{'others':>8}{'look-alikes':>13}",
    ]
    for rule in result.rules:
        innocent = sum(alike.hits for alike in rule.look_alikes)
        most = ", ".join(f"{alike.hits} {alike.why_innocent}" for alike in rule.look_alikes[:2])
        lines.append(
            f"{rule.rule_id:<22}{rule.stage:<8}{rule.hits:>7,}{rule.misuse:>8,}"
            f"{rule.hits - rule.misuse - innocent:>8,}{innocent:>13,}  {most}"
        )
    missed = [bar for bar in result.bars() if not bar.met]
    lines += ["", *(map(str, missed) if missed else ["every kind is caught at least at 90 %"])]
    return "\n".join(lines)
