"""A file becomes a source of the project, or the project stays as it was."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestration.adoption import adopt as adopting
from orchestration.adoption.adopt import Adopted, adopt
from orchestration.adoption.proposal import Answers, UnclearError
from orchestration.engine.dbt_project import dbt_environment, dbt_executable
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.folder import LandedFile
from tests.orchestration.adoption.corpus import rows, text

CARDS = text(
    "Card Number,Cardholder,Issue Date,Credit Limit",
    *rows("****-****-****-{card},Holder {n},2024-01-{day},5000.00"),
)
PURCHASES = text(
    "Transaction Date,Merchant Name,Amount £,Card Number,Directorate",
    *rows("{day}/04/2025,{shop},{pence},****-****-****-{card},Adults"),
)
KOREAN = text(
    "승인일자\t승인시간\t가맹점명\t가맹점 사업자번호\t승인금액\t승인구분\t통화",
    *rows("2025{low}{day}\t18:0{n}:30\t{shop_ko}\t123-45-6789{n}\t{won}\t승인\tKRW"),
    encoding="cp949",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the project, in which sources may be written."""
    root = tmp_path / "project"
    for folder in ("models", "python_models/models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(project_root() / folder, root / folder)
    for file in ("dbt_project.yml", "profiles.yml", "selectors.yml", ".sqlfluff", ".yamllint"):
        shutil.copy(project_root() / file, root / file)
    shutil.copytree(project_root() / ".ci", root / ".ci")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def purchases(tmp_path: Path) -> Path:
    path = tmp_path / "april.csv"
    PURCHASES(path)
    return path


def everything(*folders: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_file_becomes_a_source_and_lands(root: Path, home: Home, purchases: Path) -> None:
    adopted = adopt(home, [purchases], "bank", root=root)
    feed = find_feed(read_feeds(root), "bank", "card_transactions")
    assert feed.names(["Transaction Date", "Amount £"]) == ("authorized_at", "amount")
    union = (root / "models/staging/stg_card_transactions.sql").read_text()
    assert union.count("ref('stg_bank__card_transactions')") == 1
    assert [file.landed_as.read_bytes() for file in adopted.landed] == [purchases.read_bytes()]


def test_what_adopt_writes_is_a_source_like_any_other(
    root: Path, home: Home, tmp_path: Path, purchases: Path
) -> None:
    cards, korean = tmp_path / "cards.csv", tmp_path / "korean.txt"
    CARDS(cards)
    KOREAN(korean)
    files = [
        *adopt(home, [purchases], "bank", root=root).files,
        *adopt(home, [korean], "issuer", root=root).files,
        # a second feed of a source
        *adopt(home, [cards], "bank", feed="cards", root=root).files,
    ]
    tools = Path(dbt_executable()).parent
    sql = [file for file in files if file.suffix == ".sql"]
    yml = [file for file in files if file.suffix == ".yml"]
    for command in (
        [tools / "dbt", "--quiet", "parse"],
        [tools / "sqlfluff", "lint", "-q", *sql],
        [tools / "yamllint", "--strict", *yml],
    ):
        finished = subprocess.run(
            [str(word) for word in command],
            cwd=root,
            env={**os.environ, **dbt_environment(home), "DBT_PROFILES_DIR": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr


def test_a_dry_run_writes_nothing(root: Path, home: Home, purchases: Path) -> None:
    before = everything(root)
    adopted = adopt(home, [purchases], "bank", dry_run=True, root=root)
    assert adopted.trial.rows == 6
    assert adopted.landed == ()
    assert everything(root) == before
    assert not home.root.exists()


def test_an_error_at_the_end_leaves_everything_as_it_was(
    root: Path, home: Home, purchases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(root)
    copy = adopting.copy_to_landing

    def full(*arguments: object) -> list[LandedFile]:
        copy(*arguments)  # type: ignore[arg-type]
        raise OSError(28, "No space left on device", "landing")

    monkeypatch.setattr(adopting, "copy_to_landing", full)
    with pytest.raises(OSError, match="No space"):
        adopt(home, [purchases], "bank", root=root)
    assert everything(root) == before
    assert not (root / "models/staging/bank").exists()
    assert everything(home.root) == {}


def test_what_is_open_is_asked_before_anything_is_written(
    root: Path, home: Home, tmp_path: Path
) -> None:
    unclear = tmp_path / "unclear.csv"
    text("Date,Supplier,Amount", *rows("{low}/02/2025,{shop},{pence}"))(unclear)
    before = everything(root)
    with pytest.raises(UnclearError) as refused:
        adopt(home, [unclear], "bank", root=root)
    asked = {question.option: question for question in refused.value.questions}
    assert set(asked) == {"dates", "currency"}
    assert asked["dates"].choices == ("day/month/year", "month/day/year")
    assert "--dates day/month/year or month/day/year" in str(refused.value)
    assert everything(root) == before
    answers = (
        Answers()
        .with_answer(asked["dates"], "day/month/year")
        .with_answer(asked["currency"], "EUR")
    )
    assert adopt(home, [unclear], "bank", answers=answers, root=root).trial.rows == 6


def test_a_source_that_there_is_is_refused_unless_replaced(
    root: Path, home: Home, purchases: Path
) -> None:
    adopt(home, [purchases], "bank", root=root)
    with pytest.raises(CardwatchError, match="--replace"):
        adopt(home, [purchases], "bank", root=root)
    yml = root / "models/staging/bank/_bank__sources.yml"
    yml.write_text("version: 2\n\nsources: []\n", encoding="utf-8")
    again = adopt(home, [purchases], "bank", replace=True, root=root)
    assert again.landed[0].already_landed
    union = (root / "models/staging/stg_card_transactions.sql").read_text()
    assert union.count("ref('stg_bank__card_transactions')") == 1


@pytest.mark.parametrize("name", ["", "Bank", "1bank", "my bank", "../bank", "bank;drop"])
def test_a_name_that_can_be_no_sources_is_refused(
    root: Path, home: Home, purchases: Path, name: str
) -> None:
    with pytest.raises(CardwatchError, match="cannot be called"):
        adopt(home, [purchases], name, root=root)


def test_identifiers_that_restart_hold_within_their_file(
    root: Path, home: Home, tmp_path: Path
) -> None:
    files = []
    for month in ("01", "02"):
        files.append(tmp_path / f"2025-{month}.csv")
        lines = rows(f"{{n}},2025-{month}-{{day}},{{shop}},{{pence}},GBP")
        text("Transaction ID,Date,Merchant,Amount,Currency", *lines)(files[-1])
    one = adopt(home, files[:1], "single", root=root, dry_run=True).proposal.key
    both = adopt(home, files, "several", root=root, dry_run=True).proposal.key
    assert (one.columns, one.holds) == (("transaction_id",), "always")
    assert (both.columns, both.holds) == (("transaction_id",), "file")


def test_a_row_that_is_sent_again_does_not_restart_the_identifiers(
    root: Path, home: Home, tmp_path: Path
) -> None:
    lines = rows("T{n},2025-01-{day},{shop},{pence},GBP", 9)
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file, part in zip(files, (lines[:6], lines[5:]), strict=True):
        text("Transaction ID,Date,Merchant,Amount,Currency", *part)(file)
    key = adopt(home, files, "bank", root=root, dry_run=True).proposal.key
    assert (key.columns, key.holds) == (("transaction_id",), "always")


def test_files_of_two_layouts_are_refused(
    root: Path, home: Home, tmp_path: Path, purchases: Path
) -> None:
    other = tmp_path / "other.csv"
    text("Date,Payee,Value", *rows("2025-04-{day},{shop},{pence}"))(other)
    with pytest.raises(CardwatchError, match="has other columns"):
        adopt(home, [purchases, other], "bank", root=root)


def test_a_column_may_be_named_by_hand(root: Path, home: Home, tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    lines = rows("2025-04-{day},{shop},Holder {n},{pence},1.00,GBP")
    text("Date,Where,Who,Amount,Net Amount,Currency", *lines)(file)
    answers = Answers(columns={"merchant_name": "Where", "amount": "Net Amount"})
    adopted = adopt(home, [file], "bank", answers=answers, root=root, dry_run=True)
    read = adopted.trial.examples[0]
    assert (read["merchant_name"], float(read["amount"])) == ("Corner Bakery", 1.0)
    wrong = Answers(columns={"merchant_name": "Nowhere"})
    with pytest.raises(CardwatchError, match="names no one column"):
        adopt(home, [file], "bank", answers=wrong, root=root, dry_run=True)


def test_what_is_missing_switches_rules_off(root: Path, home: Home, purchases: Path) -> None:
    adopted = adopt(home, [purchases], "bank", root=root, dry_run=True)
    assert 0 < adopted.off < adopted.rules
    lacking = {each.missing for each in adopted.missing}
    assert {"time of day", "feed expense_claims", "feed absences"} <= lacking
    # every rule that is off is named once
    named = [title for each in adopted.missing for title in each.rules]
    assert len(named) == adopted.off
    assert _with_time(home, root, purchases).off < adopted.off


def _with_time(home: Home, root: Path, purchases: Path) -> Adopted:
    lines = purchases.read_text(encoding="utf-8").replace("/2025,", "/2025 18:05,")
    purchases.write_text(lines, encoding="utf-8")
    return adopt(home, [purchases], "bank", root=root, dry_run=True)
