"""A model of the dbt project as plain SQL, without dbt: its caller says what it reads."""

from collections.abc import Mapping
from functools import cache

import jinja2

from orchestration.engine.home import project_root


def model_sql(name: str, relations: Mapping[str, str]) -> str:
    """Return the SQL of a model with the relations that it reads named as the caller has them.

    relations: name of a model or seed, or `source.table` -> relation. The model may hold no other
    Jinja than its configuration and these names; KeyError for a name that is missing, jinja2's
    UndefinedError for a macro.
    """
    return _template(name).render(
        config=lambda **_: "",
        ref=relations.__getitem__,
        source=lambda source, table: relations[f"{source}.{table}"],
    )


@cache
def _template(name: str) -> jinja2.Template:
    (file,) = (project_root() / "models").rglob(f"{name}.sql")
    return jinja2.Template(file.read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined)
