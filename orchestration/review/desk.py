"""What reviewers see and do: they read the published copy and append review events to landing.

Nothing here opens the warehouse, so that a review never waits for a run nor a run for a review. An
event is a file of one row in the landing folder; until a run has loaded and published it, it is
read from there.
"""

import csv
import fcntl
import math
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.file import check_file, masked
from orchestration.landing.reading import read_rows
from orchestration.review.case_fold import (
    DECISIONS,
    RECOVERIES,
    Case,
    CaseFold,
    Conflict,
    Judgement,
    ReviewEvent,
    same_person,
)
from orchestration.review.text import SHORT, amount_text

SOURCE, FEED = "company", "review_events"

#: Columns of an event's file.
COLUMNS = (
    "event_id",
    "case_id",
    "event",
    "occurred_at",
    "actor_id",
    "reason",
    "note",
    "amount",
    "transaction_id",
)

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_EVENT_COLUMNS = ", ".join((*COLUMNS, "load_id"))


@dataclass(frozen=True)
class Done:
    """An event that was appended, and what it did."""

    event_id: str
    case_id: str
    event: str
    occurred_at: datetime
    actor_id: str
    state_before: str
    state: str
    due_on: date | None
    landed_as: Path
    transaction_id: str | None = None
    requests: Sequence[Mapping[str, Any]] = ()
    money: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return asdict(self)


