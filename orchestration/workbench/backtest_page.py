"""A backtest as a page for a terminal and as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.engine.errors import CardwatchError
from orchestration.workbench.backtest import Backtest, Rows

_REVIEWED = {True: "misuse", False: "innocent", None: "not reviewed"}
_FILTERS = {
    "rule": "rule {filter}",
    "external": "external filter {filter}",
    "alerts": "alerts of Cardwatch",
    "none": "no other filter",
}


def describe(backtest: Backtest) -> str:
    """The backtest as a page for a terminal."""
    lines = [f"{backtest.rule_id}: {_change(backtest)}", "", *_total_lines(backtest.totals)]
    for title, rows, name in (
        ("by month", backtest.by_month, "month"),
        ("by department", backtest.by_department, "department_id"),
        ("shared with", [_named(row) for row in backtest.overlap], "name"),
    ):
        if rows:
            lines += ["", f"{title:<44}{'now':>9}{'changed':>9}{'gained':>9}{'lost':>9}"]
            lines += [
                f"{str(row[name])[:44]:<44}{row['now']:>9,}{row['with_the_change']:>9,}"
                f"{row['gained']:>9,}{row['lost']:>9,}"
                for row in rows
            ]
    for change in ("gained", "lost", "kept"):
        if examples := [row for row in backtest.examples if row["change"] == change]:
            lines += ["", f"examples, {change}"]
            lines += [
                f"  {row['occurred_at']:%Y-%m-%d %H:%M}  {row['subject_id']}  "
                f"{_number(row['amount'])} {row['currency'] or ''}  "
                f"{_number(row['observed_value'])} against {_number(row['threshold_value'])}  "
                f"{_REVIEWED[row['misuse']]}  {row['evidence']}"
                for row in examples
            ]
    return "\n".join(lines)


def _total_lines(totals: Rows) -> list[str]:
    lines = [
        f"{'':<18}{'hits':>10}{'amount':>22}{'reviewed':>10}{'misuse':>8}  "
        f"{'precision (95 %)':<22}{'review hours':>12}"
    ]
    for row in totals:
        currency = "several currencies" if row["currency"] == "several" else row["currency"] or ""
        precision = "unknown"
        if row["precision"] is not None:
            precision = (
                f"{row['precision']:.0%} ({row['precision_from']:.0%} to {row['precision_to']:.0%})"
            )
        lines.append(
            f"{row['side'].replace('_', ' '):<18}{row['hits']:>10,}"
            f"{_number(row['amount']) + ' ' + currency:>22}"
            f"{row['reviewed']:>10,}{row['misuse']:>8,}  {precision:<22}"
            f"{row['review_hours']:>12,.1f}"
        )
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def draw(backtest: Backtest, file: Path) -> None:
    """Draw hits by month, now and with the change; the file's ending says PNG or SVG."""
    if file.suffix not in (".png", ".svg"):
        raise CardwatchError(f"{file} is neither a .png nor a .svg file; choose one of these")
    # a second to import, which a page without a picture need not wait for
    import altair as alt

    rows = [
        {"month": row["month"][:7], "hits": row[key], "side": side}
        for row in backtest.by_month
        for key, side in (("now", "now"), ("with_the_change", "with the change"))
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-40)),
            xOffset=alt.XOffset("side:N", sort=["now", "with the change"]),
            y=alt.Y("hits:Q", title="hits"),
            color=alt.Color(
                "side:N",
                title=None,
                sort=["now", "with the change"],
                scale=alt.Scale(range=["#8d99ae", "#c8553d"]),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(
            title=alt.Title(
                f"{backtest.rule_id}: hits by month", subtitle=_change(backtest), anchor="start"
            ),
            width=max(320, 34 * len(backtest.by_month)),
            height=240,
            padding=20,
            background="white",
        )
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    chart.save(str(file), scale_factor=2)


def _change(backtest: Backtest) -> str:
    """What is compared, in words."""
    if backtest.is_new:
        return "the rule is new"
    parts = ["its SQL"] if backtest.is_sql_changed else []
    parts += [
        f"{parameter} {changed:g}, new" if now is None else f"{parameter} {now:g} -> {changed:g}"
        for parameter, (now, changed) in backtest.thresholds.items()
        if now != changed
    ]
    return ", ".join(parts) or "nothing is changed"


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the overlap with its filter in words."""
    return {**row, "name": _FILTERS[row["filter_kind"]].format(filter=row["filter"])}
