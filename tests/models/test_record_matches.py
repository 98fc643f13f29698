"""An approval and the purchase that a statement reports for it are one transaction."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.models.model_steps import Project, Row, Warehouse
from tests.models.tiny_company import COMPANY, Land, Run, purchase, some
from tests.models.walks import Homes, Walk, difference_from_full_build, examples


def approval(name: str, day: int, second: int = 45_000, **others: Any) -> Row:
    return purchase(f"a{name}", 0, 0, day, second, record_kind="approval", **others)


def on_statement(name: str, day: int, **others: Any) -> Row:
    """What a statement says of a purchase: its day, and when it was booked."""
    booked = {"authorized_precision": "day", "posted_at": f"2024-03-{1 + day % 28:02} 00:00:00"}
    return purchase(f"s{name}", 0, 0, day, 0, record_kind="purchase", **(booked | others))


FOUND = """
    select transaction_id, purchase_record_id, record_kind, has_time
    from intermediate.int_transactions where is_purchase order by transaction_id
"""


def found(project: Project, homes: Homes, *landings: tuple[Row, ...]) -> list[tuple[Any, ...]]:
    """The purchases after a run over each landing."""
    with Warehouse(project, homes.new()) as warehouse:
        walk = Walk(warehouse)
        for rows in landings:
            walk.take((Land(rows), Run()))
        return list(warehouse.values(FOUND))


def test_a_statement_after_its_approvals_duplicates_nothing(
    recorded: Project, homes: Homes
) -> None:
    approved = tuple(
        approval(str(n), n, amount=1_000 + n % 3, approval_no=f"no{n}") for n in range(12)
    )
    # two were never purchased, one purchase was never approved
    statement = tuple(
        on_statement(str(n), n + n % 4, amount=1_000 + n % 3, approval_no=f"no{n}")
        for n in range(10)
    )
    alone = on_statement("x", 5, amount=7_777)
    purchases = found(recorded, homes, COMPANY + approved, (*statement, alone))
    matched = [(f"ta{n}", f"ts{n}", "purchase", True) for n in range(10)]
    pending = [(f"ta{n}", None, "approval", True) for n in (10, 11)]
    assert purchases == sorted([*matched, *pending, ("tsx", None, "purchase", False)])


def test_what_differs_is_not_one(recorded: Project, homes: Homes) -> None:
    rows = (
        *(approval("0", 0, amount=100), on_statement("0", 11, amount=100)),  # too many days
        *(approval("1", 0, amount=200), on_statement("1", 1, amount=201)),
        *(approval("2", 0, amount=300, approval_no="A"),),
        on_statement("2", 1, amount=300, approval_no="B"),
        *(approval("3", 0, amount=400), on_statement("3", 1, amount=400, currency="EUR")),
        *(approval("4", 0, amount=500, status="declined"), on_statement("4", 1, amount=500)),
    )
    assert {record for _, record, *_ in found(recorded, homes, COMPANY + rows)} == {None}


def test_equal_purchases_of_a_day_are_paired_in_order_of_time(
    recorded: Project, homes: Homes
) -> None:
    approved = tuple(approval(str(n), 3, 40_000 + n) for n in range(3))
    statement = tuple(
        purchase(f"s{n}", 0, 0, 3, 50_000 + n, record_kind="purchase") for n in range(3)
    )
    pairs = [row[:2] for row in found(recorded, homes, COMPANY + approved + statement)]
    assert pairs == [("ta0", "ts0"), ("ta1", "ts1"), ("ta2", "ts2")]


def test_a_claim_of_the_purchase_record_is_one_of_the_transaction(
    recorded: Project, homes: Homes
) -> None:
    claim = Row(
        "expense_claims",
        {
            "claim_id": "x1",
            "employee_id": "e0",
            "submitted_at": "2024-01-20 10:00:00",
            "amount": 1_000,
            "transaction_id": "ts1",
        },
    )
    with Warehouse(recorded, homes.new()) as warehouse:
        rows = (*COMPANY, approval("1", 3), on_statement("1", 4), on_statement("later", 30), claim)
        Walk(warehouse).take((Land(rows), Run()))
        named = "select transaction_id, purchased_on is not null from intermediate.int_claims"
        assert warehouse.values(named) == [("ta1", True)]


records = st.lists(
    st.builds(
        lambda kind, name, day, amount, number: (approval if kind else on_statement)(
            str(name), day, amount=amount, approval_no=number
        ),
        st.booleans(),
        some(0, 6),
        some(0, 40),
        st.sampled_from((1_000, 2_000)),
        st.sampled_from((None, "no1", "no2")),
    ),
    min_size=1,
    max_size=12,
).map(tuple)


@examples
@given(landings=st.lists(records, min_size=2, max_size=4))
def test_any_order_of_approvals_and_statements_ends_as_one_full_build(
    recorded: Project, homes: Homes, landings: list[tuple[Row, ...]]
) -> None:
    steps = (Land(COMPANY), *(step for rows in landings for step in (Land(rows), Run())))
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference
