"""How a terminal shows what `cardwatch init` changed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.settings.company import Change

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def change_text(change: "Change") -> str:
    """The company as it is now, the amounts in three columns, and what is not known."""
    after = change.after
    weekend = " and ".join(_DAYS[day - 1] for day in after.weekend_days)
    lines = [
        f"seeds/company.csv: {after.currency}, {after.country}, week-end {weekend}",
        f"seeds/rule_thresholds.csv: {len(change.amounts)} amounts are the shipped ones times"
        f" {after.threshold_factor:g}, to a thousandth; before and now:",
    ]
    cells = [
        f"{each.rule_id} {each.parameter} {each.value:,.10g} > {float(value):,.10g}"
        for each, value, _ in change.amounts
        if each.value
    ]
    width = max(map(len, cells), default=0) + 2
    lines += [
        "  " + "".join(cell.ljust(width) for cell in cells[row : row + 2]).rstrip()
        for row in range(0, len(cells), 2)
    ]
    if change.new_holidays:
        lines.append(
            f"seeds/holidays.csv: {change.new_holidays} holidays of {after.country} are new"
        )
    if not change.knows_holidays:
        lines.append(
            f"there is no calendar of {after.country}: whether a day was a holiday is not known;"
            " add its holidays to seeds/holidays.csv"
        )
    lines.append("the review costs of seeds/currencies.csv are the shipped ones; check them")
    return "\n".join(lines)
