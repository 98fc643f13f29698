"""`cardwatch land` and `cardwatch demo`: what they do, and one sentence for every mistake."""

import errno
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.cli.main import main
from orchestration.engine.home import Home, project_root
from orchestration.landing.feeds import read_feeds

CARDS = "card_id,employee_id,valid_from\n"
TO_CARDS = ("--source", "company", "--feed", "cards")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return Home.from_environment()


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    path = tmp_path / "cards.csv"
    path.write_text(CARDS + "c1,e1,2025-01-01\n", encoding="utf-8")
    return path


class Cardwatch:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["cardwatch", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return int(exit_.value.code or 0), captured.out, captured.err

    def json(self, *arguments: object) -> dict[str, Any]:
        code, out, err = self(*arguments, "--json")
        assert (code, err) == (0, "")
        answer: dict[str, Any] = json.loads(out)
        return answer

    def refusal(self, *arguments: object) -> str:
        """The one sentence, which must be the same for people and for machines."""
        code, out, err = self(*arguments)
        assert (code, out) == (1, "")
        sentence = err.removeprefix("cardwatch: ").removesuffix("\n")
        assert "\n" not in sentence
        code, out, err = self(*arguments, "--json")
        assert (code, err) == (1, "")
        assert json.loads(out) == {"error": sentence}
        return sentence


@pytest.fixture
def cardwatch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cardwatch:
    return Cardwatch(monkeypatch, capsys)


def landed(home: Home) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.landing)): path.read_bytes()
        for path in home.landing.rglob("*")
        if path.is_file()
    }


# --- land -----------------------------------------------------------------------------------------


def test_files_are_copied_into_the_folder_of_their_feed(
    home: Home, cardwatch: Cardwatch, cards: Path, tmp_path: Path
) -> None:
    other = tmp_path / ".카드.parquet"
    columns = {name: ["x"] for name in CARDS.strip().split(",")}
    pq.write_table(pa.table({**columns, "colour": ["red"]}), other)
    code, out, err = cardwatch("land", cards, other, *TO_CARDS)
    folder = home.landing / "company" / "cards"
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{cards}: landed as {folder / 'cards.csv'}",
        f"{other}: landed as {folder / '카드.parquet'}",
        "  ignored, the feed has no such column: colour",
    ]
    assert landed(home) == {
        "company/cards/cards.csv": cards.read_bytes(),
        "company/cards/카드.parquet": other.read_bytes(),
    }


def test_the_same_content_is_not_landed_again(
    home: Home, cardwatch: Cardwatch, cards: Path, tmp_path: Path
) -> None:
    cardwatch("land", cards, *TO_CARDS)
    before = landed(home)
    renamed = Path(shutil.copy(cards, tmp_path / "renamed.csv"))
    target = home.landing / "company" / "cards" / "cards.csv"
    code, out, _ = cardwatch("land", cards, renamed, *TO_CARDS)
    assert code == 0
    assert out.splitlines() == [
        f"{file}: this content is already landed as {target}" for file in (cards, renamed)
    ]
    assert cardwatch.json("land", renamed, *TO_CARDS) == {
        "files": [
            {
                "file": str(renamed),
                "landed_as": str(target),
                "already_landed": True,
                "ignored_columns": [],
                "masked_from": None,
            }
        ]
    }
    assert landed(home) == before


