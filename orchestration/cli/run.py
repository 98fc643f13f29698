"""The day's work: land files, write the demo company, run the pipeline, show Dagster's page."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.cli.options import day_of, day_option
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home

if TYPE_CHECKING:
    from orchestration.demo_company import DemoSummary
    from orchestration.landing.folder import LandedFile

app = typer.Typer()


@app.command()
@answers
def init(
    currency: Annotated[str, typer.Option(help="The company's currency, such as USD.")],
    country: Annotated[str, typer.Option(help="Whose holidays count: two letters, such as US.")],
    factor: Annotated[
        float, typer.Option(help="What one won is worth: the rules' amounts are multiplied by it.")
    ],
    weekend: Annotated[
        str | None,
        typer.Option(metavar="DAYS", help="By ISO numbers, such as 5,6; else the country's."),
    ] = None,
) -> Answer:
    """Set the company's currency and calendar, and scale the shipped amounts of the rules."""
    from orchestration.cli.company import change_text
    from orchestration.engine.home import project_root
    from orchestration.settings.company import set_company

    days = _weekend_days(weekend) if weekend else None
    change = set_company(project_root(), currency.upper(), country.upper(), factor, days)
    amounts = [
        {"rule_id": each.rule_id, "parameter": each.parameter, "before": each.value, "after": value}
        for each, value, _ in change.amounts
    ]
    values = {"before": vars(change.before), "after": vars(change.after), "amounts": amounts}
    return Answer(values, lambda: change_text(change))


def _weekend_days(text: str) -> tuple[int, ...]:
    days = text.split(",")
    if not all(day in "1234567" and len(day) == 1 for day in days):
        raise CardwatchError(f"--weekend {text!r} names no days of the week; write 6,7 or 5,6")
    return tuple(sorted(map(int, days)))


@app.command()
@answers
def land(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="CSV or Parquet files.")],
    source: Annotated[str, typer.Option(help="Source of the files, such as company.")],
    feed: Annotated[str, typer.Option(help="Feed they belong to, such as card_transactions.")],
) -> Answer:
    """Copy files into the landing folder, from which the next run loads them."""
    from orchestration.landing.folder import copy_to_landing

    landed = copy_to_landing(Home.from_environment(), files, source, feed)
    return Answer({"files": [vars(file) for file in landed]}, lambda: _landed_text(landed))


def _landed_text(landed: Sequence["LandedFile"]) -> str:
    lines = []
    for file in landed:
        state = "this content is already landed as" if file.already_landed else "landed as"
        lines.append(f"{file.file}: {state} {file.landed_as}")
        if file.masked_from:
            lines.append(f"  card numbers in clear, from {file.masked_from}: not in the copy")
        if file.ignored_columns:
            columns = ", ".join(file.ignored_columns)
            lines.append(f"  ignored, the feed has no such column: {columns}")
    return "\n".join(lines)


@app.command()
@answers
def demo(
    employees: Annotated[int | None, typer.Option(min=100, help="Size of the company.")] = None,
    months: Annotated[int | None, typer.Option(min=1, max=120, help="Months of data.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all that is random.")] = None,
    last_day: Annotated[datetime | None, day_option("Last day of the data.")] = None,
    change_on: Annotated[
        datetime | None, day_option("From this day on people behave differently.")
    ] = None,
) -> Answer:
    """Write the demo company's files into the landing folder; the truth goes apart from them."""
    from orchestration.demo_company.land import land_demo

    if last_day and not 2000 <= last_day.year <= 2100:
        raise typer.BadParameter("choose a day of the years 2000 to 2100", param_hint="--last-day")
    home = Home.from_environment()
    chosen = {
        "employees": employees,
        "months": months,
        "seed": seed,
        "last_day": day_of(last_day),
        "change_on": day_of(change_on),
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    summary, placed = land_demo(home, **given)
    values = {**vars(summary), "files_landed": placed, "landing": home.landing}
    return Answer(values, lambda: _demo_text(summary, placed, home))


def _demo_text(summary: "DemoSummary", placed: int, home: Home) -> str:
    what = f"{placed} files landed in" if placed else "nothing new, all files were already in"
    return (
        f"demo company of {summary.employees:,} employees with {summary.transactions:,} "
        f"transactions, {summary.first_day} to {summary.last_day}\n{what} {home.landing}"
    )


@app.command()
@answers
def run(
    since: Annotated[datetime | None, day_option("Build anew from this day on.")] = None,
    until: Annotated[datetime | None, day_option("Build no later day.")] = None,
) -> Answer:
    """Run everything: load what has landed, score, alert, check, issue and publish."""
    from orchestration.cli.summary_text import describe
    from orchestration.summary import read_summary
    from orchestration.unchanged import finished_at

    home = Home.from_environment()
    first, last = day_of(since), day_of(until)
    if first and last and first > last:
        raise CardwatchError(f"--since {first} is after --until {last}; swap them")
    if not (first or last) and (finished := finished_at(home)):
        summary = read_summary(home, unchanged_since=finished)
    else:
        # Dagster, dbt and the detectors' libraries take seconds to import
        from orchestration.run import run_pipeline

        summary = run_pipeline(home, first, last)
    return Answer(summary.as_json(), lambda: describe(summary, home))


@app.command()
@answers
def verify() -> Answer:
    """Read ledger, landed files and warehouse to the last byte; look for card numbers."""
    from orchestration.verify import verify as read_everything

    found = read_everything(Home.from_environment())
    return Answer(
        vars(found),
        lambda: (
            f"as they were written: {found.issues} issues of the ledger, {found.landed_files} "
            f"landed files, {found.tables} tables of the warehouse; no card number in clear in "
            f"{found.files} files"
        ),
    )


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
) -> None:
    """Show the runs, assets and checks in Dagster's web page (on this machine only by default)."""
    from orchestration.run import serve

    serve(Home.from_environment(), host, port)
