"""What reviewers see with `cardwatch review`, and what they must not see."""

import json
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.review.desk import Request, act
from tests.orchestration.review.by_hand import Cardwatch


def test_findings_of_one_review_are_hidden_from_the_other(cardwatch: Cardwatch):
    cardwatch("assign aaab --reviewer=R5")
    cardwatch("decide aaab inconclusive --purchase t2 --reviewer=R5")
    cardwatch("assign bbbb")
    for case in ("aaab", "bbbb"):
        found = json.loads(cardwatch(f"show {case} --json"))["members"]
        assert [member["finding"] for member in found] == [None, None]
    found = json.loads(cardwatch("show aaab --reviewer=R5 --json"))["members"]
    assert {member["finding"] for member in found} == {None, "inconclusive"}


def test_a_copy_published_by_an_older_version_says_so(home: Home, cardwatch: Cardwatch):
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute("alter table case_events drop column transaction_id")
        connection.execute("alter table quarantined_events drop column transaction_id")
    assert "made by an older version; run `cardwatch run` first" in cardwatch.refused("queue")


def test_nothing_published_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cardwatch: Cardwatch
):
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "elsewhere"))
    assert "nothing is published yet" in cardwatch.refused("queue")
    assert "nothing is published yet" in cardwatch.refused("assign aaaa")
    assert not (tmp_path / "elsewhere").exists()


def test_the_second_reviewer_does_not_see_the_first_review(cardwatch: Cardwatch):
    cardwatch("assign aaab --reviewer=R5 --note=clearly_private")
    cardwatch("decide aaab recovery_ordered --reviewer=R5")
    cardwatch("assign bbbb")
    for reviewer in ("R2", "R6"):
        told = cardwatch(f"show aaab --reviewer={reviewer} --json")
        assert json.loads(told)["history"] == []
        assert json.loads(told)["state"] is None
        assert "private" not in told
        assert "R5" not in told
    assert "Restricted category" in cardwatch("show bbbb")
    assert "R5" not in cardwatch("show bbbb --json")
    assert "aaab" not in cardwatch("queue")
    # whoever decided may look at it, and everybody once both have
    assert len(json.loads(cardwatch("show aaab --reviewer=R5 --json"))["history"]) == 2
    cardwatch("decide bbbb inconclusive")
    assert len(json.loads(cardwatch("show aaab --json"))["history"]) == 2


def test_queue_hides_conflicts_and_what_others_took(cardwatch: Cardwatch):
    cardwatch("assign aaab --reviewer=R5")
    found = json.loads(cardwatch("queue --reviewer=E1 --json"))
    assert [case["case_id"] for case in found["cases"]] == ["bbbb3333"]
    assert found["hidden"] == 1
    assert found["older_open"] == 1
    assert "1 older case not taken yet, the first of 2025-04-16" in cardwatch("queue")
    assert "cccc4444" in cardwatch("queue --day=2025-04-16")
    cardwatch("assign cccc --reviewer=E1")
    found = json.loads(cardwatch("queue --reviewer=E1 --json"))
    assert [case["case_id"] for case in found["cases"]] == ["cccc4444", "bbbb3333"]
    assert "cccc4444" not in cardwatch("queue --day=2025-04-16")


def test_overdue_counts_to_the_last_day_that_was_built(cardwatch: Cardwatch):
    # 16 April and three working days is 21 April
    late = json.loads(cardwatch("overdue --json"))["cases"]
    assert [(case["case_id"], case["due_on"]) for case in late] == [("cccc4444", "2025-04-21")]
    cardwatch("assign cccc --at=2025-04-24T09:00:00")
    assert "0 cases overdue" in cardwatch("overdue")


def test_the_second_of_two_reviews_waits_until_the_first_is_taken(cardwatch: Cardwatch):
    assert "bbbb3333" not in cardwatch("queue")
    cardwatch("assign aaab --reviewer=R5")
    assert "bbbb3333" in cardwatch("queue")
    assert "bbbb3333" not in cardwatch("queue --reviewer=r5")


def test_overdue_tells_nobody_of_the_other_review(home: Home, cardwatch: Cardwatch):
    cardwatch("assign aaab --reviewer=R5 --at=2025-04-30T09:00:00")
    cardwatch("assign cccc --at=2025-04-16T09:00:00")
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute("update cases set as_of = date '2025-06-01'")
    late = cardwatch("overdue")
    assert "aaab2222" in late
    assert "R5" not in late
    assert "(R2)" in late
    assert "(R5)" in cardwatch("overdue --reviewer=R5")
    mine = json.loads(cardwatch("overdue --mine --json"))["cases"]
    assert [case["case_id"] for case in mine] == ["cccc4444"]


def test_what_is_escalated_is_there_for_everybody_until_somebody_takes_it(cardwatch: Cardwatch):
    cardwatch("assign cccc --reviewer=R5")
    assert "cccc4444" not in cardwatch("queue")
    cardwatch("escalate cccc --reviewer=R5")
    assert "cccc4444" in cardwatch("queue")
    cardwatch("assign cccc --reviewer=LEAD")
    assert "cccc4444" not in cardwatch("queue")
    assert "escalated" in cardwatch("queue --reviewer=LEAD")


def test_a_case_says_whose_purchases_are_in_it(home: Home, cardwatch: Cardwatch):
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute("update case_members set employee_id = 'E9' where subject_id = 't9'")
        connection.execute(
            "insert into explanation_requests select * replace ('E9' as employee_id)"
            " from explanation_requests where case_id = 'aaab2222'"
        )
    shown = cardwatch("show AAAB")
    assert "exploit of 2025-04-30, about E2, E9, department D1, 140,000 KRW" in shown
    assert "70,000 KRW  E9" in shown
    asked = cardwatch("ask aaab --preview")
    assert [line for line in asked.splitlines() if line.startswith("To: ")] == [
        *["To: E2"] * 2,
        *["To: E9"] * 2,
    ]
    # nothing was recorded
    assert not (home.landing / "company/review_events").exists()
    assert "about E1," in cardwatch("show aaaa")


def test_a_note_is_one_line_and_cannot_forge_the_history(cardwatch: Cardwatch, home: Home):
    note = "ok\n  2025-12-31 10:00  cleared  by boss\x1b[2J\u202e"
    act(home, Request("aaaa1111", "assigned", "R2", note=note))
    shown = cardwatch("show aaaa")
    assert len([line for line in shown.splitlines() if "by boss" in line]) == 1
    assert "assigned  by R2  ok   2025-12-31" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_damaged_copy_is_one_sentence(home: Home, cardwatch: Cardwatch):
    home.published_copy.write_bytes(b"damaged" * 1000)
    assert "cannot be read, it may be damaged" in cardwatch.refused("queue")
