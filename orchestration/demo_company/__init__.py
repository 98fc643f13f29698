"""A seeded demo company: canonical feed files to land, and the truth apart from them.

Shapes of a Korean company (departments, grades, working days, merchants) with misuse at
published base rates, innocent look-alikes, two existing filters and fallible reviewers. All
figures are in ``figures``, ``places``, ``trades`` and ``purposes``, with their source.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from orchestration.demo_company import figures as f
from orchestration.demo_company.claims import write_claims
from orchestration.demo_company.days import Array, period
from orchestration.demo_company.files import (
    FEED_COLUMNS,
    Column,
    days_of,
    ids,
    moments,
    words,
    write_daily,
    write_parquet,
    write_text,
)
from orchestration.demo_company.filters import run_filters, write_hits, write_labels
from orchestration.demo_company.look_alikes import LOOK_ALIKES, look_alike_purchases
from orchestration.demo_company.merchants import merchant_columns, open_merchants
from orchestration.demo_company.misuse import KINDS, misuse_purchases
from orchestration.demo_company.people import HALF_DAY, Stays, hire_people, issue_cards, plan_stays
from orchestration.demo_company.purchases import mingle, ordinary_purchases
from orchestration.demo_company.registers import write_cards, write_employees, write_stays
from orchestration.demo_company.world import (
    APPROVED,
    NORMAL,
    PRE_APPROVED,
    Bills,
    World,
    together,
    with_refunds,
)

TRUTH_README = """\
# What really happened in the demo company

