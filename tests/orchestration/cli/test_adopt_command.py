"""`cardwatch adopt` on the command line: what it asks, and what it shows."""

from pathlib import Path

import pytest

from tests.orchestration.cli.test_cli import Cardwatch


@pytest.fixture
def cardwatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Cardwatch:
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "home"))
    return Cardwatch(monkeypatch, capsys)


def test_adopt_asks_in_one_sentence_where_nobody_can_be_asked(
    cardwatch: Cardwatch, tmp_path: Path
) -> None:
    unclear = tmp_path / "unclear.csv"
    unclear.write_text("Date,Supplier,Amount\n01/02/2025,Corner Bakery,12.50\n", encoding="utf-8")
    sentence = cardwatch.refusal("adopt", unclear, "--source", "bank", "--dry-run")
    assert "--dates day/month/year or month/day/year" in sentence
    assert "--currency" in sentence
    assert not (tmp_path / "home").exists()


def test_adopt_shows_how_it_reads_a_file(cardwatch: Cardwatch, tmp_path: Path) -> None:
    clear = tmp_path / "clear.csv"
    clear.write_text("Date,Supplier,Amount £\n19/02/2025,Corner Bakery,12.50\n", encoding="utf-8")
    code, shown, _ = cardwatch("adopt", clear, "--source", "bank", "--dry-run")
    assert code == 0
    assert "19 February 2025   card of bank · Corner Bakery · 12.50 GBP purchase" in shown
    assert "rules can be evaluated; the others lack:" in shown
    assert "nothing was written" in shown
    assert not (tmp_path / "home").exists()
