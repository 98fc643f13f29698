"""What the READMEs tell a newcomer to type exists."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from orchestration.cli import app
from orchestration.home import project_root

DOCUMENTS = ["README.md", "README.ko.md", "models/rules/README.md", "models/features/README.md"]


def commands(document: str, program: str) -> list[list[str]]:
    """Return the lines of code that start with a program, as lists of words."""
    text = (project_root() / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    inline = re.findall(rf"`({program} [^`]*)`", text)
    lines = [line.strip() for block in blocks for line in block.splitlines()] + inline
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_cardwatch_command_in_a_readme_exists_with_its_options(document: str):
    known_commands = typer.main.get_group(app).commands
    for _, name, *words in commands(document, "cardwatch"):
        assert name in known_commands, f"{document}: there is no `cardwatch {name}`"
        known = {option for parameter in known_commands[name].params for option in parameter.opts}
        for word in words:
            if word.startswith("--"):
                assert word in known, f"{document}: `cardwatch {name}` has no {word}"


@pytest.mark.parametrize("document", ["README.md", "README.ko.md"])
def test_every_make_target_in_a_readme_exists(document: str):
    makefile = (project_root() / "Makefile").read_text(encoding="utf-8")
    targets = {words[1] for words in commands(document, "make")}
    assert targets >= {"run", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_readme_links_to_exists(document: str):
    path = project_root() / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert Path(path.parent, target).exists(), f"{document} links to {target}"
