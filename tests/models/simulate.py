"""A seeded simulator of operation: whatever happens, the end is one full build from the files.

    python -m tests.models.simulate --seeds 1000 --from 1

Each seed is a sequence of days on which files arrive (new, late, sent again, corrected), are moved
away again, cases are decided, runs end well or are killed at a place of engine/fail_points.py or
between two models, and the warehouse is deleted, with or without its log of changes. Every step has
a process of its own. At the end the warehouse must hold what a full build from the landing folder
and the ledger's files holds; a seed for which it does not is printed with its steps.
"""

import argparse
import pickle
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.engine.fail_points import fail_point
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.ledger.issue import prepare_ledger
from tests.kills import ended_well
from tests.models.model_steps import Project, Row, Warehouse, first_difference, record_project
from tests.models.tiny_company import (
    AMOUNTS,
    COMPANY,
    SECONDS,
    Land,
    Run,
    TakeBack,
    absence,
    card,
    decision,
    employee,
    moment,
    purchase,
)
from tests.models.walks import Walk

_REVIEWS = ("cleared", "recovery_ordered", "inconclusive")


@dataclass(frozen=True)
class Killed:
    """A run that is killed at a place, as CARDWATCH_FAIL_AT names it; if it comes by."""

    where: str
    run: Run


@dataclass(frozen=True)
class SendAgain:
    """A file that landed before lands once more under another name."""


@dataclass(frozen=True)
class Lose:
    """Somebody deletes the warehouse."""

    with_log: bool


Step = Land | Run | TakeBack | Killed | SendAgain | Lose

# --- what happens ---------------------------------------------------------------------------------


def operation(seed: int) -> list[Step]:
    """Return the steps of a seed; the last is a run that ends well."""
    dice = random.Random(seed)  # noqa: S311
    day = dice.choice((3, 8, 30))
    steps: list[Step] = [Land((*COMPANY, *_purchases(dice, 0, day, range(6))))]
    for number in range(dice.randint(4, 9)):
        what = dice.choices(
            ("land", "late", "again", "back", "review", "run", "kill", "lose"),
            (4, 2, 1, 1, 2, 4, 4, 2),
        )[0]
        if what == "land":
            earlier, day = day + 1, day + dice.choice((1, 1, 2, 7, 30))
            first = 10 + 10 * number
            steps.append(Land(tuple(_purchases(dice, earlier, day, range(first, first + 3)))))
        elif what == "late":
            steps.append(Land((_late(dice, day),)))
        elif what == "review":
            steps.append(Land((_review(dice, day, number),)))
        elif what == "run":
            steps.append(_run(dice, day))
        elif what == "kill":
            steps.append(Killed(_place(dice), _run(dice, day)))
        else:
            others: dict[str, Step] = {"again": SendAgain(), "back": TakeBack()}
            steps.append(others.get(what) or Lose(dice.random() < 0.5))
    return [*steps, Run()]


def _purchases(dice: random.Random, first: int, last: int, numbers: range) -> Iterator[Row]:
    for number in numbers:
        yield purchase(
            number,
            dice.randrange(4),
            dice.randrange(3),
            dice.randint(first, last),
            dice.choice(SECONDS),
            dice.choice(AMOUNTS),
        )


def _late(dice: random.Random, today: int) -> Row:
    """A row of an earlier day, or one that corrects an earlier row."""
    day = dice.randint(0, today)
    number = dice.randrange(6)
    who = dice.randrange(2)
    return dice.choice(
        (
            purchase(
                number, dice.randrange(4), dice.randrange(3), day, amount=dice.choice(AMOUNTS)
            ),
            purchase(f"late{day}", dice.randrange(4), dice.randrange(3), day),
            decision(number, dice.random() < 0.5, day),
            card(dice.randrange(4), day, single_limit=20_000),
            employee(who, day, department_id="d1"),
            absence("absences", who, day, 2, "leave"),
        )
    )


def _review(dice: random.Random, today: int, number: int) -> Row:
    """A decision on the case of a purchase, by its card, merchant and day, if there is one."""
    case = f"c{dice.randrange(4)}|m{dice.randrange(3)}|{moment(dice.randint(0, today)).date()}"
    values = {"event_id": f"v{number}", "case_id": case, "event": dice.choice(_REVIEWS)}
    values |= {"reason": "explained", "actor_id": "reviewer", "occurred_at": moment(today + 2)}
    return Row("review_events", values | {"transaction_id": dice.choice((None, 0))})


def _run(dice: random.Random, today: int) -> Run:
    since = dice.randint(0, today) if dice.random() < 0.2 else None
    until = dice.randint(0, today) if dice.random() < 0.2 else None
    return Run(since, until)


def _place(dice: random.Random) -> str:
    number = {
        **dict.fromkeys(("transaction.begun", "transaction.done", "transaction.committed"), 12),
        **dict.fromkeys(("file.written", "file.named"), 3),
        **dict.fromkeys(("issue.committed", "issue.named", "run.landed"), 1),
        "run.node": 90,
    }
    place = dice.choice(list(number))
    return f"{place}:{dice.randint(1, number[place])}"


# --- a warehouse that stays from step to step -----------------------------------------------------


class Kept(Warehouse):
    """The warehouse of a home, which outlives the process; made without rows where it is lost."""

    def __init__(self, project: Project, home: Home) -> None:
        self.project = project
        self.home = home
        self.home.create()
        if not home.warehouse.exists():
            # opened once, which drops the log that a deleted warehouse left
            connect(home).close()
            shutil.copyfile(project.home.warehouse, home.warehouse)
        self.connection = connect(home)
        self.connection.execute("set threads = 1")
        self._files = sum(path.is_file() for path in home.landing.rglob("*"))

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def _send(self, statements: Sequence[str]) -> None:
        super()._send(statements)
        fail_point("run.node")


