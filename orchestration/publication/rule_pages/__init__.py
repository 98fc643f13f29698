"""Pages about the rules: what each finds and why, its thresholds, what to ask, hits over time.

Plain HTML files in English and Korean, a part of the published copy; they need no server. What a
page shows is one row of `rules.sql`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration.engine.files import whole_folder
from orchestration.engine.rows import named_rows
from orchestration.publication.pages import LANGUAGES, read_texts, template_environment

_TEMPLATES = Path(__file__).parent


def write_rule_pages(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write an index and a page for every rule, in each language; return the number of rules.

    The folder is replaced as a whole; what is in it beside the pages is lost.
    """
    rules = named_rows(connection, (_TEMPLATES / "rules.sql").read_text(encoding="utf-8"))
    environment = template_environment(_TEMPLATES)
    planned = named_rows(
        connection, "select * from marts.planned_rules order by typology, title_en"
    )
    with whole_folder(folder) as fresh:
        for language in LANGUAGES:
            shared = {
                "language": language,
                "other": LANGUAGES[1 - LANGUAGES.index(language)],
                "text": read_texts(_TEMPLATES, language),
            }
            typologies = {
                typology: [rule for rule in rules if rule["typology"] == typology]
                for typology in sorted({rule["typology"] for rule in rules})
            }
            _write(
                environment,
                "index.html.jinja",
                fresh / f"index.{language}.html",
                {**shared, "typologies": typologies, "planned": planned},
            )
            for rule in rules:
                _write(
                    environment,
                    "rule.html.jinja",
                    fresh / f"{rule['rule_id']}.{language}.html",
                    {**shared, "rule": rule},
                )
    return len(rules)


def _write(
    environment: jinja2.Environment, template: str, file: Path, values: Mapping[str, Any]
) -> None:
    file.write_text(environment.get_template(template).render(values), encoding="utf-8")
