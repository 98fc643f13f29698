"""What sqlfluff needs to render the models without dbt: the project's variables and `adapter`.

sqlfluff brings stand-ins for ref, source, config and is_incremental. Its own stand-in for var is a
word that cannot be multiplied, and it has none for adapter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).resolve().parents[2]
_PROJECT = yaml.safe_load((_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))


def var(name: str, default: Any = None) -> Any:
    """The variable's value in dbt_project.yml, else `default`."""
    return _PROJECT["vars"].get(name, default)


class _Adapter:
    def dispatch(self, macro_name: str) -> Callable[..., str]:
        """A call of that name: the model is not to blame for what the macro renders."""
        return lambda *arguments: f"{macro_name}({', '.join(map(_expression, arguments))})"


def _expression(argument: object) -> str:
    if isinstance(argument, list | tuple):
        return ", ".join(map(_expression, argument))
    return str(argument) or "null"


adapter = _Adapter()

#: dbt's graph with two rules in it, for the models that are written from the rules' yml entries.
execute = True
graph = {
    "nodes": {
        name: {
            "resource_type": "model",
            "name": name,
            "original_file_path": f"models/rules/{typology}/{name}.sql",
            "description": "text",
            "checksum": {"checksum": "text"},
            "config": {"meta": defaultdict(lambda: "text", typology=typology, needs=["amount"])},
            "raw_code": "'claim' as subject_type" if typology == "claims" else "",
        }
        for name, typology in (
            ("rule_claims_001_duplicate_claim", "claims"),
            ("rule_merchant_001_restricted_category", "merchant"),
        )
    }
}