def take(project: Path, folder: Path, step: Step) -> None:
    """Take one step on the home in `folder`."""
    home = Home(folder)
    if isinstance(step, Lose):
        home.warehouse.unlink(missing_ok=True)
        if not step.with_log:
            home.warehouse.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
        return
    with Kept(pickle.loads(project.read_bytes()), home) as warehouse:  # noqa: S301  written below
        landed = sorted(home.landing.rglob("*.csv"), key=lambda path: path.name)
        if isinstance(step, Land):
            warehouse.place(list(Walk(warehouse)._possible(step.rows)))
        elif isinstance(step, SendAgain) and landed:
            shutil.copyfile(landed[-1], landed[-1].with_name(f"{len(landed) + 1:04d}.csv"))
        elif isinstance(step, TakeBack) and landed and not _is_finished(warehouse, landed[-1]):
            landed[-1].unlink()
        elif isinstance(step, (Run, Killed)):
            run = step.run if isinstance(step, Killed) else step
            since, until = (
                None if day is None else moment(day).date() for day in (run.since, run.until)
            )
            warehouse.run(since, until)


def _is_finished(warehouse: Warehouse, file: Path) -> bool:
    """Say whether a run has finished with a file, also where only the ledger's files know it."""
    prepare_ledger(warehouse.connection, warehouse.home)
    named = f"feed = '{file.parent.name}' and file = '{file.name}'"
    return bool(
        warehouse.values(
            "select load_id from raw.load_manifest, raw.run_state"
            f" where load_id <= completed_load_id and {named}"
            f" union all select load_id from ledger.loads where {named}"
        )
    )


# --- what has to be true in the end ---------------------------------------------------------------


def check(project: Path, folder: Path, said: Path) -> None:
    """Compare the home with a full build from its files; write what differs to `said`."""
    recorded = pickle.loads(project.read_bytes())  # noqa: S301  written below
    home, whole = Home(folder / "home"), Home(folder / "whole")
    for name in ("landing", "ledger"):
        if (home.root / name).exists():
            shutil.copytree(home.root / name, whole.root / name)
    with Kept(recorded, home) as warehouse:
        walked, kept = warehouse.tables(), _kept(warehouse)
        window = warehouse.window()
        [(waiting_since, unsettled)] = warehouse.values(
            "select waiting_since, unsettled_since from raw.run_state"
        )
    with Kept(recorded, whole) as warehouse:
        warehouse.land()
        rebuilt = _kept(warehouse)
        warehouse.build_whole()
        built = warehouse.tables()
    differences = [f"{name} differs" for name in kept if kept[name] != rebuilt[name]]
    differences += ["a day is left unsettled"] if unsettled else []
    if window is not None:
        if waiting_since:
            # days whose features stay as they were until somebody asks for them
            last = max(waiting_since, window.built_from)
            walked = {n: _without(table, waiting_since, last) for n, table in walked.items()}
            built = {n: _without(table, waiting_since, last) for n, table in built.items()}
        differences.append(first_difference(walked.values(), built) or "")
    said.write_text("\n".join(filter(None, differences)), encoding="utf-8")


def _without(table: Any, first: date, last: date) -> Any:
    if table.model.strategy == "changed_days":
        return table
    day = table.columns.index(table.model.day_column)
    rows = tuple(row for row in table.rows if not first <= row[day] < last)
    return type(table)(table.model, table.columns, rows)


def _kept(warehouse: Warehouse) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of raw and ledger, which a rebuilt warehouse has to have word for word."""
    tables = warehouse.values(
        "select schema_name, table_name from duckdb_tables()"
        " where schema_name in ('raw', 'ledger') and table_name <> 'run_state' order by all"
    )
    found = {
        f"{schema}.{table}": warehouse.values(f"from {schema}.{table} order by all")
        for schema, table in tables
    }
    # what no issue has noted yet is loaded in the order of names, at another time
    if len(found["ledger.loads"]) < len(found["raw.load_manifest"]):
        return {name: rows for name, rows in found.items() if name.startswith("ledger.")}
    return found


# --- seeds ----------------------------------------------------------------------------------------


def simulate(project: Path, folder: Path, seed: int) -> str | None:
    """Take the steps of a seed; return what went wrong, with the seed and its steps."""
    shutil.rmtree(folder, ignore_errors=True)
    home = folder / "home"
    home.mkdir(parents=True)
    steps = operation(seed)
    wrong = None
    for step in steps:
        where = step.where if isinstance(step, Killed) else ""
        wrong = ended_well(where, take, project, home, step)
        if wrong:
            wrong = f"{step}: {wrong}"
            break
    if not wrong:
        said = folder / "said.txt"
        wrong = ended_well("", check, project, folder, said) or said.read_text(encoding="utf-8")
    if not wrong:
        shutil.rmtree(folder)
        return None
    told = "\n".join(f"{number:4}. {step}" for number, step in enumerate(steps, start=1))
    return f"seed {seed}: {wrong}\nafter these steps, in {folder}:\n{told}"


def keep(project: Project, folder: Path) -> Path:
    """Write a recorded project where the steps' processes read it."""
    file = folder / "project.pickle"
    file.write_bytes(pickle.dumps(project))
    return file


def main() -> None:
    """Simulate the seeds that the command line asks for; exit code 1 when one went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first one")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cardwatch-simulate-"))
    project = keep(record_project(folder / "without_rows"), folder)
    wrong = 0
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        said = simulate(project, folder / str(seed), seed)
        if said:
            wrong += 1
            print(said, flush=True)
    print(f"{arguments.seeds} seeds from {arguments.first} on, {wrong} went wrong", flush=True)
    if not wrong:
        shutil.rmtree(folder)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
