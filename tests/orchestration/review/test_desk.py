"""What reviewers do with `cardwatch review`, and what they are refused."""

import json
import multiprocessing
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.review import event_files, views
from orchestration.review.desk import Request, act
from tests.orchestration.review.by_hand import Cardwatch, landed


def test_a_case_is_worked_on_from_the_queue_to_the_money(home: Home, cardwatch: Cardwatch):
    assert [line.split()[0] for line in cardwatch("queue").splitlines()[1:3]] == [
        "aaaa1111",
        "aaab2222",
    ]
    at = "--at=2025-05-02T09:00:00"
    # the third working day after Friday 2 May
    assert cardwatch(f"assign aaaa {at}").split(" due ")[1] == "2025-05-09\n"
    asked = cardwatch(f"ask aaaa {at}")
    assert "Please send us by 2025-05-09: it" in asked
    assert "2025-05-09까지 자료를" in asked
    cardwatch("answer aaaa --at=2025-05-07T09:00:00 --reviewer=E1")
    assert "now recovery_ordered" in cardwatch("decide aaaa recovery_ordered --amount 30000")
    came = cardwatch("recover aaaa --amount 10,000")
    assert "now recovery_ordered" in came
    assert "10,000 KRW of 30,000 KRW came back, 20,000 KRW not" in came
    assert "more than the 20,000 KRW" in cardwatch.refused("recover aaaa --amount 20000.01")
    assert "now recovered" in cardwatch("recover aaaa --amount 20000")
    assert [row["event"] for row in landed(home)] == [
        *("assigned", "explanation_requested", "explanation_received", "recovery_ordered"),
        *("recovered_in_part", "recovered"),
    ]
    told = json.loads(cardwatch("show aaaa --json"))
    assert told["state"] == "recovered"
    assert [event["state"] for event in told["history"]][-3:] == [
        *("recovery_ordered", "recovery_ordered", "recovered"),
    ]
    shown = cardwatch("show aaaa")
    for part in ("Because.", "이유", "Hof  50,000 KRW", "explanation_received  by E1"):
        assert part in shown
    assert "aaaa1111" not in cardwatch("queue")


def test_what_the_command_line_wrote_is_loaded_as_it_was_judged(home: Home, cardwatch: Cardwatch):
    cardwatch("assign aaab2222")
    cardwatch("decide aaab2222 cleared --reason explained --note receipt,4111-1111-1111-1111")
    feeds = read_feeds()
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        assert [file.rows_quarantined for file in load_landed(connection, home, feeds)] == [0, 0]
        loaded = connection.execute(
            "select case_id, event, actor_id, reason, note, amount"
            " from raw.company__review_events order by _load_id"
        ).fetchall()
    assert loaded == [
        ("aaab2222", "assigned", "R2", None, None, None),
        ("aaab2222", "cleared", "R2", "explained", "receipt,************1111", None),
    ]
    assert not list((home.landing / "company/review_events").glob(".*"))


def test_published_events_are_not_counted_twice(home: Home, cardwatch: Cardwatch):
    cardwatch("assign aaaa")
    cardwatch("escalate aaaa")
    first, second = sorted((home.landing / "company/review_events").iterdir())
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute(
            f"insert into case_events select *, 8, 2 from read_csv('{first}',"
            " types = {'amount': 'decimal(18, 4)', 'reason': 'varchar', 'note': 'varchar',"
            " 'transaction_id': 'varchar'})"
        )
        connection.execute(
            f"insert into load_manifest values ('company', 'review_events', '{first.name}', 8)"
        )
    told = json.loads(cardwatch("show aaaa --json"))
    assert [event["state"] for event in told["history"]] == ["assigned", "escalated"]
    assert second.name > first.name
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.csv", first.name)


