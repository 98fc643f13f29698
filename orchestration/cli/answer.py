"""What a command answers: text for people or one JSON object for machines, decided here alone."""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from numbers import Integral, Real
from typing import Annotated, Any

import typer

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for machines.")]


@dataclass(frozen=True)
class Answer:
    """One result for both readers: its values, and the text, which is written where it is shown."""

    values: Mapping[str, Any]
    text: Callable[[], str]


def answers(command: Callable[..., Answer | None]) -> Callable[..., None]:
    """Give a command the option --json, and print the answer that the command returns.

    A command of a group that returns None leaves the answer to its subcommand.
    """

    @wraps(command)
    def answering(as_json: bool, **options: Any) -> None:
        answer = command(**options)
        if answer is not None:
            print(as_machines_read(answer.values) if as_json else answer.text())

    signature = inspect.signature(command)
    as_json = inspect.Parameter(
        "as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Json
    )
    parameters = [*signature.parameters.values(), as_json]
    # typer reads a command's options from its signature
    answering.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return answering


def as_machines_read(values: Mapping[str, Any]) -> str:
    """Write values as one JSON object: numbers stay numbers, and an unknown number is null."""
    return json.dumps(_plain(values), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; days, times and paths as text."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value)
