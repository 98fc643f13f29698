"""A detector is named where it is written, where people read its name, and where it counts."""

import csv

import yaml

import detectors
from orchestration.engine.home import project_root


def test_package_seed_and_project_name_the_same_detectors() -> None:
    project = yaml.safe_load((project_root() / "dbt_project.yml").read_text(encoding="utf-8"))
    with (project_root() / "seeds" / "detectors.csv").open(encoding="utf-8", newline="") as seed:
        rows = list(csv.DictReader(seed))
    assert {row["detector"] for row in rows} == set(detectors.ALGORITHMS)
    unlabelled = [row["detector"] for row in rows if row["is_supervised"] == "false"]
    assert unlabelled == project["vars"]["anomaly_detectors"]
    assert [row["detector"] for row in rows if row["is_supervised"] == "true"] == [detectors.TREE]


def test_every_module_of_the_line_up_is_the_detector_of_its_name() -> None:
    for name in detectors.ALGORITHMS:
        assert detectors._detector(name).name == name
