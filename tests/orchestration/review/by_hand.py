"""A small published copy that is made by hand, and `cardwatch review` on it in this process."""

import csv
import sys

import duckdb
import pytest

from orchestration.cli.main import main
from orchestration.engine.home import Home, project_root

_SEEDS = project_root() / "seeds"

# Four cases without a review event. 1 May, a Thursday, is a day off; the last day built is
# Wednesday 30 April.
_TABLES = f"""
    create table cases as
        select * replace (amount::decimal(18, 4) as amount), date '2025-04-30' as as_of from (values
            ('aaaa1111', 'a1', null, date '2025-04-30', 1, 'mandatory', 'E1', 'D1', 50000.0, 'KRW'),
            ('aaab2222', 'a2', null, date '2025-04-30', 2, 'exploit', 'E2', 'D1', 70000, 'KRW'),
            ('bbbb3333', 'a3', 'aaab2222', date '2025-04-30', 3, 'second_review', 'E2', 'D1', 70000,
                'KRW'),
            ('cccc4444', 'a4', null, date '2025-04-16', 1, 'audit', 'E3', 'D1', 12.5, 'USD')
        ) as t (case_id, alert_id, second_of, opened_on, place, lane, employee_id, department_id,
            amount, currency);
    create table case_transitions as from '{_SEEDS / "case_transitions.csv"}';
    create table case_deadlines as from '{_SEEDS / "case_deadlines.csv"}';
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
        actor_id varchar, reason varchar, note varchar, amount decimal(18, 4),
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
"""


def publish(home: Home) -> None:
    """Write the tables that a run would publish."""
    home.published.mkdir(parents=True)
    with duckdb.connect(str(home.published_copy)) as connection:
        connection.execute(_TABLES)


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


def landed(home: Home) -> list[dict[str, str]]:
    rows = []
    for path in sorted((home.landing / "company/review_events").iterdir()):
        with path.open(encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    return rows
