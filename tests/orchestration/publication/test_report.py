"""The report: one page that stands alone, in two languages, whose risk adds up by hand."""

import json
import math
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli.main import app
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.publication.report import write_report
from orchestration.publication.report.reliability import draw_reliability
from orchestration.publication.report.risk import recompute

VERSION_COLUMNS = """
    0 as issue_id, $1 as version, date '2025-01-01' as fitted_on, $2 as method,
    $3::double as intercept, $4::double as rule_coefficient, $5::double as tree_coefficient,
    $6::double as no_tree_coefficient, $7::double as anomaly_coefficient,
    1.0::double as anomaly_tail_from, 3.0::double as anomaly_tail_full, true as is_in_use,
    'so it <is>' as verdict_reason
"""
BINS = [
    {
        "month": date(2025, 1, 1),
        "risk_from": 0.5,
        "mean_risk": 0.6,
        "decided_count": 10,
        "misuse_share": 0.5,
        "misuse_share_from": 0.24,
        "misuse_share_to": 0.76,
    },
    {
        "month": date(2025, 1, 1),
        "risk_from": 0.0,
        "mean_risk": 0.001,
        "decided_count": 0,
        "misuse_share": None,
        "misuse_share_from": None,
        "misuse_share_to": None,
    },
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A published copy with a stack, a purchase that it has scored, and a month of decisions."""
    home = Home(tmp_path / "home")
    months = home.published / "transaction_scores" / "month=2025-01"
    months.mkdir(parents=True)
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
        connection.execute(
            f"create table risk_versions as select {VERSION_COLUMNS}",
            ["stack-1", "stack", -2.0, 1.5, 0.8, -3.0, 1.0],
        )
        connection.execute(
            """
            create table risk_calibration (
                month date, risk_from double, mean_risk double, decided_count bigint,
                misuse_share double, misuse_share_from double, misuse_share_to double
            )
            """
        )
        for row in BINS:
            connection.execute(
                "insert into risk_calibration values ($1, $2, $3, $4, $5, $6, $7)",
                list(row.values()),
            )
        connection.execute(
            """
            create table risk_calibration_error as
            select
                date '2025-01-01' as month, 4000 as purchase_count, 10 as decided_count,
                0.25 as measured_share, 0.6 as mean_risk, 0.5 as misuse_share,
                0.1234 as calibration_error
            """
        )
        # log-odds of -2 + 1.5 ln 2 + 0.8 ln 3 + 0.5
        connection.execute(
            f"""
            copy (
                select
                    'T<1>' as transaction_id, date '2025-01-31' as transaction_date,
                    0.5::double as rule_risk, 0.75::double as tree_probability,
                    2.0::double as anomaly_score, 'stack-1' as risk_version,
                    1 / (1 + exp(-(-2 + 1.5 * ln(2) + 0.8 * ln(3) + 0.5))) as risk
            ) to '{months / "issue_000001.parquet"}' (format parquet)
            """
        )
    return home


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_stands_alone_and_its_risk_is_the_published_one(home: Home, language: str):
    written = write_report(home, language=language)
    page = written.file.read_text(encoding="utf-8")
    assert written.file.name == f"report.{language}.html"
    # nothing is fetched from elsewhere
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert 'src="data:image/svg+xml;base64,' in page
    risk = 1 / (1 + math.exp(2 - 1.5 * math.log(2) - 0.8 * math.log(3) - 0.5))
    assert page.count(f"{risk:.9f}") == 2
    assert "0.1234" in page
    assert "T&lt;1&gt;" in page
    assert "so it &lt;is&gt;" in page


def test_a_month_without_decisions_is_not_known_and_not_zero(home: Home):
    with duckdb.connect(str(home.published / "cardwatch.duckdb")) as connection:
        connection.execute(
            "update risk_calibration_error"
            " set calibration_error = null, mean_risk = null, misuse_share = null"
        )
    page = write_report(home).file.read_text(encoding="utf-8")
    assert "not known" in page
    assert "<img" not in page


@pytest.mark.parametrize(
    ("method", "coefficients", "values", "expected"),
    [
        # (1 - 0.5) (1 - 0.5 * 0.8) (1 - 0.2 * half the way)
        ("noisy_or", (None, 1.0, 0.5, None, 0.2), (0.5, 0.8, 2.0), 1 - 0.5 * 0.6 * 0.9),
        ("noisy_or", (None, 1.0, 0.5, None, 0.2), (0.5, None, None), 0.5),
        # without evidence the odds are 1 to 1; no tree makes them 1 to 2
        ("stack", (0.0, 2.0, 1.0, -0.6931471805599453, 1.0), (0.0, None, None), 1 / 3),
        ("stack", (0.0, 2.0, 1.0, 0.0, 1.0), (0.5, 0.5, 1.0), 4 / 5),
        # a part it does not know, in a purchase that does not have it
        ("stack", (0.0, 2.0, None, 0.0, None), (0.5, None, None), 4 / 5),
    ],
)
def test_a_risk_is_recomputed_term_by_term(method, coefficients, values, expected):
    names = ("intercept", "rule_coefficient", "tree_coefficient", "no_tree_coefficient")
    row = {
        "method": method,
        **dict(zip((*names, "anomaly_coefficient"), coefficients, strict=True)),
        **dict(zip(("rule_risk", "tree_probability", "anomaly_score"), values, strict=True)),
        "anomaly_tail_from": 1.0,
        "anomaly_tail_full": 3.0,
    }
    assert recompute(row)["recomputed"] == pytest.approx(expected, abs=1e-12)


def test_the_picture_shows_bins_with_decisions(tmp_path: Path):
    draw_reliability(BINS, tmp_path / "picture.svg")
    picture = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert "2025-01" in picture
    assert "share of misuse" in picture
    # one dot: the bin without a decision is not at 0
    assert picture.count('aria-roledescription="circle"') == 1


def test_the_command_says_where_it_wrote(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CARDWATCH_HOME", str(home.root))
    file = tmp_path / "there" / "page.html"
    result = CliRunner().invoke(app, ["report", "--output", str(file), "--json"])
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["file"], answer["issued_until"]) == (str(file), "2025-01-31")
    assert file.exists()


def test_without_a_published_copy_or_in_another_language_it_says_so(home: Home, tmp_path: Path):
    with pytest.raises(CardwatchError, match="nothing is published"):
        write_report(Home(tmp_path / "nowhere"))
    with pytest.raises(CardwatchError, match="en and ko, not de"):
        write_report(home, language="de")


def test_the_example_in_the_documentation_recomputes_the_published_risk(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    text = (project_root() / "docs" / "algorithms.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    (example,) = (block for block in blocks if "as recomputed" in block)
    monkeypatch.chdir(home.root)
    with duckdb.connect(str(home.published / "cardwatch.duckdb"), read_only=True) as connection:
        ((transaction, risk, recomputed),) = connection.execute(example).fetchall()
    assert transaction == "T<1>"
    assert abs(risk - recomputed) < 1e-12
