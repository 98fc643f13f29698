"""The section on the risk: is it a probability, which version gives it, one computed by hand."""

import base64
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.engine.rows import named_rows
from orchestration.publication.report.reliability import draw_reliability

#: As many months are drawn, the latest.
_MONTHS = 6


def risk_section(published: duckdb.DuckDBPyConnection, text: Mapping[str, str]) -> dict[str, Any]:
    """Calibration by month with its picture, the versions, and an example with its terms."""
    bins = named_rows(
        published,
        """
        select * from risk_calibration
        where month in (
            select month from risk_calibration_error
            where calibration_error is not null
            order by month desc limit $1
        )
        order by month, risk_from
        """,
        [_MONTHS],
    )
    return {
        "errors": named_rows(published, "from risk_calibration_error order by month"),
        "picture": _embedded(bins, text) if bins else None,
        "versions": named_rows(
            published, "select * exclude (issue_id) from risk_versions order by fitted_on, method"
        ),
        "example": _example(published),
    }


def _embedded(bins: list[dict[str, Any]], text: Mapping[str, str]) -> str:
    """The picture as the address of an image that is in the page itself."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reliability.svg"
        draw_reliability(bins, file, text["mean_risk"], text["misuse_share"])
        return "data:image/svg+xml;base64," + base64.b64encode(file.read_bytes()).decode()


def _example(published: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The highest risk of the last month, from a stack if one is in use, and how it comes about."""
    rows = named_rows(
        published,
        """
        select scores.*, versions.* exclude (issue_id, version)
        from transaction_scores as scores
        inner join risk_versions as versions on scores.risk_version = versions.version
        where
            scores.transaction_date
            >= (select date_trunc('month', max(transaction_date)) from transaction_scores)
        order by versions.method = 'stack' desc, scores.risk desc, scores.transaction_id
        limit 1
        """,
    )
    return recompute(rows[0]) if rows else None


def recompute(row: Mapping[str, Any]) -> dict[str, Any]:
    """A published score, joined with its version, with every term of its risk computed anew."""
    tail_from, tail_full = row["anomaly_tail_from"], row["anomaly_tail_full"]
    score = row["anomaly_score"]
    anomaly = (
        0.0 if score is None else min(max((score - tail_from) / (tail_full - tail_from), 0), 1)
    )
    tree = row["tree_probability"]
    if row["method"] != "stack":
        kept = [
            1 - row["rule_coefficient"] * row["rule_risk"],
            1 - row["tree_coefficient"] * (tree or 0.0),
            1 - row["anomaly_coefficient"] * anomaly,
        ]
        return {**row, "anomaly": anomaly, "kept": kept, "recomputed": 1 - math.prod(kept)}
    evidence = {"rule": -math.log(1 - row["rule_risk"]), "tree": None, "anomaly": anomaly}
    terms = {
        "intercept": row["intercept"],
        "rule": row["rule_coefficient"] * evidence["rule"],
        "tree": row["no_tree_coefficient"],
        "anomaly": row["anomaly_coefficient"] * anomaly if score is not None else 0.0,
    }
    if tree is not None:
        tree = min(max(tree, 1e-6), 1 - 1e-6)
        evidence["tree"] = math.log(tree / (1 - tree))
        terms["tree"] = row["tree_coefficient"] * evidence["tree"]
    log_odds = sum(terms.values())
    return {
        **row,
        "evidence": evidence,
        "terms": terms,
        "log_odds": log_odds,
        "recomputed": 1 / (1 + math.exp(-log_odds)),
    }
