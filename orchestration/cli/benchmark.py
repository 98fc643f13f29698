"""`cardwatch benchmark`: what detectors and rules find, and what everything costs."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.engine.home import Home

app = typer.Typer(
    help="Measure what detectors, rules and the queue find, and what they cost.",
    no_args_is_help=True,
)

Data = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Data, if not in CARDWATCH_HANDBOOK.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep what was grown.")]


@app.command()
@answers
def handbook(
    data: Data = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the scores.")
    ] = None,
) -> Answer:
    """Measure the tree by the protocol of the handbook, beside its published figures."""
    from orchestration.benchmark.handbook_data import require_data
    from orchestration.benchmark.quality.handbook import run_handbook
    from orchestration.benchmark.quality.handbook_page import describe

    judged = run_handbook(Home.from_environment(), require_data(data), scores)
    return Answer(judged.as_json(), lambda: describe(judged))


@app.command()
@answers
def detectors(data: Data = None) -> Answer:
    """Compare the detectors: on the handbook's data, or without them on the run of the demo."""
    from orchestration.benchmark.handbook_data import find_data
    from orchestration.benchmark.quality import demo_line_up, line_up

    home = Home.from_environment()
    file = find_data(data)
    if file:
        costs = line_up.run_line_up(home, file)
        return Answer(costs.as_json(), lambda: line_up.describe(costs))
    found = demo_line_up.run_demo(home)
    return Answer(found.as_json(), lambda: demo_line_up.describe(found))


@app.command()
@answers
def queue(
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="So many companies, by their seeds.")
    ] = 5,
    keep: Keep = False,
) -> Answer:
    """Measure what the queue finds in demo companies whose reviewers answer it."""
    from orchestration.benchmark.quality.queue import describe, run_queue

    served = run_queue(Home.from_environment(), range(1, seeds + 1), keep)
    return Answer(served.as_json(), lambda: describe(served))


@app.command("busy_day")
@answers
def busy_day() -> Answer:
    """Measure labels, alerts, issue and cases on a day of 60,000 purchases."""
    from orchestration.benchmark.speed.busy_day import describe, run_busy_day

    busy = run_busy_day(Home.from_environment())
    return Answer(busy.as_json(), lambda: describe(busy))


@app.command()
@answers
def year(
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it, as .png or .svg.")
    ] = None,
    keep: Keep = False,
) -> Answer:
    """Run a year of the demo company whose behaviour changes in August."""
    from orchestration.benchmark.quality.year import describe, run_year

    lived = run_year(Home.from_environment(), picture, keep)
    return Answer(lived.as_json(), lambda: describe(lived))


@app.command()
@answers
def features(
    data: Data = None,
    months: Annotated[
        str, typer.Option(help="Months of history to grow to; 0 for none.")
    ] = "3,6,12,24",
    a_day: Annotated[int, typer.Option(min=100, help="Transactions a day of what grows.")] = 20_000,
    keep: Keep = False,
) -> Answer:
    """Measure what features cost, beside other tools and as history grows."""
    from orchestration.benchmark.handbook_data import require_data
    from orchestration.benchmark.speed.features import describe, read_months, run_features

    home = Home.from_environment()
    measured = run_features(home, require_data(data), read_months(months), keep, a_day)
    return Answer(measured.as_json(), lambda: describe(measured))


@app.command()
@answers
def rules(data: Data = None) -> Answer:
    """Measure what rules cost: a backtest over all history, and a day's hits."""
    from orchestration.benchmark.handbook_data import require_data
    from orchestration.benchmark.speed.rules import describe, run_rules

    timed = run_rules(Home.from_environment(), require_data(data))
    return Answer(timed.as_json(), lambda: describe(timed))


@app.command()
@answers
def landing(
    rows: Annotated[
        int, typer.Option(min=1000, help="Rows of the file of each format.")
    ] = 10_000_000,
) -> Answer:
    """Measure how fast files of each format become rows, and the memory that needs."""
    from orchestration.benchmark.speed.landing import describe, run_landing

    speed = run_landing(Home.from_environment(), rows)
    return Answer(speed.as_json(), lambda: describe(speed))


@app.command()
@answers
def planted() -> Answer:
    """Say what the rules find of the misuse that the demo company plants."""
    from orchestration.benchmark.quality.planted import describe, run_planted

    found = run_planted(Home.from_environment())
    return Answer(found.as_json(), lambda: describe(found))