#: What was done before, what is typed, and what the refusal says.
REFUSED = [
    ("", "show zzzz", "there is no case 'zzzz'"),
    ("", "assign aaa", "'aaa' begins 2 cases (aaaa111, aaab222, …); write more of it"),
    ("", "assign aaaa --reviewer=E1", "E1 must not review this case: it is about E1"),
    ("", "assign aaaa --reviewer=R1", "it is about the manager of R1"),
    (
        "",
        "decide aaaa cleared --reason=explained",
        "cannot become cleared; take it first with `cardwatch review assign aaaa1111`",
    ),
    ("", "assign aaaa --reviewer=e1", "e1 must not review this case: it is about e1"),
    ("", "assign aaaa --reviewer=R\u202e1", "characters that are no letters"),
    ("", "assign aaaa --note=\udcff", "the note is not written in UTF-8"),
    ("assign aaaa", "decide aaaa recovery_ordered --amount=nan", "is no amount of money"),
    ("assign aaaa", "decide aaaa recovery_ordered --amount=inf", "is no amount of money"),
    ("assign aaaa", "decide aaaa recovery_ordered --amount=much", "write 120000 or 120,000"),
    ("assign aaaa", "decide aaaa recovery_ordered --amount=50001", "than the 50,000 KRW that"),
    ("assign aaaa", "decide aaaa cleared --reason=explained --amount=5", "nothing else asks"),
    (
        "assign aaab",
        "decide aaab recovery_ordered --purchase=t2 --amount=70001",
        "more than the 70,000 KRW that the decision is about",
    ),
    ("assign aaaa", "decide aaaa closed", "there is no outcome 'closed'; use one of: cleared"),
    ("assign aaaa", "decide aaaa cleared", "and not without a reason"),
    ("assign aaaa", "decide aaaa cleared --reason=enough", "and not as enough"),
    ("assign aaaa", "decide aaaa inconclusive --reason=explained", "is for cleared cases"),
    ("assign aaaa", "recover aaaa --amount=5", "a case that is assigned cannot become recov"),
    ("assign aaaa", "decide aaaa recovery_ordered --amount=0", "is above zero"),
    ("assign aaaa", "ask aaaa --at=2025-05-01T09:00:00", "something later was accepted"),
    ("", "assign aaaa --at=2025-04-29T09:00:00", "opened only on 2025-04-30"),
    ("", "assign aaaa --at=2999-01-01T09:00:00", "lies in the future"),
    ("", "assign aaaa --reviewer= ", "say who reviews, with --reviewer ID"),
    ("assign bbbb", "assign aaab", "R2 works on the other review of this case"),
    ("", "decide aaab inconclusive --purchase=t2", "a case that is new cannot become"),
    ("assign aaab", "decide aaab inconclusive --purchase=t3", "purchase t3 is not in the case"),
    ("assign aaab", "decide aaab inconclusive --purchase=", "purchase  is not in the case"),
    (
        "assign aaab --at=2025-05-01T09:00:00",
        "decide aaab inconclusive --purchase=t9 --at=2025-05-05T09:00:00",
        "purchase t9 joined the case only on 2025-05-06",
    ),
    # all of them or none
    ("assign aaab", "decide aaab inconclusive --purchase=t2 --purchase=t3", "t3 is not in the"),
    ("assign aaab", "decide aaab cleared --purchase=t2", "and not without a reason"),
    (
        "assign aaab",
        "decide aaab recovery_ordered --purchase=t2 --purchase=t9 --amount=5",
        "--amount is for one purchase",
    ),
]


