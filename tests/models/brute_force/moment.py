"""What the transaction itself says, and what was just before it."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from tests.models.brute_force.landed import Landed, begun_rows
from tests.models.brute_force.numbers import (
    DAY,
    FEWEST_TIMES,
    Values,
    angle_of_day,
    best_fisher_concentration,
    days_before,
    days_since_last,
    hours_between,
    is_known,
    just_before,
    kilometres_between,
    ratio,
)


class OfTheMoment(Landed):
    """What the transaction itself says, and what was just before it."""

    def of_amount(self, transaction: pd.Series) -> Values:
        """What the amount alone says."""
        digits = ""
        steps = transaction["billed_amount"] * 10_000 / transaction["round_unit"]
        if steps == int(steps):
            digits = str(abs(int(steps)))
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
        country = self.company["country"]
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
            "employee_days_since_reported": float((day - employee["valid_from"].normalize()).days)
            if employee
            else None,
            "card_days_since_limit_reported": None
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
