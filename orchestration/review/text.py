"""The lines that reviewers read at the command line: queues, cases, requests, effects of events.

What comes from feeds and reviewers is shown on one line each, so that a note cannot pass for
history.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.review.desk import Done
from orchestration.review.words import SHORT, amount_text


def describe_queue(found: Mapping[str, Any], reviewer: str) -> str:
    """Write a queue as lines of text."""
    lines = [f"{reviewer}, {found['day']}: {_count(len(found['cases']), 'case')}"]
    lines += [_line(case) for case in found["cases"]]
    if found["hidden"]:
        lines.append(f"{_count(found['hidden'], 'case')} of the day are for other reviewers only")
    if found["older_open"]:
        lines.append(
            f"{_count(found['older_open'], 'older case')} not taken yet, the first of"
            f" {found['older_since']}; see --day"
        )
    return "\n".join(lines)


def describe_overdue(cases: Sequence[Mapping[str, Any]]) -> str:
    """Write the overdue cases as lines of text."""
    return "\n".join([f"{_count(len(cases), 'case')} overdue", *map(_line, cases)])


def describe_case(case: Mapping[str, Any]) -> str:
    """Write everything about a case as lines of text."""
    lines = [f"case {case['case_id']}"]
    if case["state"]:
        lines[0] += f", {case['state']} since {case['state_since']:%Y-%m-%d %H:%M}" + (
            f", due {case['due_on']}" if case["due_on"] else ""
        )
    people = list(dict.fromkeys(member["employee_id"] for member in case["members"]))
    about = [
        f"{case['lane']} of {case['opened_on']}",
        f"about {', '.join(filter(None, people)) or case['employee_id'] or 'nobody known'}",
        f"department {case['department_id']}" if case["department_id"] else None,
        amount_text(case),
        f"held by {_plain(case['reviewer_id'])}" if case["reviewer_id"] else None,
    ]
    lines.append(", ".join(part for part in about if part))
    lines += [case["sentence_en"] or "", case["sentence_ko"] or "", "", "why"]
    lines += [f"  {reason['text_en']}\n  {reason['text_ko']}" for reason in case["reasons"]]
    lines += ["", f"what is in it ({case['member_count']})"]
    for member in case["members"]:
        moment = f"{member['occurred_at']:%Y-%m-%d %H:%M}"[: 16 if member["has_time"] else 10]
        what = [moment, member["subject_type"], member["subject_id"], member["merchant_name"]]
        what += [amount_text(member), member["employee_id"] if len(people) > 1 else None]
        what += [f"→ {member['finding']}" if member["finding"] else None]
        lines.append("  " + "  ".join(_plain(part) for part in what if part))
    lines += ["", "history"]
    if case["history_hidden_because"]:
        lines.append(f"  not shown: {case['history_hidden_because']}")
    for event in case["history"]:
        purchase = event["transaction_id"] and f"of {event['transaction_id']}"
        detail = [event["event"] or "?", purchase, f"by {event['actor_id']}"]
        detail += [event["reason"], event["note"]]
        detail += [amount_text({"amount": event["amount"], "currency": case["currency"]})]
        detail += [
            f"not accepted: {event['rejected_because']}"
            if event["rejected_because"]
            else f"→ {event['state']}"
        ]
        lines.append(
            f"  {event['occurred_at']:%Y-%m-%d %H:%M}  "
            + "  ".join(_plain(part) for part in detail if part)
        )
    if case["money"] and case["money"]["ordered"]:
        lines += ["", _money_text(case["money"])]
    return "\n".join(lines)


def describe_requests(texts: Sequence[Mapping[str, Any]]) -> str:
    """Write the texts for cardholders, each with whom it goes to."""
    lines = []
    for text in texts:
        for language in ("en", "ko"):
            subject, body = (text[f"{part}_{language}"] for part in ("subject", "body"))
            lines += ["", f"To: {text['employee_id'] or '?'}", subject, "", body]
    return "\n".join(lines)


def describe_done(done: Done) -> str:
    """Describe the effect of an event, with the text for the cardholder where there is one."""
    what = done.event if done.transaction_id is None else f"{done.transaction_id} {done.event}"
    lines = [
        f"case {done.case_id[:SHORT]}: {what} by {done.actor_id}, "
        + (f"now {done.state}" if done.transaction_id is None else f"still {done.state}")
        + (f", due {done.due_on}" if done.due_on else "")
    ]
    if done.money:
        lines.append(_money_text(done.money))
    if done.requests:
        lines.append(describe_requests(done.requests))
    return "\n".join(lines)


def _line(case: Mapping[str, Any]) -> str:
    due = f"due {case['due_on']}" if case["due_on"] else ""
    parts = [
        case["case_id"][:SHORT],
        f"{case['opened_on']}",
        f"{case['lane']:<13}",
        f"{case['state'] or '':<21}",
        f"{due:<14}",
        f"{amount_text(case):>16}",
        case["employee_id"] or "",
        f"({case['reviewer_id']})" if case["reviewer_id"] else "",
    ]
    return "  " + "  ".join(parts).rstrip()


def _money_text(money: Mapping[str, Any]) -> str:
    came, asked, rest = (
        amount_text({"amount": amount, "currency": money["currency"]})
        for amount in (money["recovered"], money["ordered"], money["ordered"] - money["recovered"])
    )
    return f"{came} of {asked} came back, {rest} not"


def _plain(text: object) -> str:
    """On one line, and without what would move the cursor or turn the writing around."""
    return "".join(character if character.isprintable() else " " for character in str(text))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
