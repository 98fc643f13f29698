"""The report: one self-contained HTML page from the published copy, section by section.

A section is a function from the published copy to the values that its template
`<section>.html.jinja` shows, and a line in `SECTIONS`; its words are in `texts.yml`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.published import open_published
from orchestration.engine.rows import named_rows
from orchestration.publication.pages import LANGUAGES, read_texts, template_environment
from orchestration.publication.report.risk import risk_section

#: Section -> what it shows, in the order of the page.
SECTIONS: Mapping[str, Callable[[duckdb.DuckDBPyConnection, Mapping[str, str]], dict[str, Any]]] = {
    "risk": risk_section,
}

_TEMPLATES = Path(__file__).parent


@dataclass(frozen=True)
class Report:
    """What was written: the file, its language and sections, and the last day that it covers."""

    file: Path
    language: str
    sections: tuple[str, ...]
    issued_until: str


def write_report(home: Home, file: Path | None = None, language: str = "en") -> Report:
    """Write the report to `file`, or beside the published copy.

    Raises CardwatchError where nothing is published, or for a language that it is not written in.
    """
    if language not in LANGUAGES:
        raise CardwatchError(f"the report is written in {' and '.join(LANGUAGES)}, not {language}")
    file = file or home.published / f"report.{language}.html"
    text = read_texts(_TEMPLATES, language)
    with open_published(home) as published:
        _attach_scores(published, home)
        last = named_rows(published, "select max(transaction_date) as day from transaction_scores")
        values = {name: section(published, text) for name, section in SECTIONS.items()}
    issued_until = str(last[0]["day"])
    page = (
        template_environment(_TEMPLATES)
        .get_template("report.html.jinja")
        .render(language=language, text=text, issued_until=issued_until, sections=values)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, encoding="utf-8")
    return Report(file, language, tuple(SECTIONS), issued_until)


def _attach_scores(published: duckdb.DuckDBPyConnection, home: Home) -> None:
    """The months of scores, which are published as files, as one view."""
    files = str(home.published / "transaction_scores" / "*" / "*.parquet").replace("'", "''")
    try:
        published.execute(
            "create temporary view transaction_scores as"
            f" select * from read_parquet('{files}', hive_partitioning = false)"
        )
    except duckdb.IOException as error:
        raise CardwatchError(
            f"no scores are published in {home.published}; run `cardwatch run` first"
        ) from error
