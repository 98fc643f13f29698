"""The feature catalogue and the described feature vector name the same features.

The contracts of feat_transaction and feat_claim hold yml and SQL together, this file the yml of the
former and the seed.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VECTOR = ROOT / "models/features/transaction/feat_transaction.yml"
CLAIMS = ROOT / "models/features/claim/feat_claim.yml"


def catalogue() -> list[dict[str, str]]:
    with (ROOT / "seeds/feature_catalog.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def vector(file: Path = VECTOR) -> dict[str, object]:
    models = yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    return next(model for model in models if model["name"] == file.stem)


def features_of_the_vector() -> list[str]:
    return [
        column["name"]
        for column in vector()["columns"]
        if column["data_type"] == "double"
        and not column.get("config", {}).get("meta", {}).get("context")
    ]


def test_every_feature_of_the_vector_is_in_the_catalogue_and_nothing_else() -> None:
    assert {row["feature"] for row in catalogue()} == set(features_of_the_vector())


def test_catalogue_is_in_the_order_of_the_vector() -> None:
    assert [row["feature"] for row in catalogue()] == features_of_the_vector()


@pytest.mark.parametrize("file", [VECTOR, CLAIMS], ids=lambda file: file.stem)
def test_contract_holds_the_described_columns_and_the_sql_together(file: Path) -> None:
    assert vector(file)["config"]["contract"]["enforced"] is True


def test_unsupervised_detectors_read_no_flags() -> None:
    refused = [
        row["feature"]
        for row in catalogue()
        for flag in ("in_anomaly", "in_peer", "in_collective")
        if row[flag] == "true" and row["unit"] == "yes_no"
    ]
    assert not refused


def test_every_label_is_one_trimmed_line_of_its_language() -> None:
    for row in catalogue():
        assert row["label_en"].isascii(), row["feature"]
        assert not row["label_ko"].isascii(), row["feature"]
        for label in (row["label_en"], row["label_ko"]):
            assert label == " ".join(label.split()), row["feature"]
