"""A company made by hand, whose purchases lie at the edges of every window."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import duckdb

from orchestration.engine.home import Home

# A company with everything that the demo may lack. Employee e1 has the cards k1 and k2, e2 has k3
# and later k7, k4 and k6 are not in the register and k5 was valid until the end of May.
HAND_MADE = {
    "cards/0001": """
card_id,employee_id,valid_from,valid_to,status,single_limit,monthly_limit
k1,e1,2024-01-01 00:00:00,,active,100000,500000
k1,e1,2025-05-20 00:00:00,,active,,
k2,e1,2025-01-01 00:00:00,,active,200000,
k3,e2,2025-01-01 00:00:00,,active,,400000
k3,e2,2025-06-05 12:00:00,,blocked,60000,
k5,e3,2025-01-01 00:00:00,2025-05-31 00:00:00,active,50000,100000
k7,e1,2025-01-01 00:00:00,,active,50000,50000
k7,e2,2025-06-01 00:00:00,,active,,
""",
    "cards/0002": """
card_id,employee_id,valid_from,valid_to,status,single_limit,monthly_limit
k2,e1,2025-01-01 00:00:00,,active,120000,
""",
    "employees/0001": """
employee_id,department_id,valid_from,valid_to,grade,manager_id,hired_on,left_on,home_latitude,home_longitude
e1,d1,2024-01-01 00:00:00,,g3,a1,2020-03-02,,37.50,127.03
e1,d1,2025-06-01 00:00:00,,,,,2025-06-30,,
e1,d1,2025-06-09 00:00:00,,,,,,,
e2,d1,2025-01-01 00:00:00,,g3,a1,2025-01-02,,37.27,127.01
e2,d2,2025-06-02 00:00:00,,g4,a3,,,,
e3,d2,2025-01-01 00:00:00,,g4,a3,2010-01-04,2025-05-31,,
""",
    "absences/0001": """
employee_id,starts_at,ends_at,kind
e2,2025-06-05 00:00:00,2025-06-06 00:00:00,annual_leave
e1,2025-06-09 00:00:00,2025-06-09 12:00:00,sick_leave
""",
    "trips/0001": """
employee_id,starts_at,ends_at,city
e1,2025-06-06 00:00:00,2025-06-09 00:00:00,Busan
e2,2025-06-10 00:00:00,2025-06-11 00:00:00,
""",
    "expense_claims/0001": """
claim_id,employee_id,submitted_at,amount,approver_id,approved_at
q1,e1,2025-05-19 09:00:00,16000,a1,2025-05-20 09:00:00
q2,e2,2025-05-24 09:00:00,20000,a2,2025-05-25 09:00:00
q3,e1,2025-06-06 09:00:00,95000,a2,2025-06-06 21:00:00
q4,e2,2025-06-06 09:00:00,10000,,
q5,e3,2024-05-01 09:00:00,10000,a1,2024-05-02 09:00:00
""",
    "expense_claims/0002": """
claim_id,employee_id,submitted_at,amount,approver_id,approved_at
q2,e2,2025-05-24 09:00:00,20000,a1,2025-05-25 10:00:00
""",
    "labels/0001": """
transaction_id,misuse,decided_at
a01,false,2025-06-04 10:00:00
a02,true,2025-04-01 10:00:00
a05,false,2025-04-10 10:00:00
a11,true,2025-05-20 10:00:00
a13,true,2025-05-29 10:00:00
b01,false,2025-05-20 10:00:00
b01,false,2025-06-01 10:00:00
b02,true,2025-05-28 10:00:00
b02,true,2025-06-02 10:00:00
b03,true,2025-06-08 09:00:00
b04,true,2025-06-08 09:00:00
a18,true,2025-06-06 18:00:00
a20,true,2025-06-06 18:00:00
a20,false,2025-06-07 18:00:00
old2,true,2025-06-05 18:00:00
old1,true,2025-06-05 18:00:00
h01,true,2025-06-02 09:00:00
h02,false,2025-06-03 09:00:00
h03,true,2025-06-04 09:00:00
h05,true,2025-06-07 09:00:00
h06,true,2025-06-08 09:00:00
never,true,2025-06-06 18:00:00
""",
    "labels/0002": """
