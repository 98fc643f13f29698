"""What review events do to cases, one event after the other.

The same fold as models/labels/case_events.sql, over the same seed: reviewers are told at once what
the pipeline would say of an event in the next run. A test shows that both agree on everything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeAlias

#: Why a case may be cleared.
REASONS = ("false_alarm", "policy_exception", "explained")
#: Events that decide a case.
DECISIONS = ("cleared", "inconclusive", "recovery_ordered")
#: Events that say that money came back: some of it, and all that will.
RECOVERIES = ("recovered_in_part", "recovered")
#: Events that do not make somebody the reviewer of a case.
NO_REVIEW = ("opened", "explanation_received")

#: State and event -> next state, as in the seed case_transitions.
Transitions: TypeAlias = Mapping[tuple[str, str], str]
#: Case of a first review and purchase in it -> day on which it joined.
Members: TypeAlias = Mapping[tuple[str, str], date]


@dataclass(frozen=True)
class Case:
    """An issued case, and the case that it reviews a second time if it does."""

    case_id: str
    second_of: str | None
    opened_on: date

    @property
    def reviewed_case_id(self) -> str:
        """The case that both reviews are about."""
        return self.second_of or self.case_id


@dataclass(frozen=True)
class Conflict:
    """Why somebody must not review a case, from which day, and between which loads it is known."""

    because: str
    holds_from: date
    known_from_load_id: int = 0
    known_until_load_id: int | None = None

    def holds(self, event: "ReviewEvent") -> bool:
        """Whether it does at the time of the event, as known when the event arrived."""
        until = self.known_until_load_id
        return (
            event.occurred_at >= datetime.combine(self.holds_from, time())
            and event.load_id >= self.known_from_load_id
            and (until is None or event.load_id < until)
        )


@dataclass(frozen=True)
class ReviewEvent:
    """One review event as it landed; a decision that names a purchase is a finding."""

    event_id: str
    case_id: str
    event: str | None
    occurred_at: datetime
    actor_id: str | None
    reason: str | None = None
    note: str | None = None
    amount: float | None = None
    transaction_id: str | None = None
    load_id: int = 0
    load_line: int = 0

    @property
    def arrival(self) -> tuple[int, datetime, int]:
        """What orders the events as they arrived."""
        return self.load_id, self.occurred_at, self.load_line


@dataclass(frozen=True)
class Judgement:
    """What an event did to its case; the states are None when there is no such case."""

    event: ReviewEvent
    event_number: int
    state_before: str | None
    state_after: str | None
    rejected_because: str | None


@dataclass
class Standing:
    """Where the review of one case stands."""

    state: str
    since: datetime
    last_accepted_at: datetime
    reviewer_id: str | None = None


def same_person(named: str | None) -> str:
    """What two ways to write a person's identifier have in common."""
    return (named or "").strip(" ").lower()


