"""The report for the audit lead."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.engine.home import Home

app = typer.Typer()


@app.command()
@answers
def report(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; beside the published copy.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or ko.")] = "en",
) -> Answer:
    """Write one HTML page from the published copy: is the risk right, and how it comes about."""
    from orchestration.publication.report import write_report

    written = write_report(Home.from_environment(), output, language)
    return Answer(
        vars(written), lambda: f"{written.file}: what was issued up to {written.issued_until}"
    )