def test_other_content_under_the_same_name_gets_a_name_of_its_own(
    home: Home, cardwatch: Cardwatch, cards: Path
) -> None:
    cardwatch("land", cards, *TO_CARDS)
    before = landed(home)
    cards.write_text(CARDS + "c2,e2,2025-01-01\n", encoding="utf-8")
    (file,) = cardwatch.json("land", cards, *TO_CARDS)["files"]
    assert re.fullmatch(r"cards-[0-9a-f]{8}\.csv", Path(file["landed_as"]).name)
    assert landed(home) == before | {
        f"company/cards/{Path(file['landed_as']).name}": cards.read_bytes()
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no.csv", *TO_CARDS], "no.csv does not exist; name a file"),
        ([".", *TO_CARDS], ". is a folder, not a file; name a file"),
        (
            ["x.xlsx", *TO_CARDS],
            "x.xlsx is a damaged zip archive or workbook (file is not a zip file); send it again",
        ),
        (["empty.csv", *TO_CARDS], "empty.csv is empty; export it again"),
        (
            ["other.csv", *TO_CARDS],
            "other.csv lacks card_id, valid_from, which feed 'cards' of 'company' requires; "
            "add it to the header, or give the name that the header has for it in the source's yml "
            "(meta.column); of a file in another layout `cardwatch adopt` makes a source",
        ),
        (["bad.parquet", *TO_CARDS], "bad.parquet is not a readable Parquet file; export it again"),
        (
            ["cards.csv", "--source", "acme", "--feed", "cards"],
            "there is no source 'acme'; make it of a file with `cardwatch adopt`, or use one of: "
            + ", ".join(sorted({feed.source for feed in read_feeds()})),
        ),
        (
            ["cards.csv", "--source", "handbook", "--feed", "cards"],
            "source 'handbook' has no feed 'cards'; use one of: transactions",
        ),
    ],
)
def test_a_file_that_cannot_be_landed_is_refused_with_all_others(
    home: Home, cardwatch: Cardwatch, cards: Path, arguments: list[str], sentence: str
) -> None:
    Path("empty.csv").touch()
    Path("x.xlsx").write_bytes(b"PK\x03\x04")
    Path("other.csv").write_text("employee_id\ne1\n", encoding="utf-8")
    Path("bad.parquet").write_text("PAR1", encoding="utf-8")
    assert cardwatch.refusal("land", cards, *arguments) == sentence
    assert landed(home) == {}


def test_a_home_that_cannot_be_written_is_one_sentence(
    home: Home, cardwatch: Cardwatch, cards: Path
) -> None:
    home.root.write_text("a file", encoding="utf-8")
    sentence = cardwatch.refusal("land", cards, *TO_CARDS)
    assert sentence.startswith(str(home.root))
    assert sentence.endswith("(not a directory); check the path and your rights to it")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_one_sentence_and_lands_nothing(
    home: Home, cardwatch: Cardwatch, cards: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def half_a_copy(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:5])
        raise OSError(number, "the disk says no")

    monkeypatch.setattr(shutil, "copyfile", half_a_copy)
    sentence = cardwatch.refusal("land", cards, *TO_CARDS)
    assert sentence.startswith("the disk is full; free space")
    assert landed(home) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ["land", "cards.csv", "--source", "company"],
        ["land", *TO_CARDS],
        ["land", "cards.csv", *TO_CARDS, "--sauce"],
        ["demo", "--employees", "few"],
        ["demo", "--employees", "1"],
        ["demo", "--months", "0"],
        ["demo", "--seed", "-1"],
        ["demo", "--last-day", "31.12.2025"],
        ["demo", "--last-day", "9999-12-31"],
        ["demolish"],
    ],
)
def test_a_wrong_call_exits_with_2_and_does_nothing(
    home: Home, cardwatch: Cardwatch, arguments: list[str]
) -> None:
    code, out, err = cardwatch(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: cardwatch" in err
    assert not home.root.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["models"],
        ["models", "promote", "isolation_forest-2025-12-01-0123abcd", "--because", "why"],
        ["models", "rollback", "isolation_forest", "--because", "why"],
        ["models", "retrain"],
        ["backtest", "limit_evasion_001"],
        ["suggest"],
        ["canaries"],
    ],
    ids=" ".join,
)
def test_what_needs_a_warehouse_makes_none(
    home: Home, cardwatch: Cardwatch, arguments: list[str]
) -> None:
    sentence = cardwatch.refusal(*arguments)
    assert sentence == f"there is no warehouse at {home.warehouse}; run `cardwatch run` first"
    assert not home.warehouse.exists()


