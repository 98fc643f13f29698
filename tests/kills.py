"""Processes that are killed at a place of orchestration/engine/fail_points.py."""

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from orchestration.engine.fail_points import VARIABLE, Place

# A process to fork from that has imported much and opened nothing.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["orchestration.defs.landing", "orchestration.publication.publish"]
)


def killed_at(place: Place, number: int, action: Callable[..., Any], *arguments: Any) -> bool:
    """Do something in a process that is killed the number-th time it comes by a place.

    Returns False when it came by less often, and ended well. The action is one of a module.
    """
    exit_code, said = _ended(f"{place}:{number}", action, arguments)
    assert exit_code in (0, -signal.SIGKILL), said
    return exit_code != 0


def done(action: Callable[..., Any], *arguments: Any) -> None:
    """Do something in a process of its own, which nothing kills."""
    exit_code, said = _ended("", action, arguments)
    assert exit_code == 0, said


def ended_well(where: str, action: Callable[..., Any], *arguments: Any) -> str | None:
    """Do something in a process of its own; return what went wrong, to be killed as asked is not.

    where: a value of CARDWATCH_FAIL_AT, or "".
    """
    exit_code, said = _ended(where, action, arguments)
    is_well = exit_code == 0 or (where and exit_code == -signal.SIGKILL)
    return None if is_well else said or f"exit code {exit_code}"


def kills(place: Place) -> Iterator[int]:
    """Count from 1 on; the caller stops when the process was not killed any more."""
    yield from range(1, 100)
    raise AssertionError(f"{place} is passed more than 99 times")


def _ended(
    where: str, action: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[int | None, str]:
    """Do something in a process of its own; return its exit code and the error it ended with."""
    receiver, sender = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_act, args=(sender, where, action, arguments))
    process.start()
    sender.close()
    process.join(300)
    try:
        said = receiver.recv() if receiver.poll() else ""
    except EOFError:
        said = ""
    return process.exitcode, said


def _act(sender: Any, where: str, action: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if where:
        os.environ[VARIABLE] = where
    try:
        action(*arguments)
    except Exception:
        sender.send(traceback.format_exc(limit=-3))
        sys.exit(1)
