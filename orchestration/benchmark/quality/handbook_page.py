"""The handbook's benchmark as a page for a terminal, beside the published figures."""

from datetime import timedelta
from typing import TypeAlias

from orchestration.benchmark.quality.handbook import HandbookResult, published
from orchestration.benchmark.quality.handbook_weeks import WEEK, Measures

_MEASURES = ("auc_roc", "average_precision", "card_precision_100")
_DAY = timedelta(days=1)


def describe(result: HandbookResult) -> str:
    """The result as a page for a terminal, beside the published figures."""
    single = result.single_split
    train, test = single.train_start, single.train_start + 2 * WEEK
    across = result.across_folds()
    starts = ", ".join(str(fold.train_start) for fold in result.folds)
    each = [
        _line(f"fold of {fold.train_start}", [(value, None) for value in _values(fold.measures)])
        for fold in result.folds
    ]
    seconds = ", ".join(f"{step} {took:.1f}" for step, took in result.seconds.items())
    lines = [
        f"{result.rows:,} transactions",
        f"single split: train {train} to {train + WEEK - _DAY} "
        f"({single.train_rows:,} rows, {single.train_frauds} frauds), "
        f"test {test} to {test + WEEK - _DAY} "
        f"({single.test_rows:,} rows, {single.test_frauds} frauds)",
        "",
        *_table(
            "single split",
            "single",
            [(value, None) for value in _values(single.measures)],
            (single.ceiling_card_precision_100, None),
        ),
        "",
        *_table(
            "four folds",
            "four folds",
            [across[name] for name in _MEASURES],
            across["ceiling"],
        ),
        *each,
        f"train starts {starts}; mean ± standard deviation",
        "",
        f"scores: {result.scores}",
        f"seconds: {seconds}",
    ]
    return "\n".join(lines)


_Figure: TypeAlias = tuple[float | None, float | None]


def _table(title: str, split: str, ours: list[_Figure], ceiling: _Figure) -> list[str]:
    """Our figures above the published ones and the best that perfect scores would reach."""
    theirs = [
        _line(row["model"], [(row[name], row[f"{name}_sd"]) for name in _MEASURES])
        for row in published()
        if row["split"] == split
    ]
    header = f"{title:<28}{'AUC ROC':>15}{'avg. precision':>17}{'CP@100':>15}"
    perfect = _line("perfect scores", [(1.0, None), (1.0, None), ceiling])
    return [header, _line("Cardwatch", ours), *theirs, perfect]


def _line(name: str, figures: list[_Figure]) -> str:
    first, second, third = (_written(figure) for figure in figures)
    return f"{name:<28}{first:>15}{second:>17}{third:>15}"


def _written(figure: _Figure) -> str:
    value, deviation = figure
    if value is None:
        return ""
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"


def _values(measures: Measures) -> list[float]:
    return [getattr(measures, name) for name in _MEASURES]