# --- demo -----------------------------------------------------------------------------------------


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A demo company of two files, whose content is its arguments."""
    asked: dict[str, Any] = {}

    def write(landing: Path, truth: Path, **chosen: Any) -> SimpleNamespace:
        asked.clear()
        asked.update(chosen)
        for path in (landing / "company/cards/a.csv", landing / "company/trips/b.csv", truth / "t"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{path.name} {sorted(chosen.items())}", encoding="utf-8")
        return SimpleNamespace(
            employees=1_500,
            transactions=130_000,
            first_day=date(2025, 7, 1),
            last_day=date(2025, 12, 31),
        )

    monkeypatch.setattr("orchestration.demo_company.land.write_demo_company", write)
    return asked


def test_the_demo_lands_its_files_and_the_truth_apart(
    home: Home, cardwatch: Cardwatch, company: dict[str, Any]
) -> None:
    code, out, err = cardwatch("demo", "--employees", 200, "--last-day", "2025-12-31")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "demo company of 1,500 employees with 130,000 transactions, 2025-07-01 to 2025-12-31",
        f"2 files landed in {home.landing}",
    ]
    assert company == {"employees": 200, "last_day": date(2025, 12, 31)}
    assert set(landed(home)) == {"company/cards/a.csv", "company/trips/b.csv"}
    assert (home.truth / "t").is_file()
    assert list(home.temporary.iterdir()) == []


def test_the_demo_again_changes_nothing_and_completes_what_is_missing(
    home: Home, cardwatch: Cardwatch, company: dict[str, Any]
) -> None:
    assert cardwatch.json("demo")["files_landed"] == 2
    before = landed(home)
    _, out, _ = cardwatch("demo")
    assert out.splitlines()[1].startswith("nothing new, all files were already in")
    (home.landing / "company/cards/a.csv").unlink()
    assert cardwatch.json("demo")["files_landed"] == 1
    assert landed(home) == before


def test_the_demo_is_not_mixed_with_other_files(
    home: Home, cardwatch: Cardwatch, company: dict[str, Any], cards: Path
) -> None:
    cardwatch("demo", "--seed", 1)
    before, truth = landed(home), (home.truth / "t").read_bytes()
    sentence = cardwatch.refusal("demo", "--seed", 2)
    assert sentence == (
        f"{home.landing / 'company'} already holds other files, such as cards/a.csv; "
        "empty that folder or set CARDWATCH_HOME to another one"
    )
    cardwatch("land", cards, *TO_CARDS)
    assert "such as cards/cards.csv" in cardwatch.refusal("demo", "--seed", 1)
    assert landed(home) == before | {"company/cards/cards.csv": cards.read_bytes()}
    assert (home.truth / "t").read_bytes() == truth


# --- the command itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (
            "orchestration.cli.main",
            {"duckdb", "dbt", "dagster", "pandas", "numpy", "pyarrow", "yaml"},
        ),
        (
            "orchestration.review.desk, orchestration.review.views, orchestration.review.text",
            {"dbt", "dagster", "pandas"},
        ),
        (
            "orchestration.versions.registry, orchestration.workbench.backtest",
            {"dbt", "dagster", "sklearn", "lightgbm", "skops"},
        ),
    ],
)
def test_what_answers_at_once_loads_no_heavy_libraries(modules: str, heavy: set[str]) -> None:
    script = f"import sys, {modules}; print({heavy} & {{*sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "set()\n"


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("cardwatch b", {"backtest", "benchmark"}),
        ("cardwatch models ", {"compare", "promote", "rollback", "retrain"}),
        ("cardwatch benchmark year --", {"--picture", "--keep", "--json", "--help"}),
    ],
)
def test_a_shell_completes_commands_and_options(
    cardwatch: Cardwatch, monkeypatch: pytest.MonkeyPatch, words: str, completions: set[str]
) -> None:
    monkeypatch.setenv("_CARDWATCH_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    code, out, err = cardwatch()
    assert (code, err) == (0, "")
    assert set(out.split()) == completions


def test_a_console_without_korean_letters_is_no_reason_to_fail(
    home: Home, cards: Path, tmp_path: Path
) -> None:
    renamed = cards.rename(tmp_path / "카드.csv")
    script = "from orchestration.cli.main import main; main()"
    answer = subprocess.run(
        [sys.executable, "-c", script, "land", str(renamed), *TO_CARDS],
        cwd=project_root(),
        env={"CARDWATCH_HOME": str(home.root), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "landed as" in answer.stdout
    assert answer.stderr == ""
