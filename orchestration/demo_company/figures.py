"""Rates and shares that the demo company is made of, each with its source.

Cities and departments are in ``places``, merchants in ``trades``, purchases in ``purposes``.

Sources: **[survey]** and **[industry]** are published base rates for expense misuse;
**[policy]** is what Korean corporate-card policies commonly say; **[ours]** is a plausible
choice without a source. Amounts are whole won, hours are local wall-clock hours (25.5 is half
past one the next night), rates per month are per card holder.
"""

from dataclasses import dataclass

SECONDS_PER_DAY = 86_400
NEVER = 2**40  # a moment or day later than any other

# --- Size and misuse -----------------------------------------------------------------------

# [industry] Oversight: about 1 % of card transactions are fraud exceptions.
MISUSE_SHARE = 0.0105
# [industry] Oversight: 5 % of employees make more than 80 % of the fraud flags. The habitual
# offenders are fewer than 5 % because accomplices join them.
OFFENDER_SHARE = 0.038
OCCASIONAL_SHARE_OF_ACTS = 0.15
# [industry] Oversight: about 6 % of transactions are out of policy, mostly without bad intent.
OUT_OF_POLICY = {
    "late_claim": 0.016,
    "no_receipt": 0.014,
    "no_claim": 0.012,
    "wrong_account": 0.008,
    "no_attendees": 0.010,
}
# [survey] Of admitted acts, two Korean surveys found splitting in 28.2 % and 10.4 %, cashing
# out through gift cards in 24.4 % and .9 %: the midpoints.
SPLITTING_SHARE_OF_ACTS = (0.282 + 0.104) / 2
GIFT_CARD_SHARE_OF_ACTS = (0.244 + 0.009) / 2
LOOK_ALIKES_PER_ACT = 1.5  # [ours]
HABITS_PER_OFFENDER = 1.5  # [ours] kinds an offender keeps to
LATE_STARTERS = 0.5  # [ours] habits that begin some time into the period
SMALLEST_COMPANY = 100  # [ours] employees; below about 300 a rare kind may be missing
FEWEST_ACTS = 2  # [ours] of each kind, however small the company
PRE_APPROVED_SHARE = 0.01  # [ours] of all purchases, misuse that was waved through included

# --- Ordinary life -------------------------------------------------------------------------

REFUND_SHARE = 0.015  # [ours]
DECLINED_SHARE = 0.008  # [ours] besides what a limit stops
REVERSED_SHARE = 0.003  # [ours] typed wrongly and cancelled within minutes
CASH_CLAIM_SHARE = 0.012  # [ours] small cash outlays per card claim
ANNUAL_HIRES = 0.08  # [ours] share of the headcount
ANNUAL_LEAVERS = 0.08  # [ours]
ANNUAL_TRANSFERS = 0.04  # [ours]
ANNUAL_PROMOTIONS = 0.06  # [ours] besides those on the first day
ANNUAL_CARD_LOSSES = 0.025  # [ours]
ANNUAL_LIMIT_RAISES = 0.08  # [ours]
LATE_BLOCK_SHARE = 0.4  # [ours] leavers whose card is blocked some days too late
LONG_LEAVE_SHARE = 0.015  # [ours] parental and sick leave
WEEKLY_LEAVE = 0.10  # [ours] chance of annual leave in a week, times the season
HALF_DAY_SHARE = 0.25  # [ours] of one-day leaves
ABROAD_SHARE = 0.05  # [ours] of trips; ten times that in overseas sales
NOVELTY = 0.18  # [ours] purchases away from one's regular places
FAVOURITES = 8  # [ours] regular places per person, trade and city, visited by Zipf's law
OVER_LIMIT_APPROVED = 0.35  # [ours] purchases above the limit that were approved in advance
MINGLE_SHARE = 0.003  # [ours] ordinary purchases that stray into somebody's private places
OVER_LIMIT_DECLINED = 0.15  # [ours] the rest is bought smaller

# --- Grades --------------------------------------------------------------------------------

GRADES = ("사원", "대리", "과장", "차장", "부장", "임원")
GRADE_SHARES = (0.30, 0.25, 0.20, 0.13, 0.09, 0.03)  # [ours] a usual pyramid
SINGLE_LIMITS = (300_000, 500_000, 700_000, 1_000_000, 2_000_000, 5_000_000)  # [policy]
MONTHLY_LIMITS = (2_000_000, 3_000_000, 5_000_000, 7_000_000, 12_000_000, 30_000_000)  # [policy]
CARD_SHARES = (0.70, 0.85, 0.95, 1.0, 1.0, 1.0)  # [ours]
SECOND_CARD_SHARES = (0.0, 0.0, 0.05, 0.15, 0.40, 0.80)  # [ours]
SLEEPING_CARD_SHARE = 0.35  # [ours] of second cards
AMOUNT_BY_GRADE = (1.0, 1.0, 1.05, 1.15, 1.3, 1.6)  # [ours]
RATE_BY_GRADE = {
    "all": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    "senior": (0.15, 0.45, 1.0, 1.7, 2.6, 3.2),
    "junior": (1.3, 1.2, 1.0, 0.8, 0.6, 0.4),
}
# [ours] Up to this limit a dinner is worth splitting.
SPLITTABLE_LIMIT = 1_000_000

