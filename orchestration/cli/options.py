"""What options of several commands share."""

from datetime import date, datetime
from typing import Any

import typer


def day_option(text: str) -> Any:
    """Return an option for a day, written like 2025-12-31."""
    return typer.Option(formats=["%Y-%m-%d"], help=text)


def day_of(moment: datetime | None) -> date | None:
    """Return the day that such an option gave; None where it was not given."""
    return moment.date() if moment else None
