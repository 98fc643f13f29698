"""The rows as they landed, in one layout for all sources, and the decisions about them."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tests.models.brute_force.numbers import (
    DATA_TYPES,
    DAY,
    LONGEST_LOOKBACK,
    is_known,
    known_or_none,
    log_of,
    to_the_cent,
)


def latest_versions(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Of several rows with one key the one that landed last."""
    return rows.sort_values(["_load_id", "_line"]).drop_duplicates(key, keep="last")


def records_of(rows: pd.DataFrame, key: str) -> dict[Any, list[dict[str, Any]]]:
    """The rows of every value of a key, in the order they landed, with None for "not told"."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for row in rows.sort_values(["_load_id", "_line"]).to_dict("records"):
        told = {name: known_or_none(value) for name, value in row.items()}
        found.setdefault(told[key], []).append(told)
    return found


def begun_rows(rows: list[dict[str, Any]], moment: pd.Timestamp) -> list[dict[str, Any]]:
    """The rows of a register that had begun at a moment, the latest last."""
    begun = [row for row in rows if row["valid_from"] <= moment]
    return sorted(begun, key=lambda row: row["valid_from"])


def as_of(
    rows: list[dict[str, Any]], moment: pd.Timestamp, not_carried_forward: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What a register knew at a moment: its latest row, and before it for what that leaves out.

    Nothing when no row had begun.
    """
    known: dict[str, Any] = {}
    for row in begun_rows(rows, moment):
        for name, value in row.items():
            if value is not None or name in not_carried_forward or name not in known:
                known[name] = value
    return known


