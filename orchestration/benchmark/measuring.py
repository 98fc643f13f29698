"""What all benchmarks share: a workshop, the machine, seconds of steps, and bars to be reached."""

import math
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import DEFAULT_MEMORY_LIMIT


@dataclass(frozen=True)
class Bar:
    """Something to be reached: at least or at most so much; `what` says it in words."""

    name: str
    what: str
    measured: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def met(self) -> bool:
        """Whether it was reached; what is unknown was not."""
        return self.least <= self.measured <= self.most

    def as_json(self) -> dict[str, Any]:
        """The bar as one object for machines."""
        bar = {"at_most": self.most} if math.isfinite(self.most) else {"at_least": self.least}
        return {"name": self.name, "measured": self.measured, **bar, "met": self.met}

    def __str__(self) -> str:
        """The bar as one line."""
        bar = f"at most {self.most:g}" if math.isfinite(self.most) else f"at least {self.least:g}"
        return f"{self.what}: {self.measured:.2f}, {bar}: {'met' if self.met else 'MISSED'}"


@dataclass(frozen=True)
class BenchmarkResult:
    """What a benchmark measured; a benchmark adds its own fields, and its bars if it has some."""

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        return []

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines."""
        return {**asdict(self), "bars": [bar.as_json() for bar in self.bars()]}


@dataclass(frozen=True)
class Machine:
    """What was measured with: cores, the load before, DuckDB's memory limit, versions."""

    cores: int
    load_before: float
    memory_limit: str
    versions: dict[str, str]

    @classmethod
    def here(cls, packages: Sequence[str]) -> "Machine":
        """This machine as it is now, with the versions of Python and of these packages."""
        return cls(
            cores=os.cpu_count() or 0,
            load_before=os.getloadavg()[0],
            memory_limit=os.environ.get("CARDWATCH_MEMORY_LIMIT") or DEFAULT_MEMORY_LIMIT,
            versions={
                "python": platform.python_version(),
                **{package: version(package) for package in packages},
            },
        )

    def versions_line(self) -> str:
        """The versions as one line."""
        return ", ".join(f"{package} {number}" for package, number in self.versions.items())


def use_cores(number: int) -> None:
    """Let this process and all that it starts use no more cores than this."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])


@contextmanager
def workshop(home: Home, name: str) -> Iterator[Home]:
    """Give a home of its own inside this one, which is removed afterwards."""
    home.create()
    home.temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.temporary, prefix=f"{name}-") as folder:
        yield Home(Path(folder))


@contextmanager
def timed(seconds: dict[str, float], benchmark: str, step: str) -> Iterator[None]:
    """Record how long a step of a benchmark takes, and report it."""
    started = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - started, 1)
    report(f"{benchmark}: {step} took {seconds[step]:.1f} s")
