"""What analysts do with rules: try a change, have rules suggested, plant misuse."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.cli.options import day_of, day_option
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home

app = typer.Typer()


@app.command()
@answers
def backtest(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule_id: limit_evasion_001.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A threshold to try; may be repeated."),
    ] = None,
    since: Annotated[datetime | None, day_option("Look at no earlier day.")] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the hits by month: .png or .svg.")
    ] = None,
) -> Answer:
    """Say what a rule finds now and with a change, over all history; nothing is written."""
    from orchestration.workbench.backtest import run_backtest
    from orchestration.workbench.backtest_page import describe, draw

    tested = run_backtest(Home.from_environment(), rule, settings or [], day_of(since))
    if picture:
        draw(tested, picture)
    return Answer(tested.as_json(), lambda: describe(tested))


@app.command()
@answers
def suggest(
    write: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="NUMBER", help="Write this one as a rule; may be repeated."),
    ] = None,
) -> Answer:
    """Suggest rules from what reviewers decided, checked on a later period."""
    from orchestration.workbench import suggest as suggesting
    from orchestration.workbench.suggested_rule import write_rule

    home = Home.from_environment()
    found = suggesting.suggest(home)
    for number in sorted(set(write or [])):
        if number > len(found):
            raise CardwatchError(f"there is no suggestion {number}, there are {len(found)}")
        found[number - 1] = write_rule(home, found[number - 1])
    return Answer(
        {"suggestions": [each.as_json() for each in found]},
        lambda: suggesting.describe(found, bool(write)),
    )


@app.command()
@answers
def canaries(
    days: Annotated[int, typer.Option(min=1, max=365, help="Plant in so many last days.")] = 14,
    each: Annotated[int, typer.Option(min=1, max=1000, help="Canaries of each rule.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 1,
) -> Answer:
    """Plant misuse in a copy of the warehouse and say how much of it each rule notices."""
    from orchestration.workbench.canaries import describe, run_canaries

    result = run_canaries(Home.from_environment(), days, each, seed)
    return Answer(result.as_json(), lambda: describe(result))
