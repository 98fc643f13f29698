"""A file that a source of the project reads already is named with its command."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from orchestration.adoption.adopt import Place, adopt, understand
from orchestration.adoption.proposal import Answers
from orchestration.benchmark.speed import network_files
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.card_numbers import KEY_VARIABLE
from orchestration.landing.feeds import read_feeds
from tests.orchestration.adoption.corpus import rows, text
from tests.orchestration.landing.shop import CARD

FEEDS = read_feeds()
TODAY = date(2026, 1, 1)


def look(path: Path) -> object:
    return understand(FEEDS, [path], "bank", "card_transactions", Answers(), Place(), TODAY)


@pytest.mark.parametrize(
    ("write", "source"),
    [
        (network_files.write_vcf4, "visa_vcf4"),
        (network_files.write_cdf3, "mastercard_cdf3"),
        (network_files.write_gl1025, "amex_gl1025"),
    ],
)
def test_files_of_the_card_networks_have_sources(
    write: Callable[..., None], source: str, tmp_path: Path
) -> None:
    path = tmp_path / "april.txt"
    write(path, network_files.purchases(5))
    with pytest.raises(CardwatchError, match=f"--source {source}"):
        look(path)


@pytest.mark.parametrize("source", ["company", "korean_erp", "handbook"])
def test_a_sources_own_header_is_recognised(source: str, tmp_path: Path) -> None:
    feed = next(
        each
        for each in FEEDS
        if each.source == source
        and {"amount", "for_amount", "tx_amount"} & {column.name for column in each.columns}
    )
    header = ",".join(column.name.upper() for column in feed.columns)
    path = tmp_path / "a.csv"
    text(header, ",".join("2025-04-11" for _ in feed.columns))(path)
    with pytest.raises(CardwatchError, match=f"--source {source} --feed {feed.feed}"):
        look(path)


def test_card_numbers_become_tokens_and_are_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    lines = rows(f"2025-04-{{day}},{{shop}},{{pence}},GBP,{CARD}")
    text("Date,Merchant,Amount,Currency,Card Number", *lines)(path)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(CardwatchError, match=KEY_VARIABLE):
        adopt(Home(tmp_path / "home"), [path], "bank", dry_run=True)
    monkeypatch.setenv(KEY_VARIABLE, "a secret of the test")
    adopted = adopt(Home(tmp_path / "home"), [path], "bank", dry_run=True)
    assert adopted.trial.quarantined == 0
    assert CARD not in str(adopted.as_json())
    assert 'card_number: "hash"' in "".join(adopted.files.values())