`misuse.parquet` lists every transaction that is misuse with its kind, the rule of the catalogue
that describes that kind (null: none does) and the employee; `look_alikes.parquet` lists innocent
transactions made to resemble a kind, with the reason why they are innocent. Every other
transaction is innocent. These files are for measuring only: nothing that lands, scores or alerts
may read them, and the landing files contain nothing that was taken from them except the
decisions of the company's fallible reviewers in the `labels` feed.
"""


@dataclass(frozen=True)
class DemoSummary:
    """What was written: counts and the period."""

    transactions: int
    employees: int
    cards: int
    misuse_transactions: int
    look_alike_transactions: int
    files: int
    first_day: date
    last_day: date


def write_demo_company(
    landing: Path,
    truth: Path,
    *,
    employees: int = 1_500,
    months: int = 6,
    last_day: date = date(2025, 12, 31),
    seed: int = 20_251_231,
    change_on: date | None = None,
) -> DemoSummary:
    """Write the demo company's feed files below ``landing/company`` and the truth to ``truth``.

    The period is the ``months`` months that end on ``last_day``. A card holder makes about 17
    purchases a month: the default gives some 130,000 transactions, 61,000 employees and 12
    months give ten million. From ``change_on`` on behaviour is another: prices rise, some kinds of
    misuse end and others begin. The same arguments always give the same data. Existing files of the
    same names are replaced, others are left alone.
    """
    if employees < f.SMALLEST_COMPANY:
        raise ValueError(f"a demo company needs at least {f.SMALLEST_COMPANY} employees")
    if months < 1:
        raise ValueError("a demo company needs at least one month")

    def chance(part: str) -> np.random.Generator:
        """Each part draws from its own stream, so that one does not disturb the others."""
        return np.random.default_rng([seed, zlib.crc32(part.encode("ascii"))])

    days = period(last_day, months)
    people = hire_people(chance("people"), days, employees)
    cards = issue_cards(chance("cards"), days, people)
    leaves, trips = plan_stays(chance("stays"), days, people)
    world = World(
        days=days,
        people=people,
        cards=cards,
        merchants=open_merchants(chance("merchants"), employees),
        leaves=leaves.only(leaves.what != HALF_DAY),
        trips=trips,
    )
    if change_on and not days.first < change_on <= days.last:
        raise ValueError(f"behaviour can change between {days.first} and {days.last} only")
    bills, original = _all_bills(world, chance, change_on)
    files = _write_feeds(world, chance, bills, original, leaves, landing / "company")
    files += _write_truth(bills, truth)
    return DemoSummary(
        transactions=len(bills),
        employees=people.count,
        cards=cards.count,
        misuse_transactions=int((bills.kind > 0).sum()),
        look_alike_transactions=int((bills.look_alike > 0).sum()),
        files=files,
        first_day=days.first,
        last_day=days.last,
    )


def _all_bills(
    world: World, chance: Callable[[str], np.random.Generator], change_on: date | None
) -> tuple[Bills, Array]:
    """All bills by time, and for each the position of the bill it refunds (-1: none)."""
    ordinary = ordinary_purchases(world, chance("purchases"))
    change = world.days.index(change_on) / world.days.count if change_on else None
    if change_on:
        dearer = ordinary.at >= world.days.index(change_on) * f.SECONDS_PER_DAY
        raised = np.rint(ordinary.amount * f.PRICE_RISE / 10) * 10
        ordinary.amount[dearer] = raised[dearer]
    bad, acts = misuse_purchases(world, chance("misuse"), len(ordinary), change)
    alike = look_alike_purchases(world, chance("look-alikes"), acts)
    mingle(world, chance("mingle"), ordinary)
    bills, original = with_refunds(chance("refunds"), world, together([ordinary, bad, alike]))
    waved = chance("approvals").random(len(bills)) < f.PRE_APPROVED_SHARE
    bills.claim[waved & (bills.claim == NORMAL)] = PRE_APPROVED
    order = np.argsort(bills.at, kind="stable")
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    original = np.where(original >= 0, position[original], -1)
    return bills.only(order), original[order]


def _write_feeds(
    world: World,
    chance: Callable[[str], np.random.Generator],
    bills: Bills,
    original: Array,
    leaves: Stays,
    company: Path,
) -> int:
    hits = run_filters(world, chance("filters"), bills)
    files = _write_transactions(
        world, chance("terminals"), bills, original, company / "card_transactions"
    )
    files += write_cards(world, company / "cards")
    files += write_employees(world, company / "employees")
    files += write_claims(world, chance("claims"), bills, company / "expense_claims")
    files += write_stays(world, leaves, company / "absences")
    files += write_stays(world, world.trips, company / "trips")
    files += write_hits(world, hits, company / "external_hits")
    files += write_labels(world, chance("reviews"), bills, hits, company / "labels")
    return files


def _write_transactions(
    world: World, rng: np.random.Generator, bills: Bills, original: Array, folder: Path
) -> int:
    merchants = merchant_columns(rng, world.merchants)
    posted_at = (days_of(bills.at) + rng.integers(*f.POSTING_DAYS, len(bills))) * f.SECONDS_PER_DAY
    number = np.arange(len(bills))

    def rows(part: slice) -> Column:
        b = bills.only(np.arange(part.start, part.stop))
        merchant = pa.array(b.merchant)
        columns = {
            "transaction_id": ids("tx_", number[part], 9),
            "card_id": ids("card_", b.card, 6),
            "authorized_at": moments(world.days, b.at),
            "authorized_precision": pa.repeat("second", len(b)),
            "posted_at": moments(world.days, posted_at[part], missing=b.status != APPROVED),
            "employee_id": ids("emp_", b.employee, 6),
            "entry_mode": words(b.entry, f.ENTRY_MODES),
            "amount": pa.array(b.amount.astype(np.float64)),
            "currency": pa.repeat("KRW", len(b)),
            "status": words(b.status, f.STATUSES),
            "original_transaction_id": ids("tx_", original[part], 9),
            **{name: column.take(merchant) for name, column in merchants.items()},
        }
        return pa.table(columns).select(FEED_COLUMNS["card_transactions"])

    return write_daily(folder, world.days, bills.at, rows, "parquet")


def _write_truth(bills: Bills, folder: Path) -> int:
    bad = np.flatnonzero(bills.kind > 0)
    kind = bills.kind[bad].astype(np.int64) - 1
    rules = sorted({kind.rule for kind in KINDS if kind.rule})
    rule_of = np.array([rules.index(k.rule) if k.rule else -1 for k in KINDS])
    misuse = {
        "transaction_id": ids("tx_", bad, 9),
        "kind": words(kind, [k.name for k in KINDS]),
        "described_by_rule": words(rule_of[kind], rules),
        "employee_id": ids("emp_", bills.employee[bad], 6),
    }
    alike = np.flatnonzero(bills.look_alike > 0)
    sort = bills.look_alike[alike].astype(np.int64) - 1
    look_alikes = {
        "transaction_id": ids("tx_", alike, 9),
        "looks_like": words(sort, [s.looks_like for s in LOOK_ALIKES]),
        "why_innocent": words(sort, [s.why_innocent for s in LOOK_ALIKES]),
    }
    write_parquet(folder / "misuse.parquet", pa.table(misuse))
    write_parquet(folder / "look_alikes.parquet", pa.table(look_alikes))
    write_text(folder / "README.md", TRUTH_README)
    return 3