@dataclass(repr=False)
class Landed:
    """The rows as they landed, and from them the features of one transaction at a time."""

    raw: Mapping[str, pd.DataFrame]
    case_members: pd.DataFrame
    #: Case -> day on which it was opened.
    cases: Mapping[str, date]
    #: Load and line of the review events that count: the life of a case is not computed here.
    accepted: Set[tuple[int, int]]
    project: Path
    transactions: pd.DataFrame = field(init=False)
    purchases: pd.DataFrame = field(init=False)
    decisions: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        """Read vars and seeds, and bring every transaction into one layout."""
        settings = yaml.safe_load((self.project / "dbt_project.yml").read_text(encoding="utf-8"))
        self.vars: dict[str, float] = settings["vars"]
        thresholds = self._seed("rule_thresholds").set_index(["rule_id", "parameter"])
        reach = thresholds.loc[("limit_evasion_002", "from_share"), "reach"]
        self.near_limit_from = float(reach.removeprefix("from "))
        self.currencies = self._seed("currencies").set_index("currency")
        self.categories = self._seed("merchant_categories").set_index("mcc")
        self.company = self._seed("company").iloc[0]
        rates = self._seed("exchange_rates").set_index("currency")["rate"]
        self.rates = {currency: Decimal(str(rate)) for currency, rate in rates.items()}
        self.rates[self.company["currency"]] = Decimal(1)
        holidays = self._seed("holidays")
        self.holidays = set(zip(holidays["country"], holidays["holiday_date"], strict=True))
        self.cards = records_of(self.raw["company__cards"], "card_id")
        self.employees = records_of(self.raw["company__employees"], "employee_id")
        self.absences = records_of(self.raw["company__absences"], "employee_id")
        self.trips = records_of(self.raw["company__trips"], "employee_id")
        claims = latest_versions(self.raw["company__expense_claims"], ["claim_id"])
        self.claims = records_of(claims, "employee_id")
        landed = pd.DataFrame([*self._company(), *self._handbook(), *self._birmingham()])
        latest = latest_versions(landed, ["transaction_id"])
        described = [self._described(row) for row in latest.to_dict("records")]
        self.transactions = pd.DataFrame(described, dtype=object).astype(DATA_TYPES).copy()
        self.transactions.index = pd.Index(list(self.transactions["transaction_id"]))
        self.purchases = self.transactions[self.transactions["is_purchase"]].copy()
        self.decisions = self._decisions()

    def _seed(self, name: str) -> pd.DataFrame:
        return pd.read_csv(
            self.project / "seeds" / f"{name}.csv",
            dtype={"mcc": str},
            keep_default_na=False,
            na_values=[""],
        )

    # --- one layout for all sources, as models/staging maps them

    def _company(self) -> Iterable[dict[str, Any]]:
        for row in self.raw["company__card_transactions"].to_dict("records"):
            precision = "second" if pd.isna(row["_has_time"]) or row["_has_time"] else "day"
            yield {
                **row,
                "authorized_precision": known_or_none(row["authorized_precision"]) or precision,
                "status": known_or_none(row["status"]) or "approved",
            }

    def _handbook(self) -> Iterable[dict[str, Any]]:
        for row in self.raw["handbook__transactions"].to_dict("records"):
            yield {
                "transaction_id": str(row["transaction_id"]),
                "card_id": f"customer_{row['customer_id']}",
                "authorized_at": row["tx_datetime"],
                "authorized_precision": "second",
                "merchant_id": f"terminal_{row['terminal_id']}",
                "amount": row["tx_amount"],
                "currency": "EUR",
                "status": "approved",
                "_load_id": row["_load_id"],
                "_line": row["_line"],
            }

    def _birmingham(self) -> Iterable[dict[str, Any]]:
        for row in self.raw["birmingham__purchases"].to_dict("records"):
            name = row["merchant_name"].strip(" ")
            billed = row["billing_gross_amt"]
            yield {
                "transaction_id": f"purchase_{row['row_no']}",
                "card_id": f"card_ending_{row['card_number_masked'][-4:]}",
                "authorized_at": row["trans_date"],
                "authorized_precision": "day",
                "merchant_id": hashlib.md5(
                    name.lower().encode(), usedforsecurity=False
                ).hexdigest(),
                "category": row["account_desc"],
                "amount": billed if is_known(billed) else row["gross_amt"],
                "currency": "GBP",
                "status": "approved",
                "_load_id": row["_load_id"],
                "_line": row["_line"],
            }

    # --- one transaction with all that was known at its moment

    def _described(self, row: Mapping[str, Any]) -> dict[str, Any]:
        has_time = row["authorized_precision"] == "second"
        moment = row["authorized_at"] if has_time else row["authorized_at"].normalize()
        card = as_of(self.cards.get(row["card_id"], []), moment)
        employee_id = card.get("employee_id") or known_or_none(row.get("employee_id"))
        employee = as_of(self.employees.get(employee_id, []), moment, ("left_on",))
        mcc = known_or_none(row.get("mcc"))
        by_code = self.categories.loc[mcc] if mcc in self.categories.index else {}
        category = known_or_none(by_code.get("category")) or known_or_none(row.get("category"))
        billed = Decimal(str(row["amount"]))
        amount = float(round(billed * self.rates[row["currency"]], 4))
        round_unit = Decimal(str(self.currencies.loc[row["currency"], "round_unit"]))
        exact_amount = to_the_cent(amount)
        single_limit = card.get("single_limit")
        return {
            "transaction_id": row["transaction_id"],
            "moment": moment,
            "day": moment.normalize(),
            "has_time": has_time,
            "card_id": row["card_id"],
            "card": card,
            "single_limit": single_limit,
            "monthly_limit": card.get("monthly_limit"),
            "employee_id": employee_id,
            "employee": employee,
            "department_id": employee.get("department_id"),
            "grade": employee.get("grade"),
            "approver_id": self._approver(employee_id, moment) or employee.get("manager_id"),
            "merchant_id": row["merchant_id"],
            "merchant_city": known_or_none(row.get("merchant_city")),
            "latitude": known_or_none(row.get("latitude")),
            "longitude": known_or_none(row.get("longitude")),
            "category_key": category or "unknown",
            "is_cash_like": by_code.get("policy") == "cash_like",
            "in_person": known_or_none(row.get("entry_mode")) != "online",
            "currency": self.company["currency"],
            "status": row["status"],
            "billed_amount": billed,
            "round_unit": round_unit,
            "amount": amount,
            "exact_amount": exact_amount,
            "log_amount": log_of(amount),
            "is_purchase": row["status"] == "approved" and exact_amount > 0,
            "is_round": to_the_cent(float(billed)) % round_unit == 0,
            "is_near_limit": single_limit is not None
            and self.near_limit_from * single_limit
            <= exact_amount
            < self.vars["near_limit_below"] * single_limit,
        }

    def _approver(self, employee_id: str | None, moment: pd.Timestamp) -> str | None:
        """Who approved the employee's latest claim of the 365 days up to the moment."""
        approvals = [
            (claim["approved_at"], claim["claim_id"], claim["approver_id"])
            for claim in self.claims.get(employee_id, [])
            if claim["approved_at"] is not None
            and claim["approver_id"] is not None
            and moment - LONGEST_LOOKBACK * DAY < claim["approved_at"] <= moment
        ]
        return max(approvals)[-1] if approvals else None

    def _decisions(self) -> pd.DataFrame:
        """Decisions of labels and reviews on purchases of the year before, as they landed last."""
        decided = [*self._decided_by_labels(), *self._decided_by_review()]
        for decision in decided:
            known = decision.get("available_at")
            decision["available_at"] = max(
                decision["decided_at"], known if is_known(known) else decision["decided_at"]
            )
        key = ["transaction_id", "decided_at", "available_at", "origin"]
        table = pd.DataFrame(decided, columns=[*key, "misuse", "_load_id", "_line"])
        table = latest_versions(table, key)
        table = table[table["transaction_id"].isin(self.purchases.index)]
        about = self.purchases.loc[table["transaction_id"]]
        for name in (
            "merchant_id",
            "category_key",
            "department_id",
            "approver_id",
            "moment",
            "day",
        ):
            table[name] = about[name].to_numpy()
        # nothing is read before it is available
        table["decided_at"] = pd.to_datetime(table["available_at"])
        table["decided_on"] = table["decided_at"].dt.normalize()
        return table[
            (table["decided_at"] > table["moment"])
            & (table["decided_on"] - table["day"] <= LONGEST_LOOKBACK * DAY)
        ]

    def _decided_by_labels(self) -> Iterator[dict[str, Any]]:
        for row in self.raw["company__labels"].to_dict("records"):
            yield {**row, "origin": "labels"}
        for row in self.raw["handbook__transactions"].to_dict("records"):
            if is_known(row["tx_fraud"]):
                yield {
                    **row,
                    "transaction_id": str(row["transaction_id"]),
                    "misuse": row["tx_fraud"] == 1,
                    "decided_at": row["tx_datetime"] + 7 * DAY,
                    "origin": "labels",
                }

    def _decided_by_review(self) -> Iterator[dict[str, Any]]:
        # what has a finding of its own is not decided with its case any more
        found: set[tuple[str, str]] = set()
        opened_on = {case: pd.Timestamp(day) for case, day in self.cases.items()}
        for row in self._accepted_events():
            if is_known(row["transaction_id"]):
                decided_on = {row["transaction_id"]}
                found.add((row["case_id"], row["transaction_id"]))
            else:
                members = self.case_members[
                    (self.case_members["case_id"] == row["case_id"])
                    # what joined on the day of the decision came after it
                    & (
                        (self.case_members["joined_on"] <= opened_on[row["case_id"]])
                        | (self.case_members["joined_on"] < row["occurred_at"].normalize())
                    )
                ]
                decided_on = {
                    transaction_id
                    for transaction_id in members["transaction_id"]
                    if (row["case_id"], transaction_id) not in found
                }
            if row["event"] in ("cleared", "recovery_ordered"):
                for transaction_id in decided_on:
                    yield {
                        **row,
                        "transaction_id": transaction_id,
                        "misuse": row["event"] == "recovery_ordered",
                        "decided_at": row["occurred_at"],
                        "origin": "review",
                    }

    def _accepted_events(self) -> Iterator[dict[str, Any]]:
        """Review events that did something to their case, as they landed."""
        landed = self.raw["company__review_events"]
        for row in landed.sort_values(["_load_id", "occurred_at", "_line"]).to_dict("records"):
            if (row["_load_id"], row["_line"]) in self.accepted:
                yield row

    def _purchases_of(self, column: str, value: Any) -> pd.DataFrame:
        """Purchases with a value in a column."""
        return self.purchases[self.purchases[column] == value]
