"""How a terminal shows what a run ended with."""

from collections.abc import Sequence

from orchestration.engine.home import Home
from orchestration.summary import DetectorState, ExceptionToCheck, NamedRule, RunSummary


def describe(summary: RunSummary, home: Home) -> str:
    """Return the lines that end a run: counts, the ten highest alerts, and where to look next."""
    lanes = ", ".join(f"{count:,} {lane}" for lane, count in summary.lanes.items())
    lines = []
    if summary.unchanged_since:
        lines.append(
            "nothing to do: files, decisions, project and settings are as the run left them that"
            f" ended at {summary.unchanged_since:%Y-%m-%d %H:%M} UTC; `cardwatch run --since DAY`"
            " builds days anew"
        )
    lines += [
        f"{summary.transactions:,} transactions, {summary.first_day} to {summary.last_day}"
        f" ({summary.quarantined_rows:,} rows in quarantine)",
        *map(str, (summary.landed, summary.coverage)),
        *(f"  in quarantine, {reason}" for reason in summary.quarantined_for),
        f"{summary.rule_hits:,} rule hits",
        f"{summary.alerts:,} cases issued ({lanes}), {summary.issued_alerts:,} by this run",
    ]
    if waiting := summary.waiting_mandatory_hits:
        lines.append(f"{waiting:,} mandatory hits wait for a seat, oldest first")
    if summary.waiting_since:
        lines.append(
            f"what landed late changed days from {summary.waiting_since} on, further back than"
            " late_lookback_days: their features and scores are as they were;"
            f" `cardwatch run --since {summary.waiting_since}` computes them anew"
        )
    if summary.not_evaluated:
        lines.append(
            f"not evaluated, a feed or column is absent: {_together(summary.not_evaluated)}"
        )
    lines += _currency_lines(summary)
    if summary.without_a_day:
        lines.append(
            f"new, no day was built since: {_together(summary.without_a_day)}; "
            f"`cardwatch run --since {summary.first_day}` records their hits on earlier days"
        )
    lines += map(_exception_line, summary.exceptions)
    lines += map(_detector_line, summary.detectors)
    if not summary.has_tree:
        lines.append(
            "no tree yet: risk comes from rules and from the detectors that need no labels;"
            " it joins them by itself once enough cases are decided"
        )
    if summary.top_alerts:
        lines += ["", "The ten cases whose review is worth most:"]
    for place, alert in enumerate(summary.top_alerts, start=1):
        lines.append(f"{place:3}. risk {alert.risk:.2f}  {alert.sentence_en}")
        lines.append(f"                {alert.sentence_ko}")
    lines += [
        "",
        "Look next:"
        if summary.unchanged_since
        else f"Finished in {summary.seconds:.0f} seconds. Look next:",
        f"  alerts, cases, rule hits (any DuckDB tool)  {home.published / 'cardwatch.duckdb'}",
        f"  every transaction's scores (Parquet)        {home.published}",
        f"  what each rule finds and why (a browser)    {home.published / 'rules/index.en.html'}",
        "  the run as assets with checks               cardwatch ui",
    ]
    return "\n".join(lines)


def _currency_lines(summary: RunSummary) -> list[str]:
    """What could not be compared or converted, each with the way out."""
    lines = []
    if summary.in_another_currency:
        lines.append(
            "not evaluated, seeds/rule_thresholds.csv states their amounts in another currency than"
            " the company's, until `cardwatch init` scales them: "
            + _together(summary.in_another_currency)
        )
    if summary.illustrative_rates:
        lines.append(
            f"{summary.illustrative_rates:,} transactions in other currencies are converted by the"
            " illustrative rates of seeds/exchange_rates.csv; land the feed exchange_rates"
        )
    if summary.without_rate:
        lines.append(
            f"{summary.without_rate:,} transactions have no amount, because no exchange rate is"
            " known: rules about amounts are not evaluated for them; land the feed exchange_rates"
        )
    return lines


def _together(rules: Sequence[NamedRule]) -> str:
    return "; ".join(map(str, rules))


def _exception_line(exception: ExceptionToCheck) -> str:
    expires_on = exception.expires_on
    stands = {
        "expired": f"expired on {expires_on}, "
        f"{exception.hit_count_since_expiry} hits were alerted since",
        "names nobody": f"applies to nothing: there is no such {exception.scope}, "
        "correct it in seeds/rule_exceptions.csv",
        "expires within 30 days": f"expires on {expires_on}",
    }[exception.state]
    return (
        f"exception {exception.exception_id} of {exception.rule_id} "
        f"({exception.scope} {exception.scope_value}, {exception.owner}) {stands}"
    )


def _detector_line(detector: DetectorState) -> str:
    line = f"detector {detector.detector}: "
    if detector.champion:
        line += f"champion since {detector.champion_from}"
    else:
        line += detector.note or "no version"
    if detector.candidate:
        line += (
            f", candidate of {detector.candidate_fitted_on} is {detector.verdict}: "
            f"{detector.verdict_reason}"
        )
    return line
