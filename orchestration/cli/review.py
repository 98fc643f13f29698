"""`cardwatch review`: what reviewers do with cases."""

import math
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.cli.options import day_of, day_option
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home

app = typer.Typer(
    help="Work on cases: list, assign, ask the cardholder, decide; for reviewers.",
    no_args_is_help=True,
)

CaseId = Annotated[
    str, typer.Argument(metavar="CASE", help="A case, or the beginning of its identifier.")
]
Reviewer = Annotated[
    str | None,
    typer.Option(metavar="ID", envvar="CARDWATCH_REVIEWER", help="Who you are, as an employee."),
]
At = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"],
        help="When it happened, if not now; in this machine's time zone, which TZ changes.",
    ),
]
Note = Annotated[str | None, typer.Option(metavar="TEXT", help="A note for the history.")]


def _amount(text: str) -> Decimal:
    """An amount as people write it, with commas or without."""
    try:
        amount = Decimal(text.replace(",", ""))
    except InvalidOperation:
        amount = Decimal("nan")
    if not math.isfinite(amount):
        raise CardwatchError(f"--amount {text!r} is no amount of money; write 120000 or 120,000")
    return amount


@app.command()
@answers
def queue(
    reviewer: Reviewer = None,
    day: Annotated[
        datetime | None, day_option("Cases of this day instead of the last one.")
    ] = None,
) -> Answer:
    """List the open cases of the day in order, and those you took before."""
    from orchestration.review import text, views

    who = _reviewer(reviewer)
    found = views.queue(Home.from_environment(), who, day_of(day))
    return Answer(found, lambda: text.describe_queue(found, who))


@app.command()
@answers
def show(case: CaseId, reviewer: Reviewer = None) -> Answer:
    """Show why a case was raised, what is in it and what was done."""
    from orchestration.review import text, views

    found = views.show(Home.from_environment(), case, reviewer)
    return Answer(found, lambda: text.describe_case(found))


@app.command()
@answers
def overdue(
    reviewer: Reviewer = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you hold.")] = False,
) -> Answer:
    """List the open cases past their deadline on the last day that was built."""
    from orchestration.review import text, views

    late = views.overdue(Home.from_environment(), _reviewer(reviewer) if mine else reviewer, mine)
    return Answer({"cases": late}, lambda: text.describe_overdue(late))


@app.command()
@answers
def assign(case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None) -> Answer:
    """Take a case."""
    return _act(case, "assigned", reviewer, at=at, note=note)


@app.command()
@answers
def ask(
    case: CaseId,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only print the text; nothing is recorded.")
    ] = False,
    reviewer: Reviewer = None,
    at: At = None,
    note: Note = None,
) -> Answer:
    """Ask the cardholder to explain; prints the text to send, in English and Korean."""
    if not preview:
        return _act(case, "explanation_requested", reviewer, at=at, note=note)
    from orchestration.review import desk, text

    texts = desk.requests(Home.from_environment(), case)
    return Answer({"requests": texts}, lambda: text.describe_requests(texts))


@app.command()
@answers
def answer(case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None) -> Answer:
    """Record that the cardholder has explained; the cardholder may do it too."""
    return _act(case, "explanation_received", reviewer, at=at, note=note)


@app.command()
@answers
def decide(
    case: CaseId,
    outcome: Annotated[
        str,
        typer.Argument(metavar="OUTCOME", help="cleared, inconclusive or recovery_ordered."),
    ],
    reason: Annotated[
        str | None,
        typer.Option(help="Why it is cleared: false_alarm, policy_exception or explained."),
    ] = None,
    amount: Annotated[
        Decimal | None,
        typer.Option(
            parser=_amount,
            metavar="MONEY",
            help="What to recover, if not all that the decision is about.",
        ),
    ] = None,
    purchase: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TRANSACTION_ID",
            help="Decide this purchase of the case alone, which leaves the case open; repeatable.",
        ),
    ] = None,
    reviewer: Reviewer = None,
    at: At = None,
    note: Note = None,
) -> Answer:
    """Decide a case: all in it that has not been decided on its own with --purchase."""
    from orchestration.review import desk, text
    from orchestration.review.words import DECISIONS

    if outcome not in DECISIONS:
        raise CardwatchError(f"there is no outcome {outcome!r}; use one of: {', '.join(DECISIONS)}")
    if reason is not None and outcome != "cleared":
        raise CardwatchError("--reason is for cleared cases; say the rest in --note")
    if amount is not None and outcome != "recovery_ordered":
        raise CardwatchError("--amount is for recovery_ordered; nothing else asks for money")
    purchases = tuple(purchase or ())
    request = desk.Request(
        case, outcome, _reviewer(reviewer), at, reason, note, amount, purchases=purchases
    )
    found = desk.act(Home.from_environment(), request)
    findings = {"findings": [done.as_json() for done in found]}
    return Answer(
        findings if purchases else found[0].as_json(),
        lambda: "\n".join(map(text.describe_done, found)),
    )


@app.command()
@answers
def recover(
    case: CaseId,
    amount: Annotated[
        Decimal, typer.Option(parser=_amount, metavar="MONEY", help="What was paid back.")
    ],
    last: Annotated[
        bool, typer.Option("--last", help="Nothing more is expected, though it is not all.")
    ] = False,
    reviewer: Reviewer = None,
    at: At = None,
    note: Note = None,
) -> Answer:
    """Record that money came back; until all of it has, the case waits for more."""
    return _act(case, "recovered", reviewer, at=at, note=note, amount=amount, is_last=last)


@app.command()
@answers
def escalate(case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None) -> Answer:
    """Hand a difficult case on: it is in everybody's queue until somebody takes it."""
    return _act(case, "escalated", reviewer, at=at, note=note)


@app.command()
@answers
def reopen(case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None) -> Answer:
    """Open a decided case again."""
    return _act(case, "reopened", reviewer, at=at, note=note)


def _reviewer(given: str | None) -> str:
    if not (given or "").strip():
        raise CardwatchError("say who reviews, with --reviewer ID or in CARDWATCH_REVIEWER")
    if not str(given).isprintable():
        raise CardwatchError("--reviewer has characters that are no letters; write your identifier")
    return str(given).strip()


def _act(case: str, event: str, reviewer: str | None, **details: Any) -> Answer:
    """Append one review event and say what it did."""
    from orchestration.review import desk, text

    request = desk.Request(case, event, _reviewer(reviewer), **details)
    (done,) = desk.act(Home.from_environment(), request)
    return Answer(done.as_json(), lambda: text.describe_done(done))
