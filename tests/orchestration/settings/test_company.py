"""The company's currency is set with all amounts that follow it, or nothing is changed."""

import shutil
from pathlib import Path

import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.settings.company import COMPANY, check_company, read_company, set_company
from orchestration.settings.thresholds import THRESHOLDS, check_reaches, read_thresholds


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(project_root() / "seeds", tmp_path / "seeds")
    return tmp_path


def amounts(project: Path) -> dict[tuple[str, str], tuple[float, str, str]]:
    return {
        (each.rule_id, each.parameter): (each.value, each.unit, each.reach)
        for each in read_thresholds(project)
        if each.is_amount
    }


def contents(project: Path) -> dict[str, str]:
    seeds = sorted((project / "seeds").iterdir())
    return {seed.name: seed.read_text(encoding="utf-8") for seed in seeds}


def test_amounts_are_the_shipped_ones_times_the_factor_however_often_it_is_set(
    project: Path,
) -> None:
    shipped = contents(project)
    set_company(project, "USD", "US", 0.000714)
    once = contents(project)
    assert amounts(project)["time_place_001", "minimum_amount"] == (35.7, "USD", "")
    assert amounts(project)["claims_002", "minimum_amount"] == (5, "USD", "")
    assert amounts(project)["limit_evasion_007", "maximum_sum_30d"] == (3570, "USD", "from 357")
    set_company(project, "USD", "US", 0.000714)
    assert contents(project)[THRESHOLDS.name] == once[THRESHOLDS.name]
    set_company(project, "KRW", "KR", 1)
    assert contents(project)[THRESHOLDS.name] == shipped[THRESHOLDS.name]


def test_only_amounts_change(project: Path) -> None:
    before = {(e.rule_id, e.parameter): e for e in read_thresholds(project)}
    set_company(project, "JPY", "JP", 0.1)
    after = {(e.rule_id, e.parameter): e for e in read_thresholds(project)}
    assert list(before) == list(after)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if before[name].unit == "KRW"}
    assert all(before[name].note == after[name].note for name in before)


def test_scaled_amounts_are_within_the_reaches_that_models_read(project: Path) -> None:
    set_company(project, "USD", "US", 0.000714)
    shutil.copytree(project_root() / "models", project / "models")
    check_reaches(project, read_thresholds(project))


def test_weekend_and_holidays_are_those_of_the_country(project: Path) -> None:
    change = set_company(project, "USD", "IL", 0.001)
    assert read_company(project).weekend_days == (5, 6)
    assert change.new_holidays > 0
    assert change.knows_holidays
    again = set_company(project, "USD", "IL", 0.001, weekend_days=(6, 7))
    assert read_company(project).weekend_days == (6, 7)
    assert again.new_holidays == 0
    assert again.knows_holidays
    assert not set_company(project, "USD", "XX", 0.001).knows_holidays


@pytest.mark.parametrize(
    ("currency", "factor", "sentence"),
    [
        ("THB", 0.025, "--currency THB, but seeds/currencies.csv has no row for it; add one with"),
        ("USD", 0, "--factor 0 is no factor"),
        ("USD", float("nan"), "--factor nan is no factor"),
    ],
)
def test_what_cannot_be_set_changes_nothing(
    project: Path, currency: str, factor: float, sentence: str
) -> None:
    before = contents(project)
    with pytest.raises(CardwatchError, match=sentence):
        set_company(project, currency, "TH", factor)
    assert contents(project) == before


def test_amounts_in_another_currency_than_the_company_are_not_scaled(project: Path) -> None:
    path = project / THRESHOLDS
    path.write_text(path.read_text(encoding="utf-8").replace(",KRW,", ",USD,"), encoding="utf-8")
    with pytest.raises(CardwatchError, match=r"in USD, but seeds/company\.csv says KRW"):
        set_company(project, "EUR", "DE", 0.001)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ('THB,TH,"6,7",1,', "has no row for it"),
        ("KRW,KR,8,1,", "needs a threshold_factor above 0, and weekend_days such as 6,7"),
        ("KRW,KR,6,0,", "needs a threshold_factor above 0, and weekend_days such as 6,7"),
        ("KRW,KR,6,1,\nUSD,US,6,1,", "has 2 rows; a company has one currency"),
    ],
)
def test_a_company_that_says_nothing_sensible_is_refused(
    project: Path, row: str, sentence: str
) -> None:
    header = "currency,country,weekend_days,threshold_factor,note"
    (project / COMPANY).write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(CardwatchError, match=sentence):
        check_company(project)
