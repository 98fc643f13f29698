"""A folder of models reads only from the folders before it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from orchestration.engine.home import Home

#: The folders in the order in which a day flows through them, and what each one makes of it.
LAYERS = {
    "staging": "what landed, in one layout",
    "run": "which days this run builds, which of them are working days, what the budget is",
    "labels": "what was decided, by the moment of the decision",
    "intermediate": "purchases and claims as they were at the time",
    "features": "numbers that describe a purchase",
    "rules": "what a rule finds",
    "detectors": "what a detector finds",
    "scoring": "hits, scores and the one risk of a purchase",
    "alerts": "what is proposed for review under the budget",
    "cases": "what became of it: the ledger and the reviews",
    "evaluation": "how much the filters find, and miss",
    "monitoring": "what has changed, and what should be done about it",
    "marts": "what is published",
}

#: A model that reads a later folder: the model, that folder, and why it has to.
EXCEPTIONS = {
    ("tree_inputs", "scoring"): (
        "the tree learns from the rules that fired and from how odd the other detectors find a"
        " purchase, and both are brought onto one scale in scoring"
    ),
}

#: Rules are tried on all history in seconds because they read nothing that is not prepared.
READ_BY_RULES = {"intermediate", "features"}


class Reading(NamedTuple):
    """One model reads another."""

    model: str
    folder: str
    read: str
    read_folder: str


@pytest.fixture(scope="module")
def readings(built_home: Home) -> list[Reading]:
    manifest = json.loads((built_home.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    return list(read_by(manifest["nodes"]))


def read_by(nodes: dict[str, Any]) -> Iterator[Reading]:
    """Yield who reads whom; the folder stands behind the project's name in dbt's `fqn`."""
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    for node in models.values():
        for key in node["depends_on"]["nodes"]:
            if key in models:
                read = models[key]
                yield Reading(node["name"], node["fqn"][1], read["name"], read["fqn"][1])


def later(readings: Iterable[Reading]) -> set[tuple[str, str]]:
    """The models that read a folder behind their own, with that folder."""
    order = list(LAYERS)
    return {
        (reading.model, reading.read_folder)
        for reading in readings
        if order.index(reading.read_folder) > order.index(reading.folder)
    }


def test_every_folder_of_models_has_its_place(readings: list[Reading]):
    folders = {reading.folder for reading in readings}
    assert folders | {reading.read_folder for reading in readings} == set(LAYERS)


def test_no_folder_reads_a_later_one_but_for_a_reason(readings: list[Reading]):
    assert later(readings) == set(EXCEPTIONS)


def test_rules_read_features_and_facts_only(readings: list[Reading]):
    assert {item.read_folder for item in readings if item.folder == "rules"} <= READ_BY_RULES


def test_a_model_that_reads_a_later_folder_is_found():
    upwards = Reading("stg_cards", "staging", "cases", "cases")
    downwards = Reading("cases", "cases", "stg_cards", "staging")
    assert later([upwards, downwards]) == {("stg_cards", "cases")}
