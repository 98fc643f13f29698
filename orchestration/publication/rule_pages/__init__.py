"""Pages about the rules: what each finds and why, its thresholds, what to ask, hits over time.

Plain HTML files in English and Korean, written from the catalogue and the ledger as part of the
published copy; they need no server.
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
#: Wide enough for two years of bars.
_MONTHS = 24


def write_rule_pages(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    """Write an index and a page for every rule, in each language; return the number of rules.

    The folder is replaced as a whole; what is in it beside the pages is lost.
    """
    rules = _rules(connection)
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


def _rules(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What is told about each rule, in the order of their identifiers."""
    rules = named_rows(connection, "select * from marts.rule_catalog order by rule_id")
    thresholds = _by_rule(
        named_rows(connection, "select * from seeds.rule_thresholds order by rule_id, parameter")
    )
    months = _by_rule(
        named_rows(
            connection,
            f"""
            with
            months as (
                select unnest(range(
                    greatest(
                        date_trunc('month', min(occurred_at)),
                        date_trunc('month', max(occurred_at)) - interval {_MONTHS - 1} month
                    ),
                    date_trunc('month', max(occurred_at)) + interval 1 day,
                    interval 1 month
                ))::date as month
                from marts.rule_hits
            ),
            hits as (
                select
                    rule_id,
                    date_trunc('month', occurred_at)::date as month,
                    -- a later version may have hit the same again
                    count(distinct subject_id) as hits
                from marts.rule_hits
                group by all
            )
            select catalog.rule_id, months.month, coalesce(hits.hits, 0) as hits
            from marts.rule_catalog as catalog
            cross join months
            left join hits on catalog.rule_id = hits.rule_id and months.month = hits.month
            order by catalog.rule_id, months.month
            """,
        )
    )
    reviewed = {
        row["rule_id"]: row
        for row in named_rows(
            connection,
            """
            with decided as (
                select transaction_id, misuse from labels.latest_decisions where is_latest
            )
            select
                hits.rule_id,
                count(distinct hits.subject_id) as hits,
                count(distinct hits.subject_id) filter (where decided.misuse is not null)
                    as reviewed,
                count(distinct hits.subject_id) filter (where decided.misuse) as misuse
            from marts.rule_hits as hits
            left join decided using (transaction_id)
            group by hits.rule_id
            """,
        )
    }
    examples = {
        row["rule_id"]: row
        for row in named_rows(
            connection,
            """
            select
                reasons.code as rule_id,
                max_by(reasons.text_en, alerts.alert_date) as example_en,
                max_by(reasons.text_ko, alerts.alert_date) as example_ko
            from marts.alert_reasons as reasons
            inner join marts.alerts as alerts using (alert_id)
            where reasons.kind = 'rule'
            group by reasons.code
            """,
        )
    }
    exceptions = _by_rule(
        named_rows(
            connection,
            "select * from marts.rule_exceptions order by rule_id, expires_on desc",
        )
    )
    detections = {
        row["rule_id"]: row for row in named_rows(connection, "from marts.rule_detection")
    }
    nothing = {"hits": 0, "reviewed": 0, "misuse": 0}
    for rule in rules:
        rule_id = rule["rule_id"]
        rule["threshold_rows"] = thresholds.get(rule_id, [])
        rule["months"] = months.get(rule_id, [])
        rule["most"] = max((month["hits"] for month in rule["months"]), default=0)
        rule["count"] = reviewed.get(rule_id, nothing)
        rule["example"] = examples.get(rule_id, {"example_en": None, "example_ko": None})
        rule["detection"] = detections[rule_id]
        rule["exceptions"] = exceptions.get(rule_id, [])
    return rules


def _write(
    environment: jinja2.Environment, template: str, file: Path, values: Mapping[str, Any]
) -> None:
    file.write_text(environment.get_template(template).render(values), encoding="utf-8")


def _by_rule(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row["rule_id"], []).append(row)
    return grouped
