"""What all HTML pages share: frame and style, templates, words in two languages."""

from pathlib import Path

import jinja2

LANGUAGES = ("en", "ko")

_FRAME = Path(__file__).parent


def template_environment(folder: Path) -> jinja2.Environment:
    """Templates of a folder, which extend `frame.html.jinja`; an unknown name is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _FRAME]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_texts(folder: Path, language: str) -> dict[str, str]:
    """The words around the content, by key, from a folder's `texts.yml`."""
    import yaml

    texts: dict[str, dict[str, str]] = yaml.safe_load(
        (folder / "texts.yml").read_text(encoding="utf-8")
    )
    return {key: value[language] for key, value in texts.items()}
