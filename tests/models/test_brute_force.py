"""Every feature equals a plain computation from the rows as they landed (see brute_force.py).

dbt's own statements build the features of a demo company, of a hand-made company with all that the
demo may lack, and of slices of the two public data sets where CARDWATCH_HANDBOOK and
CARDWATCH_BIRMINGHAM name their files. More than a hundred transactions of each are compared with
CARDWATCH_BRUTE_FORCE=1000 python -m pytest tests/models/test_brute_force.py
"""

import csv
import math
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy import stats

from orchestration.demo_company.land import land_demo
from orchestration.engine.home import Home, project_root
from tests.models.brute_force import BruteForce
from tests.models.brute_force.numbers import RAW_TABLES, best_fisher_concentration
from tests.models.hand_made import issue_cases, land_hand_made_company
from tests.models.model_steps import Project, Warehouse

COMPARED = int(os.environ.get("CARDWATCH_BRUTE_FORCE", "100"))
SEED = 20250731
SHOWN = 40

TOLERANCE = 1e-9
# The models add up squares of logarithms, and cosines and sines to eight places, so that sums do
# not depend on the order of rows. A spread near nothing loses half of its places that way, and so
# do a direction and its concentration.
TOLERANCES = {
    "card_amount_z_90d": 1e-5,
    "peer_amount_z_90d": 1e-5,
    "card_time_surprise_90d": 1e-5,
    "card_hours_from_usual_90d": 1e-5,
    # the square root of a sum that is rounded to 15 places
    "employee_category_shift_7d": 1e-6,
}

with (project_root() / "seeds" / "feature_catalog.csv").open(encoding="utf-8") as catalogue:
    FEATURES = [row["feature"] for row in csv.DictReader(catalogue)]


# --- what is landed -------------------------------------------------------------------------------


def land_demo_company(home: Home) -> None:
    land_demo(home, employees=120, months=4, seed=7)


def data_file(variable: str, what: str) -> Path:
    named = os.environ.get(variable)
    if not named:
        pytest.skip(f"name the file with {what} in {variable}")
    return Path(named).expanduser()


def land_slice(home: Home, feed: str, file: Path, condition: str) -> None:
    folder = home.landing / feed
    folder.mkdir(parents=True)
    duckdb.sql(f"select * from '{file}' where {condition}").write_parquet(
        str(folder / "slice.parquet")
    )


def land_handbook(home: Home) -> None:
    """All purchases of some cards, and all purchases at some merchants."""
    file = data_file("CARDWATCH_HANDBOOK", "the handbook's transactions")
    condition = "customer_id % 50 = 1 or terminal_id % 200 = 1"
    land_slice(home, "handbook/transactions", file, condition)


def land_birmingham(home: Home) -> None:
    """All purchases of some cards."""
    file = data_file("CARDWATCH_BIRMINGHAM", "Birmingham's purchases")
    condition = "right(card_number_masked, 1) = '7'"
    land_slice(home, "birmingham/purchases", file, condition)


@dataclass(frozen=True, repr=False)
class Built:
    """The vectors that dbt has built of a company, and what computes them anew."""

    brute_force: BruteForce
    number: int
    found: Mapping[str, Mapping[str, Any]]

    def telling(self, feature: str) -> list[str]:
        """Transactions of which the feature is known, and not nothing."""
        return [name for name, vector in self.found.items() if vector[feature]]

    def compared(self) -> list[str]:
        """Some transactions at random, and for every feature one of which it says something."""
        draw = random.Random(SEED)  # noqa: S311
        drawn = draw.sample(sorted(self.found), min(self.number, len(self.found)))
        for feature in FEATURES:
            telling = sorted(self.telling(feature))
            if telling and not set(telling) & set(drawn):
                drawn.append(draw.choice(telling))
        return drawn


COMPANIES: dict[str, Callable[[Home], None]] = {
    "demo": land_demo_company,
    "hand-made": land_hand_made_company,
    "handbook": land_handbook,
    "birmingham": land_birmingham,
}


@pytest.fixture(scope="module", params=COMPANIES)
def built(
    request: pytest.FixtureRequest, recorded: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """A company that has landed, and its features as dbt builds them."""
    folder = tmp_path_factory.mktemp(request.param) / "home"
    with Warehouse(recorded, folder, threads=2) as warehouse:
        COMPANIES[request.param](warehouse.home)
        warehouse.land()
        connection = warehouse.connection
        if request.param == "hand-made":
            issue_cases(connection)
        warehouse.build_whole()
        raw = {table: connection.execute(f"from raw.{table}").df() for table in RAW_TABLES}
        case_members = connection.execute("from ledger.case_members").df()
        cases = connection.execute("select case_id, alert_date from ledger.alerts").fetchall()
        accepted = connection.execute(
            "select load_id, load_line from labels.case_events where is_accepted"
        ).fetchall()
        brute_force = BruteForce(raw, case_members, dict(cases), {*accepted}, project_root())
        cursor = connection.execute("from features.feat_transaction")
        columns = [column[0] for column in cursor.description or ()]
        vectors = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        found = {vector["transaction_id"]: vector for vector in vectors}
        number = len(found) if request.param == "hand-made" else COMPARED
        yield Built(brute_force, number, found)


def same(feature: str, expected: float | None, found: float | None) -> bool:
    if expected is None or found is None:
        return expected is None and found is None
    tolerance = TOLERANCES.get(feature, TOLERANCE)
    return math.isclose(expected, found, rel_tol=tolerance, abs_tol=tolerance)


def test_every_transaction_has_one_vector(built: Built):
    assert sorted(built.found) == sorted(built.brute_force.transactions.index)


def test_every_feature_is_what_its_text_says(built: Built):
    differences = []
    for transaction_id in built.compared():
        expected = built.brute_force.features(transaction_id)
        assert set(expected) >= set(FEATURES)
        differences += [
            f"{transaction_id} {feature}: expected {expected[feature]!r}, found {found!r}"
            for feature in FEATURES
            if not same(feature, expected[feature], found := built.found[transaction_id][feature])
        ]
    if differences:
        shown = "\n".join(differences[:SHOWN])
        pytest.fail(f"{len(differences)} values differ, such as\n{shown}", pytrace=False)


@pytest.mark.parametrize("built", ["hand-made"], indirect=True)
def test_every_feature_says_something_somewhere_in_the_hand_made_company(built: Built):
    assert [feature for feature in FEATURES if not built.telling(feature)] == []


@pytest.mark.parametrize("concentration", [0.2, 0.8, 1.5, 3, 10, 40, 200])
def test_best_and_fisher_come_close_to_the_most_likely_concentration(concentration: float):
    angles = np.random.default_rng(SEED).vonmises(2, concentration, 5_000)
    resultant = float(np.hypot(np.cos(angles).mean(), np.sin(angles).mean()))
    most_likely = stats.vonmises.fit(angles, fscale=1)[0]
    assert best_fisher_concentration(resultant) == pytest.approx(most_likely, rel=0.01)
