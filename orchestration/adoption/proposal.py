"""What a file is, as a source, and what it leaves open."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.adoption.keys import Key
from orchestration.engine.errors import CardwatchError
from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Column
from orchestration.landing.layout import Layout


@dataclass(frozen=True)
class Question:
    """What the file leaves open: the option that answers it, and the answers there are.

    column: what is looked for, where the option is "column".
    """

    option: str
    text: str
    choices: tuple[str, ...]
    column: str = ""


@dataclass(frozen=True)
class Answers:
    """What a person said beforehand, by the option that says it."""

    dates: str | None = None
    decimal: str | None = None
    sign: str | None = None
    currency: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def with_answer(self, question: Question, answer: str) -> "Answers":
        """The same with one more answer."""
        if question.column:
            return replace(self, columns={**self.columns, question.column: answer})
        return replace(self, **{question.option: answer})  # type: ignore[arg-type]


class UnclearError(CardwatchError):
    """A file that can be read in more than one way; it names every question that is open."""

    def __init__(self, questions: Sequence[Question]) -> None:
        """Put the questions into one sentence."""
        self.questions = tuple(questions)
        asked = "; ".join(f"{each.text} (--{_answered(each)})" for each in questions)
        super().__init__(masked(f"nothing was written, for the file leaves open: {asked}"))


@dataclass(frozen=True)
class Proposal:
    """A source as it would be written.

    columns: those of the raw table, with the header of each in the file as `called`.
    constants: canonical columns that are the same in every row, such as the currency.
    unread: headers of the file that no column reads. order: how dates are read, in words.
    """

    source: str
    feed: str
    event_column: str
    layout: Layout
    columns: tuple[Column, ...]
    key: Key
    constants: Mapping[str, str]
    has_time: bool
    unread: tuple[str, ...]
    order: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that the raw table has."""
        return tuple(column.name for column in self.columns)


def _answered(question: Question) -> str:
    """How the question is answered on the command line."""
    choices = [
        json.dumps(each, ensure_ascii=False) if " " in each else each
        for each in question.choices[:8]
    ]
    if question.column:
        return f"column {question.column}=, one of: {', '.join(choices) or 'none is left'}"
    return f"{question.option} {' or '.join(choices) or 'GBP, for example'}"
