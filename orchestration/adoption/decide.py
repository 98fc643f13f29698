"""Every setting of a source, proved by the file, given by a person, or asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from orchestration.adoption import amounts, dates
from orchestration.adoption.grid import Grid
from orchestration.adoption.header import Table, is_nothing
from orchestration.adoption.keys import Key, find_key
from orchestration.adoption.mapping import CARD_TRANSACTIONS, DAYS, MONEY, map_columns
from orchestration.adoption.proposal import Answers, Proposal, Question, UnclearError
from orchestration.engine.errors import CardwatchError
from orchestration.landing.card_numbers import names_card
from orchestration.landing.feeds import MONEY as MONEY_TYPE
from orchestration.landing.feeds import Column, Feed
from orchestration.landing.layout import SIGNS, Layout

#: Currencies without decimals, in which a comma can only divide thousands.
WITHOUT_MINOR_UNIT = ("KRW", "JPY")


def propose(
    source: str,
    canonical: Feed,
    grids: Sequence[Grid],
    tables: Sequence[Table],
    answers: Answers,
    today: date,
) -> Proposal:
    """Decide what the files of one layout are; UnclearError for what they do not prove.

    canonical: the feed of the company's own layout that they are to become.
    """
    _check_alike(grids, tables)
    table = replace(tables[0], rows=tuple(row for each in tables for row in each.rows))
    places = map_columns(tables, canonical.feed, today, answers.columns)
    _drop_what_is_said_twice(places, table)
    if missing := _missing(canonical, places):
        raise UnclearError(_questions_of_columns(missing, table, places))
    questions: list[Question] = []
    constants: dict[str, str] = {}
    if canonical.feed == CARD_TRANSACTIONS and "currency" not in places:
        constants["currency"] = _currency(table, places, answers, questions)
    event = canonical.event_column
    form, order, has_time = _dates(table, places, event, answers, today, questions)
    has_time = has_time or "authorized_time" in places
    signs = _numbers(table, places, constants, answers, questions)
    sign = _sign(table, places, signs, answers, questions)
    if questions:
        raise UnclearError(questions)
    layout = _layout(grids, tables, form, signs, sign)
    values = [_by_column(each, places) for each in tables]
    layout = replace(layout, nulls=_nulls(table, places))
    if "authorized_time" in places:
        times = table.values(places["authorized_time"])
        layout = replace(layout, times=dates.clock_pattern(times))
    return Proposal(
        source,
        canonical.feed,
        canonical.event_column,
        layout,
        _columns(canonical, places, table),
        _key(canonical, values, has_time),
        constants,
        has_time,
        tuple(name for at, name in enumerate(table.names) if at not in places.values() and name),
        order,
    )


def _check_alike(grids: Sequence[Grid], tables: Sequence[Table]) -> None:
    for grid, table in zip(grids, tables, strict=True):
        if table.names != tables[0].names:
            raise CardwatchError(
                f"{grid.path} has other columns than {grids[0].path}; "
                "adopt files of one layout together, and each other layout as a source of its own"
            )


def _drop_what_is_said_twice(places: dict[str, int], table: Table) -> None:
    """Keep one way to say an amount: a signed one, two columns, or one with a mark beside."""
    if "amount" in places:
        places.pop("debit_amount", None)
        places.pop("credit_amount", None)
        if "debit_or_credit" in places:
            read = [amounts.number(value) for value in table.values(places["amount"])]
            if any(value is not None and value < 0 for value in read):
                places.pop("debit_or_credit")
    else:
        places.pop("debit_or_credit", None)


def _missing(canonical: Feed, places: Mapping[str, int]) -> list[str]:
    """Required columns that the file lacks and nothing can stand for."""
    if canonical.feed != CARD_TRANSACTIONS:
        return [name for name in canonical.required if name not in places]
    missing = [] if "authorized_at" in places else ["authorized_at"]
    if not {"merchant_name", "merchant_id"} & set(places):
        missing.append("merchant_name")
    return missing if {"amount", "debit_amount"} & set(places) else [*missing, "amount"]


def _questions_of_columns(
    missing: Sequence[str], table: Table, places: Mapping[str, int]
) -> list[Question]:
    free = [name for at, name in enumerate(table.names) if at not in places.values() and name]
    return [
        Question("column", f"which column of the file is {name}?", tuple(free), column=name)
        for name in missing
    ]


def _currency(
    table: Table, places: Mapping[str, int], answers: Answers, questions: list[Question]
) -> str:
    if answers.currency:
        return answers.currency.strip().upper()
    place = places.get("amount", places.get("debit_amount", 0))
    headers = [table.names[place], *table.names]
    found: tuple[str, ...] = ()
    for texts in ([table.names[place]], table.values(place)[:1000], headers):
        found = found or amounts.currencies_in(texts)
    if len(found) == 1:
        return found[0]
    questions.append(Question("currency", "which currency are the amounts in?", found))
    return ""


def _dates(
    table: Table,
    places: dict[str, int],
    event: str,
    answers: Answers,
    today: date,
    questions: list[Question],
) -> tuple[str | None, str, bool]:
    """`format.dates`, the order in words, and whether the event has a time of day."""
    looks = {
        name: look
        for name in places
        if name in DAYS
        and (look := dates.look_at_dates(table.values(places[name]), today)) is not None
    }
    if event not in looks:
        raise CardwatchError(
            f"the column {table.names[places[event]]} holds no dates that can be read; "
            f"name another one with --column {event}="
        )
    # one column of the file may prove what another leaves open; all of a file are written alike
    orders = [order for order in looks[event].orders if _fits_all(order, list(looks.values()))]
    orders = orders or list(looks[event].orders)
    if answers.dates in dates.ORDERS:
        if answers.dates not in looks[event].orders:
            raise CardwatchError(
                f"the dates of the file, such as {looks[event].examples[0]}, are not "
                f"{answers.dates}; use --dates {' or '.join(looks[event].orders)}"
            )
        orders = [answers.dates]
    if len(orders) > 1:
        shown = ", ".join(looks[event].examples)
        header = table.names[places[event]]
        questions.append(
            Question("dates", f"{header} has {shown}: which part is the day?", tuple(orders))
        )
    form = looks[event].forms[orders[0]]
    for name, look in looks.items():
        if name != event and (orders[0] not in look.orders or look.forms[orders[0]] != form):
            places.pop(name)  # another way of writing days, in a column that nothing needs
    return form, orders[0], looks[event].has_time


def _fits_all(order: str, looks: Sequence[dates.Dates]) -> bool:
    return all(order in look.orders for look in looks)


def _numbers(
    table: Table,
    places: Mapping[str, int],
    constants: Mapping[str, str],
    answers: Answers,
    questions: list[Question],
) -> tuple[str | None, str | None]:
    """The decimal sign and the thousands sign of the amounts, as far as they are proved."""
    values = [value for name in MONEY if name in places for value in table.values(places[name])]
    currencies = {constants.get("currency", "")}
    if "currency" in places:
        currencies = {value.strip().upper() for value in table.values(places["currency"])}
    whole = bool(currencies) and currencies <= set(WITHOUT_MINOR_UNIT)
    look = amounts.look_at_amounts(values, has_minor_unit=not whole)
    if look is None:
        return None, None
    signs = [pair for pair in look.signs if answers.decimal in (None, pair[0])]
    if not signs:
        raise CardwatchError(
            f"amounts such as {look.example} cannot be read with the decimal sign "
            f"{answers.decimal!r}; use --decimal {look.signs[0][0]!r}"
        )
    # in some currencies only one of them makes sense: that question comes first
    if len(signs) > 1 and not any(each.option == "currency" for each in questions):
        example = next(value for value in values if "," in value or "." in value)
        questions.append(
            Question(
                "decimal",
                f"{example} may be more than a thousand or a number with decimals: "
                "what is the decimal sign?",
                tuple(decimal for decimal, _ in signs),
            )
        )
    decimal, thousands = signs[0]
    if not (thousands or whole or any(decimal in value for value in values)):
        return answers.decimal, None
    # where one sign divides the decimals, the other can only divide thousands
    return decimal, thousands or {".": ",", ",": "."}[decimal]


def _sign(
    table: Table,
    places: Mapping[str, int],
    signs: tuple[str | None, str | None],
    answers: Answers,
    questions: list[Question],
) -> str:
    if answers.sign:
        if answers.sign not in SIGNS:
            raise CardwatchError(f"--sign is {' or '.join(SIGNS)}, not {answers.sign!r}")
        return answers.sign
    if "amount" not in places or "debit_or_credit" in places:
        return SIGNS[0]
    read = [
        amounts.number(value, signs[0] or ".", signs[1]) for value in table.values(places["amount"])
    ]
    given = [value for value in read if value]
    share = sum(value < 0 for value in given) / len(given) if given else None
    sign = amounts.purchases_sign(share)
    if sign is None:
        questions.append(
            Question(
                "sign",
                f"{share:.0%} of the amounts are negative: which sign does a purchase have?",
                SIGNS,
            )
        )
    return sign or SIGNS[0]


def _layout(
    grids: Sequence[Grid],
    tables: Sequence[Table],
    form: str | None,
    signs: tuple[str | None, str | None],
    sign: str,
) -> Layout:
    """Everything that `meta.format` must say, and nothing that landing finds out itself."""
    grid = grids[0]
    return Layout(
        encoding=None if grid.encoding == "utf-8" else grid.encoding,
        delimiter=None if grid.delimiter == "," else grid.delimiter,
        header_line=_one([each.header_line for each in tables]),
        header_lines=tables[0].header_lines,
        sheet=grid.sheet if len(grid.sheets) > 1 else None,
        totals=tuple(dict.fromkeys(word for each in tables for word in each.totals)),
        dates=form,
        decimal=signs[0],
        thousands=signs[1],
        sign=sign,
    )


def _nulls(table: Table, places: Mapping[str, int]) -> tuple[str, ...]:
    """The words for nothing that stand in the columns that are read."""
    cells = {row[place].strip() for row in table.rows for place in places.values()}
    return tuple(sorted(cell for cell in cells if cell and is_nothing(cell)))


def _key(canonical: Feed, files: Sequence[Mapping[str, Sequence[str]]], has_time: bool) -> Key:
    if canonical.feed != CARD_TRANSACTIONS:
        return Key(canonical.key, "always")
    return find_key(files, has_time)


def _by_column(table: Table, places: Mapping[str, int]) -> dict[str, list[str]]:
    return {name: [row[place].strip() for row in table.rows] for name, place in places.items()}


# Columns that only an adopted source has: what the canonical column is made of, in SQL.
_HELPERS = (
    *("authorized_time", "holder_first_name", "department_id"),
    *("debit_or_credit", "debit_amount", "credit_amount"),
)


def _columns(canonical: Feed, places: Mapping[str, int], table: Table) -> tuple[Column, ...]:
    known = {column.name: column for column in canonical.columns}
    required = set(canonical.required) - {"transaction_id"}
    if "merchant_id" not in places:
        required.add("merchant_name")
    found = []
    for name in [*known, *(name for name in _HELPERS if name not in known)]:
        if name in places:
            found.append(
                Column(
                    name,
                    _data_type(name, known),
                    name in required,
                    bool(known.get(name) and known[name].card_number),
                    called=(table.names[places[name]],),
                    time="authorized_time" if _has_time_beside(name, places) else None,
                    is_hashed=name == "card_id"
                    and any(map(names_card, table.values(places[name]))),
                )
            )
    return tuple(found)


def _data_type(name: str, known: Mapping[str, Column]) -> str:
    if name in MONEY:
        return MONEY_TYPE
    return known[name].data_type if name in known else "VARCHAR"


def _has_time_beside(name: str, places: Mapping[str, int]) -> bool:
    return name == "authorized_at" and "authorized_time" in places


def _one(numbers: Sequence[int]) -> int | None:
    """The header line where it is the same in all files and not the first, which needs no word."""
    return numbers[0] if len(set(numbers)) == 1 and numbers[0] != 1 else None