transaction_id,misuse,decided_at
a05,true,2025-04-10 10:00:00
""",
    "labels/0003": """
transaction_id,misuse,decided_at,available_at
a03,true,2025-05-01 10:00:00,2025-06-02 12:00:00
a04,true,2025-05-01 10:00:00,2025-04-02 12:00:00
""",
    "review_events/0001": """
event_id,case_id,event,occurred_at,actor_id,reason,amount,transaction_id
v0,case1,inconclusive,2025-06-03 08:00:00,a9,,,
v1,case1,assigned,2025-06-03 09:00:00,a9,,,
v2,case1,cleared,2025-06-04 09:00:00,a9,explained,,
v6,case1,recovery_ordered,2025-06-04 10:00:00,a9,,,
v7,case2,assigned,2025-06-05 07:00:00,a9,,,
v3,case2,recovery_ordered,2025-06-05 08:00:00,a9,,,
v4,case2,recovered,2025-06-06 08:00:00,a9,,100,
v5,case3,cleared,2025-06-06 08:00:00,a9,explained,,
v8,case4,assigned,2025-06-05 07:00:00,a9,,,
v9,case4,recovery_ordered,2025-06-05 08:00:00,a9,,,b08
v10,case4,inconclusive,2025-06-05 08:10:00,a9,,,a12
v11,case4,cleared,2025-06-05 08:20:00,a9,explained,,b10
v12,case4,recovery_ordered,2025-06-05 09:00:00,a9,,,
v13,case4,reopened,2025-06-06 09:00:00,a9,,,
v14,case4,recovery_ordered,2025-06-06 09:10:00,a9,,,a10
v15,case4,cleared,2025-06-06 09:20:00,a9,explained,,
""",
    "card_transactions/0001": """
