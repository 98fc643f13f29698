"""A company's own file becomes a source."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.answer import Answer, answers
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home

if TYPE_CHECKING:
    from orchestration.adoption.proposal import Question

app = typer.Typer()


@app.command()
@answers
def adopt(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Files of one layout.")],
    source: Annotated[str, typer.Option(help="What the source is to be called, such as bank.")],
    feed: Annotated[
        str, typer.Option(help="What a row is: card_transactions, expense_claims, cards, …")
    ] = "card_transactions",
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="COLUMN=HEADER", help="Which header a column has; repeatable."
        ),
    ] = None,
    dates: Annotated[
        str | None, typer.Option(help="Order of a date's parts, such as day/month/year.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal sign of amounts: . or ,")] = None,
    sign: Annotated[
        str | None, typer.Option(help="purchases_positive or purchases_negative.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of all amounts: GBP.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    header_line: Annotated[
        int | None, typer.Option(min=1, help="Line or row that names the columns.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a text: cp949.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show only; write nothing.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write a source anew that there is.")
    ] = False,
) -> Answer:
    """Make a source of a company's own files, and land them; what they leave open is asked."""
    from orchestration.adoption.adopt import Place
    from orchestration.adoption.adopt import adopt as make_source
    from orchestration.adoption.describe import describe
    from orchestration.adoption.proposal import Answers, UnclearError

    home = Home.from_environment()
    said = Answers(dates, decimal, sign, currency, dict(map(_pair, columns or [])))
    place = Place(encoding, sheet, header_line)
    while True:
        try:
            adopted = make_source(home, files, source, feed, said, place, dry_run, replace)
            return Answer(adopted.as_json(), partial(describe, adopted))
        except UnclearError as error:
            if "--json" in sys.argv or not sys.stdin.isatty():
                raise
            for question in error.questions:
                said = said.with_answer(question, _asked(question))


def _pair(text: str) -> tuple[str, str]:
    column, sign, header = text.partition("=")
    if not sign or not column.strip():
        raise CardwatchError(
            f"--column {text} is no pair; write COLUMN=HEADER, such as merchant_name=Supplier"
        )
    return column.strip(), header.strip()


def _asked(question: "Question") -> str:
    """Ask on the terminal; a number chooses among the answers there are."""
    print(question.text, file=sys.stderr)
    for number, choice in enumerate(question.choices, start=1):
        print(f"  {number}  {choice}", file=sys.stderr)
    said: str = typer.prompt("answer", err=True).strip()
    if said.isdigit() and 0 < int(said) <= len(question.choices):
        return question.choices[int(said) - 1]
    return said
