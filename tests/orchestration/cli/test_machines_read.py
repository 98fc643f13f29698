"""What `--json` holds after a run: numbers, states and names; sentences only in fields for text."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.cli.answer import as_machines_read
from orchestration.cli.main import main
from orchestration.engine.home import Home
from orchestration.summary import read_summary
from tests.homes import rows

#: Fields that hold what people wrote, or what is written for them, beside the values it is about.
TEXTS = {
    *("sentence_en", "sentence_ko", "text_en", "text_ko", "title_en", "subject_en", "subject_ko"),
    *("body_en", "body_ko", "note", "reason", "verdict_reason", "fitted_because"),
    *("promoted_because", "rejected_because", "history_hidden_because", "why_innocent"),
    "merchant_name",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
#: Fields whose states are two words or more.
STATES = {"verdict", "state"}


def sentences(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    """The texts of more than one word in fields that are none for text, with their fields."""
    if isinstance(value, dict):
        for name, part in value.items():
            if " " in name:
                yield field, name
            yield from sentences(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from sentences(part, field)
    elif (
        isinstance(value, str)
        and " " in value
        and not MOMENT.fullmatch(value)
        and field not in TEXTS | STATES
    ):
        yield field, value


@pytest.fixture
def answered(
    full: tuple[Home, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A command's answer for machines, on the home after one run."""
    monkeypatch.setenv("CARDWATCH_HOME", str(full[0].root))

    def answer(*arguments: str) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["cardwatch", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert not ended.value.code, said
        return said

    return answer


def test_a_sentence_in_a_field_for_values_is_found():
    assert list(
        sentences({"detectors": ["tree: champion since 2025-10-01"], "note": "as it is"})
    ) == [("detectors", "tree: champion since 2025-10-01")]


def test_the_end_of_a_run_is_no_prose(full: tuple[Home, str]):
    summary = json.loads(as_machines_read(read_summary(full[0], 0, 1.0).as_json()))
    assert summary["top_alerts"]
    assert list(sentences(summary)) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("backtest", "limit_evasion_001", "--set", "minimum_purchases=3"),
        ("models",),
        ("models", "compare", "DETECTOR"),
        ("review", "queue", "--reviewer", "somebody"),
        ("review", "show", "CASE"),
        ("review", "overdue"),
        ("review", "ask", "CASE", "--preview"),
        ("report",),
        ("benchmark", "planted"),
    ],
    ids=" ".join,
)
def test_what_a_command_answers_is_no_prose(full: tuple[Home, str], answered, arguments):
    home = full[0]
    named = {
        "CASE": "select min(case_id) from ledger.alerts where lane = 'exploit'",
        "DETECTOR": "select min(detector) from marts.model_versions where stage = 'candidate'",
    }
    words = [str(rows(home, named[word])[0][0]) if word in named else word for word in arguments]
    answer = answered(*words)
    assert answer
    assert list(sentences(answer)) == []
