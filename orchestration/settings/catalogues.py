"""Catalogues that are read in the repository: docs/rules.md and docs/features.md.

They are written from the yml entries and the seeds, which are what people edit:
`python -m orchestration.settings.catalogues` writes them anew, a test holds them to their sources.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from orchestration.engine.files import whole_file
from orchestration.engine.home import project_root
from orchestration.settings.policy import read_seed
from orchestration.settings.rules import TYPOLOGIES, Rule, read_rules
from orchestration.settings.thresholds import Threshold, read_thresholds

RULES = Path("docs/rules.md")
FEATURES = Path("docs/features.md")

_FOLDER = Path("models/features")
_VECTOR = "feat_transaction"
_CLAIMS = "feat_claim"
_DOC_BLOCK = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_DOC_CALL = re.compile(r"""{{\s*doc\(['"](\w+)['"]\)\s*}}""")
_NAMED_READERS = 6
_WORD = re.compile(r"\w+")
_GENERATED = (
    "<!-- Written by `python -m orchestration.settings.catalogues`; edit the sources, not this. -->"
)


def write_catalogues(root: Path) -> list[Path]:
    """Write both catalogues anew and return their files."""
    for file, text in catalogues(root).items():
        with whole_file(root / file) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    return [RULES, FEATURES]


def catalogues(root: Path) -> dict[Path, str]:
    """Return the text of each catalogue, by its file below the project's root."""
    rules = read_rules(root)
    return {RULES: _rules_page(root, rules), FEATURES: _features_page(root, rules)}


def _rules_page(root: Path, rules: Sequence[Rule]) -> str:
    descriptions = _described_models(root / "models/rules")
    thresholds: dict[str, list[Threshold]] = {}
    for threshold in read_thresholds(root):
        thresholds.setdefault(threshold.rule_id, []).append(threshold)
    lines = [
        "# Rules",
        "",
        _GENERATED,
        "",
        f"Cardwatch has {len(rules)} rules in {len(TYPOLOGIES)} typologies, one folder each. A "
        "rule is one SQL view, one yml entry and its rows in `seeds/rule_thresholds.csv`; "
        "[models/rules/README.md](../models/rules/README.md) says how to add or change one.",
        "A mandatory rule raises an alert for every hit; the hits of a scoring rule add to the "
        "risk of a purchase. A shadow rule is measured and raises nothing.",
        '"May go" is a threshold\'s reach: the features know nothing beyond it, so a value beyond '
        'it is refused. "any" means that every value finds what it asks for.',
    ]
    for typology in TYPOLOGIES:
        of_typology = [rule for rule in rules if rule.meta["typology"] == typology]
        lines += ["", f"## {typology}", "", *_rules_table(of_typology)]
        for rule in of_typology:
            description = descriptions[rule.name]["description"]
            lines += ["", *_rule_lines(rule, description, thresholds.get(rule.rule_id, []))]
    return "\n".join([*lines, ""])


def _rules_table(rules: Iterable[Rule]) -> Iterator[str]:
    return _table(
        ("rule", "title", "제목", "kind", "severity", "stage"),
        (
            (
                f"[{rule.rule_id}](#{rule.rule_id})",
                *(rule.meta[key] for key in ("title_en", "title_ko", "kind", "severity", "stage")),
            )
            for rule in rules
        ),
    )


def _rule_lines(rule: Rule, description: str, thresholds: Sequence[Threshold]) -> list[str]:
    needs = rule.meta["needs"]
    columns = needs if isinstance(needs, list) else [needs]
    lines = [
        f"### {rule.rule_id}",
        "",
        f"**{rule.meta['title_en']}** · {rule.meta['title_ko']} · [SQL](../{rule.sql_file})",
        "",
        _one_line(description),
        "",
        f"It needs {', '.join(f'`{column}`' for column in columns)} and is *not evaluated* "
        "without.",
    ]
    if thresholds:
        rows = (
            (f"`{each.parameter}`", f"{each.value:g}", each.unit, each.reach or "any", each.note)
            for each in thresholds
        )
        lines += ["", *_table(("threshold", "value", "unit", "may go", "why"), rows)]
    return lines


def _features_page(root: Path, rules: Sequence[Rule]) -> str:
    models = _described_models(root / _FOLDER)
    blocks = _doc_blocks(root)
    families = {row["family"]: row for row in read_seed(root / "seeds/feature_families.csv")}
    catalogue = list(read_seed(root / "seeds/feature_catalog.csv"))
    columns = {column["name"]: column for column in models[_VECTOR]["columns"]}
    readers = _readers(root, rules, _VECTOR)
    lines = [
        "# Features",
        "",
        _GENERATED,
        "",
        f"The vector `{_VECTOR}` has {len(catalogue)} features of every transaction; null means "
        '"not known", never zero. [models/features/README.md](../models/features/README.md) says '
        "how they are made and how to add one.",
        "The tree and the unsupervised detectors read what the last column names: *anomaly* is the "
        "line-up over the vector, *peer* compares with the holder's peers, *collective* looks at "
        "runs of purchases. A feature that none of them reads serves rules alone.",
    ]
    by_family = sorted(catalogue, key=lambda row: list(families).index(row["family"]))
    for family, rows in groupby(by_family, key=lambda row: row["family"]):
        named = families[family]
        lines += ["", f"## {named['label_en']} · {named['label_ko']}", ""]
        lines += _table(
            ("feature", "in words", "what it is", "unit", "rules that read it", "detectors"),
            (
                (
                    f"`{row['feature']}`",
                    f"{row['label_en']} · {row['label_ko']}",
                    _resolved(columns[row["feature"]]["description"], blocks),
                    row["unit"].replace("_", " "),
                    _named(readers.get(row["feature"], [])),
                    ", ".join(
                        name
                        for name in ("tree", "anomaly", "peer", "collective")
                        if row[f"in_{name}"] == "true"
                    ),
                )
                for row in rows
            ),
        )
    lines += ["", *_claims_lines(models[_CLAIMS], _readers(root, rules, _CLAIMS), blocks)]
    lines += ["", "## Tables behind and beside the vectors", ""]
    lines += _table(
        ("model", "what it holds"),
        (
            (f"`{name}`", _resolved(entry["description"], blocks))
            for name, entry in sorted(models.items())
            if name not in (_VECTOR, _CLAIMS)
        ),
    )
    return "\n".join([*lines, ""])


def _claims_lines(
    entry: dict[str, Any], readers: dict[str, list[str]], blocks: dict[str, str]
) -> Iterator[str]:
    yield from ("## Expense claims · 경비 청구", "", _resolved(entry["description"], blocks), "")
    yield from _table(
        ("column", "what it is", "type", "rules that read it"),
        (
            (
                f"`{column['name']}`",
                _resolved(column["description"], blocks),
                column["data_type"],
                _named(readers.get(column["name"], [])),
            )
            for column in entry["columns"]
        ),
    )


def _named(rules: Sequence[str]) -> str:
    """Name a feature's readers, or count them where a list would say nothing."""
    return ", ".join(rules) if len(rules) <= _NAMED_READERS else f"{len(rules)} rules"


def _readers(root: Path, rules: Iterable[Rule], vector: str) -> dict[str, list[str]]:
    """Return the rules that read a vector and name a word in their SQL, by word."""
    readers: dict[str, list[str]] = {}
    for rule in rules:
        sql = re.sub(r"--.*", "", (root / rule.sql_file).read_text(encoding="utf-8"))
        if f"ref('{vector}')" not in sql:
            continue
        for word in set(_WORD.findall(sql)):
            readers.setdefault(word, []).append(rule.rule_id)
    return readers


def _described_models(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the yml entry of every model described below a folder, by its name."""
    return {
        entry["name"]: entry
        for file in sorted(folder.rglob("*.yml"))
        for entry in (yaml.load(file.read_text("utf-8"), yaml.CSafeLoader) or {}).get("models", [])
    }


def _doc_blocks(root: Path) -> dict[str, str]:
    return {
        name: text
        for file in sorted((root / _FOLDER).rglob("*.md"))
        for name, text in _DOC_BLOCK.findall(file.read_text(encoding="utf-8"))
    }


def _resolved(description: str, blocks: dict[str, str]) -> str:
    return _one_line(_DOC_CALL.sub(lambda call: blocks[call.group(1)], description))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(_one_line(str(cell)).replace('|', '&#124;') for cell in row)} |"


if __name__ == "__main__":
    for written in write_catalogues(project_root()):
        print(written)
