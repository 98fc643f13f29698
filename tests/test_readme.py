"""What the documents ask a newcomer to type or to open exists."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from orchestration.cli.main import app
from orchestration.engine.home import project_root

# all that a person reads; what is vendored or generated is not ours to promise
DOCUMENTS = [
    str(file.relative_to(project_root()))
    for pattern in ("README*.md", "docs/*.md", "models/**/README.md", "python_models/**/README.md")
    for file in sorted(project_root().glob(pattern))
]


def commands(document: str, program: str) -> list[list[str]]:
    """Return the lines of code that start with a program, as lists of words."""
    text = (project_root() / document).read_text(encoding="utf-8")
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    inline = re.findall(rf"`({program} [^`]*)`", text)
    lines = [line.strip() for block in blocks for line in block.splitlines()] + inline
    return [shlex.split(line, comments=True) for line in lines if line.startswith(f"{program} ")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_cardwatch_command_in_a_readme_exists_with_its_options(document: str):
    for _, *words in commands(document, "cardwatch"):
        command = typer.main.get_command(app)
        name = "cardwatch"
        # groups such as `cardwatch models` have commands of their own
        while (
            words and not words[0].startswith("--") and isinstance(command, typer.core.TyperGroup)
        ):
            if not (words[0] in command.commands or command.invoke_without_command):
                pytest.fail(f"{document}: there is no `{name} {words[0]}`")
            if words[0] not in command.commands:
                break
            name += f" {words[0]}"
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        for word in words:
            if word.startswith("--"):
                assert word in known, f"{document}: `{name}` has no {word}"


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
