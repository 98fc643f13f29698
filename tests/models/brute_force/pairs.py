"""What two of them did together, their habits, and what was decided about them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon

from tests.models.brute_force.landed import Landed
from tests.models.brute_force.numbers import (
    DAY,
    FEWEST_BEFORE_A_MIXED_WEEK,
    FEWEST_DAYS_OF_HABITS,
    FEWEST_FOR_A_SPREAD,
    FEWEST_IN_A_MIXED_WEEK,
    LONGEST_LOOKBACK,
    SMOOTHING_OF_A_MIXED_WEEK,
    Values,
    amount_spread,
    days_before,
    days_since_last,
    hours_between,
    is_known,
    just_before,
    largest,
    mean_amount,
    ratio,
    total,
)


class OfPairs(Landed):
    """What two of them did together, their habits, and what was decided about them."""

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