@pytest.mark.parametrize(("before", "line", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence_and_leaves_nothing(
    home: Home, cardwatch: Cardwatch, before: str, line: str, sentence: str
):
    if before:
        cardwatch(before)
    folder = home.landing / "company/review_events"
    files = sorted(folder.iterdir()) if folder.exists() else []
    assert sentence in cardwatch.refused(line)
    assert (sorted(folder.iterdir()) if folder.exists() else []) == files


def test_a_closed_case_says_so_and_can_be_reopened(cardwatch: Cardwatch):
    cardwatch("assign cccc")
    cardwatch("decide cccc inconclusive")
    refused = cardwatch.refused("escalate cccc")
    assert "already closed (inconclusive); `cardwatch review reopen cccc4444`" in refused
    assert "now reopened" in cardwatch("reopen cccc")


def test_purchases_are_decided_one_by_one_before_their_case(home: Home, cardwatch: Cardwatch):
    cardwatch("assign aaab --at=2025-05-06T09:00:00")
    told = cardwatch("decide aaab cleared --reason explained --purchase t2 --purchase t9")
    assert [line.split(", ")[0] for line in told.splitlines()] == [
        "case aaab2222: t2 cleared by R2",
        "case aaab2222: t9 cleared by R2",
    ]
    assert "still assigned" in told
    found = cardwatch("decide aaab recovery_ordered --purchase t9 --amount 5 --json")
    assert [each["transaction_id"] for each in json.loads(found)["findings"]] == ["t9"]
    # the three of them in two files
    assert [(row["event"], row["transaction_id"]) for row in landed(home)] == [
        ("assigned", ""),
        ("cleared", "t2"),
        ("cleared", "t9"),
        ("recovery_ordered", "t9"),
    ]
    assert len(list((home.landing / "company/review_events").iterdir())) == 3
    told = json.loads(cardwatch("show aaab --json"))
    assert told["state"] == "assigned"
    assert {member["subject_id"]: member["finding"] for member in told["members"]} == {
        "t2": "explained",
        "t9": "recovery_ordered",
    }
    shown = cardwatch("show aaab")
    assert "70,000 KRW  → explained" in shown
    assert "recovery_ordered  of t9  by R2  5 KRW  → assigned" in shown
    assert "now cleared" in cardwatch("decide aaab cleared --reason false_alarm")
    assert "already closed" in cardwatch.refused("decide aaab inconclusive --purchase t2")


def test_nobody_is_asked_without_a_text(home: Home, cardwatch: Cardwatch):
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute("delete from explanation_requests where case_id = 'aaaa1111'")
    cardwatch("assign aaaa")
    for line in ("ask aaaa", "ask aaaa --preview"):
        assert "there is no text for the cardholder yet" in cardwatch.refused(line)
    assert len(landed(home)) == 1


def test_less_may_be_all_that_comes_back(cardwatch: Cardwatch):
    cardwatch("assign aaaa")
    cardwatch("decide aaaa recovery_ordered")
    assert "0 KRW of 50,000 KRW came back, 50,000 KRW not" in cardwatch("show aaaa")
    assert "now recovered" in cardwatch("recover aaaa --amount 20000 --last")
    assert "20,000 KRW of 50,000 KRW came back, 30,000 KRW not" in cardwatch("show aaaa")


def test_what_is_ordered_back_adds_findings_to_the_order_on_the_case(cardwatch: Cardwatch):
    cardwatch("assign aaab --at=2025-05-06T09:00:00")
    cardwatch("decide aaab recovery_ordered --purchase t9 --amount 5")
    # the order on the case is about t2 alone
    assert "more than the 70,000 KRW" in cardwatch.refused(
        "decide aaab recovery_ordered --amount 70001"
    )
    cardwatch("decide aaab recovery_ordered")
    assert "0 KRW of 70,005 KRW came back" in cardwatch("show aaab")


def take(root: str, number: int) -> None:
    """Escalate a case over and over, as one of several reviewers at once."""
    home = Home(Path(root))
    for _ in range(5):
        act(home, Request("aaab2222", "assigned", f"P{number}"))
        try:
            act(home, Request("cccc4444", "inconclusive", f"P{number}"))
        except CardwatchError as error:
            assert "already closed" in str(error)  # noqa: PT017


def test_reviewers_at_once_lose_nothing_and_decide_once(home: Home):
    act(home, Request("cccc4444", "assigned", "R2"))
    context = multiprocessing.get_context("spawn")
    people = [context.Process(target=take, args=(str(home.root), number)) for number in range(3)]
    for person in people:
        person.start()
    for person in people:
        person.join(120)
    assert [person.exitcode for person in people] == [0, 0, 0]
    rows = landed(home)
    assert sum(row["event"] == "inconclusive" for row in rows) == 1
    assert sum(row["case_id"] == "aaab2222" for row in rows) == 15
    assert len({row["event_id"] for row in rows}) == len(rows)
    told = views.show(home, "aaab2222", "P0")
    assert told["history_hidden_because"] is None
    assert [event["rejected_because"] for event in told["history"]] == [None] * 15


def test_events_are_named_in_the_order_in_which_they_were_judged(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    """Also when the clock of the machine is set back."""

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(tz) - timedelta(hours=1)  # type: ignore[arg-type]

    (first,) = act(home, Request("aaaa1111", "assigned", "R2", at=datetime(2025, 5, 2, 9)))
    monkeypatch.setattr(event_files, "datetime", SetBack)
    (second,) = act(home, Request("aaaa1111", "escalated", "R2", at=datetime(2025, 5, 2, 9)))
    assert second.landed_as.name > first.landed_as.name
    assert first.due_on == date(2025, 5, 9)
