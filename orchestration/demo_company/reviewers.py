"""Reviewers who answer the queue of Cardwatch, with delay and mistakes, as a feed of review events.

They see what is published, and the truth behind each purchase as far as a cardholder's papers
tell it. What they do about a case depends on the case alone, so that the same queue gets the same
answers however often it is answered.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime, time, timedelta
from pathlib import Path

import duckdb
import numpy as np

from orchestration.demo_company import figures as f
from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.engine.published import open_published

_FOLDER = Path("company/review_events")


@dataclass(frozen=True)
class Event:
    """One row of the feed review_events."""

    event_id: str
    case_id: str
    event: str
    occurred_at: datetime
    actor_id: str
    reason: str | None = None
    amount: float | None = None
    transaction_id: str | None = None


@dataclass(frozen=True)
class Member:
    """A purchase of a case."""

    transaction_id: str
    joined_on: date
    amount: float
    is_misuse: bool


def answer_queue(home: Home, until: date) -> int:
    """Land the events of all published cases up to the end of a day, one file a day.

    Returns the number of new events. What was landed before is not landed again.
    """
    folder = home.landing / _FOLDER
    known = {
        row["event_id"]
        for file in folder.glob("*.csv")
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    }
    by_day: dict[date, list[Event]] = defaultdict(list)
    with open_published(home) as published:
        days = Calendar(
            dict(
                published.execute(
                    "select day, next_working_day from working_days"
                    " where next_working_day is not null"
                ).fetchall()
            )
        )
        for case_id, second_of, opened_on, members in _cases(published, home):
            for event in work(case_id, second_of, opened_on, members, days):
                if event.occurred_at.date() <= until and event.event_id not in known:
                    by_day[event.occurred_at.date()].append(event)
    folder.mkdir(parents=True, exist_ok=True)
    for day, events in by_day.items():
        events.sort(key=lambda event: (event.occurred_at, event.event_id))
        _write(folder / f"reviewed_{day}_known_{until}.csv", events)
    return sum(map(len, by_day.values()))


class Calendar:
    """Working days, and moments on them."""

    def __init__(self, next_working_day: Mapping[date, date]) -> None:
        """Take the first working day at or after each day."""
        self._next = next_working_day

    def office_hour(self, after: datetime, random: np.random.Generator) -> datetime:
        """The moment itself in office hours of a working day, else one on the next."""
        day = after.date() + timedelta(days=after.time() >= time(18))
        working = self._next.get(day, day)
        if working == after.date() and time(9) <= after.time():
            return after
        return datetime.combine(working, time(9)) + timedelta(minutes=random.uniform(0, 500))


def _cases(
    published: duckdb.DuckDBPyConnection, home: Home
) -> Iterator[tuple[str, str | None, date, list[Member]]]:
    """Every case with its purchases; of a second review, those of the first."""
    rows = published.execute(
        """
        select
            cases.case_id, cases.second_of, cases.opened_on,
            list(
                struct_pack(
                    transaction_id := members.transaction_id, joined_on := members.joined_on,
                    amount := members.amount, is_misuse := misuse.kind is not null
                ) order by members.subject_type desc, members.subject_id
            )
        from cases
        inner join case_members as members using (case_id)
        left join read_parquet($1) as misuse using (transaction_id)
        where members.transaction_id is not null
        group by all
        order by cases.opened_on, cases.case_id
        """,
        [str(home.truth / "misuse.parquet")],
    ).fetchall()
    for case_id, second_of, opened_on, members in rows:
        distinct = {member["transaction_id"]: Member(**member) for member in members}
        yield case_id, second_of, opened_on, list(distinct.values())


def work(
    case_id: str, second_of: str | None, opened_on: date, members: list[Member], days: Calendar
) -> Iterator[Event]:
    """What is done about a case, in order; it depends on the case and its members alone."""
    random = np.random.default_rng(_number(case_id))

    def later(moment: datetime, median_days: float) -> datetime:
        delay = float(random.lognormal(np.log(median_days), f.REVIEW_SPREAD))
        return days.office_hour(moment + timedelta(days=min(delay, f.REVIEW_MAX_DAYS)), random)

    # the second review goes to somebody else
    original = _number(second_of or case_id)
    reviewer = f.REVIEWERS[(original + (second_of is not None)) % len(f.REVIEWERS)]

    def event(name: str, at: datetime, **more: object) -> Event:
        return Event(f"{case_id}-{name}", case_id, name, at, reviewer, **more)  # type: ignore[arg-type]

    taken = days.office_hour(datetime.combine(opened_on + timedelta(days=1), time(0)), random)
    yield event("assigned", taken)
    asked = days.office_hour(taken + timedelta(hours=1), random)
    yield event("explanation_requested", asked)
    if random.random() < f.NO_ANSWER_SHARE:
        yield event("inconclusive", later(asked, 3 * f.ANSWER_MEDIAN_DAYS))
        return
    answered = later(asked, f.ANSWER_MEDIAN_DAYS)
    yield event("explanation_received", answered)
    decided = later(answered, f.DECISION_MEDIAN_DAYS)
    found = []
    # what joins on the day itself comes with the run of its night
    present = [member for member in members if member.joined_on < decided.date()]
    for member in present:
        # the same eyes see the same, whenever they look at a purchase of this case
        purchase = _number(member.transaction_id)
        luck = np.random.default_rng([original, purchase, second_of is not None]).random()
        misuse = luck >= f.REVIEW_MISSES if member.is_misuse else luck < f.REVIEW_FALSE_POSITIVES
        found.append(misuse)
    for member, misuse in zip(present, found, strict=True):
        if misuse != any(found):  # the others share the decision on the case
            yield Event(
                f"{case_id}-{member.transaction_id}",
                case_id,
                "cleared",
                decided,
                reviewer,
                reason="explained",
                transaction_id=member.transaction_id,
            )
    if not any(found):
        yield event("cleared", decided + timedelta(minutes=5), reason="explained")
        return
    due = sum(member.amount for member, misuse in zip(present, found, strict=True) if misuse)
    yield event("recovery_ordered", decided + timedelta(minutes=5))
    yield event("recovered", later(decided, f.RECOVERY_MEDIAN_DAYS), amount=round(due, 2))


def _number(text: str) -> int:
    """A number that stands for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def _write(file: Path, events: list[Event]) -> None:
    with whole_file(file) as fresh, fresh.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([field.name for field in fields(Event)])
        for event in events:
            writer.writerow("" if value is None else value for value in astuple(event))
