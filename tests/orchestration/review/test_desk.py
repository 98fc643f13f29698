"""`cardwatch review` on a small published copy that is made by hand."""

import csv
import json
import multiprocessing
import re
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orchestration.cli.main import main
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.review import desk as review

# 1 May, a Thursday, is a day off; the last day built is Wednesday 30 April
CASES = """
case_id,second_of,opened_on,place,lane,employee_id,department_id,as_of,member_count,amount,currency
aaaa1111,,2025-04-30,1,mandatory,E1,D1,2025-04-30,1,50000,KRW
aaab2222,,2025-04-30,2,exploit,E2,D1,2025-04-30,2,70000,KRW
bbbb3333,aaab2222,2025-04-30,3,second_review,E2,D1,2025-04-30,2,70000,KRW
cccc4444,,2025-04-16,1,audit,E3,D1,2025-04-30,1,12.5,USD
"""


def publish(home: Home) -> None:
    """The tables that a run would publish, of four cases without a review event."""
    home.published.mkdir(parents=True)
    seeds = project_root() / "seeds"
    (home.root / "cases.csv").write_text(CASES.strip(), encoding="utf-8")
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
        connection.execute(f"""
            create table cases as from read_csv('{home.root / "cases.csv"}');
            create table case_transitions as from '{seeds / "case_transitions.csv"}';
            create table case_deadlines as from '{seeds / "case_deadlines.csv"}';
            create table working_days as
                select day::date as day, off is null and isodow(day) < 6 as is_working_day,
                    sum((off is null and isodow(day) < 6)::integer) over (order by day)::integer
                        as working_day_number
                from generate_series(date '2025-04-01', date '2025-06-30', interval 1 day) as d(day)
                left join (select date '2025-05-01' as off) on day = off;
            create table case_conflicts as
                select * from (values
                    ('aaaa1111', 'E1', 'own', date '2025-04-30', 0, null::bigint),
                    ('aaaa1111', 'R1', 'manager', date '2025-04-30', 3, null),
                    ('aaab2222', 'E2', 'own', date '2025-04-30', 0, null),
                    ('bbbb3333', 'E2', 'own', date '2025-04-30', 0, null)
                ) as t (case_id, person_id, because, holds_from, known_from_load_id,
                    known_until_load_id);
            create table case_events (
                event_id varchar, case_id varchar, event varchar, occurred_at timestamp,
                actor_id varchar, reason varchar, note varchar, amount double,
                transaction_id varchar, load_id bigint, load_line bigint
            );
            create table quarantined_events as
                select * exclude (load_line), 1::bigint as line from case_events;
            create table load_manifest (source varchar, feed varchar, file varchar, load_id bigint);
            insert into load_manifest values ('company', 'employees', 'e.csv', 7);
            create table alerts as
                select 'a' || place as alert_id, case_id, 'Because.' as sentence_en,
                    '이유' as sentence_ko
                from cases;
            create table alert_reasons as
                select 'a2' as alert_id, 'rule' as kind, 1 as place, 'merchant_001' as code,
                    'Restricted category: 70,000 KRW' as text_en, '제한업종 결제' as text_ko;
            create table case_members as
                select case_id, 'transaction' as subject_type, 't' || place as subject_id,
                    't' || place as transaction_id, true as is_alert, opened_on as joined_on,
                    timestamp '2025-04-29 12:30:00' as occurred_at, true as has_time, employee_id,
                    'm1' as merchant_id, 'Hof' as merchant_name, amount, currency,
                    null as common_cause, true as is_counted
                from cases;
            -- a second review is about the same purchases; one of them joined later
            update case_members set subject_id = 't2', transaction_id = 't2'
            where case_id = 'bbbb3333';
            insert into case_members
                select * replace ('t9' as subject_id, 't9' as transaction_id,
                    date '2025-05-06' as joined_on)
                from case_members where transaction_id = 't2';
            create table explanation_requests as
                select case_id, employee_id, date '2025-05-08' as answer_by,
                    'Subject' as subject_en, '제목' as subject_ko,
                    'Please send us by 2025-05-08: it' as body_en,
                    '2025-05-08까지 자료를 보내 주시기 바랍니다.' as body_ko
                from cases;
        """)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CARDWATCH_REVIEWER", "R2")
    home = Home.from_environment()
    home.create()
    publish(home)
    return home