class CaseFold:
    """The cases, and what the events applied so far did to them."""

    def __init__(
        self,
        cases: Iterable[Case],
        transitions: Transitions,
        conflicts: Mapping[tuple[str, str], Sequence[Conflict]],
        members: Members,
    ) -> None:
        """Begin with every case new; conflicts are by case and person."""
        self.cases = {case.case_id: case for case in cases}
        self.standing = {
            case.case_id: Standing("new", opened_at, opened_at)
            for case in self.cases.values()
            for opened_at in [datetime.combine(case.opened_on, time())]
        }
        self.closed = {state for state, event in transitions if event == "reopened"}
        self._transitions = transitions
        self._known_events = {event for _, event in transitions}
        self._conflicts: dict[tuple[str, str], list[Conflict]] = {}
        for (case_id, person_id), holding in conflicts.items():
            self._conflicts.setdefault((case_id, same_person(person_id)), []).extend(holding)
        self._members = members
        self._arrived: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._bound: dict[tuple[str, str], str] = {}

    def apply(self, event: ReviewEvent) -> Judgement:
        """Judge an event that arrived after all before; what is accepted moves its case on."""
        number = self._numbers[event.case_id] = self._numbers.get(event.case_id, 0) + 1
        refused = self._wrong(event) or self._other_review(event)
        self._arrived.add(event.event_id)
        standing = self.standing.get(event.case_id)
        if standing is None:
            return Judgement(event, number, None, None, refused)
        before = standing.state
        next_state = self._transitions.get((before, event.event or ""))
        if refused is None and event.occurred_at < standing.last_accepted_at:
            moment = f"{standing.last_accepted_at:%Y-%m-%d %H:%M:%S}"
            refused = f"something later was accepted before, of {moment}"
        if refused is None and next_state is None:
            refused = (
                f"the case is already closed ({before})"
                if before in self.closed
                else f"a case that is {before} cannot become {event.event}"
            )
        if refused is not None or next_state is None:
            return Judgement(event, number, before, before, refused)
        if event.transaction_id is not None:
            next_state = before
        standing.state = next_state
        standing.last_accepted_at = event.occurred_at
        # being asked again starts the time anew, being handed over does not
        if next_state != before or event.event == "explanation_requested":
            standing.since = event.occurred_at
        if event.event == "assigned":
            standing.reviewer_id = event.actor_id
        elif event.event == "escalated":
            # whoever escalates a case hands it on
            standing.reviewer_id = None
        return Judgement(event, number, before, next_state, None)

    def conflict(self, event: ReviewEvent) -> str | None:
        """Why its actor must not review the case: own, manager or None."""
        of_actor = self._conflicts.get((event.case_id, same_person(event.actor_id)), ())
        return max((each.because for each in of_actor if each.holds(event)), default=None)

    def bound_to(self, case_id: str, person_id: str) -> str | None:
        """Which of the two reviews of a case a person works on; None if on neither."""
        return self._bound.get((self.cases[case_id].reviewed_case_id, same_person(person_id)))

    def _wrong(self, event: ReviewEvent) -> str | None:
        """What is wrong with an event whatever state its case is in."""
        case = self.cases.get(event.case_id)
        if case is None:
            return f"there is no case {event.case_id}"
        if event.event_id in self._arrived:
            return f"event {event.event_id} arrived before; the first arrival counts"
        if not (event.actor_id or "").strip(" "):
            return "nobody is named who did it"
        if event.event not in self._known_events:
            return f"there is no event {'without a name' if event.event is None else event.event}"
        if event.occurred_at < datetime.combine(case.opened_on, time()):
            return f"the case was opened only on {case.opened_on}"
        if event.transaction_id is not None:
            if event.event not in DECISIONS:
                return "only a decision is about one purchase"
            joined_on = self._members.get((case.reviewed_case_id, event.transaction_id))
            if joined_on is None:
                return f"purchase {event.transaction_id} is not in the case"
            if event.occurred_at < datetime.combine(joined_on, time()):
                return f"purchase {event.transaction_id} joined the case only on {joined_on}"
        if event.event == "cleared" and event.reason not in REASONS:
            given = f"as {event.reason}" if event.reason is not None else "without a reason"
            return (
                "a case is cleared as false_alarm, policy_exception or explained, and not " + given
            )
        if event.event in RECOVERIES and event.amount is None:
            return "what was recovered needs an amount"
        recovers = event.event in ("recovery_ordered", *RECOVERIES)
        if recovers and event.amount is not None and event.amount <= 0:
            return "an amount to recover is above zero"
        because = self.conflict(event)
        if because is not None and event.event != "explanation_received":
            whose = "" if because == "own" else "the manager of "
            return (
                f"{event.actor_id} must not review this case: it is about {whose}{event.actor_id}"
            )
        return None

    def _other_review(self, event: ReviewEvent) -> str | None:
        """Whoever worked on one of the two reviews of a case is bound to it."""
        if event.event in NO_REVIEW:
            return None
        key = (self.cases[event.case_id].reviewed_case_id, same_person(event.actor_id))
        if self._bound.setdefault(key, event.case_id) == event.case_id:
            return None
        return f"{event.actor_id} works on the other review of this case, and two people do them"