class Desk:
    """The cases as they stand: as published, and moved on by what has landed since."""

    def __init__(self, home: Home) -> None:
        """Read the published copy and the events that no run has published yet."""
        self.home = home
        self._published = _connect(home)
        try:
            self._read()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise CardwatchError(
                "the published copy was made by an older version; run `cardwatch run` first"
            ) from error

    def __enter__(self) -> "Desk":
        """Open it for a with statement."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the published copy."""
        self._published.close()

    def _read(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {
            row["case_id"]: row for row in self.query("select * from cases")
        }
        cases = [
            Case(row["case_id"], row["second_of"], row["opened_on"]) for row in self.rows.values()
        ]
        transitions = {
            (row["state"], row["event"]): row["next_state"]
            for row in self.query("select * from case_transitions")
        }
        conflicts: dict[tuple[str, str], list[Conflict]] = {}
        for row in self.query("select * from case_conflicts"):
            conflicts.setdefault((row.pop("case_id"), row.pop("person_id")), []).append(
                Conflict(**row)
            )
        members = {
            (row["case_id"], row["transaction_id"]): row["joined_on"]
            for row in self.query("""
                select case_id, transaction_id, min(joined_on) as joined_on from case_members
                where transaction_id is not null
                group by case_id, transaction_id
            """)
        }
        self.fold = CaseFold(cases, transitions, conflicts, members)
        self._deadlines = {
            row["state"]: row["working_days"] for row in self.query("select * from case_deadlines")
        }
        calendar = self.query("select * from working_days order by day")
        self._day_numbers = {row["day"]: row["working_day_number"] for row in calendar}
        self._working_days = {
            row["working_day_number"]: row["day"] for row in calendar if row["is_working_day"]
        }
        self.history: dict[str, list[Judgement]] = {}
        known = [
            ReviewEvent(**row)
            for row in self.query(f"""
                select {_EVENT_COLUMNS}, load_line from case_events
                union all by name
                select {_EVENT_COLUMNS}, line as load_line from quarantined_events
            """)  # noqa: S608 - names of our own columns
        ]
        latest = self.query("select coalesce(max(load_id), 0) as load_id from load_manifest")
        self.next_load_id = int(latest[0]["load_id"]) + 1
        for event in sorted([*known, *self._pending()], key=lambda event: event.arrival):
            self.apply(event)

    def _pending(self) -> Iterator[ReviewEvent]:
        """Events of files that the published copy does not know, in the order of their loads."""
        loaded = {
            row["file"]
            for row in self.query(
                "select file from load_manifest where source = $1 and feed = $2", [SOURCE, FEED]
            )
        }
        feed = find_feed(read_feeds(), SOURCE, FEED)
        paths = [path for path in _landed(self.home) if path.name not in loaded]
        files = []
        for path in paths:
            # what no run will load must not keep everybody from reviewing
            with suppress(CardwatchError):
                files.append(check_file(path, feed, file_hash=path.name))
        for rows in read_rows(files):
            for row in rows:
                line = row.pop("line")
                yield ReviewEvent(**row, load_id=self.next_load_id, load_line=line)
            self.next_load_id += 1

    def apply(self, event: ReviewEvent) -> Judgement:
        """Let an event do what it does, and remember it."""
        judged = self.fold.apply(event)
        self.history.setdefault(event.case_id, []).append(judged)
        return judged

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Rows of the published copy."""
        found = self._published.execute(sql, list(parameters))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def find(self, named: str) -> str:
        """Return the case that an identifier, or the beginning of only one, names."""
        if named in self.rows:
            return named
        found = sorted(case for case in self.rows if named and case.startswith(named.lower()))
        if not found:
            raise CardwatchError(f"there is no case {named!r}; `cardwatch review queue` lists some")
        if len(found) > 1:
            shown = ", ".join(case[: len(named) + 4] for case in found[:3])
            raise CardwatchError(
                f"{named!r} begins {len(found)} cases ({shown}, …); write more of it"
            )
        return found[0]

    def is_open(self, case_id: str) -> bool:
        """Whether a case waits for a decision."""
        return self.fold.standing[case_id].state not in self.fold.closed

    def due_on(self, case_id: str) -> date | None:
        """Last day of the case's deadline; None without one, or beyond the calendar."""
        standing = self.fold.standing[case_id]
        days = self._deadlines.get(standing.state)
        started = self._day_numbers.get(standing.since.date())
        if days is None or started is None:
            return None
        return self._working_days.get(started + days)

    def money(self, case_id: str) -> dict[str, Any]:
        """What was ordered back of a case and what came, in its currency, as in cases.sql."""
        accepted = [
            judged.event
            for judged in self.history.get(case_id, [])
            if judged.rejected_because is None
        ]
        decided = {event.transaction_id: event for event in accepted if event.event in DECISIONS}
        ordered = sum(
            self.covered(case_id, event) if event.amount is None else event.amount
            for purchase, event in decided.items()
            if event.event == "recovery_ordered"
            and (purchase is not None or not self.is_open(case_id))
        )
        recovered = sum(event.amount or 0 for event in accepted if event.event in RECOVERIES)
        currency = self.rows[case_id]["currency"]
        return {"ordered": ordered, "recovered": recovered, "currency": currency}

    def covered(self, case_id: str, decision: ReviewEvent) -> float:
        """What a decision is about, in the case's currency: one purchase, or all the others."""
        found = {
            judged.event.transaction_id
            for judged in self.history.get(case_id, [])
            if judged.rejected_because is None and judged.event.transaction_id is not None
        }
        opened_on, decided_on = self.rows[case_id]["opened_on"], decision.occurred_at.date()
        members = self.query(
            "select transaction_id, joined_on, amount from case_members"
            " where case_id = $1 and is_counted and currency = $2",
            [case_id, self.rows[case_id]["currency"]],
        )
        return float(
            sum(
                member["amount"] or 0
                for member in members
                if (
                    member["transaction_id"] not in found
                    and (member["joined_on"] <= opened_on or member["joined_on"] < decided_on)
                    if decision.transaction_id is None
                    else member["transaction_id"] == decision.transaction_id
                )
            )
        )

    def other_review(self, case_id: str) -> str | None:
        """The other review of the same case; None if there is none."""
        about = self.fold.cases[case_id].reviewed_case_id
        return next(
            (
                other.case_id
                for other in self.fold.cases.values()
                if other.case_id != case_id and other.reviewed_case_id == about
            ),
            None,
        )

    def hidden_because(self, case_id: str, reviewer: str | None) -> str | None:
        """Why somebody must not see the history of a case; None if they may.

        Of two reviews of a case each stays hidden from whoever does, or may come to do, the other,
        until both are decided.
        """
        if reviewer and self._conflict(case_id, reviewer):
            return f"{reviewer} must not review this case"
        other = self.other_review(case_id)
        if other is None or not (self.is_open(case_id) or self.is_open(other)):
            return None
        if reviewer and self.fold.bound_to(case_id, reviewer) == case_id:
            return None
        return "two people review this case without knowing of each other, and are not done"

    def waits(self, case_id: str) -> bool:
        """Whether it is the second of two reviews of a case of which the first is free still."""
        first = self.fold.cases[case_id].second_of
        if first is None or first not in self.fold.standing:
            return False
        return self.is_open(first) and self.fold.standing[first].reviewer_id is None

    def may_review(self, case_id: str, reviewer: str) -> bool:
        """Whether somebody may work on a case: it is not theirs, nor have they reviewed it once."""
        bound = self.fold.bound_to(case_id, reviewer)
        return bound in (None, case_id) and not self._conflict(case_id, reviewer)

    def _conflict(self, case_id: str, reviewer: str) -> str | None:
        now = ReviewEvent("", case_id, None, datetime.max, reviewer, load_id=self.next_load_id)
        return self.fold.conflict(now)

    def summary(self, case_id: str) -> dict[str, Any]:
        """One case in a list."""
        row, standing = self.rows[case_id], self.fold.standing[case_id]
        due_on = self.due_on(case_id)
        return {
            "case_id": case_id,
            "opened_on": row["opened_on"],
            "place": row["place"],
            "lane": row["lane"],
            "state": standing.state,
            "state_since": standing.since,
            "reviewer_id": standing.reviewer_id,
            "due_on": due_on,
            "is_overdue": self.is_open(case_id) and due_on is not None and due_on < row["as_of"],
            "employee_id": row["employee_id"],
            "department_id": row["department_id"],
            "member_count": row["member_count"],
            "amount": row["amount"],
            "currency": row["currency"],
        }


def queue(home: Home, reviewer: str, day: date | None = None) -> dict[str, Any]:
    """List what a reviewer has to do: the open cases of a day, and those they took before.

    The day is the last one with cases. What others took is left out, as is what the reviewer must
    not review and the second of two reviews of a case, while nobody has taken the first. What was
    escalated is there for everybody until it is taken.
    """
    with Desk(home) as desk:
        opened = [row["opened_on"] for row in desk.rows.values()]
        if not opened:
            raise CardwatchError("no case has been issued yet; run `cardwatch run` first")
        day = day or max(opened)
        mine, older, hidden = [], [], 0
        for case_id, row in desk.rows.items():
            if not desk.is_open(case_id) or row["opened_on"] > day:
                continue
            standing = desk.fold.standing[case_id]
            is_free = standing.reviewer_id is None
            is_due = row["opened_on"] == day or standing.state == "escalated"
            if not desk.may_review(case_id, reviewer) or (is_free and desk.waits(case_id)):
                hidden += row["opened_on"] == day
            elif same_person(standing.reviewer_id) == same_person(reviewer) or (is_free and is_due):
                mine.append(desk.summary(case_id))
            elif is_free:
                older.append(row["opened_on"])
        mine.sort(key=lambda case: (case["opened_on"], case["place"], case["case_id"]))
    return {
        "day": day,
        "cases": mine,
        "older_open": len(older),
        "older_since": min(older, default=None),
        "hidden": hidden,
    }


def overdue(home: Home, reviewer: str | None = None, mine: bool = False) -> list[dict[str, Any]]:
    """List the open cases past their deadline on the last day that was built, longest first.

    mine: those alone that the reviewer holds. What the reviewer must not know of the other review
    of a case is left out.
    """
    with Desk(home) as desk:
        late = [case for case_id in desk.rows if (case := desk.summary(case_id))["is_overdue"]]
        if mine:
            late = [
                case for case in late if same_person(case["reviewer_id"]) == same_person(reviewer)
            ]
        for case in late:
            if desk.hidden_because(case["case_id"], reviewer):
                case |= {"state": None, "state_since": None, "reviewer_id": None}
    return sorted(late, key=lambda case: (case["due_on"], case["case_id"]))


def show(home: Home, named: str, reviewer: str | None = None) -> dict[str, Any]:
    """Everything about a case that its reviewer may know: why, what is in it, what was done."""
    with Desk(home) as desk:
        case_id = desk.find(named)
        about = desk.fold.cases[case_id].reviewed_case_id
        alerts = desk.query("select * from alerts where case_id = $1", [case_id])
        reasons = desk.query(
            """
            select reasons.kind, reasons.code, reasons.text_en, reasons.text_ko
            from alert_reasons as reasons
            inner join alerts using (alert_id)
            where alerts.case_id in ($1, $2)
            -- those of the second review itself, where it has some
            qualify dense_rank() over (order by alerts.case_id <> $1) = 1
            order by reasons.kind desc, reasons.place
            """,
            [case_id, about],
        )
        members = desk.query(
            "select * exclude (case_id) from case_members where case_id = $1"
            " order by occurred_at, subject_id",
            [case_id],
        )
        hidden = desk.hidden_because(case_id, reviewer)
        history = [] if hidden else [_told(judged) for judged in desk.history.get(case_id, [])]
        findings = {
            event["transaction_id"]: event["reason"]
            if event["event"] == "cleared"
            else event["event"]
            for event in history
            if event["transaction_id"] is not None and event["rejected_because"] is None
        }
        for member in members:
            member["finding"] = findings.get(member["transaction_id"])
        summary, money = desk.summary(case_id), desk.money(case_id)
    if hidden:
        for name in ("state", "state_since", "reviewer_id", "due_on", "is_overdue"):
            summary[name] = None
    return {
        **summary,
        "sentence_en": alerts[0]["sentence_en"] if alerts else None,
        "sentence_ko": alerts[0]["sentence_ko"] if alerts else None,
        "reasons": reasons,
        "members": members,
        "money": None if hidden else money,
        "history": history,
        "history_hidden_because": hidden,
    }


def act(
    home: Home,
    named: str,
    event: str,
    reviewer: str,
    at: datetime | None = None,
    reason: str | None = None,
    note: str | None = None,
    amount: float | None = None,
) -> Done:
    """Append an event to a case, or say why it cannot be.

    One reviewer at a time: what is judged legal is on disk before the next one is judged.
    """
    return _act(home, named, event, reviewer, (None,), at, reason, note, amount)[0]


def recover(
    home: Home,
    named: str,
    reviewer: str,
    amount: float,
    at: datetime | None = None,
    note: str | None = None,
    is_last: bool = False,
) -> Done:
    """Append that money came back; less than what is outstanding leaves the case waiting for more.

    is_last: nothing more is expected.
    """
    event = "recovered" if is_last else None
    return _act(home, named, event, reviewer, (None,), at, None, note, amount)[0]


def requests(home: Home, named: str) -> list[dict[str, Any]]:
    """The texts for the cardholders of a case, as they would be sent; nothing is recorded."""
    with Desk(home) as desk:
        return _requests(desk, desk.find(named))


def decide_purchases(
    home: Home,
    named: str,
    outcome: str,
    reviewer: str,
    purchases: Sequence[str],
    at: datetime | None = None,
    reason: str | None = None,
    note: str | None = None,
    amount: float | None = None,
) -> list[Done]:
    """Append a finding on each of some purchases of a case: all in one file, or none."""
    purchases = list(dict.fromkeys(purchases))
    if amount is not None and len(purchases) > 1:
        raise CardwatchError("--amount is for one purchase; decide each with its own amount")
    return _act(home, named, outcome, reviewer, purchases, at, reason, note, amount)


def _act(
    home: Home,
    named: str,
    event: str | None,
    reviewer: str,
    purchases: Sequence[str | None],
    at: datetime | None,
    reason: str | None,
    note: str | None,
    amount: float | None,
) -> list[Done]:
    """Append one event for each purchase; without an event it is money that came back."""
    if at is not None and at > datetime.now():
        raise CardwatchError(f"--at {at} lies in the future; nothing can have happened then")
    if amount is not None and not math.isfinite(amount):
        raise CardwatchError(f"--amount {amount} is no amount of money; give a number")
    try:
        (note or "").encode()
    except UnicodeEncodeError as error:
        raise CardwatchError("the note is not written in UTF-8; type it again") from error
    with _only_writer(home), Desk(home) as desk:
        case_id = desk.find(named)
        if event is None:
            money = desk.money(case_id)
            is_part = (amount or 0) < money["ordered"] - money["recovered"]
            event = "recovered_in_part" if is_part else "recovered"
        # not before the lock is held: whoever had it first was first
        occurred_at = at or datetime.now()
        chosen = [
            ReviewEvent(
                event_id=str(uuid.uuid4()),
                case_id=case_id,
                event=event,
                occurred_at=occurred_at,
                actor_id=reviewer,
                reason=reason,
                note=masked(note) if note else None,
                amount=amount,
                transaction_id=purchase,
                load_id=desk.next_load_id,
                load_line=line,
            )
            for line, purchase in enumerate(purchases)
        ]
        states = []
        for each in chosen:
            too_much = _too_much(desk, each)
            judged = desk.apply(each)
            refused = judged.rejected_because or too_much
            if refused or not (judged.state_before and judged.state_after):
                raise CardwatchError(
                    f"case {case_id[:SHORT]}: {refused}{_way_out(desk, each, judged)}"
                )
            states.append((judged.state_before, judged.state_after))
        due_on = desk.due_on(case_id)
        texts: list[dict[str, Any]] = []
        if event == "explanation_requested":
            texts = [_dated(text, due_on) for text in _requests(desk, case_id)]
        came = desk.money(case_id) if event in RECOVERIES else None
        landed_as = _append(home, chosen)
    return [
        Done(
            each.event_id,
            case_id,
            event,
            occurred_at,
            reviewer,
            before,
            after,
            due_on,
            landed_as,
            each.transaction_id,
            texts,
            came,
        )
        for each, (before, after) in zip(chosen, states, strict=True)
    ]


def _too_much(desk: Desk, event: ReviewEvent) -> str | None:
    """Why an amount cannot be: more than what is asked back, or than what is outstanding of it."""
    if event.amount is None:
        return None
    currency = desk.rows[event.case_id]["currency"]
    if event.event == "recovery_ordered":
        limit, what = desk.covered(event.case_id, event), "that the decision is about"
    else:
        money = desk.money(event.case_id)
        limit, what = money["ordered"] - money["recovered"], "that are outstanding"
    # a case of other currencies has no sum to compare with
    if event.amount <= round(limit, 2) or (limit == 0 and event.event == "recovery_ordered"):
        return None
    limited = amount_text({"amount": limit, "currency": currency})
    return f"--amount {event.amount:,.2f} is more than the {limited} {what}"


def _way_out(desk: Desk, event: ReviewEvent, judged: Judgement) -> str:
    """What to do about an event that was refused, where that is not plain."""
    if judged.state_before == "new" and event.event != "assigned":
        return f"; take it first with `cardwatch review assign {event.case_id[:SHORT]}`"
    if judged.state_before in desk.fold.closed and event.event not in RECOVERIES:
        return f"; `cardwatch review reopen {event.case_id[:SHORT]}` opens it again"
    if event.transaction_id is not None:
        claims = desk.query(
            "select 1 from case_members"
            " where case_id = $1 and subject_id = $2 and subject_type <> 'transaction'",
            [event.case_id, event.transaction_id],
        )
        return "; only purchases are decided alone, the rest with the case" if claims else ""
    return ""


def _told(judged: Judgement) -> dict[str, Any]:
    event = judged.event
    return {
        "event_number": judged.event_number,
        "event": event.event,
        "occurred_at": event.occurred_at,
        "actor_id": event.actor_id,
        "reason": event.reason,
        "note": event.note,
        "amount": event.amount,
        "transaction_id": event.transaction_id,
        "state": judged.state_after,
        "rejected_because": judged.rejected_because,
    }


def _requests(desk: Desk, case_id: str) -> list[dict[str, Any]]:
    """The texts for the cardholders of a case, as the last run wrote them."""
    found = desk.query(
        "select * from explanation_requests where case_id = $1 order by employee_id", [case_id]
    )
    if not found:
        raise CardwatchError(
            f"case {case_id[:SHORT]}: there is no text for the cardholder yet; the next"
            " `cardwatch run` writes it, ask then"
        )
    return found


def _dated(request: dict[str, Any], due_on: date | None) -> dict[str, Any]:
    """The text with the day by which it is to be answered if it is sent now."""
    written, request["answer_by"] = request["answer_by"], due_on
    for language, (before, after) in {"en": (" by ", ":"), "ko": ("", "까지 ")}.items():
        old = f"{before}{written}{after}"
        new = f"{before}{due_on}{after}" if due_on else ("" if language == "ko" else after)
        request[f"body_{language}"] = request[f"body_{language}"].replace(old, new)
    return request


# --- files ----------------------------------------------------------------------------------------


def _connect(home: Home) -> duckdb.DuckDBPyConnection:
    published = _published(home)
    try:
        return duckdb.connect(str(published), read_only=True)
    except duckdb.Error as error:
        raise CardwatchError(
            f"{published} cannot be read, it may be damaged; `cardwatch run` writes it anew"
        ) from error


def _published(home: Home) -> Path:
    published = home.published / "cardwatch.duckdb"
    if not published.exists():
        raise CardwatchError(f"nothing is published yet at {published}; run `cardwatch run` first")
    return published


def _folder(home: Home) -> Path:
    return home.landing / SOURCE / FEED


def _landed(home: Home) -> list[Path]:
    """Landed files of review events in the order in which a run loads them."""
    folder = _folder(home)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


@contextmanager
def _only_writer(home: Home) -> Iterator[None]:
    """Hold the lock of the only reviewer who may append at this moment; others wait."""
    _published(home)
    home.create()
    with (home.root / "review.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _append(home: Home, events: Sequence[ReviewEvent]) -> Path:
    """Land events as a file of their own, which appears whole or not at all."""
    folder = _folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_next_stamp(home)}-{events[0].event_id[:8]}.csv"
    unfinished = target.with_name(f".{target.name}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            writer.writerows([getattr(event, column) for column in COLUMNS] for event in events)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _next_stamp(home: Home) -> str:
    """The time in UTC, and later than that of any event before: a run loads files by name."""
    moment = datetime.now(UTC).replace(tzinfo=None)
    for path in reversed(_landed(home)):
        try:
            latest = datetime.strptime(path.name.partition("-")[0], _STAMP)
        except ValueError:
            continue  # landed by somebody else
        moment = max(moment, latest + timedelta(microseconds=1))
        break
    return moment.strftime(_STAMP)
