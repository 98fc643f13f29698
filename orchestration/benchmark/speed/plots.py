"""One picture of the benchmark of features: seconds by tool, and a day's increment by history."""

from collections.abc import Mapping
from pathlib import Path

import altair as alt

from orchestration.benchmark.speed.growth import Growth
from orchestration.engine.pictures import INK, OTHERS, OURS, draw

_WIDTH = 420
_HEIGHT = 240
_MODELS = "every model, median of the days"
_WHOLE = "with dbt's start-up"
_FILES = ("features.png", "features.svg")


def plot(
    seconds: Mapping[str, float], ours: str, rows: int, growth: Growth | None, folder: Path
) -> tuple[Path, ...]:
    """Draw seconds by tool, `ours` in its own colour, and growth if there is any; PNG and SVG."""
    charts = [_bars(seconds, ours, rows)]
    if growth:
        charts.append(_curve(growth))
    files = tuple(folder / name for name in _FILES)
    draw(alt.hconcat(*charts, spacing=60), files)
    return files


def _bars(seconds: Mapping[str, float], ours: str, rows: int) -> alt.LayerChart | alt.FacetChart:
    """Bars of seconds on a log axis, slowest first, each with its figure."""
    slowest = max(seconds.values())
    data = alt.InlineData(
        values=[
            {
                "way": way,
                "seconds": took,
                "from": 0.1,
                "is_ours": way == ours,
                "figure": f"{took:.3g} s"
                + ("" if took == slowest else f", {slowest / took:.3g} times as fast"),
            }
            for way, took in seconds.items()
        ]
    )
    ways = alt.Y("way:N", title=None, sort=alt.SortField("seconds", order="descending"))
    axis = alt.X(
        "seconds:Q",
        title="seconds (log scale)",
        scale=alt.Scale(type="log", domain=[0.1, slowest * 6], nice=False),
        axis=alt.Axis(values=[0.1, 1, 10, 100, 1000], format="~g", grid=True),
    )
    base = alt.Chart(data)
    bars = base.mark_bar(height={"band": 0.6}, cornerRadiusEnd=2).encode(
        y=ways,
        x=axis,
        x2=alt.X2("from:Q"),
        color=alt.condition("datum.is_ours", alt.value(OURS), alt.value(OTHERS)),
    )
    figures = base.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(
        y=ways, x=axis, text="figure:N"
    )
    return alt.layer(bars, figures).properties(
        width=_WIDTH,
        height=_HEIGHT,
        title=alt.TitleParams(
            "Twelve window features",
            subtitle=f"of {rows:,} transactions, two threads, median of the repeats",
        ),
    )


def _curve(growth: Growth) -> alt.LayerChart | alt.FacetChart:
    """A day's increment against the months of history before it."""
    medians = [
        {"months": point.months, "seconds": point.model_seconds, "what": _MODELS}
        for point in growth.points
    ]
    single = [
        {"months": point.months, "seconds": run.models_together}
        for point in growth.points
        for run in point.increments
    ]
    whole = [
        {
            "months": point.months,
            "seconds": point.model_seconds + point.start_up,
            "what": _WHOLE,
        }
        for point in growth.points
    ]
    lengths = [point.months for point in growth.points]
    x = alt.X(
        "months:Q",
        title="months of history",
        axis=alt.Axis(values=lengths, format="d", grid=False),
        scale=alt.Scale(domain=[0, max(lengths) * 1.05], nice=False),
    )
    y = alt.Y("seconds:Q", title="seconds for one day", scale=alt.Scale(zero=True))
    colours = alt.Color(
        "what:N", scale=alt.Scale(domain=[_MODELS, _WHOLE], range=[OURS, OTHERS]), legend=None
    )
    lines = (
        alt.Chart(alt.InlineData(values=medians + whole))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=60, filled=True))
        .encode(x=x, y=y, color=colours)
    )
    days = (
        alt.Chart(alt.InlineData(values=single))
        .mark_tick(color=OURS, opacity=0.7, thickness=1.5, size=16, orient="horizontal")
        .encode(x=x, y=y)
    )
    names = (
        alt.Chart(alt.InlineData(values=[medians[-1], whole[-1]]))
        .mark_text(align="right", dy=-16, fontSize=12)
        .encode(x=x, y=y, text="what:N", color=colours)
    )
    figures = (
        alt.Chart(alt.InlineData(values=medians))
        .mark_text(dy=16, color=INK, fontSize=12)
        .encode(x=x, y=y, text=alt.Text("seconds:Q", format=".1f"))
    )
    return alt.layer(days, lines, names, figures).properties(
        width=_WIDTH,
        height=_HEIGHT,
        title=alt.TitleParams(
            "One more day",
            subtitle=f"of {growth.company.transactions_a_day:,} transactions, through dbt",
        ),
    )