transaction_id,card_id,authorized_at,authorized_precision,employee_id,merchant_id,merchant_city,latitude,longitude,mcc,category,amount,currency,entry_mode,status
old1,k1,2024-06-04 12:00:00,,,m1,Seoul,37.57,126.98,5812,,11000,KRW,chip,approved
old2,k1,2024-06-05 12:00:00,,,m1,Seoul,37.57,126.98,5812,,13000,KRW,chip,approved
old3,k1,2024-06-06 12:00:00,,,m3,Seoul,37.57,126.98,5947,,14000,KRW,chip,approved
a01,k1,2025-03-03 12:10:00,,,m1,Seoul,37.57,126.98,5812,,12000,KRW,chip,approved
a02,k1,2025-03-10 12:20:30,,,m1,Seoul,37.57,126.98,5812,,15000,KRW,chip,
a03,k1,2025-03-17 11:50:00,second,,m1,Seoul,37.57,126.98,5812,,9500,KRW,chip,
a04,k1,2025-03-24 12:05:00,second,,m1,Seoul,37.57,126.98,5812,,22000,KRW,chip,
a05,k1,2025-03-31 12:40:00,second,,m1,Seoul,37.57,126.98,5812,,18000,KRW,chip,
a06,k1,2025-04-07 12:15:00,second,,m1,Seoul,37.57,126.98,5812,,30000,KRW,chip,
a07,k1,2025-04-14 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,8000,KRW,chip,
a08,k1,2025-04-22 13:05:00,second,,m1,Seoul,37.57,126.98,5812,,99999,KRW,chip,
a09,k1,2025-04-28 12:30:00,second,,m1,Seoul,37.57,126.98,5812,,27000,KRW,chip,
a10,k1,2025-05-05 12:10:00,second,,m1,Seoul,37.57,126.98,5812,,40000,KRW,chip,
a11,k1,2025-05-12 19:45:00,second,,m2,Seoul,37.55,126.99,5813,,55000,KRW,contactless,
a12,k1,2025-05-19 12:25:00,second,,m1,Seoul,37.57,126.98,5812,,16000,KRW,chip,
a13,k1,2025-05-26 23:30:00,second,,m2,Seoul,37.55,126.99,5813,,60000,KRW,contactless,
a14,k1,2025-06-02 12:10:00,second,,m1,Seoul,37.57,126.98,5812,,17000,KRW,chip,
a15,k1,2025-06-02 12:11:00,second,,m1,Seoul,37.57,126.98,5812,,900000,KRW,chip,declined
a16,k1,2025-06-03 10:00:00,second,,m1,Seoul,37.57,126.98,5812,,-17000,KRW,chip,
a17,k1,2025-06-03 11:00:00,second,,m1,Seoul,37.57,126.98,5812,,5000,KRW,chip,reversed
a18,k1,2025-06-05 09:00:00,second,,m3,Seoul,37.56,127.00,5947,,95000,KRW,chip,
b08,k3,2025-06-02 00:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
b09,k3,2025-06-05 00:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
b10,k3,2025-06-05 12:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
b11,k3,2025-06-06 00:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
a38,k1,2025-06-06 00:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
a39,k1,2025-06-06 21:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
a40,k1,2025-06-09 00:00:00,second,,m3,Seoul,37.56,127.00,5947,,1000,KRW,chip,
a19,k1,2025-06-05 09:00:00,second,,m3,Seoul,37.56,127.00,5947,,95000,KRW,chip,
a20,k1,2025-06-05 09:08:00,second,,m3,Seoul,37.56,127.00,5947,,95000,KRW,chip,
a21,k1,2025-06-05 09:15:00,second,,m3,Seoul,37.56,127.00,5947,,90000,KRW,chip,
a22,k1,2025-06-05 09:38:00,second,,m3,Seoul,37.56,127.00,5947,,30000,KRW,chip,
a23,k1,2025-06-05 10:00:00,second,,m3,Seoul,37.56,127.00,5947,,100000,KRW,chip,
a24,k1,2025-06-05 21:20:00,second,,m2,Seoul,37.55,126.99,5813,,33000,KRW,chip,
a25,k1,2025-06-06 06:30:00,second,,m5,Seoul,37.50,127.00,,books,29900,KRW,online,
a26,k1,2025-06-06 15:00:00,second,,m6,Busan,35.18,129.08,5812,,21000,KRW,chip,
a27,k1,2025-06-06 15:00:10,second,,m7,Busan,35.19,129.08,5812,,4500,KRW,manual,
a28,k1,2025-06-07 20:00:00,second,,m1,Seoul,37.57,126.98,5812,,26000,KRW,chip,
a29,k1,2025-06-07 21:00:00,second,,m6,Busan,,,5812,,26000,KRW,,
a30,k1,2025-06-08 00:00:00,day,,m1,Seoul,37.57,126.98,5812,,7700,KRW,chip,
a31,k1,2025-06-08 00:05:00,second,,m1,Seoul,37.57,126.98,5812,,8800.55,KRW,chip,
a32,k1,2025-06-08 21:00:00,second,,m2,Seoul,37.55,126.99,5813,,30000,KRW,chip,
a33,k1,2025-06-09 10:00:00,second,,m2,Seoul,37.55,126.99,5813,,3000000,KRW,chip,
a34,k1,2025-06-09 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,12000,KRW,chip,
a35,k1,2025-06-10 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,-12000,KRW,chip,
a36,k1,2025-06-10 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,0,KRW,chip,
a37,k1,2025-06-10 14:00:00,day,,m1,Seoul,37.57,126.98,5812,,12000,KRW,chip,
b01,k3,2025-05-12 19:30:00,second,,m2,Seoul,37.55,126.99,5813,,20000,KRW,chip,
b02,k3,2025-05-26 23:10:00,second,,m2,Seoul,37.55,126.99,5813,,25000,KRW,chip,
b03,k3,2025-06-05 21:00:00,second,,m2,Seoul,37.55,126.99,5813,,55000,KRW,chip,
b04,k3,2025-06-06 23:50:00,second,,m2,Seoul,37.55,126.99,5813,,58000,KRW,chip,
b05,k3,2025-06-07 00:10:00,second,,m2,Seoul,37.55,126.99,5813,,58000,KRW,chip,
b07,k3,2025-06-07 00:45:00,second,,m2,Seoul,37.55,126.99,5813,,21000,KRW,chip,
b06,k3,2025-06-10 09:00:00,second,,m3,Seoul,37.56,127.00,5947,,95000,KRW,chip,
c01,k2,2025-06-05 09:30:00,second,,m3,Seoul,37.56,127.00,5947,,95000,KRW,chip,
c02,k2,2025-06-06 23:55:00,second,,m2,Seoul,37.55,126.99,5813,,58000,KRW,chip,
c03,k2,2025-06-07 00:15:00,second,,m2,Seoul,37.55,126.99,5813,,20000,KRW,chip,
c04,k2,2025-06-07 00:45:00,second,,m2,Seoul,37.55,126.99,5813,,22000,KRW,chip,
d01,k4,2025-05-28 12:00:00,second,e3,m4,Seoul,37.56,127.00,5812,,5000,KRW,chip,
d02,k4,2025-06-02 12:00:00,second,e3,m4,Seoul,37.56,127.00,5812,,5000,KRW,chip,
d03,k4,2025-06-09 12:00:00,second,e4,m4,Seoul,37.56,127.00,5812,,5000,KRW,chip,
e01,k5,2025-05-30 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,45000,KRW,chip,
e02,k5,2025-05-31 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,45000,KRW,chip,
e03,k5,2025-06-07 12:00:00,second,,m1,Seoul,37.57,126.98,5812,,45000,KRW,chip,
f01,k6,2025-05-28 12:01:00,second,,m4,,,,,,1000,KRW,chip,
f02,k6,2025-05-28 12:02:00,second,,m4,,,,,,1000,KRW,chip,
f03,k6,2025-05-28 12:03:00,second,,m4,,,,,,1000,KRW,chip,
f04,k6,2025-05-28 12:04:00,second,,m4,,,,,,1000,KRW,chip,
f05,k6,2025-05-28 12:05:00,second,,m4,,,,,,1000,KRW,chip,
f06,k6,2025-05-28 12:06:00,second,,m4,,,,,,1000,KRW,chip,
f07,k6,2025-05-28 12:07:00,second,,m4,,,,,,1000,KRW,chip,
f08,k6,2025-05-28 12:08:00,second,,m4,,,,,,1000,KRW,chip,
f09,k6,2025-05-28 12:09:00,second,,m4,,,,,,1000,KRW,chip,
f10,k6,2025-05-28 12:10:00,second,,m4,,,,,,1000,KRW,chip,
f11,k6,2025-05-28 12:11:00,second,,m4,,,,,,1000,KRW,chip,
f12,k6,2025-06-02 12:05:00,second,,m4,,,,,,1000,KRW,chip,
f13,k6,2025-06-03 12:05:00,second,,m4,,,,,,2000,KRW,chip,
g01,k7,2025-05-31 12:00:00,second,,m8,London,51.5,-0.1,5812,,30,GBP,chip,
g02,k7,2025-06-01 12:00:00,second,,m8,London,51.5,-0.1,5812,,12.5,GBP,chip,
g03,k7,2025-06-02 12:00:00,second,,m9,Paris,48.9,2.3,5812,,20,EUR,chip,
h01,k8,2025-06-01 12:00:00,second,,m10,,,,5812,,5000,KRW,chip,
h02,k8,2025-05-25 12:00:00,second,,m10,,,,5812,,5000,KRW,chip,
h03,k8,2025-05-20 12:00:00,second,,m10,,,,5812,,5000,KRW,chip,
h04,k8,2025-06-05 12:00:00,second,,m10,,,,5812,,5000,KRW,chip,
h05,k8,2025-06-06 12:00:00,second,,m10,,,,5812,,700000,KRW,chip,declined
h06,k8,2025-06-08 12:00:00,second,,m10,,,,5812,,5000,KRW,chip,
""",
    "card_transactions/0002": """
