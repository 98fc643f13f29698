"""What card, merchant, employee, department and peers did before."""

import math
from itertools import pairwise

import numpy as np
import pandas as pd

from tests.models.brute_force.landed import Landed
from tests.models.brute_force.numbers import (
    DAY,
    FEWEST_FOR_A_SPREAD,
    LONGEST_LOOKBACK,
    MINUTES,
    Values,
    amount_spread,
    concentration,
    days_before,
    days_since_last,
    hours_between,
    is_known,
    just_before,
    largest,
    mean,
    mean_amount,
    ratio,
    spread,
    total,
)


class OfSubjects(Landed):
    """What card, merchant, employee, department and peers did before."""

    # --- the card

    def of_card(self, transaction: pd.Series) -> Values:
        """How often, how much and where the card paid before."""
        moment, day, amount = transaction["moment"], transaction["day"], transaction["amount"]
        has_time = transaction["has_time"]
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

        self._compare_amounts(transaction, rows, values)
        return values

    def _compare_amounts(self, transaction: pd.Series, rows: pd.DataFrame, values: Values) -> None:
        """This amount against earlier ones, whose sizes are among the values already."""
        day, amount = transaction["day"], transaction["amount"]
        quarter = days_before(rows, day, 90)
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
        if transaction["is_purchase"] and len(quarter) >= FEWEST_FOR_A_SPREAD:
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
