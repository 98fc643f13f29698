"""What is published: every mart is described in two languages, and lineage ends at its readers."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.engine.home import project_root

ROOT = project_root()
MARTS = ROOT / "models" / "marts"
NAMES = {file.stem.removeprefix("mart_") for file in MARTS.glob("*.sql")}
# what a reader outside dbt finds under a name: a mart, a model or a seed
NODES = NAMES | {
    file.stem for pattern in ("models/**/*.sql", "seeds/*.csv") for file in ROOT.glob(pattern)
}
HANGUL = re.compile(r"[\uac00-\ud7a3]")


def entries() -> list[dict[str, Any]]:
    """The marts as their yml files describe them."""
    return [
        model
        for file in sorted(MARTS.glob("mart_*.yml"))
        for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    ]


def exposures() -> dict[str, set[str]]:
    """Exposure -> what it reads, each under the name that its reader uses."""
    declared = yaml.safe_load((MARTS / "_exposures.yml").read_text(encoding="utf-8"))["exposures"]
    return {
        exposure["name"]: {
            re.fullmatch(r"ref\('(?:mart_)?(\w+)'\)", node)[1]  # type: ignore[index]
            for node in exposure["depends_on"]
        }
        for exposure in declared
    }


def tables_in(text: str) -> set[str]:
    """The nodes that an SQL text, or a program with SQL in it, selects from; not what it makes."""
    table = r"(?:\b(?:from|join)\s+(?:(?!temp\.)\w+\.)?|\bcardwatch\.)(\w+)"
    return NODES & set(re.findall(table, text))


def sources_of(folder: Path) -> str:
    files = [file for suffix in ("py", "sql") for file in sorted(folder.glob(f"*.{suffix}"))]
    assert files
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_mart_has_a_file_of_words_and_the_prefix_that_is_left_off():
    assert {entry["name"] for entry in entries()} == {f"mart_{name}" for name in NAMES}
    assert {file.stem for file in MARTS.glob("*.sql")} == {f"mart_{name}" for name in NAMES}


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: str(entry["name"]))
def test_every_mart_and_column_is_described_in_english_and_korean(entry: dict[str, Any]):
    assert "Grain - " in entry["description"]
    assert HANGUL.search(entry["config"]["meta"]["label_ko"])
    labels = {}
    for column in entry["columns"]:
        assert column["data_type"], column
        assert re.search(r"[a-z]", column["description"]), column
        assert not HANGUL.search(column["description"]), column
        labels[column["name"]] = column["config"]["meta"]["label_ko"]
        assert HANGUL.search(labels[column["name"]]), column
    # two columns under one label cannot be told apart
    assert len(set(labels.values())) == len(labels)


def test_what_is_published_is_what_the_exposure_of_bi_says():
    assert exposures()["published_copy"] == NAMES


@pytest.mark.parametrize(
    ("exposure", "folder"),
    [
        ("review_desk", "review"),
        ("report", "publication/report"),
        ("rule_pages", "publication/rule_pages"),
    ],
)
def test_an_exposure_names_what_its_program_reads(exposure: str, folder: str):
    assert exposures()[exposure] == tables_in(sources_of(ROOT / "orchestration" / folder))


def test_every_published_table_is_named_where_people_read_about_it():
    documents = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in documents)
    assert {name for name in NAMES if not re.search(rf"[`/]{name}[`/]", text)} == set()
