"""What a person reads in one sitting: modules, models and functions have a largest size."""

import ast
from collections.abc import Iterator
from pathlib import Path

from orchestration.engine.home import project_root

MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_SQL = 250
MOST_LINES_OF_A_FUNCTION = 60

# What is larger, and why. At most five.
EXCEPTIONS: dict[str, str] = {}

_CODE = ("orchestration", "python_models", "tests", ".ci")
_SQL = ("models", "macros", "python_models", "tests/dbt")


def _files(folders: tuple[str, ...], suffix: str) -> Iterator[tuple[str, Path]]:
    for folder in folders:
        for path in sorted((project_root() / folder).rglob(f"*{suffix}")):
            yield str(path.relative_to(project_root())), path


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _functions(name: str, path: Path) -> Iterator[tuple[str, int]]:
    """Each function as path::name with its lines, decorators and docstring counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            yield f"{name}::{node.name}", (node.end_lineno or first) - first + 1


def _large() -> dict[str, int]:
    large = {
        name: _lines(path)
        for name, path in _files(_CODE, ".py")
        if _lines(path) > MOST_LINES_OF_A_MODULE
    }
    large |= {
        name: _lines(path)
        for name, path in _files(_SQL, ".sql")
        if _lines(path) > MOST_LINES_OF_SQL
    }
    for name, path in _files(_CODE, ".py"):
        large |= {
            function: lines
            for function, lines in _functions(name, path)
            if lines > MOST_LINES_OF_A_FUNCTION
        }
    return large


def test_nothing_is_larger_than_a_person_reads_in_one_sitting() -> None:
    large = _large()
    others = [f"{name}: {lines} lines" for name, lines in large.items() if name not in EXCEPTIONS]
    assert not others, "cut:\n" + "\n".join(others)


def test_exceptions_are_few_and_still_needed() -> None:
    assert len(EXCEPTIONS) <= 5
    assert EXCEPTIONS.keys() <= _large().keys()
    assert all(EXCEPTIONS.values())
