"""`cardwatch models`: list, compare, promote, roll back and retrain versions of detectors."""

from typing import Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.engine.home import Home

app = typer.Typer(help="List, compare, promote, roll back and retrain detector versions.")

Because = Annotated[str, typer.Option("--because", metavar="REASON", help="Why; it is recorded.")]


@app.callback(invoke_without_command=True)
@answers
def versions(
    context: typer.Context,
    detector: Annotated[
        str | None, typer.Option(metavar="DETECTOR", help="List only its versions.")
    ] = None,
) -> Answer | None:
    """List all versions of the detectors: stage, figures on their holdout, who promoted them."""
    if context.invoked_subcommand:
        return None
    from orchestration.versions import registry, text

    rows = registry.list_versions(Home.from_environment(), detector)
    return Answer({"versions": rows}, lambda: text.describe_versions(rows))


@app.command()
@answers
def compare(detector: Annotated[str, typer.Argument(metavar="DETECTOR")]) -> Answer:
    """Put the candidate of a detector beside its champion."""
    from orchestration.versions import registry, text

    found = registry.compare(Home.from_environment(), detector)
    return Answer(found, lambda: text.describe_comparison(found))


@app.command()
@answers
def promote(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `cardwatch models` says.")],
    because: Because,
) -> Answer:
    """Make a version champion from the next day on."""
    from orchestration.versions import registry, text

    change = registry.promote(Home.from_environment(), version, because)
    return Answer(vars(change), lambda: text.describe_change(change))


@app.command()
@answers
def rollback(
    detector: Annotated[str, typer.Argument(metavar="DETECTOR")], because: Because
) -> Answer:
    """Make the version champion again that was so before the present one."""
    from orchestration.versions import registry, text

    change = registry.roll_back(Home.from_environment(), detector, because)
    return Answer(vars(change), lambda: text.describe_change(change))


@app.command()
@answers
def retrain(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="DETECTOR", help="All, if none is named.")
    ] = None,
    because: Because = "asked for at the command line",
) -> Answer:
    """Fit new versions now, judge them and compare them with the champions."""
    from orchestration import run
    from orchestration.versions import text

    rows = run.retrain(Home.from_environment(), names or [], because)
    return Answer({"versions": rows}, lambda: text.describe_versions(rows))
