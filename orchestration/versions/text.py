"""Versions, a comparison and a promotion as lines for a terminal."""

from collections.abc import Sequence
from typing import Any

from orchestration.versions.registry import Change

#: Figures of a version that people compare, in this order.
FIGURES = (
    "average_precision",
    "precision_at_budget",
    "recall_at_budget",
    "value_share_at_budget",
    "card_precision_100",
    "expected_to_observed",
    "calibration_error",
    "far_tail_share",
)


def describe_versions(rows: Sequence[dict[str, Any]]) -> str:
    """The registry as lines for a terminal."""
    lines = []
    for row in rows:
        figures = row["metrics"] or {}
        precision = figures.get("average_precision")
        judged = (
            f"average precision {precision:.3f}, "
            f"{figures['value_share_at_budget']:.0%} of the value at budget "
            f"({row['holdout_from']} to {row['holdout_until']})"
            if precision is not None
            else "not judged on labelled days"
        )
        if row["stage"] == "skipped":
            judged = str(row["note"])
        lines.append(f"{row['stage']:<10}{row['version']:<52}{judged}")
        if row["champion_from"]:
            until = f" to {row['champion_until']}" if row["champion_until"] else ""
            lines.append(
                f"{'':<10}scores from {row['champion_from']}{until}, promoted by "
                f"{row['promoted_by']}: {row['promoted_because']}"
            )
        elif row["stage"] == "candidate":
            lines.append(
                f"{'':<10}{row['verdict']} than {row['compared_with']}: {row['verdict_reason']}"
                if row["verdict"] in ("better", "not better", "worse")
                else f"{'':<10}{row['verdict']}: {row['verdict_reason']}"
            )
    return "\n".join(lines)


def describe_comparison(found: dict[str, Any]) -> str:
    """Champion and candidate side by side, and what the comparison came to."""
    champion, candidate = found["champion"], found["candidate"]
    lines = [
        f"champion   {champion['version']}, judged {champion['holdout_from']} to "
        f"{champion['holdout_until']}",
        f"candidate  {candidate['version']}, judged {candidate['holdout_from']} to "
        f"{candidate['holdout_until']}",
        "",
        f"{'on its own holdout':<26}{'champion':>12}{'candidate':>12}",
    ]
    for name in FIGURES:
        values = [(row["metrics"] or {}).get(name) for row in (champion, candidate)]
        if any(value is not None for value in values):
            shown = ["" if value is None else f"{value:.3f}" for value in values]
            lines.append(f"{name.replace('_', ' '):<26}{shown[0]:>12}{shown[1]:>12}")
    lines.append("")
    if candidate["compared_with"] != champion["version"]:
        lines.append(
            f"the candidate was compared with {candidate['compared_with']}, which is no longer "
            f"champion; `cardwatch models retrain {found['detector']}` compares anew"
        )
    precision = (candidate["comparison"] or {}).get("average_precision")
    if precision:
        lines.append(
            f"on the same days: average precision {precision['difference']:+.3f} "
            f"[{precision['low']:+.3f}, {precision['high']:+.3f}]"
        )
    lines.append(f"verdict: {candidate['verdict']} ({candidate['verdict_reason']})")
    lines.append(
        f"`cardwatch models promote {candidate['version']} --because REASON` makes it champion"
    )
    return "\n".join(lines)


def describe_change(change: Change) -> str:
    """What a promotion did, in one or two lines."""
    lines = [
        f"{change.version} is champion of {change.detector} instead of "
        f"{change.instead_of or 'none'} and "
        f"scores from {change.champion_from} on"
    ]
    if change.verdict in ("worse", "unknown"):
        lines.append(
            f"note: its comparison with {change.compared_with} came to {change.verdict!r}: "
            f"{change.verdict_reason}"
        )
    return "\n".join(lines)
