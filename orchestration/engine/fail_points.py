"""Places at which a test kills the process, to see that nothing half-done stays.

CARDWATCH_FAIL_AT=NAME kills it the first time it comes by the place of that name, NAME:N the N-th
time. Without the variable, which no normal run has, a place does nothing.
"""

import os
import signal
from collections import Counter
from typing import Literal, get_args

#: A place in the order of a run; files and transactions are those of every step.
Place = Literal[
    "file.written",
    "file.named",
    "folder.filled",
    "folder.emptied",
    "transaction.begun",
    "transaction.done",
    "transaction.committed",
    "issue.committed",
    "issue.named",
    "publish.tables",
    "publish.month",
    "publish.months",
    "publish.pages",
    "run.landed",
    "run.node",
    "run.proposed",
    "run.issued",
    "run.published",
    "run.settled",
]
PLACES: tuple[Place, ...] = get_args(Place)

VARIABLE = "CARDWATCH_FAIL_AT"

_passed: Counter[str] = Counter()


def fail_point(place: Place) -> None:
    """Kill this process, as a power cut would, where a test asked for it."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, number = wanted.partition(":")
    if name == place:
        _passed[name] += 1
        if _passed[name] == int(number or 1):
            os.kill(os.getpid(), signal.SIGKILL)
