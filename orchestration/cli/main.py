"""The command line `cardwatch`: thin commands, and one sentence for every mistake."""

import io
import json
import math
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.engine.errors import CardwatchError

# A command imports what it needs itself, so that `cardwatch --help` answers at once.
app = typer.Typer(
    help="Finds misuse of corporate cards inside the company's own data warehouse.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]


def main() -> None:
    """Run the command in sys.argv; a mistake ends in one sentence and exit code 1 (usage: 2)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A console that lacks a character must not turn an answer into a traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="cardwatch")
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        if "--json" in sys.argv:
            _print_json({"error": sentence})
        else:
            print(f"cardwatch: {sentence}", file=sys.stderr)
        sys.exit(1)


@app.command()
def land(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV or Parquet files.")],
    source: Annotated[str, typer.Option(help="Source of the files, such as company.")],
    feed: Annotated[str, typer.Option(help="Feed they belong to, such as card_transactions.")],
    as_json: Json = False,
) -> None:
    """Copy files into the landing folder, from which the next run loads them."""
    from orchestration.engine.home import Home
    from orchestration.landing.load import copy_to_landing

    landed = copy_to_landing(Home.from_environment(), files, source, feed)
    if as_json:
        _print_json({"files": [vars(file) for file in landed]})
        return
    for file in landed:
        state = "this content is already landed as" if file.already_landed else "landed as"
        print(f"{file.file}: {state} {file.landed_as}")
        if file.ignored_columns:
            print(f"  ignored, the feed has no such column: {', '.join(file.ignored_columns)}")


@app.command()
def demo(
    employees: Annotated[int | None, typer.Option(min=100, help="Size of the company.")] = None,
    months: Annotated[int | None, typer.Option(min=1, max=120, help="Months of data.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all that is random.")] = None,
    last_day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of the data.")
    ] = None,
    change_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="From this day on people behave differently."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the demo company's files into the landing folder; the truth goes apart from them."""
    from orchestration.demo_company.land import land_demo
    from orchestration.engine.home import Home

    if last_day and not 2000 <= last_day.year <= 2100:
        raise typer.BadParameter("choose a day of the years 2000 to 2100", param_hint="--last-day")
    home = Home.from_environment()
    day = last_day.date() if last_day else None
    changed = change_on.date() if change_on else None
    chosen = {
        "employees": employees,
        "months": months,
        "seed": seed,
        "last_day": day,
        "change_on": changed,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    summary, placed = land_demo(home, **given)
    if as_json:
        _print_json({**vars(summary), "files_landed": placed, "landing": home.landing})
        return
    print(
        f"demo company of {summary.employees:,} employees with {summary.transactions:,} "
        f"transactions, {summary.first_day} to {summary.last_day}"
    )
    what = f"{placed} files landed in" if placed else "nothing new, all files were already in"
    print(f"{what} {home.landing}")


@app.command()
def run(
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Build anew from this day on."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Build no later day.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run everything: load what has landed, score, alert, check, issue and publish."""
    from orchestration.engine.home import Home
    from orchestration.run import run_pipeline
    from orchestration.summary import describe

    home = Home.from_environment()
    first, last = (day.date() if day else None for day in (since, until))
    if first and last and first > last:
        raise CardwatchError(f"--since {first} is after --until {last}; swap them")
    summary = run_pipeline(home, first, last)
    if as_json:
        _print_json(summary.as_json())
        return
    print(describe(summary, home))


@app.command()
def backtest(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule_id: limit_evasion_001.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A threshold to try; may be repeated."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Look at no earlier day.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the hits by month: .png or .svg.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a rule finds now and with a change, over all history; nothing is written."""
    from orchestration.engine.home import Home
    from orchestration.workbench.backtest import describe, draw, run_backtest

    first = since.date() if since else None
    tested = run_backtest(Home.from_environment(), rule, settings or [], first)
    if picture:
        draw(tested, picture)
    if as_json:
        _print_json(tested.as_json())
        return
    print(describe(tested))


@app.command()
def suggest(
    write: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="NUMBER", help="Write this one as a rule; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Suggest rules from what reviewers decided, checked on a later period."""
    from orchestration.engine.home import Home
    from orchestration.workbench import suggest as suggesting

    home = Home.from_environment()
    found = suggesting.suggest(home)
    for number in sorted(set(write or [])):
        if number > len(found):
            raise CardwatchError(f"there is no suggestion {number}, there are {len(found)}")
        found[number - 1] = suggesting.write_rule(home, found[number - 1])
    if as_json:
        _print_json({"suggestions": [each.as_json() for each in found]})
        return
    print(suggesting.describe(found, bool(write)))


@app.command()
def canaries(
    days: Annotated[int, typer.Option(min=1, max=365, help="Plant in so many last days.")] = 14,
    each: Annotated[int, typer.Option(min=1, max=1000, help="Canaries of each rule.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 1,
    as_json: Json = False,
) -> None:
    """Plant misuse in a copy of the warehouse and say how much of it each rule notices."""
    from orchestration.engine.home import Home
    from orchestration.workbench.canaries import describe, run_canaries

    result = run_canaries(Home.from_environment(), days, each, seed)
    if as_json:
        _print_json(result.as_json())
        return
    print(describe(result))


@app.command()
def report(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; beside the published copy.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or ko.")] = "en",
    as_json: Json = False,
) -> None:
    """Write one HTML page from the published copy: is the risk right, and how it comes about."""
    from orchestration.engine.home import Home
    from orchestration.publication.report import write_report

    written = write_report(Home.from_environment(), output, language)
    if as_json:
        _print_json(vars(written))
        return
    print(f"{written.file}: what was issued up to {written.issued_until}")


models_app = typer.Typer(help="List, compare, promote, roll back and retrain detector versions.")
app.add_typer(models_app, name="models")
Because = Annotated[str, typer.Option("--because", metavar="REASON", help="Why; it is recorded.")]


@models_app.callback(invoke_without_command=True)
def models_list(
    context: typer.Context,
    detector: Annotated[
        str | None, typer.Option(metavar="DETECTOR", help="List only its versions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List all versions of the detectors: stage, figures on their holdout, who promoted them."""
    if context.invoked_subcommand:
        return
    from orchestration.engine.home import Home
    from orchestration.versions import registry as models

    rows = models.list_versions(Home.from_environment(), detector)
    if as_json:
        _print_json({"versions": rows})
        return
    print(models.describe_versions(rows))


@models_app.command("compare")
def models_compare(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR")], as_json: Json = False
) -> None:
    """Put the candidate of a detector beside its champion."""
    from orchestration.engine.home import Home
    from orchestration.versions import registry as models

    found = models.compare(Home.from_environment(), detector)
    if as_json:
        _print_json(found)
        return
    print(models.describe_comparison(found))


@models_app.command("promote")
def models_promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `cardwatch models` says.")],
    because: Because,
    as_json: Json = False,
) -> None:
    """Make a version champion from the next day on."""
    from orchestration.engine.home import Home
    from orchestration.versions import registry as models

    change = models.promote(Home.from_environment(), version, because)
    if as_json:
        _print_json(vars(change))
        return
    print(models.describe_change(change))


@models_app.command("rollback")
def models_rollback(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR")],
    because: Because,
    as_json: Json = False,
) -> None:
    """Make the version champion again that was so before the present one."""
    from orchestration.engine.home import Home
    from orchestration.versions import registry as models

    change = models.roll_back(Home.from_environment(), detector, because)
    if as_json:
        _print_json(vars(change))
        return
    print(models.describe_change(change))


@models_app.command("retrain")
def models_retrain(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="DETECTOR", help="All, if none is named.")
    ] = None,
    because: Because = "asked for at the command line",
    as_json: Json = False,
) -> None:
    """Fit new versions now, judge them and compare them with the champions."""
    from orchestration.engine.home import Home
    from orchestration.versions import registry as models

    rows = models.retrain(Home.from_environment(), names or [], because)
    if as_json:
        _print_json({"versions": rows})
        return
    print(models.describe_versions(rows))


review_app = typer.Typer(
    help="Work on cases: list, assign, ask the cardholder, decide; for reviewers.",
    no_args_is_help=True,
)
app.add_typer(review_app, name="review")
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


def _amount(text: str) -> float:
    """An amount as people write it, with commas or without."""
    try:
        amount = float(text.replace(",", ""))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise CardwatchError(f"--amount {text!r} is no amount of money; write 120000 or 120,000")
    return amount


@review_app.command("queue")
def review_queue(
    reviewer: Reviewer = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Cases of this day instead of the last one."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the open cases of the day in order, and those you took before."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text

    who = _reviewer(reviewer)
    found = review.queue(Home.from_environment(), who, day.date() if day else None)
    if as_json:
        _print_json(found)
        return
    print(review_text.describe_queue(found, who))


@review_app.command("show")
def review_show(case: CaseId, reviewer: Reviewer = None, as_json: Json = False) -> None:
    """Show why a case was raised, what is in it and what was done."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text

    found = review.show(Home.from_environment(), case, reviewer)
    if as_json:
        _print_json(found)
        return
    print(review_text.describe_case(found))


@review_app.command("overdue")
def review_overdue(
    reviewer: Reviewer = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you hold.")] = False,
    as_json: Json = False,
) -> None:
    """List the open cases past their deadline on the last day that was built."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text

    late = review.overdue(Home.from_environment(), _reviewer(reviewer) if mine else reviewer, mine)
    if as_json:
        _print_json({"cases": late})
        return
    print(review_text.describe_overdue(late))


@review_app.command("assign")
def review_assign(
    case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None, as_json: Json = False
) -> None:
    """Take a case."""
    _act(case, "assigned", reviewer, as_json, at=at, note=note)


@review_app.command("ask")
def review_ask(
    case: CaseId,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only print the text; nothing is recorded.")
    ] = False,
    reviewer: Reviewer = None,
    at: At = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Ask the cardholder to explain; prints the text to send, in English and Korean."""
    if preview:
        from orchestration.engine.home import Home
        from orchestration.review import desk as review
        from orchestration.review import text as review_text

        texts = review.requests(Home.from_environment(), case)
        if as_json:
            _print_json({"requests": texts})
            return
        print(review_text.describe_requests(texts))
        return
    _act(case, "explanation_requested", reviewer, as_json, at=at, note=note)


@review_app.command("answer")
def review_answer(
    case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None, as_json: Json = False
) -> None:
    """Record that the cardholder has explained; the cardholder may do it too."""
    _act(case, "explanation_received", reviewer, as_json, at=at, note=note)


@review_app.command("decide")
def review_decide(
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
        float | None,
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
    as_json: Json = False,
) -> None:
    """Decide a case: all in it that has not been decided on its own with --purchase."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text
    from orchestration.review.case_fold import DECISIONS

    if outcome not in DECISIONS:
        raise CardwatchError(f"there is no outcome {outcome!r}; use one of: {', '.join(DECISIONS)}")
    if reason is not None and outcome != "cleared":
        raise CardwatchError("--reason is for cleared cases; say the rest in --note")
    if amount is not None and outcome != "recovery_ordered":
        raise CardwatchError("--amount is for recovery_ordered; nothing else asks for money")
    if not purchase:
        _act(case, outcome, reviewer, as_json, at=at, note=note, reason=reason, amount=amount)
        return
    home, who = Home.from_environment(), _reviewer(reviewer)
    found = review.decide_purchases(home, case, outcome, who, purchase, at, reason, note, amount)
    if as_json:
        _print_json({"findings": [done.as_json() for done in found]})
        return
    print("\n".join(map(review_text.describe_done, found)))


@review_app.command("recover")
def review_recover(
    case: CaseId,
    amount: Annotated[
        float, typer.Option(parser=_amount, metavar="MONEY", help="What was paid back.")
    ],
    last: Annotated[
        bool, typer.Option("--last", help="Nothing more is expected, though it is not all.")
    ] = False,
    reviewer: Reviewer = None,
    at: At = None,
    note: Note = None,
    as_json: Json = False,
) -> None:
    """Record that money came back; until all of it has, the case waits for more."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text

    who = _reviewer(reviewer)
    done = review.recover(Home.from_environment(), case, who, amount, at, note, is_last=last)
    if as_json:
        _print_json(done.as_json())
        return
    print(review_text.describe_done(done))


@review_app.command("escalate")
def review_escalate(
    case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None, as_json: Json = False
) -> None:
    """Hand a difficult case on: it is in everybody's queue until somebody takes it."""
    _act(case, "escalated", reviewer, as_json, at=at, note=note)


@review_app.command("reopen")
def review_reopen(
    case: CaseId, reviewer: Reviewer = None, at: At = None, note: Note = None, as_json: Json = False
) -> None:
    """Open a decided case again."""
    _act(case, "reopened", reviewer, as_json, at=at, note=note)


@app.command()
def benchmark(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="handbook, detectors, queue, busy_day, year, features, rules, planted.",
        ),
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Data, if not in CARDWATCH_HANDBOOK.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="handbook: where to write its scores.")
    ] = None,
    months: Annotated[
        str, typer.Option(help="features: months of history to grow to; 0 for none.")
    ] = "3,6,12,24",
    a_day: Annotated[
        int, typer.Option(min=100, help="features: transactions a day of what grows.")
    ] = 20_000,
    keep: Annotated[
        bool, typer.Option("--keep", help="features, queue, year: keep what was grown.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="year: draw it, as .png or .svg.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="queue: so many companies, by their seeds.")
    ] = 5,
    as_json: Json = False,
) -> None:
    """Measure what detectors find (handbook, detectors), rules find (planted), and their costs."""
    from orchestration.benchmark.quality import handbook
    from orchestration.engine.home import Home

    home = Home.from_environment()
    if name == "handbook":
        judged = handbook.run_handbook(home, handbook.data_file(data), scores)
        if as_json:
            _print_json(judged.as_json())
            return
        print(handbook.describe(judged))
    elif name == "features":
        from orchestration.benchmark.speed import features

        measured = features.run_features(
            home, handbook.data_file(data), features.read_months(months), keep, a_day
        )
        if as_json:
            _print_json(measured.as_json())
            return
        print(features.describe(measured))
    elif name == "rules":
        from orchestration.benchmark.speed import rules

        timed = rules.run_rules(home, handbook.data_file(data))
        if as_json:
            _print_json(timed.as_json())
            return
        print(rules.describe(timed))
    elif name == "detectors":
        from orchestration.benchmark.quality import line_up

        if data or os.environ.get(handbook.DATA_VARIABLE):
            costs = line_up.run_line_up(home, handbook.data_file(data))
            answer, page = costs.as_json(), line_up.describe(costs)
        else:
            demo_found = line_up.run_demo(home)
            answer, page = demo_found.as_json(), line_up.describe_demo(demo_found)
        if as_json:
            _print_json(answer)
            return
        print(page)
    elif name == "queue":
        from orchestration.benchmark.quality import queue

        served = queue.run_queue(home, range(1, seeds + 1), keep)
        if as_json:
            _print_json(served.as_json())
            return
        print(queue.describe(served))
    elif name == "busy_day":
        from orchestration.benchmark.speed import busy_day

        busy = busy_day.run_busy_day(home)
        if as_json:
            _print_json(busy.as_json())
            return
        print(busy_day.describe(busy))
    elif name == "year":
        from orchestration.benchmark.quality import year

        lived = year.run_year(home, picture, keep)
        if as_json:
            _print_json(lived.as_json())
            return
        print(year.describe(lived))
    elif name == "planted":
        from orchestration.benchmark.quality import planted

        found = planted.run_planted(home)
        if as_json:
            _print_json(found.as_json())
            return
        print(planted.describe(found))
    else:
        raise CardwatchError(
            f"there is no benchmark {name!r}; there are handbook, detectors, queue, "
            "busy_day, year, features, rules and planted"
        )


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
) -> None:
    """Show the runs, assets and checks in Dagster's web page (on this machine only by default)."""
    from orchestration.engine.home import Home
    from orchestration.run import serve

    serve(Home.from_environment(), host, port)


def _reviewer(given: str | None) -> str:
    if not (given or "").strip():
        raise CardwatchError("say who reviews, with --reviewer ID or in CARDWATCH_REVIEWER")
    if not str(given).isprintable():
        raise CardwatchError("--reviewer has characters that are no letters; write your identifier")
    return str(given).strip()


def _act(case: str, event: str, reviewer: str | None, as_json: bool, **details: Any) -> None:
    """Append one review event and say what it did."""
    from orchestration.engine.home import Home
    from orchestration.review import desk as review
    from orchestration.review import text as review_text

    done = review.act(Home.from_environment(), case, event, _reviewer(reviewer), **details)
    if as_json:
        _print_json(done.as_json())
        return
    print(review_text.describe_done(done))


def _sentence(error: Exception) -> str | None:
    """What a user needs to read about an error; None for one that is no fault of theirs."""
    from orchestration.engine.warehouse import explain_database_error

    explained = error if isinstance(error, CardwatchError) else explain_database_error(error)
    if explained:
        return str(explained)
    if isinstance(error, OSError) and error.filename:
        reason = (error.strerror or type(error).__name__).lower()
        return f"{error.filename} cannot be used ({reason}); check the path and your rights to it"
    return None


def _print_json(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, default=str, ensure_ascii=False))
