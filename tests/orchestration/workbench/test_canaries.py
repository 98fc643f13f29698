"""Misuse is planted in a copy of the warehouse; what the rules noticed of it comes back."""

import json
from pathlib import Path

import pytest
from scipy.stats import binomtest

from orchestration.engine.home import Home
from tests.homes import copy_of, rows, run_cardwatch, succeed

PLANTED_ROWS = """
    select count(*) from raw.company__card_transactions where transaction_id like 'canary%'
    union all select count(*) from raw.load_manifest where file = 'canaries'
    union all select count(*) from scoring.rule_hits where subject_id like 'canary%'
"""


def test_rules_are_measured_and_no_planted_row_stays(full: tuple[Home, str], tmp_path: Path):
    home = copy_of(full[0], tmp_path / "home")
    state = rows(home, "from raw.run_state")
    answer = json.loads(succeed(home, "canaries", "--each", "2", "--json").splitlines()[-1])
    measured = {rule["rule_id"]: rule for rule in answer["rules"]}
    # the plainest of all are caught wherever they are planted
    for rule_id in ("merchant_001", "time_place_002", "claims_011"):
        assert (measured[rule_id]["canaries"], measured[rule_id]["caught"]) == (2, 2)
    # what takes a year cannot be planted in two weeks, and is not known
    assert measured["cash_like_005"]["rate"] is None
    assert sum(rule["caught"] < rule["canaries"] for rule in measured.values()) > 0
    for rule in measured.values():
        if rule["rate"] is not None:
            wilson = binomtest(rule["caught"], rule["canaries"]).proportion_ci(0.95, "wilson")
            assert rule["rate_from"] == pytest.approx(wilson.low, abs=1e-6)
            assert rule["rate_to"] == pytest.approx(wilson.high, abs=1e-6)
    assert rows(home, PLANTED_ROWS) == [(0,), (0,), (0,)]
    assert rows(home, "from raw.run_state") == state


def test_without_a_run_there_is_nothing_to_measure(landed: Home):
    finished = run_cardwatch(landed, "canaries")
    assert finished.returncode == 1
    assert finished.stderr.strip().splitlines()[-1].endswith("run `cardwatch run` first")
