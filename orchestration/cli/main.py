"""The command line `cardwatch`: its groups of commands, and one sentence for every mistake.

A command imports what it needs itself, so that `cardwatch --help` and the completion of a shell
answer at once.
"""

import io
import sys

import typer

from orchestration.cli import adopt, benchmark, models, report, review, run, workbench
from orchestration.cli.answer import as_machines_read
from orchestration.engine.errors import CardwatchError

app = typer.Typer(
    help="Finds misuse of corporate cards inside the company's own data warehouse.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for commands in (run.app, adopt.app, workbench.app, report.app):
    app.add_typer(commands)
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")
app.add_typer(benchmark.app, name="benchmark")


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
            print(as_machines_read({"error": sentence}))
        else:
            print(f"cardwatch: {sentence}", file=sys.stderr)
        sys.exit(1)


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