# --- Places --------------------------------------------------------------------------------


# --- Departments ---------------------------------------------------------------------------


# --- Trades: what a merchant is --------------------------------------------------------------


ENTRY_MODES = ("chip", "contactless", "online", "manual")
ENTRY_SHARES = (0.62, 0.37, 0.0, 0.01)  # [ours] where a card is present
STATUSES = ("approved", "declined", "reversed")

# --- Purposes: what a purchase is for, as the holder claims it ---------------------------------


ACTIVITY = 1.0  # [ours] scales all monthly rates
ACTIVITY_SPREAD = 0.35  # [ours] lognormal spread between employees
ACTIVITY_MOST = 1.8  # [ours]
# [ours] weight of Monday to Friday in the evening; Thursday is the usual night for 회식
EVENING_BY_WEEKDAY = (0.7, 1.0, 1.1, 1.3, 0.9, 1.0, 1.0)
MONTH_END_DAYS = 5
MONTH_END_FACTOR = 1.4  # [ours]
YEAR_END_EVENING_FACTOR = 1.45  # [ours] 송년회 in December
BUDGET_FLUSH_FACTOR = 1.7  # [ours] December
GIFT_SEASON_FACTOR = 6.0  # [ours]
GIFT_SEASON_DAYS = 21  # [ours] before Chuseok and Seollal; December from the tenth
YEAR_END_GIFTS_FROM = 10
SUBSCRIPTIONS = (0.05, 0.4, 0.03, 0.7, 0.4, 0.05, 0.2)  # [ours] per holder, by profile

# --- The two existing filters and the reviewers -------------------------------------------------

# [ours] together they hit about 3 % of transactions
RULE_RESTRICTED_FROM = 20_000
RULE_NIGHT_FROM = 40_000
RULE_NEAR_LIMIT = 0.90
RULE_DAY_OFF_FROM = 80_000
RULE_LARGE_FROM = 600_000
TREE_SHARE = 0.016
# [ours] log-odds of the tree-like score
TREE_WEIGHTS = {
    "restricted": 1.6,
    "night": 1.2,
    "day_off": 0.9,
    "near_limit": 1.0,
    "high_ticket": 0.7,
    "round": 0.8,
    "manual": 0.4,
    "abroad": 0.3,
}
TREE_BIAS = -4.5
TREE_NOISE = 0.5
FLAG_HOURS = (6.2, 6.7)  # both filters run the next morning

REVIEWED_SHARE = 0.85  # [ours]
REVIEW_MEDIAN_DAYS = 6.0  # [ours]
REVIEW_SPREAD = 0.75
REVIEW_MAX_DAYS = 40
REVIEW_FALSE_POSITIVES = 0.03  # [ours]
REVIEW_MISSES = 0.08  # [ours]
AUDIT_SHARE = 0.0012  # [ours] random audit
HOTLINE_SHARE = 0.02  # [ours] of misuse is reported by a colleague
HOTLINE_FALSE_SHARE = 0.00015  # [ours] of everything else
HOTLINE_MEDIAN_DAYS = 14.0

# --- Claims -------------------------------------------------------------------------------------

POSTING_DAYS = (1, 4)  # [ours] due to be posted one to three days later
CLAIM_MEDIAN_DAYS = 2.5  # [ours]
CLAIM_SPREAD = 0.8
CLAIM_LATE_DAYS = (31, 60)  # [policy] late is over 30 days
CLAIM_USUAL_MAX_DAYS = 28
APPROVAL_MEDIAN_HOURS = 2.5  # [ours]
APPROVAL_SPREAD = 1.2
# [ours] of meals claimed twice: the second claim names the transaction again, or the same slip
SAME_TRANSACTION_SHARE = 0.5
SAME_SLIP_SHARE = 0.4


@dataclass(frozen=True)
class CashOutlay:
    """A sort of small cash outlay: claim text, account, share of cash claims, usual won, unit."""

    text: str
    account: str
    share: float
    median: int
    unit: int = 500


# [ours]
CASH_OUTLAYS = (
    CashOutlay("현장 주차 현금 지출", "여비교통비", 0.30, 5_000),
    CashOutlay("경조금", "접대비", 0.25, 60_000, 50_000),
    CashOutlay("주말 당직 식대", "복리후생비", 0.10, 11_000),
    CashOutlay("자판기 및 소액 지출", "복리후생비", 0.20, 6_000),
    CashOutlay("시외버스 승차권", "여비교통비", 0.15, 18_000),
)
CONDOLENCE = 1  # the outlay that comes without a slip

# --- a change of behaviour, if one is asked for ---------------------------------------------------

#: What ordinary purchases cost afterwards; ours, large enough for monitoring to see it at once.
PRICE_RISE = 1.4

# Those who work the queue of Cardwatch: days to an answer, shares of mistakes as above.
REVIEWERS = ("reviewer_1", "reviewer_2", "reviewer_3")
ANSWER_MEDIAN_DAYS = 3.0  # [ours] until the cardholder explains
NO_ANSWER_SHARE = 0.03  # [ours] cardholders who never do
DECISION_MEDIAN_DAYS = 1.5  # [ours] from the answer to the decision
RECOVERY_MEDIAN_DAYS = 15.0  # [ours] from the order to the money
