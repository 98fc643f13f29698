"""The text of a source's files, as an analyst would write and correct them."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from orchestration.adoption.mapping import CARD_TRANSACTIONS
from orchestration.adoption.proposal import Proposal
from orchestration.landing.feeds import LINE, LOAD_COLUMNS, Column
from orchestration.landing.layout import Layout

_WIDTH = 118

_HELPED = {
    "authorized_time": "Time of day of the purchase, in a column of its own.",
    "holder_first_name": "First name of the cardholder.",
    "department_id": "Part of the organisation that the purchase is for.",
    "debit_or_credit": "Whether the amount is a debit or a credit.",
    "debit_amount": "Amount of a purchase.",
    "credit_amount": "Amount of a refund.",
}


@dataclass(frozen=True)
class Canonical:
    """What the company's own yml says of a feed, for its copies, by column."""

    descriptions: Mapping[str, str]
    metas: Mapping[str, Mapping[str, Any]]


def canonical_words(declared: Mapping[str, Any], feed: str) -> Canonical:
    """Take descriptions and meta from the company's source yml as it was read."""
    table = next(each for each in declared["sources"][0]["tables"] if each["name"] == feed)
    return Canonical(
        {column["name"]: " ".join(column["description"].split()) for column in table["columns"]},
        {column["name"]: column.get("config", {}).get("meta", {}) for column in table["columns"]},
    )


def sources_yml(proposal: Proposal, words: Canonical) -> str:
    """Write `_<source>__sources.yml`."""
    lines = [
        f"# What a file landed under landing/{proposal.source}/<feed>/ must look like.",
        "# meta.column: what the file's header calls the column; the name itself is found as well.",
        "# meta.required: a file without the column is refused, a row without a value quarantined.",
        "# meta.format: how the files are written, as orchestration/landing/layout.py says.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {proposal.source}",
        "    schema: raw",
        f"    description: {_quoted(f'Files adopted as {proposal.source}.')}",
        "    tables:",
        f"      - name: {proposal.feed}",
        f"        identifier: {proposal.source}__{proposal.feed}",
        f"        description: {_quoted('One row per row of the files.')}",
        "        config:",
        "          meta:",
        f"            event_column: {proposal.event_column}",
        f"            key: [{', '.join(proposal.key.columns)}]",
    ]
    if proposal.key.holds != "always":
        lines.append(f"            key_holds: {proposal.key.holds}")
    if settings := list(_settings(proposal.layout)):
        lines += ["            format:", *(f"              {setting}" for setting in settings)]
    lines.append("        columns:")
    for column in proposal.columns:
        lines += _column(column, words, proposal.names)
    for name, data_type in LOAD_COLUMNS.items():
        lines += _column(Column(name, data_type, required=False, card_number=False), words)
    return "\n".join([*lines, ""])


def models_yml(proposal: Proposal) -> str:
    """Write the model's entry in `_<source>__models.yml`, with the head of the file."""
    text = textwrap.fill(_described(proposal), _WIDTH - 6)
    return "\n".join(
        [
            "version: 2",
            "",
            "models:",
            f"  - name: {model_name(proposal)}",
            "    description: >-",
            *(f"      {line}" for line in text.splitlines()),
            "",
        ]
    )


def staging_sql(proposal: Proposal) -> str:
    """Write `stg_<source>__<feed>.sql`: the canonical columns from those of the file."""
    columns = ",\n".join(f"        {line}" for line in _select(proposal))
    return f"""-- Grain: one row per landed row of the files. {_grain_note(proposal)}
with

landed as (
    select * from {{{{ source('{proposal.source}', '{proposal.feed}') }}}}
),

final as (
    select
{columns}
    from landed
)

select * from final
"""


def model_name(proposal: Proposal) -> str:
    """The staging model of a source's feed."""
    return f"stg_{proposal.source}__{proposal.feed}"


def card_of(proposal: Proposal) -> str:
    """Which column stands for the card: its own, the holder's, a department's, or none."""
    for name in ("card_id", "employee_id", "department_id"):
        if name in proposal.names:
            return name
    return ""


def _settings(layout: Layout) -> Iterator[str]:
    plain = Layout()
    for each in fields(Layout):
        value = getattr(layout, each.name)
        if value != getattr(plain, each.name):
            yield f"{each.name}: {_quoted(value)}"


