"""What adopt understood, on one screen."""

from collections.abc import Iterator

from orchestration.adoption.adopt import Adopted
from orchestration.adoption.mapping import CARD_TRANSACTIONS
from orchestration.adoption.source_files import card_of
from orchestration.landing.card_numbers import KEY_VARIABLE, masked
from orchestration.landing.feeds import LINE

_TITLES_SHOWN = 2
_REASONS_SHOWN = 3
_GROUPS_SHOWN = 8
_WIDTH = 100


def describe(adopted: Adopted) -> str:
    """Say how the files are read, with three rows, what is missing and what to do next."""
    return "\n".join(masked(line) for line in _lines(adopted))


def _lines(adopted: Adopted) -> Iterator[str]:
    proposal, trial = adopted.proposal, adopted.trial
    verb = "is" if adopted.landed else "would be"
    yield (
        f"{proposal.source} {verb} a source of {proposal.feed}: {trial.rows:,} rows read, "
        f"{trial.quarantined:,} for quarantine"
    )
    for reason, count in trial.reasons[:_REASONS_SHOWN]:
        yield f"  quarantine: {reason}{f' ({count:,} rows)' if count > 1 else ''}"
    yield ""
    yield from _understood(adopted)
    yield ""
    yield from _examples(adopted)
    yield ""
    yield from _missing(adopted)
    yield ""
    yield from _next(adopted)


def _understood(adopted: Adopted) -> Iterator[str]:
    proposal, layout = adopted.proposal, adopted.proposal.layout
    for column in proposal.columns:
        yield f"  {column.name:<26}{column.called[0]!r}"
    for name, value in proposal.constants.items():
        yield f"  {name:<26}{value} in every row"
    if proposal.feed == CARD_TRANSACTIONS:
        if "merchant_id" not in proposal.names:
            yield f"  {'merchant_id':<26}made of the merchant's name"
        card = card_of(proposal)
        if card != "card_id":
            each = f"each {card.removesuffix('_id')} counts as one card"
            yield f"  {'card_id':<26}none: {each if card else 'all rows count as one card'}"
    if any(column.is_hashed for column in proposal.columns):
        yield f"  the card numbers in the file become tokens, by the secret in {KEY_VARIABLE}"
    if proposal.unread:
        yield f"  {'not read':<26}{_shortened(', '.join(map(repr, proposal.unread)))}"
    if "original_currency" in proposal.names and proposal.constants:
        yield (
            f"  check: every amount is read in {proposal.constants['currency']}, "
            "also where original_currency is another one"
        )
    key = ", ".join(proposal.key.columns)
    if proposal.key.columns == (LINE,):
        yield "  a row is named by its line in its file: land a corrected file under the same name"
    elif proposal.key.holds == "file":
        yield f"  a row is named by {key}, which start anew in every file"
    else:
        yield f"  a row is named by {key}"
    clock = "with a time of day" if proposal.has_time else "days without a time"
    parts = [f"dates {proposal.order}, {clock}"]
    parts += [f"decimals {layout.decimal!r}"] if layout.decimal else []
    parts += [f"thousands {layout.thousands!r}"] if layout.thousands else []
    parts += [layout.sign.replace("_", " are ")] if layout.sign else []
    yield f"  {'; '.join(parts)}"
    where = {
        "encoding": layout.encoding,
        "divided by": layout.delimiter and repr(layout.delimiter),
        "sheet": layout.sheet,
        "header on line": layout.header_line,
        "header over lines": layout.header_lines if layout.header_lines > 1 else None,
        "totals left out": ", ".join(layout.totals),
    }
    if parts := [f"{name} {value}" for name, value in where.items() if value]:
        yield f"  {'; '.join(parts)}"


def _examples(adopted: Adopted) -> Iterator[str]:
    proposal = adopted.proposal
    yield "the first rows as they will be read:"
    for row in adopted.trial.examples:
        if proposal.feed == CARD_TRANSACTIONS:
            moment = row["authorized_at"]
            time = f"{moment:%Y-%m-%d %H:%M}" if proposal.has_time else f"{moment:%d %B %Y}"
            merchant = row.get("merchant_name") or row["merchant_id"]
            amount = row["amount"]
            kind = "refund" if amount < 0 else "purchase"
            yield (
                f"  {time:<18} {row['card_id']!s:.32} · {merchant!s:.32} · "
                f"{abs(amount):,.2f} {row['currency']} {kind}"
            )
        else:
            values = [str(value) for name, value in row.items() if not name.startswith("load_")]
            yield f"  {_shortened(' · '.join(values))}"


def _missing(adopted: Adopted) -> Iterator[str]:
    on = adopted.rules - adopted.off
    yield f"{on} of {adopted.rules} rules can be evaluated; the others lack:"
    for each in adopted.missing[:_GROUPS_SHOWN]:
        titles = "; ".join(each.rules[:_TITLES_SHOWN])
        more = len(each.rules) - _TITLES_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        yield f"  {each.missing} ({len(each.rules)}): {_shortened(titles + rest)}"
    if others := adopted.missing[_GROUPS_SHOWN:]:
        count = sum(len(each.rules) for each in others)
        yield f"  several of these, or others ({count}): all are in the answer with --json"


def _next(adopted: Adopted) -> Iterator[str]:
    files = list(adopted.files)
    if not adopted.landed:
        yield "nothing was written; without --dry-run this writes:"
        yield from (f"  {file}" for file in files)
        return
    yield f"written: {', '.join(map(str, files[:3]))} and a line in {files[3].name}"
    for file in adopted.landed:
        state = "was landed before as" if file.already_landed else "landed as"
        yield f"{file.file}: {state} {file.landed_as}"
    source, feed = adopted.proposal.source, adopted.proposal.feed
    yield (
        "next: look the files over, then `cardwatch run`; land later files with "
        f"`cardwatch land FILE --source {source} --feed {feed}`"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
