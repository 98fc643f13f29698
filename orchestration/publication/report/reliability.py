"""A reliability picture: what the risk promised against what came out, a panel for each month."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import altair as alt

from orchestration.engine.pictures import OTHERS, OURS, draw

_SIZE = 190
_COLUMNS = 3
#: Most purchases have a risk near 0: the axes are stretched there.
_TICKS = [0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1]


def draw_reliability(
    rows: Sequence[Mapping[str, Any]],
    file: Path,
    x_title: str = "mean risk",
    y_title: str = "share of misuse",
) -> None:
    """Draw rows of `risk_calibration` into an .svg or .png file, but for bins without decisions.

    A dot is a bin, as large as its number of decisions, with its interval; on the line the risk is
    right.
    """
    measured = [
        {
            "month": row["month"].strftime("%Y-%m"),
            "risk": row["mean_risk"],
            "share": row["misuse_share"],
            "low": max(row["misuse_share_from"], 0.0),
            "high": min(row["misuse_share_to"], 1.0),
            "decided": row["decided_count"],
        }
        for row in rows
        if row["misuse_share"] is not None
    ]
    scale = alt.Scale(type="sqrt", domain=[0, 1], nice=False)
    axis = alt.Axis(values=_TICKS, format=".0%", grid=True)
    x = alt.X("risk:Q", title=x_title, scale=scale, axis=axis)
    # all layers have one source, for facets need that; the line joins corners that every row has
    base = alt.Chart(alt.InlineData(values=measured))
    right = (
        base.transform_calculate(ends="[0, 1]")
        .transform_flatten(["ends"])
        .mark_line(color=OTHERS, strokeDash=[4, 3])
        .encode(
            x=alt.X("ends:Q", title=x_title, scale=scale, axis=axis),
            y=alt.Y("ends:Q", title=y_title, scale=scale, axis=axis),
        )
    )
    intervals = base.mark_rule(color=OURS, opacity=0.6, strokeWidth=1.5).encode(
        x=x, y=alt.Y("low:Q", title=y_title, scale=scale, axis=axis), y2=alt.Y2("high:Q")
    )
    dots = base.mark_circle(color=OURS, opacity=1).encode(
        x=x,
        y=alt.Y("share:Q", title=y_title, scale=scale, axis=axis),
        size=alt.Size(
            "decided:Q", legend=None, scale=alt.Scale(type="sqrt", range=[15, 160], domainMin=0)
        ),
    )
    panels = (
        alt.layer(right, intervals, dots)
        .properties(width=_SIZE, height=_SIZE)
        .facet(facet=alt.Facet("month:N", title=None), columns=_COLUMNS, spacing=20)
    )
    draw(panels, [file], label_size=10, padding=10)