def _column(column: Column, words: Canonical, names: Sequence[str] = ()) -> Iterator[str]:
    yield f"          - name: {column.name}"
    yield f"            data_type: {column.data_type.lower().replace(',', ', ')}"
    description = words.descriptions.get(column.name) or _HELPED[column.name]
    yield from _folded("            description: ", description)
    meta: dict[str, Any] = {"column": column.called[0]} if column.called else {}
    if column.time:
        meta["time"] = column.time
    # a bound may be another column, which the file need not have
    others = set(words.descriptions) - set(names)
    meta |= {
        name: value
        for name, value in words.metas.get(column.name, {}).items()
        if value not in others
    }
    meta["required"] = column.required
    if column.is_hashed:
        meta["card_number"] = "hash"
    settings = [f"{name}: {_quoted(value)}" for name, value in meta.items() if value is not False]
    if not settings:
        return
    line = f"            config: {{meta: {{{', '.join(settings)}}}}}"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield "            config:"
        yield "              meta:"
        yield from (f"                {setting}" for setting in settings)


def _folded(head: str, text: str) -> Iterator[str]:
    """A text behind a key, over several lines where it is long."""
    if len(head) + len(_quoted(text)) <= _WIDTH:
        yield head + _quoted(text)
    else:
        yield f"{head}>-"
        indent = " " * (len(head) - len(head.lstrip()) + 2)
        yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent)


def _described(proposal: Proposal) -> str:
    parts = [f"The rows of the files landed for {proposal.source} as {proposal.feed}."]
    if proposal.feed == CARD_TRANSACTIONS:
        if not proposal.has_time:
            parts.append("The day is known, not the time.")
        parts.append(_card_note(proposal))
        if "merchant_id" not in proposal.names:
            parts.append("The merchant's identifier is made of its name.")
    return " ".join(parts)


def _grain_note(proposal: Proposal) -> str:
    if proposal.key.columns == (LINE,):
        return "No column names a row,\n-- so its file and line do."
    return "Made by cardwatch adopt, to be\n-- corrected by hand where it is wrong."


def _card_note(proposal: Proposal) -> str:
    card = card_of(proposal)
    return {
        "card_id": "The card is the one that the file names.",
        "employee_id": "There is no card column; each cardholder counts as one card.",
        "department_id": "There is no card column; each department counts as one card.",
        "": "There is neither card nor holder; all purchases count as one card's.",
    }[card]


def _select(proposal: Proposal) -> Iterator[str]:
    if proposal.feed != CARD_TRANSACTIONS:
        yield from (column.name for column in proposal.columns)
        if proposal.feed == "cards" and "status" not in proposal.names:
            yield "'active' as status"
    else:
        yield from _transaction(proposal)
    yield "_load_id as load_id"
    yield "_line as load_line"


def _transaction(proposal: Proposal) -> Iterator[str]:
    names = set(proposal.names)
    yield "_key as transaction_id"
    yield _card(proposal)
    yield from _holder(names)
    yield "authorized_at"
    yield "case when _has_time is false then 'day' else 'second' end as authorized_precision"
    yield _merchant(names)
    yield _amount(names)
    yield from (f"'{value}' as {name}" for name, value in proposal.constants.items())
    if "status" not in names:
        yield "'approved' as status"
    else:
        yield "coalesce(status, 'approved') as status"
    if "record_kind" not in names:
        yield "'purchase' as record_kind"
    made = {
        *("transaction_id", "card_id", "employee_id", "authorized_at", "merchant_id", "amount"),
        *("status", *_HELPED),
    }
    yield from (column.name for column in proposal.columns if column.name not in made)


def _card(proposal: Proposal) -> str:
    card = card_of(proposal)
    if card == "card_id":
        return "card_id"
    if card:
        holder = "concat_ws(' ', employee_id, holder_first_name)"
        of = holder if {"employee_id", "holder_first_name"} <= set(proposal.names) else card
        return f"'card of ' || coalesce({of}, 'nobody') as card_id"
    return f"'card of {proposal.source}' as card_id"


def _holder(names: set[str]) -> Iterator[str]:
    if {"employee_id", "holder_first_name"} <= names:
        yield "concat_ws(' ', employee_id, holder_first_name) as employee_id"
    elif "employee_id" in names:
        yield "employee_id"


def _merchant(names: set[str]) -> str:
    made = "md5(lower(trim(merchant_name)))"
    if "merchant_id" in names:
        return (
            f"coalesce(merchant_id, {made}) as merchant_id"
            if "merchant_name" in names
            else "merchant_id"
        )
    if "merchant_registration_no" in names:
        return f"coalesce(merchant_registration_no, {made}) as merchant_id"
    return f"{made} as merchant_id"


def _amount(names: set[str]) -> str:
    if "debit_or_credit" in names:
        return "case when lower(debit_or_credit) like 'c%' then -amount else amount end as amount"
    if "amount" in names:
        return "amount"
    if "credit_amount" in names:
        return "coalesce(debit_amount, 0) - abs(coalesce(credit_amount, 0)) as amount"
    return "debit_amount as amount"


def _quoted(value: Any) -> str:
    """A value as yml has it; JSON is yml."""
    return json.dumps(value, ensure_ascii=False)
