"""Every feature of one transaction, computed once more the plain and slow way.

What a feature means is taken from its text (`feat_transaction.yml`, `_features__docs.md`), from
the vars of the project and from the seeds, and is computed from the rows as they landed. For one
transaction the rows of its card, merchant, employee and so on are selected and looked at. Nothing
here is shared with the models.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from scipy.spatial.distance import jensenshannon

Values = dict[str, float | None]

MINUTES = {"10m": 10, "15m": 15, "30m": 30, "1h": 60}
DAY = pd.Timedelta(days=1)
FEWEST_FOR_A_SPREAD = 5
FEWEST_TIMES = 10
FEWEST_DAYS_OF_HABITS = 28
FEWEST_IN_A_MIXED_WEEK = 3
FEWEST_BEFORE_A_MIXED_WEEK = 10
SMOOTHING_OF_A_MIXED_WEEK = 5
LONGEST_LOOKBACK = 365
EARTH_RADIUS_KILOMETRES = 6371.0088

#: Columns of a transaction that always have a value; the others hold None for "not known".
DATA_TYPES = {
    "moment": "datetime64[us]",
    "day": "datetime64[us]",
    "has_time": bool,
    "in_person": bool,
    "is_purchase": bool,
    "is_round": bool,
    "is_near_limit": bool,
    "is_cash_like": bool,
    "amount": float,
    "log_amount": float,
}

#: Tables of the schema raw that transactions, registers and decisions come from.
RAW_TABLES = (
    "company__card_transactions",
    "company__cards",
    "company__employees",
    "company__absences",
    "company__trips",
    "company__expense_claims",
    "company__labels",
    "company__review_events",
    "handbook__transactions",
    "birmingham__purchases",
)


# --- small helpers --------------------------------------------------------------------------------


def is_known(value: Any) -> bool:
    """Whether a value was told at all."""
    return value is not None and not pd.isna(value)


def known_or_none(value: Any) -> Any:
    """The value, with None for all that means "not told"."""
    return value if is_known(value) else None


def to_the_cent(amount: float) -> Decimal:
    """The amount as an exact number with two places."""
    return Decimal(repr(float(amount))).quantize(Decimal("0.01"), ROUND_HALF_UP)


def log_of(amount: float) -> float:
    """The natural logarithm to six places; of 0.01 for anything less."""
    return round(math.log(max(amount, 0.01)), 6)


def ratio(above: float | None, below: float | None) -> float | None:
    """One divided by the other; None where one of them is, and for nothing below."""
    if above is None or below is None or below == 0:
        return None
    return above / below


def mean(numbers: Iterable[float]) -> float | None:
    """Their mean; None when there are none."""
    listed = list(numbers)
    return math.fsum(listed) / len(listed) if listed else None


def spread(numbers: Iterable[float]) -> float | None:
    """Their standard deviation (population); None below five."""
    listed = list(numbers)
    if len(listed) < FEWEST_FOR_A_SPREAD:
        return None
    middle = math.fsum(listed) / len(listed)
    return math.sqrt(math.fsum((number - middle) ** 2 for number in listed) / len(listed))


def total(rows: pd.DataFrame) -> float:
    """Sum of the amounts, exact to the cent."""
    return float(sum(rows["exact_amount"], Decimal(0)))


def largest(rows: pd.DataFrame) -> float | None:
    """Largest amount; None when there are no rows."""
    return float(max(rows["exact_amount"])) if len(rows) else None


def mean_amount(rows: pd.DataFrame) -> float | None:
    """Mean amount; None when there are no rows."""
    return total(rows) / len(rows) if len(rows) else None


def amount_spread(rows: pd.DataFrame) -> float | None:
    """Standard deviation of the amounts; None below five."""
    return spread(float(amount) for amount in rows["exact_amount"])


def concentration(names: pd.Series) -> float | None:
    """Sum of the squared shares of the names (Herfindahl-Hirschman); None when there are none."""
    if not len(names):
        return None
    return sum((int((names == name).sum()) / len(names)) ** 2 for name in names.unique())


def just_before(rows: pd.DataFrame, moment: pd.Timestamp, length: pd.Timedelta) -> pd.DataFrame:
    """The rows in [moment - length, moment)."""
    return rows[(rows["moment"] >= moment - length) & (rows["moment"] < moment)]


def days_before(
    rows: pd.DataFrame, day: pd.Timestamp, first: int, last: int = 1, column: str = "day"
) -> pd.DataFrame:
    """The rows on the whole days from so many days before the day to so many before it."""
    return rows[(rows[column] >= day - first * DAY) & (rows[column] <= day - last * DAY)]


def days_since_last(rows: pd.DataFrame, day: pd.Timestamp) -> float | None:
    """Days from the last day with a row to the day, which itself does not count."""
    recent = days_before(rows, day, LONGEST_LOOKBACK)
    return float((day - recent["day"].max()).days) if len(recent) else None


def hours_between(earlier: pd.Timestamp, later: pd.Timestamp) -> float:
    """Hours, with fractions."""
    return (later - earlier).total_seconds() / 3600


def kilometres_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Distance on the globe, by the haversine formula."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((other_phi - phi) / 2) ** 2
    half += (
        math.cos(phi)
        * math.cos(other_phi)
        * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KILOMETRES * math.asin(min(1.0, math.sqrt(half)))


def angle_of_day(moment: pd.Timestamp) -> float:
    """The time of day to the minute in radians, 24 hours being a whole turn."""
    return (moment.hour + moment.minute / 60) / 24 * 2 * math.pi


def best_fisher_concentration(resultant: float) -> float:
    """Concentration of a von Mises distribution by Best and Fisher (1981), at most 500."""
    if resultant < 0.53:
        return 2 * resultant + resultant**3 + 5 * resultant**5 / 6
    if resultant < 0.85:
        return -0.4 + 1.39 * resultant + 0.43 / (1 - resultant)
    below = resultant**3 - 4 * resultant**2 + 3 * resultant
    return min(500.0, 1 / below) if below > 0 else 500.0


# --- what landed ----------------------------------------------------------------------------------


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
class BruteForce:
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
            yield {
                **row,
                "authorized_precision": known_or_none(row["authorized_precision"]) or "second",
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
        exact_amount = to_the_cent(row["amount"])
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
            "currency": row["currency"],
            "status": row["status"],
            "amount": float(row["amount"]),
            "exact_amount": exact_amount,
            "log_amount": log_of(row["amount"]),
            "is_purchase": row["status"] == "approved" and exact_amount > 0,
            "is_round": exact_amount % int(self.currencies.loc[row["currency"], "round_unit"]) == 0,
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
        decided = []
        for row in self.raw["company__labels"].to_dict("records"):
            decided.append({**row, "origin": "labels"})
        for row in self.raw["handbook__transactions"].to_dict("records"):
            if is_known(row["tx_fraud"]):
                decided.append(
                    {
                        **row,
                        "transaction_id": str(row["transaction_id"]),
                        "misuse": row["tx_fraud"] == 1,
                        "decided_at": row["tx_datetime"] + 7 * DAY,
                        "origin": "labels",
                    }
                )
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
                    decided.append(
                        {
                            **row,
                            "transaction_id": transaction_id,
                            "misuse": row["event"] == "recovery_ordered",
                            "decided_at": row["occurred_at"],
                            "origin": "review",
                        }
                    )
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

    def _accepted_events(self) -> Iterator[dict[str, Any]]:
        """Review events that did something to their case, as they landed."""
        landed = self.raw["company__review_events"]
        for row in landed.sort_values(["_load_id", "occurred_at", "_line"]).to_dict("records"):
            if (row["_load_id"], row["_line"]) in self.accepted:
                yield row

    # --- the features of one transaction

    def features(self, transaction_id: str) -> Values:
        """Every feature of the transaction."""
        transaction = self.transactions.loc[transaction_id]
        return {
            **self.of_amount(transaction),
            **self.of_time(transaction),
            **self.of_register(transaction),
            **self.of_place(transaction),
            **self.of_meetings(transaction),
            **self.of_card(transaction),
            **self.of_merchant(transaction),
            **self.of_employee(transaction),
            **self.of_department(transaction),
            **self.of_peers(transaction),
            **self.of_category(transaction),
            **self.of_card_and_merchant(transaction),
            **self.of_employee_and_merchant(transaction),
            **self.of_approver(transaction),
            **self.of_decisions(transaction),
            **self.of_misuse_run(transaction),
            **self.of_habits(transaction),
        }

    def _purchases_of(self, column: str, value: Any) -> pd.DataFrame:
        """Purchases with a value in a column."""
        return self.purchases[self.purchases[column] == value]

    def of_amount(self, transaction: pd.Series) -> Values:
        """What the amount alone says."""
        digits = ""
        if transaction["amount"] == int(transaction["amount"]):
            digits = str(abs(int(transaction["amount"])))
        zeros = len(digits) - len(digits.rstrip("0")) if digits.strip("0") else 0
        return {
            "amount": transaction["amount"],
            "amount_to_single_limit": ratio(transaction["amount"], transaction["single_limit"]),
            "amount_trailing_zeros": float(min(zeros, 6)),
            "amount_is_round": float(transaction["is_round"]),
        }

    def of_time(self, transaction: pd.Series) -> Values:
        """The time of day, the day, and how usual the time is for the card."""
        day: pd.Timestamp = transaction["day"]
        hour = transaction["moment"].hour if transaction["has_time"] else None
        country = self.currencies.loc[transaction["currency"], "holiday_country"]
        holiday = (country, str(day.date())) in self.holidays if is_known(country) else None
        weekend = day.isoweekday() >= 6
        night = hour is not None and (
            hour >= self.vars["night_from_hour"] or hour < self.vars["night_until_hour"]
        )
        surprise, hours = self._surprise_of_time(transaction)
        return {
            "hour_of_day": None if hour is None else float(hour),
            "is_night": None if hour is None else float(night),
            "card_time_surprise_90d": surprise,
            "card_hours_from_usual_90d": hours,
            "day_of_week": float(day.isoweekday()),
            "days_to_month_end": float(day.days_in_month - day.day),
            "is_weekend": float(weekend),
            "is_holiday": None if holiday is None else float(holiday),
            "is_day_off": float(weekend or bool(holiday)),
        }

    def times_of_day(self, transaction: pd.Series) -> list[float]:
        """Angles of the times of day of the card's purchases of the 90 whole days before."""
        of_card = self._purchases_of("card_id", transaction["card_id"])
        timed = of_card[of_card["has_time"]]
        before = days_before(timed, transaction["day"], 90)
        return [angle_of_day(moment) for moment in before["moment"]]

    def _surprise_of_time(self, transaction: pd.Series) -> tuple[float | None, float | None]:
        angles = self.times_of_day(transaction)
        if not transaction["has_time"] or len(angles) < FEWEST_TIMES:
            return None, None
        cosine = math.fsum(math.cos(angle) for angle in angles) / len(angles)
        sine = math.fsum(math.sin(angle) for angle in angles) / len(angles)
        apart = angle_of_day(transaction["moment"]) - math.atan2(sine, cosine)
        kappa = best_fisher_concentration(math.hypot(cosine, sine))
        hours = math.degrees(math.acos(max(-1.0, min(1.0, math.cos(apart))))) / 15
        return kappa * (1 - math.cos(apart)), hours

    def of_register(self, transaction: pd.Series) -> Values:
        """Absences, trips, employment, and how old the knowledge of holder and card is."""
        moment, day = transaction["moment"], transaction["day"]
        employee_id = transaction["employee_id"]
        employee, card = transaction["employee"], transaction["card"]
        hired_on, left_on = employee.get("hired_on"), employee.get("left_on")
        until_left = None if left_on is None else float((pd.Timestamp(left_on) - day).days)
        since_left = None
        if employee:
            since_left = 0.0 if until_left is None else max(0.0, -until_left)
        limits_told_at = None
        expired = None
        if card:
            begun = begun_rows(self.cards[transaction["card_id"]], moment)
            told = [
                row["valid_from"]
                for row in begun
                if row["single_limit"] is not None or row["monthly_limit"] is not None
            ]
            limits_told_at = told[-1] if told else None
            valid_to = begun[-1]["valid_to"]
            expired = 0.0
            if valid_to is not None:
                expired = max(0.0, float((day - valid_to.normalize()).days))
        trips = self._under_way(self.trips, employee_id, moment)
        on_trip = self._whether(trips, transaction, "company__trips")
        return {
            "is_on_leave": self._whether(
                self._under_way(self.absences, employee_id, moment),
                transaction,
                "company__absences",
            ),
            "is_on_trip": on_trip,
            "is_outside_trip_city": self._outside_trip_city(transaction, trips),
            "employee_days_since_hired": None
            if hired_on is None
            else float((day - pd.Timestamp(hired_on)).days),
            "employee_days_since_left": since_left,
            "employee_days_until_left": until_left
            if until_left is not None and until_left >= 0
            else None,
            "employee_days_since_told": float((day - employee["valid_from"].normalize()).days)
            if employee
            else None,
            "card_days_since_limit_told": None
            if limits_told_at is None
            else float((day - limits_told_at.normalize()).days),
            "card_days_since_expired": expired,
        }

    @staticmethod
    def _under_way(
        stays: Mapping[str, list[dict[str, Any]]], employee_id: str | None, moment: pd.Timestamp
    ) -> list[dict[str, Any]]:
        """The absences or trips of an employee that the moment lies in."""
        of_employee = stays.get(employee_id, [])
        return [stay for stay in of_employee if stay["starts_at"] <= moment < stay["ends_at"]]

    def _whether(
        self, under_way: list[dict[str, Any]], transaction: pd.Series, feed: str
    ) -> float | None:
        """Whether there is such a stay; unknown without a holder and before the feed begins."""
        begins = self.raw[feed]["starts_at"].min()
        if not is_known(transaction["employee_id"]) or not transaction["moment"] >= begins:
            return None
        return float(len(under_way) > 0)

    @staticmethod
    def _outside_trip_city(transaction: pd.Series, trips: list[dict[str, Any]]) -> float | None:
        cities = sorted(trip["city"] for trip in trips if trip["city"] is not None)
        if not cities or not transaction["in_person"] or not is_known(transaction["merchant_city"]):
            return None
        return float(transaction["merchant_city"] != cities[0])

    def of_place(self, transaction: pd.Series) -> Values:
        """How far the merchant is from the holder's home and from where the card was before."""
        employee, day = transaction["employee"], transaction["day"]
        position = (transaction["latitude"], transaction["longitude"])
        home = (employee.get("home_latitude"), employee.get("home_longitude"))
        here = transaction["in_person"] and all(is_known(degrees) for degrees in position)
        from_home = None
        if here and all(is_known(degrees) for degrees in home):
            from_home = kilometres_between(*position, *home)
        of_card = self._purchases_of("card_id", transaction["card_id"])
        in_person = of_card[of_card["in_person"]]
        placed = in_person[in_person["latitude"].notna() & in_person["longitude"].notna()]
        timed = placed[placed["has_time"]]
        before = just_before(timed, transaction["moment"], 3 * DAY)
        hours = kilometres = None
        if here and transaction["has_time"] and transaction["is_purchase"] and len(before):
            last = before.sort_values(["moment", "transaction_id"]).iloc[-1]
            hours = hours_between(last["moment"], transaction["moment"])
            kilometres = kilometres_between(*position, last["latitude"], last["longitude"])
        visits = since_visit = None
        if (
            transaction["in_person"]
            and transaction["is_purchase"]
            and is_known(transaction["merchant_city"])
        ):
            in_city = in_person[in_person["merchant_city"] == transaction["merchant_city"]]
            visits = float(len(days_before(in_city, day, 90)))
            since_visit = days_since_last(in_city, day)
        return {
            "employee_kilometres_from_home": from_home,
            "card_hours_since_position": hours,
            "card_kilometres_since_position": kilometres,
            "card_kilometres_per_hour": None
            if hours is None
            else ratio(kilometres, max(hours, 1 / 60)),
            "card_city_txn_count_90d": visits,
            "card_days_since_city": since_visit,
        }

    # --- whom the card meets

    def _paid_shortly_before(self, transaction: pd.Series) -> pd.DataFrame | None:
        """Purchases at the merchant in the half hour before; None in a crowd."""
        at_merchant = self._purchases_of("merchant_id", transaction["merchant_id"])
        timed = at_merchant[at_merchant["has_time"]]
        before = just_before(timed, transaction["moment"], pd.Timedelta(minutes=30))
        return None if len(before) > self.vars["meeting_crowd"] else before

    def of_meetings(self, transaction: pd.Series) -> Values:
        """Cards that paid at the merchant shortly before, and how often they did elsewhere."""
        met = self._paid_shortly_before(transaction) if transaction["has_time"] else None
        if met is None or not transaction["is_purchase"]:
            return {"card_meeting_count_30m": None, "card_pair_meeting_days_90d": None}
        others = set(met["card_id"]) - {transaction["card_id"]}
        days = [len(self._meeting_days(transaction, other)) for other in others]
        return {
            "card_meeting_count_30m": float(len(others)),
            "card_pair_meeting_days_90d": float(max(days, default=0)),
        }

    def _meeting_days(self, transaction: pd.Series, other: str) -> set[pd.Timestamp]:
        """Days of the 90 before on which one of two cards paid where the other had just paid."""
        days = set()
        for one, two in ((transaction["card_id"], other), (other, transaction["card_id"])):
            of_one = self._purchases_of("card_id", one)
            for _, purchase in days_before(of_one, transaction["day"], 90).iterrows():
                met = self._paid_shortly_before(purchase) if purchase["has_time"] else None
                if met is not None and (met["card_id"] == two).any():
                    days.add(purchase["day"])
        return days

    # --- the card

    def of_card(self, transaction: pd.Series) -> Values:
        """How often, how much and where the card paid before."""
        moment, day, amount = transaction["moment"], transaction["day"], transaction["amount"]
        has_time, is_purchase = transaction["has_time"], transaction["is_purchase"]
        rows = self._purchases_of("card_id", transaction["card_id"])
        values: Values = {}

        for name, minutes in MINUTES.items():
            recent = just_before(rows, moment, pd.Timedelta(minutes=minutes))
            values[f"card_txn_count_{name}"] = float(len(recent)) if has_time else None
            values[f"card_amount_sum_{name}"] = total(recent) if has_time else None
            values[f"card_amount_mean_{name}"] = mean_amount(recent) if has_time else None
        last_day = just_before(rows, moment, DAY)
        values["card_txn_count_1d"] = float(len(last_day))
        values["card_amount_sum_1d"] = total(last_day)
        values["card_amount_mean_1d"] = mean_amount(last_day)
        for length in (7, 14, 30, 90, 365):
            before = days_before(rows, day, length)
            values[f"card_txn_count_{length}d"] = float(len(before))
            values[f"card_amount_sum_{length}d"] = total(before)
            values[f"card_amount_mean_{length}d"] = mean_amount(before)
            values[f"card_amount_max_{length}d"] = largest(before)
            values[f"card_amount_std_{length}d"] = amount_spread(before)
        month, quarter = days_before(rows, day, 30), days_before(rows, day, 90)

        attempts = self.transactions[
            (self.transactions["card_id"] == transaction["card_id"])
            & (self.transactions["status"] == "declined")
        ]
        values["card_decline_count_7d"] = float(len(days_before(attempts, day, 7)))
        values["card_pace_ratio_1d"] = ratio(float(len(last_day)), len(month) / 30)
        values["card_pace_ratio_7d"] = ratio(values["card_txn_count_7d"], len(quarter) / 90 * 7)
        last_three_days = just_before(rows, moment, 3 * DAY)
        values["card_hours_since_purchase"] = None
        if has_time and len(last_three_days):
            last = last_three_days["moment"].max()
            values["card_hours_since_purchase"] = hours_between(last, moment)
        values["card_days_since_active"] = days_since_last(rows, day)
        values["card_pause_days_7d"] = self._longest_pause(rows, day)
        values["card_merchant_count_30d"] = float(month["merchant_id"].nunique())
        values["card_merchant_count_90d"] = float(quarter["merchant_id"].nunique())
        values["card_merchant_concentration_90d"] = concentration(quarter["merchant_id"])

        # earlier on the day and in the month
        earlier = rows[rows["moment"] < moment]
        today = earlier[earlier["day"] == day] if has_time else earlier.head(0)
        in_month = earlier[earlier["day"] >= day.replace(day=1)]
        if not has_time:
            in_month = in_month[in_month["day"] < day]
        values["card_near_limit_count_today"] = float(today["is_near_limit"].sum())
        values["card_near_limit_count_30d"] = float(month["is_near_limit"].sum())
        values["card_cash_like_amount_sum_today"] = total(today[today["is_cash_like"]])
        values["card_cash_like_amount_sum_30d"] = total(month[month["is_cash_like"]])
        values["card_amount_sum_month"] = total(in_month)
        values["card_month_to_monthly_limit"] = ratio(
            total(in_month) + max(amount, 0.0), transaction["monthly_limit"]
        )

        # this amount against earlier ones
        values["card_round_share_90d"] = mean(quarter["is_round"].astype(float))
        values["card_amount_ratio_30d"] = ratio(amount, values["card_amount_mean_30d"])
        values["card_amount_ratio_90d"] = ratio(amount, values["card_amount_mean_90d"])
        values["card_amount_to_max_90d"] = ratio(amount, values["card_amount_max_90d"])
        baseline = days_before(rows, day, 90, 15)
        baseline_mean = mean_amount(baseline)
        values["card_baseline_amount_mean"] = baseline_mean
        values["card_amount_to_baseline"] = ratio(amount, baseline_mean)
        values["card_amount_deviation_from_baseline"] = self._deviation(amount, baseline)
        values["card_amount_z_90d"] = values["card_amount_robust_z_90d"] = None
        if is_purchase and len(quarter) >= FEWEST_FOR_A_SPREAD:
            logs = [float(log) for log in quarter["log_amount"]]
            lower, middle, upper = (float(cut) for cut in np.percentile(logs, [25, 50, 75]))
            above_mean = transaction["log_amount"] - mean(logs)
            above_median = transaction["log_amount"] - middle
            values["card_amount_z_90d"] = above_mean / (spread(logs) + 0.1)
            values["card_amount_robust_z_90d"] = above_median / ((upper - lower) / 1.349 + 0.1)
        week_mean, week_max = values["card_amount_mean_7d"], values["card_amount_max_7d"]
        values["card_amount_shift_7d"] = ratio(week_mean, values["card_amount_mean_90d"])
        values["card_amount_peak_7d"] = ratio(week_max, values["card_amount_mean_90d"])
        values["card_amount_peak_14d"] = ratio(values["card_amount_max_14d"], baseline_mean)
        values["card_amount_shift_1d"] = ratio(values["card_amount_mean_1d"], baseline_mean)
        return values

    @staticmethod
    def _longest_pause(rows: pd.DataFrame, day: pd.Timestamp) -> float | None:
        """The longest time between two purchase days that ended within the week or today."""
        days = sorted(set(rows.loc[rows["day"] < day, "day"]) | {day})
        pauses = [
            float((later - earlier).days)
            for earlier, later in pairwise(days)
            if later >= day - 7 * DAY and later - earlier <= LONGEST_LOOKBACK * DAY
        ]
        return max(pauses, default=None)

    @staticmethod
    def _deviation(amount: float, rows: pd.DataFrame) -> float | None:
        """The amount less the mean of the rows, in standard deviations and a hundredth of it."""
        middle, width = mean_amount(rows), amount_spread(rows)
        if middle is None or width is None:
            return None
        return (amount - middle) / (width + middle / 100)

    # --- merchant, employee, department, peers, category

    def of_merchant(self, transaction: pd.Series) -> Values:
        """What all cards did at the merchant before."""
        moment, day, amount = transaction["moment"], transaction["day"], transaction["amount"]
        has_time = transaction["has_time"]
        rows = self._purchases_of("merchant_id", transaction["merchant_id"])
        values: Values = {}
        for name, minutes in MINUTES.items():
            recent = just_before(rows, moment, pd.Timedelta(minutes=minutes))
            values[f"merchant_txn_count_{name}"] = float(len(recent)) if has_time else None
            values[f"merchant_amount_mean_{name}"] = mean_amount(recent) if has_time else None
        last_day = just_before(rows, moment, DAY)
        values["merchant_txn_count_1d"] = float(len(last_day))
        values["merchant_amount_mean_1d"] = mean_amount(last_day)
        for length in (7, 14, 30, 90, 365):
            before = days_before(rows, day, length)
            values[f"merchant_txn_count_{length}d"] = float(len(before))
        month, quarter = days_before(rows, day, 30), days_before(rows, day, 90)
        own = quarter[quarter["card_id"] == transaction["card_id"]]
        values["merchant_days_since_active"] = days_since_last(rows, day)
        values["merchant_card_count_30d"] = float(month["card_id"].nunique())
        values["merchant_card_count_90d"] = float(quarter["card_id"].nunique())
        values["merchant_card_concentration_90d"] = concentration(quarter["card_id"])
        values["merchant_card_share_90d"] = ratio(float(len(own)), float(len(quarter)))
        values["merchant_amount_mean_30d"] = mean_amount(month)
        values["merchant_amount_mean_90d"] = mean_amount(quarter)
        values["merchant_amount_max_90d"] = largest(quarter)
        values["merchant_amount_std_90d"] = amount_spread(quarter)
        values["merchant_amount_ratio_30d"] = ratio(amount, mean_amount(month))
        values["merchant_amount_deviation_90d"] = self._deviation(amount, quarter)
        equal = just_before(rows, moment, 3 * DAY)
        equal = equal[equal["exact_amount"] == transaction["exact_amount"]]
        of_others = equal[equal["card_id"] != transaction["card_id"]]
        values["merchant_same_amount_count_3d"] = float(len(of_others))
        return values

    def of_employee(self, transaction: pd.Series) -> Values:
        """What the holder did with all cards before."""
        moment, day, amount = transaction["moment"], transaction["day"], transaction["amount"]
        known = is_known(transaction["employee_id"])
        rows = self._purchases_of("employee_id", transaction["employee_id"])
        values: Values = {}
        last_hour = just_before(rows, moment, pd.Timedelta(hours=1))
        values["employee_txn_count_1h"] = float(len(last_hour)) if transaction["has_time"] else None
        last_day = just_before(rows, moment, DAY)
        values["employee_txn_count_1d"] = float(len(last_day))
        values["employee_amount_sum_1d"] = total(last_day)
        for length in (7, 30, 90, 365):
            before = days_before(rows, day, length)
            values[f"employee_txn_count_{length}d"] = float(len(before))
            values[f"employee_amount_sum_{length}d"] = total(before)
            values[f"employee_amount_mean_{length}d"] = mean_amount(before)
            values[f"employee_amount_max_{length}d"] = largest(before)
        month, quarter = days_before(rows, day, 30), days_before(rows, day, 90)
        values["employee_amount_std_90d"] = amount_spread(quarter)
        values["employee_days_since_active"] = days_since_last(rows, day)
        values["employee_merchant_count_30d"] = float(month["merchant_id"].nunique())
        values["employee_merchant_count_90d"] = float(quarter["merchant_id"].nunique())
        values["employee_merchant_concentration_90d"] = concentration(quarter["merchant_id"])
        values["employee_amount_ratio_90d"] = ratio(amount, mean_amount(quarter))
        return values if known else dict.fromkeys(values)

    def of_department(self, transaction: pd.Series) -> Values:
        """What the department spent before."""
        day = transaction["day"]
        known = is_known(transaction["department_id"])
        rows = self._purchases_of("department_id", transaction["department_id"])
        values: Values = {}
        for length in (7, 30, 90):
            before = days_before(rows, day, length)
            values[f"department_txn_count_{length}d"] = float(len(before))
            values[f"department_amount_sum_{length}d"] = total(before)
            values[f"department_amount_mean_{length}d"] = mean_amount(before)
        quarter = days_before(rows, day, 90)
        values["department_amount_max_90d"] = largest(quarter)
        values["department_amount_std_90d"] = amount_spread(quarter)
        values["department_amount_ratio_90d"] = ratio(transaction["amount"], mean_amount(quarter))
        return values if known else dict.fromkeys(values)

    def of_peers(self, transaction: pd.Series) -> Values:
        """What holders of the same grade pay in the category."""
        names = ["currency", "category_key", "department_id", "grade"]
        rows = self.purchases
        groups = []
        for name in names:
            value = transaction[name]
            rows = rows[rows[name] == value] if is_known(value) else rows[rows[name].isna()]
            groups.append(rows)
        values: Values = dict.fromkeys(
            ("peer_amount_ratio_90d", "peer_amount_z_90d", "peer_txn_count_90d")
        )
        if not transaction["is_purchase"]:
            return values
        before = [days_before(group, transaction["day"], 90) for group in groups]
        values["peer_txn_count_90d"] = float(len(before[-1]))
        if not len(before[0]):
            return values
        # moments of the logarithms, from the currency to the narrowest group
        first = second = 0.0
        weight = 0.0
        for group in before:
            logs = [float(log) for log in group["log_amount"]]
            first = (math.fsum(logs) + weight * first) / (len(logs) + weight)
            second = (math.fsum(log**2 for log in logs) + weight * second) / (len(logs) + weight)
            weight = self.vars["peer_shrinkage"]
        above = transaction["log_amount"] - first
        width = math.sqrt(max(0.0, second - first**2))
        values["peer_amount_ratio_90d"] = math.exp(above)
        values["peer_amount_z_90d"] = above / (width + 0.1)
        return values

    def of_category(self, transaction: pd.Series) -> Values:
        """What the card paid in the category before; without a category that is one of its own."""
        day, amount = transaction["day"], transaction["amount"]
        of_card = self._purchases_of("card_id", transaction["card_id"])
        rows = of_card[of_card["category_key"] == transaction["category_key"]]
        values: Values = {}
        for length in (30, 90, 365):
            before = days_before(rows, day, length)
            values[f"card_category_txn_count_{length}d"] = float(len(before))
            values[f"card_category_amount_sum_{length}d"] = total(before)
        quarter = days_before(rows, day, 90)
        values["card_category_amount_mean_90d"] = mean_amount(quarter)
        values["card_category_amount_max_90d"] = largest(quarter)
        values["card_category_amount_std_90d"] = amount_spread(quarter)
        values["card_category_amount_ratio_90d"] = ratio(amount, mean_amount(quarter))
        values["card_category_share_90d"] = ratio(
            float(len(quarter)), float(len(days_before(of_card, day, 90)))
        )
        values["card_days_since_category"] = days_since_last(rows, day)
        return values

    # --- the last week against the weeks before it

    def of_habits(self, transaction: pd.Series) -> Values:
        """How far the last week of holder and merchant is from the days 8 to 90 before."""
        day = transaction["day"]
        at_merchant = self._purchases_of("merchant_id", transaction["merchant_id"])
        cards = [
            (float(of_day["card_id"].nunique()), name)
            for name, of_day in at_merchant.groupby("day")
        ]
        values: Values = {
            "merchant_amount_shift_7d": self._amount_shift(at_merchant, day),
            "merchant_card_shift_7d": None,
            "employee_amount_shift_7d": None,
            "employee_category_shift_7d": None,
        }
        known = self._days_known_before_the_week(at_merchant, day)
        if known >= FEWEST_DAYS_OF_HABITS:
            in_week = sum(number for number, name in cards if 1 <= (day - name).days <= 7)
            before = sum(number for number, name in cards if 8 <= (day - name).days <= 90)
            usual = before / known * 7
            values["merchant_card_shift_7d"] = (in_week - usual) / math.sqrt(usual + 1)
        if is_known(transaction["employee_id"]):
            of_employee = self._purchases_of("employee_id", transaction["employee_id"])
            values["employee_amount_shift_7d"] = self._amount_shift(of_employee, day)
            values["employee_category_shift_7d"] = self._category_shift(of_employee, day)
        return values

    @staticmethod
    def _days_known_before_the_week(rows: pd.DataFrame, day: pd.Timestamp) -> int:
        """Of the days 8 to 90 before, those since the first purchase of the year before."""
        year = days_before(rows, day, LONGEST_LOOKBACK)
        if not len(year):
            return 0
        first = year["day"].min()
        return sum(first <= day - before * DAY for before in range(8, 91))

    def _amount_shift(self, rows: pd.DataFrame, day: pd.Timestamp) -> float | None:
        """The last week's spending less that of a mean week, in standard deviations of a week."""
        known = self._days_known_before_the_week(rows, day)
        earlier = days_before(rows, day, 90, 8)
        if known < FEWEST_DAYS_OF_HABITS or len(earlier) < FEWEST_FOR_A_SPREAD:
            return None
        daily = [total(of_day) for _, of_day in earlier.groupby("day")]
        daily += [0.0] * (known - len(daily))
        usual = 7 * math.fsum(daily) / known
        width = max(math.sqrt(7) * float(np.std(daily)), usual / 10)
        return (total(days_before(rows, day, 7)) - usual) / width

    @staticmethod
    def _category_shift(rows: pd.DataFrame, day: pd.Timestamp) -> float | None:
        """Distance of the mix of categories of the last week from the one before it."""
        week = days_before(rows, day, 7)["category_key"]
        earlier = days_before(rows, day, 90, 8)["category_key"]
        if len(week) < FEWEST_IN_A_MIXED_WEEK or len(earlier) < FEWEST_BEFORE_A_MIXED_WEEK:
            return None
        names = sorted({*week, *earlier})
        usual = np.array([(earlier == name).mean() for name in names])
        counted = np.array([(week == name).sum() for name in names])
        smoothed = counted + SMOOTHING_OF_A_MIXED_WEEK * usual
        return float(jensenshannon(smoothed / smoothed.sum(), usual, base=2))

    # --- card and merchant, employee and merchant, approver and merchant

    def of_card_and_merchant(self, transaction: pd.Series) -> Values:
        """What the card paid at the merchant before."""
        moment, day, amount = transaction["moment"], transaction["day"], transaction["amount"]
        of_card = self._purchases_of("card_id", transaction["card_id"])
        rows = of_card[of_card["merchant_id"] == transaction["merchant_id"]]
        last_day = just_before(rows, moment, DAY)
        last_three_days = just_before(rows, moment, 3 * DAY)
        equal = last_three_days[last_three_days["exact_amount"] == transaction["exact_amount"]]
        twins = rows[
            (rows["moment"] == moment)
            & (rows["exact_amount"] == transaction["exact_amount"])
            & (rows["transaction_id"] < transaction["transaction_id"])
        ]
        limit = transaction["single_limit"]
        split = None
        if (
            limit is not None
            and transaction["is_purchase"]
            and amount < limit
            and (largest(last_three_days) or 0.0) < limit
        ):
            split = ratio(total(last_three_days) + amount, limit)
        return {
            "card_merchant_txn_count_1d": float(len(last_day)),
            "card_merchant_amount_sum_1d": total(last_day),
            "card_merchant_txn_count_3d": float(len(last_three_days)),
            "card_merchant_amount_sum_3d": total(last_three_days),
            "card_split_to_single_limit_3d": split,
            "card_merchant_same_amount_count_3d": float(len(equal) + len(twins)),
            "card_merchant_txn_count_90d": float(len(days_before(rows, day, 90))),
            "card_days_since_merchant": days_since_last(rows, day),
        }

    def of_employee_and_merchant(self, transaction: pd.Series) -> Values:
        """What the holder paid at the merchant before, with any card."""
        day = transaction["day"]
        known = is_known(transaction["employee_id"])
        of_employee = self._purchases_of("employee_id", transaction["employee_id"])
        rows = of_employee[of_employee["merchant_id"] == transaction["merchant_id"]]
        values: Values = {}
        for length in (30, 90, 365):
            before = days_before(rows, day, length)
            values[f"employee_merchant_txn_count_{length}d"] = float(len(before))
            values[f"employee_merchant_amount_sum_{length}d"] = total(before)
        quarter = days_before(rows, day, 90)
        values["employee_merchant_amount_mean_90d"] = mean_amount(quarter)
        values["employee_merchant_amount_max_90d"] = largest(quarter)
        values["employee_merchant_amount_ratio_90d"] = ratio(
            transaction["amount"], mean_amount(quarter)
        )
        values["employee_days_since_merchant"] = days_since_last(rows, day)
        return values if known else dict.fromkeys(values)

    def of_approver(self, transaction: pd.Series) -> Values:
        """What all employees with the same approver paid at the merchant."""
        of_approver = self._purchases_of("approver_id", transaction["approver_id"])
        rows = of_approver[of_approver["merchant_id"] == transaction["merchant_id"]]
        recent = just_before(rows, transaction["moment"], 3 * DAY)
        values: Values = {
            "approver_merchant_txn_count_3d": float(len(recent)),
            "approver_merchant_amount_sum_3d": total(recent),
        }
        return values if is_known(transaction["approver_id"]) else dict.fromkeys(values)

    # --- decisions

    def of_decisions(self, transaction: pd.Series) -> Values:
        """What was decided before about merchant, category, department and approver."""
        day = transaction["day"]
        values: Values = {}
        about = self._decided("merchant_id", transaction["merchant_id"])
        for length in (1, 7, 14, 30, 90):
            decided = days_before(about, day, length, column="decided_on")
            values[f"merchant_misuse_rate_{length}d"] = self._misuse_rate(decided)
        month = days_before(about, day, 30, column="decided_on")
        values["merchant_decided_count_30d"] = float(len(month))
        values["merchant_misuse_count_30d"] = float(month["misuse"].sum())
        misuse = days_before(about[about["misuse"].astype(bool)], day, 90, column="decided_on")
        values["merchant_days_since_misuse"] = None
        if len(misuse):
            values["merchant_days_since_misuse"] = float((day - misuse["decided_on"].max()).days)
        for subject, column in (
            ("category", "category_key"),
            ("department", "department_id"),
            ("approver", "approver_id"),
        ):
            known = is_known(transaction[column])
            decided = self._decided(column, transaction[column])
            decided = days_before(decided, day, 90, column="decided_on")
            rate = self._misuse_rate(decided)
            values[f"{subject}_misuse_rate_90d"] = rate if known else None
            values[f"{subject}_decided_count_90d"] = float(len(decided)) if known else None
        return values

    def _decided(self, column: str, value: Any) -> pd.DataFrame:
        """Decisions on the purchases of a subject."""
        return self.decisions[self.decisions[column] == value]

    def _misuse_rate(self, decided: pd.DataFrame) -> float:
        prior, weight = self.vars["prior_misuse_rate"], self.vars["prior_misuse_weight"]
        return float((decided["misuse"].sum() + weight * prior) / (len(decided) + weight))

    def of_misuse_run(self, transaction: pd.Series) -> Values:
        """Misuse at the merchant found one after the other, up to the latest decision."""
        moment = transaction["moment"]
        of_merchant = self.decisions[self.decisions["merchant_id"] == transaction["merchant_id"]]
        before = of_merchant[of_merchant["decided_at"] < moment]
        telling = [
            decision
            for decision in before.to_dict("records")
            if not decision["misuse"] or not self._is_unusual_for_its_card(decision)
        ]
        # at one moment innocence counts as the later decision
        telling.sort(key=lambda decision: (decision["decided_at"], not decision["misuse"]))
        recent = [row for row in telling if row["decided_at"] >= moment - 90 * DAY]
        run: list[dict[str, Any]] = []
        for decision in reversed(recent):
            if not decision["misuse"]:
                break
            run.append(decision)
        values: Values = {
            "merchant_misuse_run_90d": float(len(run)),
            "merchant_days_since_misuse_run": None,
            "merchant_days_since_innocent": None,
        }
        if not run:
            return values
        innocent = [row["moment"] for row in recent if not row["misuse"]]
        if innocent:
            values["merchant_days_since_innocent"] = hours_between(max(innocent), moment) / 24
        # the run goes on from before when misuse was the last decision, and less than 90 days old
        first_decided_at = run[-1]["decided_at"]
        older = telling[: -len(run)]
        goes_on = (
            bool(older)
            and older[-1]["misuse"]
            and older[-1]["decided_at"] >= first_decided_at - 90 * DAY
        )
        if not goes_on:
            first = min(row["moment"] for row in run if row["decided_at"] == first_decided_at)
            values["merchant_days_since_misuse_run"] = hours_between(first, moment) / 24
        return values

    def _is_unusual_for_its_card(self, decision: Mapping[str, Any]) -> bool:
        """Whether the amount that was decided on lies far above the baseline of its card."""
        transaction = self.transactions.loc[decision["transaction_id"]]
        rows = self._purchases_of("card_id", transaction["card_id"])
        baseline = days_before(rows, transaction["day"], 90, 15)
        deviation = self._deviation(transaction["amount"], baseline)
        return deviation is not None and deviation > self.vars["unusual_amount_deviation"]