transaction_id,card_id,authorized_at,merchant_id,merchant_city,latitude,longitude,mcc,amount,currency,entry_mode
a08,k1,2025-04-21 13:05:00,m1,Seoul,37.57,126.98,5812,12345,KRW,chip
""",
}
#: The moment of the purchase before which everything below lies at the edge of a window.
EDGE = datetime(2025, 9, 20, 12, 0, 0)
WINDOWS = (
    *(timedelta(minutes=minutes) for minutes in (10, 15, 30, 60)),
    *(timedelta(days=days) for days in (1, 3)),
)
DAYS = (7, 8, 14, 15, 16, 30, 31, 90, 91, 365, 366)
NEAR_THE_EDGE = timedelta(seconds=1)


#: How long before the edge a run of misuse at a merchant begins; it goes on a day before it.
RUNS_BEGIN = {
    "ma": timedelta(days=90),
    "mb": timedelta(days=90) + NEAR_THE_EDGE,
    "mc": timedelta(days=91),
    "md": timedelta(days=91, seconds=1),
}


def at_the_edges() -> dict[str, str]:
    """Purchases and decisions at both sides of the beginning of every window."""
    purchases, decisions = [], []

    def purchase(name: str, card: str, before: timedelta, merchant: str, amount: int = 700) -> None:
        purchases.append((name, card, EDGE - before, merchant, "Daejeon", 36, 127, amount, "KRW"))

    def decision(name: str, before: timedelta, misuse: bool = True) -> None:
        decisions.append((name, misuse, EDGE - before))

    # one card at one merchant, and the same amounts with another card
    purchase("x", "x1", timedelta(0), "mx")
    for number, window in enumerate(WINDOWS):
        purchase(f"in{number}", "x1", window, "mx")
        purchase(f"out{number}", "x1", window + NEAR_THE_EDGE, "mx")
    for days in DAYS:
        purchase(f"day{days}", "x1", timedelta(days=days), "mx", 1_000 + days)
    purchase("equal_in", "x2", timedelta(days=3), "mx")
    purchase("equal_out", "x2", timedelta(days=3) + NEAR_THE_EDGE, "mx")
    # decisions by day, and one at the very moment of its purchase
    for days in (1, 7, 8, 14, 15, 30, 31, 90, 91):
        decision("day365" if days > 30 else "day90", timedelta(days=days))
    decision("in4", timedelta(days=1))
    # a position three days old, and a purchase that reached the limit alone
    for card, more in (("x3", timedelta(0)), ("x4", NEAR_THE_EDGE)):
        purchase(f"{card}_here", card, timedelta(0), "mx", 500)
        purchase(f"{card}_there", card, timedelta(days=3) + more, "mx", 1_000)
    # two cards that met on the 90th and the 91st day before
    for days in (0, 90, 91):
        purchase(f"met{days}", "x5", timedelta(days=days, minutes=5), "my")
        purchase(f"meets{days}", "x6", timedelta(days=days), "my")
    # runs of misuse that begin in the 90 days before, at their edge and before it
    for merchant, begins in RUNS_BEGIN.items():
        purchase(f"{merchant}_now", "x7", timedelta(0), merchant)
        for number, before in enumerate((begins, timedelta(days=1))):
            purchase(f"{merchant}{number}", "x7", before + timedelta(days=2), merchant)
            decision(f"{merchant}{number}", before)
    # innocence that was found at the very moment of misuse ends the run
    for name, days in {"me_now": 0, "me0": 9, "me1": 8, "me2": 7}.items():
        purchase(name, "x7", timedelta(days=days), "me")
    decision("me0", timedelta(days=3))
    decision("me1", timedelta(days=3), misuse=False)
    decision("me2", timedelta(days=1))
    # pairs that meet once more exactly when, or after, their last purchase leaves a window
    for card, days in {"y1": (0, 1, 31), "y2": (0, 365), "y3": (0, 366)}.items():
        for before in days:
            purchase(f"{card}_{before}", card, timedelta(days=before), f"m{card}")
    # sums whose squares are long
    for number, before in enumerate((0, 0, 5, 20, 40, 41)):
        purchase(f"z{number}", "z1", timedelta(days=before, hours=number), "mz", 9_876_543_210)
    return {
        "card_transactions/0003": as_csv(
            "transaction_id,card_id,authorized_at,merchant_id,merchant_city,latitude,longitude,"
            "amount,currency",
            purchases,
        ),
        "labels/0003": as_csv("transaction_id,misuse,decided_at", decisions),
        **holders_at_the_edges(),
    }


def holders_at_the_edges() -> dict[str, str]:
    """The cards of these purchases and the employees who hold them."""
    since = datetime(2024, 1, 1)
    return {
        "cards/0003": as_csv(
            "card_id,employee_id,valid_from,single_limit",
            [
                *((f"x{number}", "e7", since, 1_000) for number in range(1, 8)),
                *((f"y{number}", f"e8{number}", since, 900) for number in (1, 2, 3)),
                ("z1", "e9", since, 1_000_000),
            ],
        ),
        "employees/0003": as_csv(
            "employee_id,department_id,valid_from,manager_id",
            [("e7", "d7", since, "a7"), ("e9", "d9", since, "a9")],
        ),
    }


def as_csv(header: str, rows: Iterable[tuple[Any, ...]]) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])


# issue -> its last day, and its cases with their members
CASES = {
    1: ("2025-06-01", {"case1": ["a11", "b01"]}),
    2: ("2025-06-05", {"case1": ["a14"], "case2": ["b02"], "case4": ["a09", "a10", "a12", "b08"]}),
}


def land_hand_made_company(home: Home) -> None:
    for name, text in (HAND_MADE | at_the_edges()).items():
        file = home.landing / "company" / f"{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.lstrip(), encoding="utf-8")


def issue_cases(connection: duckdb.DuckDBPyConnection) -> None:
    for issue_id, (last_day, cases) in CASES.items():
        connection.execute(
            """
            insert into ledger.issues by name
            select $1 as issue_id, $2::date as issued_from, $2::date as issued_until,
                $2::date as issued_at, '' as audit_seed, 0 as alert_count, 0 as score_count
            """,
            [issue_id, last_day],
        )
        for case, members in cases.items():
            connection.execute(
                """
                insert into ledger.case_members by name
                select $1 as issue_id, $2 as case_id, 'transaction' as subject_type,
                    member as subject_id, member as transaction_id, true as is_alert,
                    $4::date as joined_on, $4::timestamp as occurred_at
                from (select unnest($3) as member)
                """,
                [issue_id, case, members, last_day],
            )
            connection.execute(
                """
                insert into ledger.alerts by name
                select $1 as issue_id, $2 as alert_id, $2 as case_id, $3::date as alert_date,
                    1 as place, 'exploit' as lane, 'transaction' as subject_type, '' as subject_id,
                    $3::timestamp as occurred_at, '' as sentence_en, '' as sentence_ko,
                    '' as policy_version
                where $2 not in (select case_id from ledger.alerts)
                """,
                [issue_id, case, last_day],
            )
