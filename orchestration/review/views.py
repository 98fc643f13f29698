"""The reviewer's view of cases: the queue, overdue cases, and everything about one case."""

from datetime import date
from typing import Any

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.review.case_life import CaseLife, money_of, open_cases

# Cases as one reviewer sees them, who may be null. What is known of conflicts now is what no later
# load has superseded.
_SEEN = """
    with

    cases as (
        select
            *,
            coalesce(second_of, case_id) as reviewed_case_id
        from temp.cases
    ),

    barred as (
        select distinct case_id from cardwatch.case_conflicts
        where
            known_until_load_id is null
            and lower(person_id) = lower(trim($1))
    ),

    bound as (
        select distinct
            cases.reviewed_case_id,
            events.bound_to_case_id
        from temp.case_events as events
        inner join cases on events.case_id = cases.case_id
        where
            events.bound_to_case_id is not null
            and lower(trim(events.actor_id)) = lower(trim($1))
    ),

    pairs as (
        select
            reviewed_case_id,
            count(*) > 1 and bool_or(is_open) as is_blind
        from cases
        group by reviewed_case_id
    )

    select
        cases.*,
        barred.case_id is not null as is_barred,
        bound.bound_to_case_id,
        pairs.is_blind,
        coalesce(firsts.is_open and firsts.reviewer_id is null, false) as waits,
        coalesce(lower(trim(cases.reviewer_id)) = lower(trim($1)), false) as is_mine
    from cases
    inner join pairs on cases.reviewed_case_id = pairs.reviewed_case_id
    left outer join barred on cases.case_id = barred.case_id
    left outer join bound on cases.reviewed_case_id = bound.reviewed_case_id
    left outer join cases as firsts on cases.second_of = firsts.case_id
    order by cases.opened_on, cases.place, cases.case_id
"""

#: What a list says of a case; the last five tell what a reviewer of it does.
_LISTED = (
    *("case_id", "opened_on", "place", "lane", "employee_id", "department_id"),
    *("member_count", "amount", "currency"),
    *("state", "state_since", "reviewer_id", "due_on", "is_overdue"),
)
_ABOUT_THE_REVIEW = _LISTED[-5:]


def queue(home: Home, reviewer: str, day: date | None = None) -> dict[str, Any]:
    """List what a reviewer has to do: the open cases of a day, and those they took before.

    The day is the last one with cases. What others took is left out, as is what the reviewer must
    not review and the second of two reviews of a case, while nobody has taken the first. What was
    escalated is there for everybody until it is taken.
    """
    with open_cases(home) as life:
        cases = life.rows(_SEEN, [reviewer])
    if not cases:
        raise CardwatchError("no case has been issued yet; run `cardwatch run` first")
    day = day or cases[-1]["opened_on"]
    mine, older, hidden = [], [], 0
    for case in cases:
        if not case["is_open"] or case["opened_on"] > day:
            continue
        is_free = case["reviewer_id"] is None
        is_due = case["opened_on"] == day or case["state"] == "escalated"
        may_review = not case["is_barred"] and case["bound_to_case_id"] in (None, case["case_id"])
        if not may_review or (is_free and case["waits"]):
            hidden += case["opened_on"] == day
        elif case["is_mine"] or (is_free and is_due):
            mine.append(_summary(case))
        elif is_free:
            older.append(case["opened_on"])
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
    with open_cases(home) as life:
        cases = life.rows(_SEEN, [reviewer])
    late = [case for case in cases if case["is_open"] and case["is_overdue"]]
    found = []
    for case in sorted(late, key=lambda case: (case["due_on"], case["case_id"])):
        if case["is_mine"] or not mine:
            hidden = _hidden_because(case, reviewer)
            unknown = ("state", "state_since", "reviewer_id") if hidden else ()
            found.append(_summary(case) | dict.fromkeys(unknown))
    return found


def show(home: Home, named: str, reviewer: str | None = None) -> dict[str, Any]:
    """Everything about a case that its reviewer may know: why, what is in it, what was done."""
    with open_cases(home, named) as life:
        (case,) = (row for row in life.rows(_SEEN, [reviewer]) if row["case_id"] == life.case_id)
        why, members = _why(life, case), _members(life)
        history = life.rows(
            """
            select
                event_number, event, occurred_at, actor_id, reason, note, amount, transaction_id,
                state_after as state, rejected_because
            from temp.case_events
            where case_id = $1
            order by event_number
            """,
            [life.case_id],
        )
    hidden = _hidden_because(case, reviewer)
    if hidden:
        case |= dict.fromkeys(_ABOUT_THE_REVIEW)
        members = [member | {"finding": None} for member in members]
    return {
        **_summary(case),
        **why,
        "members": members,
        "money": None if hidden else money_of(case),
        "history": [] if hidden else history,
        "history_hidden_because": hidden,
    }


def _summary(case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in _LISTED}


def _hidden_because(case: dict[str, Any], reviewer: str | None) -> str | None:
    """Why somebody must not see the history of a case; None if they may.

    Of two reviews of a case each stays hidden from whoever does, or may come to do, the other,
    until both are decided.
    """
    if case["is_barred"]:
        return f"{reviewer} must not review this case"
    if case["is_blind"] and case["bound_to_case_id"] != case["case_id"]:
        return "two people review this case without knowing of each other, and are not done"
    return None


def _why(life: CaseLife, case: dict[str, Any]) -> dict[str, Any]:
    """The sentences of the case's alert and its reasons."""
    alerts = life.rows(
        "select sentence_en, sentence_ko from cardwatch.alerts where case_id = $1", [life.case_id]
    )
    reasons = life.rows(
        """
        select reasons.kind, reasons.code, reasons.text_en, reasons.text_ko
        from cardwatch.alert_reasons as reasons
        inner join cardwatch.alerts as alerts using (alert_id)
        where alerts.case_id in ($1, $2)
        -- those of the second review itself, where it has some
        qualify dense_rank() over (order by alerts.case_id <> $1) = 1
        order by reasons.kind desc, reasons.place
        """,
        [life.case_id, case["reviewed_case_id"]],
    )
    sentences = alerts[0] if alerts else {"sentence_en": None, "sentence_ko": None}
    return {**sentences, "reasons": reasons}


def _members(life: CaseLife) -> list[dict[str, Any]]:
    """The members of the case, each with its own finding."""
    return life.rows(
        """
        select
            members.* exclude (case_id),
            case decisions.event when 'cleared' then decisions.reason else decisions.event end
                as finding
        from cardwatch.case_members as members
        left outer join temp.case_decisions as decisions
            on
                members.case_id = decisions.case_id
                and members.transaction_id = decisions.transaction_id
        where members.case_id = $1
        order by members.occurred_at, members.subject_id
        """,
        [life.case_id],
    )