class Cardwatch:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, line: str) -> str:
        """What it prints."""
        code, out, err = self.run(line)
        assert code == 0, err
        return out

    def refused(self, line: str) -> str:
        """The one sentence with which it refuses."""
        code, out, err = self.run(line)
        assert code == 1, out
        assert err.startswith("cardwatch: ")
        assert err.count("\n") == 1
        return err.removeprefix("cardwatch: ").rstrip("\n")

    def run(self, line: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["cardwatch", "review", *line.split()])
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = self.capsys.readouterr()
        return int(exit_.value.code or 0), out, err


@pytest.fixture
def cardwatch(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cardwatch:
    return Cardwatch(monkeypatch, capsys)


def landed(home: Home) -> list[dict[str, str]]:
    rows = []
    for path in sorted((home.landing / "company/review_events").iterdir()):
        with path.open(encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    return rows


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
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
        connection.execute(
            f"insert into case_events select *, 8, 2 from read_csv('{first}',"
            " types = {'amount': 'double', 'reason': 'varchar', 'note': 'varchar',"
            " 'transaction_id': 'varchar'})"
        )
        connection.execute(
            f"insert into load_manifest values ('company', 'review_events', '{first.name}', 8)"
        )
    told = json.loads(cardwatch("show aaaa --json"))
    assert [event["state"] for event in told["history"]] == ["assigned", "escalated"]
    assert second.name > first.name
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{8}\.csv", first.name)


@pytest.mark.parametrize(
    ("before", "line", "sentence"),
    [
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
    ],
)
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
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
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


def test_overdue_tells_nobody_of_the_other_review(cardwatch: Cardwatch):
    cardwatch("assign aaab --reviewer=R5 --at=2025-04-30T09:00:00")
    cardwatch("assign cccc --at=2025-04-16T09:00:00")
    with duckdb.connect(str(Home.from_environment().published / "cardwatch.duckdb")) as connection:
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
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
        connection.execute("update case_members set employee_id = 'E9' where subject_id = 't9'")
        connection.execute(
            "insert into explanation_requests select * replace ('E9' as employee_id)"
            " from explanation_requests where case_id = 'aaab2222'"
        )
    shown = cardwatch("show AAAB")
    assert "exploit of 2025-04-30, about E2, E9, department D1, 70,000 KRW" in shown
    assert "70,000 KRW  E9" in shown
    asked = cardwatch("ask aaab --preview")
    assert [line for line in asked.splitlines() if line.startswith("To: ")] == [
        *["To: E2"] * 2,
        *["To: E9"] * 2,
    ]
    # nothing was recorded
    assert not (home.landing / "company/review_events").exists()
    assert "about E1," in cardwatch("show aaaa")


def test_nobody_is_asked_without_a_text(home: Home, cardwatch: Cardwatch):
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
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


def test_a_note_is_one_line_and_cannot_forge_the_history(cardwatch: Cardwatch, home: Home):
    note = "ok\n  2025-12-31 10:00  cleared  by boss\x1b[2J\u202e"
    review.act(home, "aaaa1111", "assigned", "R2", note=note)
    shown = cardwatch("show aaaa")
    assert len([line for line in shown.splitlines() if "by boss" in line]) == 1
    assert "assigned  by R2  ok   2025-12-31" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_damaged_copy_is_one_sentence(home: Home, cardwatch: Cardwatch):
    (home.published / "cardwatch.duckdb").write_bytes(b"damaged" * 1000)
    assert "cannot be read, it may be damaged" in cardwatch.refused("queue")


def take(root: str, number: int) -> None:
    """Escalate a case over and over, as one of several reviewers at once."""
    home = Home(Path(root))
    for _ in range(5):
        review.act(home, "aaab2222", "assigned", f"P{number}")
        try:
            review.act(home, "cccc4444", "inconclusive", f"P{number}")
        except review.CardwatchError as error:
            assert "already closed" in str(error)  # noqa: PT017


def test_reviewers_at_once_lose_nothing_and_decide_once(home: Home):
    review.act(home, "cccc4444", "assigned", "R2")
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
    told = review.show(home, "aaab2222", "P0")
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

    first = review.act(home, "aaaa1111", "assigned", "R2", at=datetime(2025, 5, 2, 9))
    monkeypatch.setattr(review, "datetime", SetBack)
    second = review.act(home, "aaaa1111", "escalated", "R2", at=datetime(2025, 5, 2, 9))
    assert second.landed_as.name > first.landed_as.name
    assert first.due_on == date(2025, 5, 9)
