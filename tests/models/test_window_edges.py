"""Windows have exactly the edges that they say, and a merchant may have a million purchases."""

import pytest

from tests.models.model_steps import (
    Project,
    Warehouse,
)
from tests.models.tiny_company import COMPANY, FIRST_DAY, Land, Run, purchase
from tests.models.walks import PROFILE, Homes, Walk

# --- boundaries -----------------------------------------------------------------------------------

NOON = 43_200
MOMENTS = (
    # two of the same second, one exactly 15 minutes later, one a second more than 15 and 30
    purchase("a1", 0, 0, 0, NOON),
    purchase("a2", 0, 0, 0, NOON),
    purchase("b", 0, 0, 0, NOON + 900, 3_000),
    purchase("c", 0, 0, 0, NOON + 1_801),
    # neither a refund nor what was declined, undone or nothing at all counts
    purchase("refund", 0, 0, 1, NOON, -1_000, original_transaction_id="ta1"),
    purchase("declined", 0, 0, 1, NOON, 1_000, status="declined"),
    purchase("reversed", 0, 0, 1, NOON, 1_000, status="reversed"),
    purchase("nothing", 0, 0, 1, NOON, 0.001),
    # exactly 7 days after day 0, exactly a day of seconds later, exactly 30 days, and one more each
    purchase("d", 0, 1, 7, NOON),
    purchase("e", 0, 1, 8, NOON),
    purchase("f", 0, 1, 30, NOON),
    purchase("g", 0, 1, 31, NOON + 1),
    # a year back is the last day that is known
    purchase("h", 1, 2, 0),
    purchase("i", 1, 2, 365),
    purchase("j", 2, 2, 0),
    purchase("k", 2, 2, 366),
)
COUNTED: dict[str, dict[str, float | None]] = {
    "ta1": {
        "card_txn_count_15m": 0,
        "card_txn_count_1d": 0,
        "card_txn_count_7d": 0,
        "card_txn_count_90d": 0,
        "card_amount_mean_15m": None,
        "card_amount_mean_30d": None,
        "card_hours_since_purchase": None,
        "card_days_since_active": None,
        "card_days_since_merchant": None,
        "card_merchant_same_amount_count_3d": 0,
    },
    # equal bills of one moment count in the order of their identifiers, nothing else sees them
    "ta2": {
        "card_txn_count_15m": 0,
        "card_txn_count_1d": 0,
        "merchant_txn_count_15m": 0,
        "card_merchant_same_amount_count_3d": 1,
    },
    "tb": {
        "card_txn_count_15m": 2,
        "card_amount_mean_15m": 1_000,
        "merchant_txn_count_15m": 2,
        "card_hours_since_purchase": 0.25,
        "card_merchant_same_amount_count_3d": 0,
        "card_txn_count_7d": 0,
    },
    "tc": {
        "card_txn_count_15m": 0,
        "card_amount_mean_15m": None,
        "card_txn_count_30m": 1,
        "card_amount_mean_30m": 3_000,
        "card_txn_count_1h": 3,
        "card_txn_count_1d": 3,
        "card_amount_sum_1d": 5_000,
        "card_merchant_txn_count_1d": 3,
        "card_merchant_same_amount_count_3d": 2,
    },
    "tdeclined": {"card_txn_count_1d": 4, "card_txn_count_7d": 4, "card_days_since_active": 1},
    "td": {
        "card_txn_count_1d": 0,
        "card_txn_count_7d": 4,
        "card_amount_mean_7d": 1_500,
        "card_amount_max_7d": 3_000,
        "card_days_since_active": 7,
        "card_days_since_merchant": None,
    },
    "te": {
        "card_txn_count_1d": 1,
        "card_txn_count_7d": 1,
        "card_txn_count_14d": 5,
        "card_days_since_active": 1,
        "card_days_since_merchant": 1,
    },
    "tf": {
        "card_txn_count_7d": 0,
        "card_amount_mean_7d": None,
        "card_txn_count_14d": 0,
        "card_txn_count_30d": 6,
        "card_days_since_active": 22,
        "merchant_txn_count_30d": 2,
    },
    "tg": {"card_txn_count_1d": 0, "card_txn_count_30d": 3, "card_txn_count_90d": 7},
    "ti": {"card_days_since_active": 365, "card_txn_count_90d": 0},
    "tk": {"card_days_since_active": None, "card_txn_count_90d": 0},
}


@pytest.mark.parametrize("days_of_runs", [(None,), (0, 7, 30, 31, 365, None)])
def test_windows_have_exactly_the_edges_they_say(
    recorded: Project, homes: Homes, days_of_runs: tuple[int | None, ...]
):
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take((Land((*COMPANY, *MOMENTS)), *(Run(until=n) for n in days_of_runs)))
        vectors = warehouse.tables()["feat_transaction"]
    by_id = {row[vectors.columns.index("transaction_id")]: row for row in vectors.rows}
    assert len(by_id) == len(vectors.rows) == len(MOMENTS)
    found = {
        transaction: {name: by_id[transaction][vectors.columns.index(name)] for name in expected}
        for transaction, expected in COUNTED.items()
    }
    assert found == COUNTED


# The windows of one huge merchant are slow: a million takes minutes.
PURCHASES = 1_000_000 if PROFILE == "many" else 100_000


def test_a_merchant_with_a_million_purchases_builds(recorded: Project, homes: Homes):
    with Warehouse(recorded, homes.new(), threads=2) as warehouse:
        # evenly over a year, 2,000 cards in turn
        step = 31_500_000 // PURCHASES
        warehouse.connection.execute(f"""
            insert into raw.company__card_transactions (
                transaction_id, card_id, authorized_at, merchant_id, merchant_name, mcc, amount,
                currency, _load_id, _line, _key
            )
            select 'n' || n, 'c' || n % 2000, timestamp '{FIRST_DAY}' + to_seconds(n * {step}),
                'm0', 'merchant', '5812', 1000 + n % 977, 'KRW', 1, n, 'n' || n
            from range({PURCHASES}) as numbers (n)
        """)
        warehouse.connection.execute(
            "insert into raw.load_manifest (load_id, source, feed, first_day)"
            " values (1, 'company', 'card_transactions', ?)",
            [FIRST_DAY],
        )
        warehouse.build_whole()
        for relation in ("intermediate.int_transactions", "features.feat_transaction"):
            assert warehouse.values(f"select count(*) from {relation}") == [(PURCHASES,)]
        vector = """
            select card_txn_count_90d, merchant_txn_count_30d, merchant_txn_count_1h,
                merchant_txn_count_1d, card_merchant_txn_count_1d
            from features.feat_transaction where transaction_id = ?
        """
        counted = """
            with purchases as (
                select
                    every.card_id = this.card_id as mine,
                    this.authorized_at - every.paid_at as ago,
                    this.authorized_at::date - every.paid_at::date as days_ago
                from (
                    select card_id, authorized_at as paid_at from raw.company__card_transactions
                ) as every
                cross join (from raw.company__card_transactions where transaction_id = ?) as this
                where every.paid_at < this.authorized_at
            )
            select
                count(*) filter (mine and days_ago between 1 and 90),
                count(*) filter (days_ago between 1 and 30),
                count(*) filter (ago <= interval 1 hour),
                count(*) filter (ago <= interval 24 hour),
                count(*) filter (mine and ago <= interval 24 hour)
            from purchases
        """
        for n in (0, 1_999, 2_000, PURCHASES // 2, PURCHASES - 1):
            found, expected = (
                warehouse.connection.execute(query, [f"n{n}"]).fetchall()
                for query in (vector, counted)
            )
            assert found == expected, n
