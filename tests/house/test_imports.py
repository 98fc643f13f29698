"""Who may import whom, and that an import does no work."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from orchestration.engine.home import project_root

# Room -> the rooms that it imports. A room stands below the rooms that it imports from: whoever
# reads this table from top to bottom meets nothing that was not there before.
ROOMS: dict[str, set[str]] = {
    # free of dbt, DuckDB and Dagster: frame in, frame out
    "detectors": set(),
    # what belongs to a tool and not to the subject
    "engine": set(),
    # the product
    "landing": {"engine"},
    "ledger": {"detectors", "engine"},
    "settings": {"engine"},
    "versions": {"detectors", "engine", "ledger"},
    "adoption": {"engine", "landing", "settings"},
    "workbench": {"engine", "landing", "settings"},
    "review": {"engine", "landing"},
    "publication": {"engine"},
    # Dagster and the day's run
    "defs": {"engine", "landing", "ledger", "publication", "versions"},
    "definitions": set(),  # Dagster itself loads the folder defs/
    "summary": {"engine", "landing"},
    "unchanged": {"engine"},
    "run": {"definitions", "engine", "landing", "settings", "summary", "unchanged", "versions"},
    "verify": {"engine", "landing", "ledger"},
    # beside the product: nothing but the command line knows of them
    "demo_company": {"engine", "landing"},
    "benchmark": {
        *("demo_company", "detectors", "engine", "landing", "ledger", "settings", "workbench"),
    },
    # what people type; it imports when a command is called, so that --help answers at once
    "cli": {
        *("adoption", "benchmark", "demo_company", "engine", "landing", "publication"),
        *("review", "run", "settings", "summary", "unchanged", "verify", "versions", "workbench"),
    },
}

_LATE = "cli"
_PACKAGES = {"orchestration": project_root(), "detectors": project_root() / "python_models"}


class Import(NamedTuple):
    """One module that another one imports, at the top of the file or later."""

    importer: str
    imported: str
    is_late: bool
    place: str


def _modules() -> dict[str, Path]:
    """Every module of the project by its dotted name; a package goes by its own."""
    found = {}
    for package, root in _PACKAGES.items():
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imports(module: str, text: str) -> Iterator[Import]:
    """What a module imports of the project, also within functions and for types only."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively; name the package"
            # `from package import module` or `from module import name`
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else str(node.module) for name in inner]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in _PACKAGES:
                place = f"{MODULES[module].relative_to(project_root())}:{node.lineno}"
                yield Import(module, name, node not in tree.body, place)


def room(module: str) -> str:
    """The second word of a module of orchestration, or `detectors`."""
    words = module.split(".")
    return words[1] if words[0] == "orchestration" and len(words) > 1 else words[0]


IMPORTS = [
    found
    for module, path in MODULES.items()
    for found in _imports(module, path.read_text(encoding="utf-8"))
]


def test_each_room_imports_what_the_table_says() -> None:
    found: dict[str, set[str]] = {room(module): set() for module in MODULES}
    for each in IMPORTS:
        if room(each.importer) != room(each.imported):
            found[room(each.importer)].add(room(each.imported))
    del found["orchestration"]  # the package holds nothing but its docstring
    forbidden = [
        f"{each.place}: {room(each.importer)} may not import {room(each.imported)}"
        for each in IMPORTS
        if room(each.importer) != room(each.imported)
        and room(each.imported) not in ROOMS.get(room(each.importer), set())
    ]
    assert not forbidden, "\n".join(forbidden)
    assert found == ROOMS, "the table has arrows or rooms that no longer are"


def test_no_room_imports_one_below_it_in_the_table() -> None:
    seen: set[str] = set()
    for name, imported in ROOMS.items():
        assert imported <= seen, f"{name} imports {imported - seen}, which comes later"
        seen.add(name)


def test_product_code_imports_neither_demo_company_nor_benchmark() -> None:
    beside = {"demo_company", "benchmark"}
    assert [
        name for name, imported in ROOMS.items() if imported & beside and name not in beside
    ] == ["cli"]


def test_no_two_modules_import_each_other_over_any_way() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for each in IMPORTS:
        graph[each.importer].add(each.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_only_the_command_line_imports_late() -> None:
    late = [each.place for each in IMPORTS if each.is_late and room(each.importer) != _LATE]
    assert not late, f"move to the top of the file: {', '.join(late)}"


# Imports every module named, and prints what an import did beside importing.
_WATCH = """
import os, sys

root, names = sys.argv[1], sys.argv[2:]
done = []
ours = (root + "/orchestration", root + "/python_models")
data = tuple(f"{root}/{folder}" for folder in ("models", "macros", "seeds", "tests", "docs", "var"))


def doer():
    # the nearest file that is ours or a library's: Python itself stands between
    frame = sys._getframe(1)
    while frame and not frame.f_code.co_filename.startswith(ours):
        if "site-packages" in frame.f_code.co_filename:
            return "a library"
        frame = frame.f_back
    return frame.f_code.co_filename if frame else "a library"


def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(data) or path.endswith((".yml", ".sql", ".csv", "manifest.json")):
            if path.startswith(root) and "/.venv/" not in path:
                done.append(f"{path} is read")
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        if doer() != "a library":
            done.append(f"{doer()} starts a process")


def watched(method):
    def call(self, key, *rest):
        if doer() != "a library" or str(key).startswith("CARDWATCH_"):
            done.append(f"{doer()} reads or sets {key} in the environment")
        return method(self, key, *rest)

    return call


environment = type(os.environ)
for name in ("__getitem__", "__setitem__", "__delitem__"):
    setattr(environment, name, watched(getattr(environment, name)))
import duckdb

duckdb.connect = lambda *_, **__: done.append("a database is opened")
sys.addaudithook(watch)
import importlib

for name in names:
    importlib.import_module(name)
print(*done, sep="\\n", end="\\n" if done else "")
"""


def _watched(root: Path, modules: Iterable[str], folder: Path) -> list[str]:
    """Import modules in a process of its own; what they did beside, a line each."""
    finished = subprocess.run(
        [sys.executable, "-c", _WATCH, str(root), *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.split("\n")[:-1]


def test_importing_a_module_touches_nothing(tmp_path: Path) -> None:
    assert _watched(project_root(), sorted(MODULES), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_module_does_when_it_is_imported_is_seen(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    seed = tmp_path / "seeds" / "currencies.csv"
    seed.write_text("currency", encoding="utf-8")
    module = tmp_path / "orchestration" / "busy.py"
    module.parent.mkdir()
    module.write_text(
        f"""
import os, subprocess, duckdb
home = os.environ.get("CARDWATCH_HOME")
os.environ.setdefault("ANALYTICS", "false")
open({str(seed)!r}).close()
duckdb.connect()
subprocess.run(["true"])
""",
        encoding="utf-8",
    )
    seen = _watched(tmp_path, ["orchestration.busy"], tmp_path)
    for word in ("CARDWATCH_HOME", "ANALYTICS", str(seed), "a database", "starts a process"):
        assert any(word in line for line in seen), word
