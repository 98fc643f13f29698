"""A reviewer asks to record an event, and learns its effect or the reason why it is refused.

What the warehouse would refuse is refused by its own SQL (case_life); the rest is what a person at
the desk can get wrong: a moment in the future, more money than there is.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.card_numbers import masked
from orchestration.review.case_life import CaseLife, money_of, open_cases
from orchestration.review.event_files import ReviewEvent, land_events, only_writer
from orchestration.review.words import RECOVERIES, SHORT, amount_text


@dataclass(frozen=True)
class Request:
    """The event that a reviewer wants to record on a case; CardwatchError if no case allows it.

    case: its identifier, or the beginning of it. at: when it happened, if not now. purchases: the
    decision is a finding on each of these, in one file, or on none. amount: of the case's currency.
    is_last: no more money is expected; without it, money that is less than what is outstanding
    leaves the case waiting for the rest.
    """

    case: str
    event: str
    reviewer: str
    at: datetime | None = None
    reason: str | None = None
    note: str | None = None
    amount: Decimal | None = None
    purchases: tuple[str, ...] = ()
    is_last: bool = False

    def __post_init__(self) -> None:
        """Refuse an event that is impossible for every case."""
        if self.amount is not None and len(set(self.purchases)) > 1:
            raise CardwatchError("--amount is for one purchase; decide each with its own amount")
        if self.at is not None and self.at > datetime.now():
            raise CardwatchError(
                f"--at {self.at} lies in the future; nothing can have happened then"
            )
        if self.amount is not None and not math.isfinite(self.amount):
            raise CardwatchError(f"--amount {self.amount} is no amount of money; give a number")
        if self.amount is not None and self.amount != round(self.amount, 4):
            raise CardwatchError(f"--amount {self.amount} has more than 4 decimals; round it")
        try:
            (self.note or "").encode()
        except UnicodeEncodeError as error:
            raise CardwatchError("the note is not written in UTF-8; type it again") from error

    def events(self, case: Mapping[str, Any]) -> list[ReviewEvent]:
        """The events that record it on a case as it stands."""
        event, money = self.event, money_of(case)
        is_part = (self.amount or 0) < money["ordered"] - money["recovered"]
        if event == "recovered" and is_part and not self.is_last:
            event = "recovered_in_part"
        occurred_at = self.at or datetime.now()
        return [
            ReviewEvent(
                event_id=str(uuid.uuid4()),
                case_id=case["case_id"],
                event=event,
                occurred_at=occurred_at,
                actor_id=self.reviewer,
                reason=self.reason,
                note=masked(self.note) if self.note else None,
                amount=self.amount,
                transaction_id=purchase,
            )
            for purchase in (dict.fromkeys(self.purchases) or [None])
        ]


@dataclass(frozen=True)
class Done:
    """An event that was appended, and its effect."""

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


def act(home: Home, request: Request) -> list[Done]:
    """Append the request, one event for each purchase that it names, or say why it is refused.

    One reviewer at a time: a legal event is on disk before the next one is judged.
    """
    # the moment of an event is taken while the lock is held: whoever had it first was first
    with only_writer(home), open_cases(home, request.case) as life:
        before = life.case()
        events = request.events(before)
        judged = life.append(events)
        for event, row in zip(events, judged, strict=True):
            refused = row["rejected_because"] or _too_much(life, before, event)
            if refused:
                way_out = _way_out(life, before, event)
                raise CardwatchError(f"case {life.case_id[:SHORT]}: {refused}{way_out}")
        after = life.case()
        texts: list[dict[str, Any]] = []
        if request.event == "explanation_requested":
            texts = [_dated(text, after["due_on"]) for text in _texts(life)]
        landed_as = land_events(home, events)
    return [
        Done(
            event_id=event.event_id,
            case_id=event.case_id,
            event=event.event,
            occurred_at=event.occurred_at,
            actor_id=event.actor_id,
            state_before=row["state_before"],
            state=row["state_after"],
            due_on=after["due_on"],
            landed_as=landed_as,
            transaction_id=event.transaction_id,
            requests=texts,
            money=money_of(after) if event.event in RECOVERIES else None,
        )
        for event, row in zip(events, judged, strict=True)
    ]


def requests(home: Home, named: str) -> list[dict[str, Any]]:
    """The texts for the cardholders of a case, as they would be sent; nothing is recorded."""
    with open_cases(home, named) as life:
        return _texts(life)


def _too_much(life: CaseLife, before: Mapping[str, Any], event: ReviewEvent) -> str | None:
    """Why an amount is refused: it is more than was asked back, or than is outstanding of it."""
    if event.amount is None:
        return None
    if event.event == "recovery_ordered":
        (decision,) = life.rows(
            "select covered_amount from temp.case_decisions"
            " where case_id = $1 and transaction_id is not distinct from $2",
            [event.case_id, event.transaction_id],
        )
        limit, what = decision["covered_amount"] or 0, "that the decision is about"
    else:
        money = money_of(before)
        limit, what = money["ordered"] - money["recovered"], "that are outstanding"
    # a case of other currencies has no sum to compare with
    if event.amount <= round(limit, 2) or (limit == 0 and event.event == "recovery_ordered"):
        return None
    limited = amount_text({"amount": limit, "currency": before["currency"]})
    return f"--amount {event.amount:,.2f} is more than the {limited} {what}"


def _way_out(life: CaseLife, before: Mapping[str, Any], event: ReviewEvent) -> str:
    """Advice after a refused event, if the next step is not obvious."""
    if before["state"] == "new" and event.event != "assigned":
        return f"; take it first with `cardwatch review assign {event.case_id[:SHORT]}`"
    if not before["is_open"] and event.event not in RECOVERIES:
        return f"; `cardwatch review reopen {event.case_id[:SHORT]}` opens it again"
    if event.transaction_id is not None:
        claims = life.rows(
            "select 1 from cardwatch.case_members"
            " where case_id = $1 and subject_id = $2 and subject_type <> 'transaction'",
            [event.case_id, event.transaction_id],
        )
        return "; only purchases are decided alone, the rest with the case" if claims else ""
    return ""


def _texts(life: CaseLife) -> list[dict[str, Any]]:
    """The texts for the cardholders of a case, as the last run wrote them."""
    found = life.rows(
        "select * from cardwatch.explanation_requests where case_id = $1 order by employee_id",
        [life.case_id],
    )
    if not found:
        raise CardwatchError(
            f"case {life.case_id[:SHORT]}: there is no text for the cardholder yet; the next"
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
