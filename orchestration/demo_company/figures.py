"""Every figure the demo company is made of, in one place, each with its source.

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


@dataclass(frozen=True)
class City:
    """A city: position in degrees, size of its pool of merchants, hours ahead of Seoul."""

    name: str
    country: str
    latitude: float
    longitude: float
    bustle: float
    hours_ahead: int = 0
    site: str = ""


CITIES = (
    City("서울", "KR", 37.5045, 127.0490, 1.0, site="서울본사"),
    City("성남", "KR", 37.4012, 127.1086, 0.45, site="판교연구소"),
    City("수원", "KR", 37.2636, 127.0286, 0.25, site="수원사업장"),
    City("인천", "KR", 37.4563, 126.7052, 0.22, site="인천물류센터"),
    City("천안", "KR", 36.8151, 127.1139, 0.18, site="천안공장"),
    City("대전", "KR", 36.3504, 127.3845, 0.25, site="대전연구소"),
    City("대구", "KR", 35.8714, 128.6014, 0.20, site="대구지사"),
    City("부산", "KR", 35.1796, 129.0756, 0.28, site="부산지사"),
    City("광주", "KR", 35.1595, 126.8526, 0.18, site="광주지사"),
    City("창원", "KR", 35.2279, 128.6811, 0.22, site="창원공장"),
    City("울산", "KR", 35.5384, 129.3114, 0.10),
    City("세종", "KR", 36.4800, 127.2890, 0.10),
    City("전주", "KR", 35.8242, 127.1480, 0.08),
    City("강릉", "KR", 37.7519, 128.8761, 0.08),
    City("제주", "KR", 33.4996, 126.5312, 0.10),
    City("Tokyo", "JP", 35.6812, 139.7671, 0.05, 0),
    City("Shanghai", "CN", 31.2304, 121.4737, 0.04, -1),
    City("Hanoi", "VN", 21.0285, 105.8542, 0.04, -2),
    City("Singapore", "SG", 1.3521, 103.8198, 0.04, -1),
    City("San Jose", "US", 37.3382, -121.8863, 0.04, -16),
    City("Frankfurt", "DE", 50.1109, 8.6821, 0.03, -7),
)
SEOUL = 0
LEISURE_CITIES = (13, 14)  # 강릉, 제주
DOMESTIC_CITIES = tuple(i for i, city in enumerate(CITIES) if city.country == "KR")
FOREIGN_CITIES = tuple(i for i, city in enumerate(CITIES) if city.country != "KR")

# --- Departments ---------------------------------------------------------------------------

PROFILES = ("sales", "marketing", "field", "it", "research", "factory", "office")
# [ours] chance of a trip in a week, by profile
WEEKLY_TRIPS = (0.075, 0.03, 0.09, 0.018, 0.035, 0.018, 0.015)


@dataclass(frozen=True)
class Department:
    """A department: its spending profile, weight in the headcount, and where it sits."""

    name: str
    profile: str
    weight: float
    cities: tuple[int, ...]


DEPARTMENTS = (
    Department("sales_seoul", "sales", 6, (0,)),
    Department("sales_metro", "sales", 5, (1, 2, 3)),
    Department("sales_chungcheong", "sales", 3, (4, 5)),
    Department("sales_honam", "sales", 3, (8,)),
    Department("sales_yeongnam", "sales", 4, (6, 7, 9)),
    Department("sales_public", "sales", 3, (0, 5)),
    Department("sales_overseas", "sales", 3, (0,)),
    Department("marketing", "marketing", 4, (0,)),
    Department("brand_design", "marketing", 2, (0, 1)),
    Department("customer_support", "office", 5, (0, 7)),
    Department("field_service_north", "field", 5, (0, 2, 3)),
    Department("field_service_south", "field", 5, (6, 7, 8, 9)),
    Department("it_platform", "it", 5, (1,)),
    Department("it_security", "it", 2, (1,)),
    Department("research_software", "it", 7, (1, 0)),
    Department("research_hardware", "research", 6, (5, 2)),
    Department("research_materials", "research", 4, (5,)),
    Department("production_1", "factory", 8, (4,)),
    Department("production_2", "factory", 8, (9,)),
    Department("quality", "factory", 4, (4, 9)),
    Department("procurement", "office", 2, (2, 9)),
    Department("logistics", "field", 4, (3, 4)),
    Department("finance", "office", 3, (0,)),
    Department("people_and_culture", "office", 2, (0,)),
    Department("strategy", "office", 2, (0,)),
)
DEPARTMENT_NAMES = tuple(department.name for department in DEPARTMENTS)
GIFT_BUYERS = DEPARTMENT_NAMES.index("people_and_culture")
OVERSEAS_SALES = DEPARTMENT_NAMES.index("sales_overseas")
HEAD_OFFICE = DEPARTMENT_NAMES.index("strategy")
TEAM_SIZE = 10  # [ours]

# --- Trades: what a merchant is --------------------------------------------------------------


@dataclass(frozen=True)
class Trade:
    """A kind of merchant: card-scheme category code, usual ticket, how many there are.

    ``pool`` counts merchants in a city of bustle 1 that see card holders of a company of 1,500;
    ``median`` and ``sigma`` shape the lognormal ticket where a purpose does not say otherwise.
    """

    mcc: str
    names: tuple[str, ...]
    pool: int
    median: int
    sigma: float = 0.5
    online: bool = False
    restricted: bool = False


# [policy] Restricted: what public bodies and most companies shut out (유흥, 위생, 레저, 사행).
TRADES = {
    "restaurant": Trade(
        "5812",
        ("국밥", "칼국수", "순두부", "김치찌개", "돈까스", "백반", "초밥", "쌀국수", "비빔밥"),
        900,
        14_000,
    ),
    "dining": Trade(
        "5812",
        ("한정식", "갈비", "참치", "일식", "한우", "중식당", "해산물", "이자카야", "다이닝"),
        170,
        210_000,
    ),
    "night_dining": Trade(
        "5812", ("비즈라운지", "라운지", "다이닝펍", "한정식 별관", "프라이빗룸"), 7, 430_000, 0.4
    ),
    "cafe": Trade("5814", ("커피", "카페", "베이커리", "버거", "샌드위치", "분식"), 350, 9_500),
    "bar": Trade("5813", ("호프", "맥주창고", "와인바", "위스키바", "노블", "클럽"), 60, 190_000),
    "taxi": Trade("4121", ("운수", "콜택시", "교통", "모빌리티"), 160, 13_500),
    "fuel": Trade("5541", ("주유소", "셀프주유소", "에너지", "석유"), 120, 66_000, 0.28),
    "parking": Trade("7523", ("주차장", "파킹", "공영주차장"), 180, 6_500, 0.7),
    "supermarket": Trade("5411", ("마트", "슈퍼", "식자재", "할인점"), 160, 46_000, 0.6),
    "convenience": Trade("5499", ("편의점", "24시", "스토어"), 240, 9_000, 0.7),
    "stationery": Trade("5943", ("문구", "오피스", "사무용품"), 60, 38_000, 0.9),
    "printing": Trade("7338", ("인쇄", "복사", "출력센터", "디자인프린트"), 30, 60_000, 0.9),
    "electronics": Trade("5732", ("전자", "컴퓨터", "디지털", "시스템"), 60, 170_000, 0.85),
    "software": Trade(
        "5734",
        ("소프트", "클라우드", "앱스토어", "솔루션", "데이터"),
        150,
        80_000,
        0.9,
        online=True,
    ),
    "mall": Trade(
        "5399", ("쇼핑", "마켓", "몰", "오픈마켓", "스토어팜"), 60, 42_000, 0.9, online=True
    ),
    "books": Trade("5942", ("서점", "문고", "북스"), 25, 26_000),
    "courier": Trade("4215", ("택배", "퀵서비스", "물류"), 20, 9_000, 0.6),
    "florist": Trade("5992", ("꽃집", "플라워", "화원"), 35, 95_000, 0.2),
    "hardware": Trade("5251", ("철물", "공구", "자재"), 40, 55_000, 0.7),
    "hotel": Trade("7011", ("호텔", "스테이", "비즈니스호텔", "레지던스"), 90, 125_000, 0.3),
    "rail": Trade("4112", ("철도승차권", "고속철도"), 3, 48_000, 0.3, online=True),
    "airline": Trade("4511", ("항공", "에어"), 8, 520_000, 0.5, online=True),
    "department_store": Trade("5311", ("백화점", "아울렛", "면세점"), 8, 160_000, 0.7),
    "gift": Trade("5947", ("상품권", "기프트", "선물의집", "티켓"), 18, 200_000, 0.6),
    "prepaid": Trade("6540", ("선불카드", "페이충전", "모바일쿠폰"), 5, 200_000, 0.6, online=True),
    "jewellery": Trade("5944", ("주얼리", "금은방", "시계"), 12, 380_000, 0.6),
    "clinic": Trade("8011", ("의원", "피부과의원", "내과의원", "클리닉"), 40, 70_000, 0.6),
    "beauty": Trade("7230", ("헤어", "뷰티", "네일"), 25, 65_000, restricted=True),
    "massage": Trade("7297", ("마사지", "테라피", "스파"), 20, 120_000, 0.4, restricted=True),
    "sauna": Trade("7298", ("사우나", "찜질방", "불가마"), 20, 22_000, 0.6, restricted=True),
    "golf": Trade("7992", ("컨트리클럽", "골프클럽", "스크린골프"), 15, 260_000, restricted=True),
    "karaoke": Trade("7911", ("노래연습장", "노래주점", "댄스홀"), 35, 90_000, restricted=True),
    "arcade": Trade("7994", ("PC방", "게임랜드", "오락실"), 25, 14_000, 0.6, restricted=True),
    "casino": Trade("7995", ("카지노", "베팅라운지", "복권방"), 3, 260_000, 0.8, restricted=True),
}
TRADE_NAMES = tuple(TRADES)
TRADE = {name: code for code, name in enumerate(TRADE_NAMES)}
POOL_GROWTH = 0.75  # [ours] exponent of the pools in the headcount
FAVOURITE_SKEW = 1.7  # [ours] above 1: popular merchants are in more people's lists

# Made-up first words of merchant names.
# fmt: off
NAME_STEMS = (
    "가온", "다래", "들꽃", "청기와", "한솔", "미소", "온누리", "새벽", "달빛", "솔향", "은하",
    "늘봄", "해오름", "푸른", "정담", "산들", "바다", "고운", "나루", "도담", "라온", "마루",
    "별빛", "사계", "아람", "자연", "참", "큰솔", "터전", "포구", "하늘", "금강", "남산",
    "동백", "매화", "백송", "서해", "연지", "옥천", "진미", "청담", "태백", "풍년", "행복",
    "황금", "우리", "명가", "대박", "수정", "소담", "예원", "유진", "이레", "장수", "제일",
    "중앙", "천지", "평화", "한빛", "현대식", "호수", "화목",
)
# fmt: on
NAME_TAILS = ("", "", "", "", " 본점", " 역전점", " 시청점", " 2호점", " 사거리점", " 신도시점")
FOREIGN_STEMS = ("Sunrise", "Harbor", "Maple", "Union", "Garden", "Central", "Lotus", "Station")
# [ours] Tax-office numbers from 900 up are not assigned, so no number is a real company's.
FIRST_FREE_TAX_OFFICE = 900

ENTRY_MODES = ("chip", "contactless", "online", "manual")
ENTRY_SHARES = (0.62, 0.37, 0.0, 0.01)  # [ours] where a card is present
STATUSES = ("approved", "declined", "reversed")

# --- Purposes: what a purchase is for, as the holder claims it ---------------------------------

MEAL_HOURS = ((12.3, 0.45, 0.78), (18.9, 0.7, 0.22))
EVENING_HOURS = ((20.7, 0.9, 1.0),)
OFFICE_HOURS = ((10.7, 1.2, 0.4), (15.2, 1.6, 0.6))
DAY_HOURS = ((9.5, 1.5, 0.3), (14.0, 2.2, 0.4), (18.5, 1.5, 0.3))
NO_RATE = (0.0,) * len(PROFILES)


@dataclass(frozen=True)
class Purpose:
    """What a purchase is claimed for, and how ordinary purchases of that purpose look.

    ``rates`` are purchases a month by profile (order of ``PROFILES``); ``off`` is the weight of
    a day off against a working day; ``hours`` mixes normal distributions (mean, spread, weight);
    ``units`` gives the chance that an amount is a multiple of so many won; ``per_head`` is the
    usual won per guest where a claim names guests; ``season`` names a calendar effect.
    """

    trade: str
    account: str
    texts: tuple[str, ...]
    rates: tuple[float, ...] = NO_RATE
    grade: str = "all"
    off: float = 0.02
    hours: tuple[tuple[float, float, float], ...] = OFFICE_HOURS
    median: int = 0
    sigma: float = 0.5
    units: tuple[tuple[int, float], ...] = ((100, 0.35), (500, 0.3), (1_000, 0.35))
    per_head: int = 0
    season: str = ""


# Rates, hours and tickets are [ours]; evening peaks follow the usual 회식 days (Thursday first).
PURPOSES = {
    "lunch": Purpose(
        "restaurant",
        "복리후생비",
        ("중식", "팀 점심", "외근 중 식사", "프로젝트 미팅 식사", "야근 식대"),
        (5.2, 4.4, 5.6, 4.2, 4.4, 3.2, 4.4),
        off=0.04,
        hours=MEAL_HOURS,
        median=14_500,
        sigma=0.6,
        units=((100, 0.1), (500, 0.4), (1_000, 0.5)),
    ),
    "coffee": Purpose(
        "cafe",
        "회의비",
        ("회의 다과", "고객 미팅 음료", "팀 회의 커피", "면담 음료"),
        (3.4, 3.3, 1.6, 2.4, 2.2, 1.2, 2.2),
        hours=((9.2, 0.8, 0.25), (13.2, 0.6, 0.4), (15.6, 1.1, 0.35)),
        median=9_500,
        units=((100, 0.6), (500, 0.4)),
    ),
    "snack": Purpose(
        "convenience",
        "복리후생비",
        ("간식", "현장 음료", "회의 준비물", "야근 간식"),
        (0.9, 0.9, 1.2, 0.9, 0.9, 1.2, 0.9),
        off=0.06,
        hours=DAY_HOURS,
        median=9_000,
        sigma=0.7,
        units=((10, 0.35), (100, 0.65)),
    ),
    "groceries": Purpose(
        "supermarket",
        "복리후생비",
        ("사무실 다과", "탕비실 비품", "행사 준비물"),
        (0.15, 0.3, 0.3, 0.35, 0.3, 0.45, 0.6),
        off=0.03,
        hours=DAY_HOURS,
        median=43_000,
        sigma=0.7,
        units=((10, 0.9), (100, 0.1)),
    ),
    "taxi": Purpose(
        "taxi",
        "여비교통비",
        ("업무 이동", "고객사 방문", "외근 교통비", "회의 참석"),
        (2.2, 2.2, 0.7, 1.3, 0.8, 0.3, 1.2),
        hours=((9.5, 1.6, 0.35), (14.5, 2.2, 0.45), (19.0, 1.4, 0.2)),
        median=12_500,
        units=((100, 1.0),),
    ),
    "night_taxi": Purpose(
        "taxi",
        "여비교통비",
        ("야근 귀가 택시", "심야 귀가", "배포 후 귀가"),
        (0.35, 0.4, 0.2, 0.7, 0.35, 0.1, 0.3),
        "junior",
        hours=((23.6, 0.8, 0.8), (25.3, 0.7, 0.2)),
        median=21_000,
        units=((100, 1.0),),
    ),
    "fuel": Purpose(
        "fuel",
        "차량유지비",
        ("업무용 차량 주유", "외근 주유", "출장 주유"),
        (1.7, 0.2, 2.8, 0.1, 0.3, 0.3, 0.1),
        off=0.15,
        hours=DAY_HOURS,
        median=66_000,
        sigma=0.28,
        units=((1, 0.35), (1_000, 0.35), (10_000, 0.3)),
    ),
    "parking": Purpose(
        "parking",
        "여비교통비",
        ("고객사 방문 주차", "외근 주차", "행사장 주차"),
        (2.2, 0.6, 2.6, 0.3, 0.3, 0.2, 0.3),
        off=0.04,
        hours=DAY_HOURS,
        median=6_500,
        sigma=0.7,
        units=((100, 0.4), (500, 0.2), (1_000, 0.4)),
    ),
    "entertainment": Purpose(
        "dining",
        "접대비",
        ("거래처 미팅", "고객사 석식", "제안 설명 후 식사", "협력사 간담회", "계약 협의 석식"),
        (1.3, 0.8, 0.25, 0.12, 0.15, 0.12, 0.25),
        "senior",
        hours=((20.9, 0.8, 0.75), (13.2, 0.5, 0.25)),
        median=205_000,
        sigma=0.5,
        units=((500, 0.1), (1_000, 0.9)),
        per_head=45_000,
        season="evening",
    ),
    "team_dinner": Purpose(
        "dining",
        "복리후생비",
        ("부서 회식", "팀 회식", "프로젝트 종료 회식", "신입 환영 회식"),
        (0.3, 0.35, 0.3, 0.35, 0.35, 0.35, 0.3),
        "senior",
        hours=EVENING_HOURS,
        median=235_000,
        sigma=0.55,
        units=((500, 0.1), (1_000, 0.9)),
        per_head=32_000,
        season="evening",
    ),
    "second_round": Purpose(
        "bar",
        "복리후생비",
        ("회식 2차", "팀 호프 모임"),
        (0.07, 0.05, 0.04, 0.04, 0.03, 0.04, 0.02),
        "senior",
        hours=((22.1, 0.7, 1.0),),
        median=88_000,
        units=((500, 0.2), (1_000, 0.8)),
        per_head=22_000,
        season="evening",
    ),
    "stationery": Purpose(
        "stationery",
        "소모품비",
        ("사무용품 구입", "문구 구입", "회의 자료 준비"),
        (0.2, 0.4, 0.25, 0.25, 0.4, 0.4, 0.6),
        median=34_000,
        sigma=0.9,
        units=((10, 0.4), (100, 0.6)),
        season="month_end",
    ),
    "printing": Purpose(
        "printing",
        "도서인쇄비",
        ("제안서 출력", "자료 인쇄", "명함 제작"),
        (0.25, 0.4, 0.05, 0.05, 0.1, 0.05, 0.25),
        median=58_000,
        sigma=0.8,
        units=((100, 0.4), (1_000, 0.6)),
        season="month_end",
    ),
    "electronics": Purpose(
        "electronics",
        "소모품비",
        ("전산 소모품", "모니터 구입", "실험 장비 부품", "주변기기 구입"),
        (0.08, 0.15, 0.25, 0.5, 0.55, 0.25, 0.15),
        median=150_000,
        sigma=0.9,
        units=((10, 0.3), (100, 0.4), (1_000, 0.3)),
        season="budget",
    ),
    "hardware": Purpose(
        "hardware",
        "소모품비",
        ("현장 공구", "설비 자재", "보수 자재"),
        (0.03, 0.05, 0.7, 0.05, 0.35, 0.7, 0.1),
        median=48_000,
        sigma=0.8,
        units=((100, 0.4), (1_000, 0.6)),
    ),
    "software": Purpose(
        "software",
        "지급수수료",
        ("소프트웨어 사용료", "클라우드 사용료", "개발 도구", "업무용 앱 구독"),
        (0.08, 0.55, 0.06, 1.1, 0.6, 0.12, 0.25),
        off=0.25,
        hours=DAY_HOURS,
        median=72_000,
        sigma=0.95,
        units=((1, 0.6), (100, 0.4)),
        season="month_end",
    ),
    "mall": Purpose(
        "mall",
        "소모품비",
        ("사무 비품 온라인 구매", "소모품 온라인 구매", "시험 재료 구매"),
        (0.12, 0.4, 0.25, 0.4, 0.5, 0.35, 0.6),
        off=0.12,
        median=41_000,
        sigma=0.9,
        units=((10, 0.8), (100, 0.2)),
        season="budget",
    ),
    "books": Purpose(
        "books",
        "교육훈련비",
        ("업무 도서", "전문 서적", "자기계발 도서"),
        (0.08, 0.15, 0.05, 0.3, 0.3, 0.05, 0.15),
        off=0.1,
        median=26_000,
        units=((100, 0.6), (1_000, 0.4)),
    ),
    "courier": Purpose(
        "courier",
        "통신비",
        ("서류 발송", "샘플 발송", "퀵서비스"),
        (0.35, 0.5, 0.2, 0.15, 0.4, 0.3, 0.5),
        median=9_000,
        sigma=0.6,
        units=((100, 0.4), (500, 0.2), (1_000, 0.4)),
    ),
    "flowers": Purpose(
        "florist",
        "접대비",
        ("거래처 근조화환", "거래처 축하화환", "승진 축하 화분"),
        (0.16, 0.08, 0.02, 0.01, 0.01, 0.02, 0.12),
        "senior",
        median=95_000,
        sigma=0.2,
        units=((1_000, 0.2), (10_000, 0.8)),
    ),
    "gift": Purpose(
        "gift",
        "접대비",
        ("거래처 선물", "고객사 명절 선물", "행사 경품", "설문 답례품"),
        (0.09, 0.12, 0.01, 0.01, 0.01, 0.01, 0.05),
        "senior",
        median=140_000,
        sigma=0.7,
        units=((1_000, 0.2), (10_000, 0.8)),
        season="gift",
    ),
    "store_gift": Purpose(
        "department_store",
        "접대비",
        ("거래처 선물", "임원 답례품", "명절 선물"),
        (0.05, 0.03, 0.0, 0.0, 0.0, 0.0, 0.03),
        "senior",
        off=0.15,
        median=150_000,
        sigma=0.5,
        season="gift",
    ),
    "welfare": Purpose(
        "clinic",
        "복리후생비",
        ("직원 건강검진", "현장 응급 처치", "직원 복지"),
        (0.01, 0.01, 0.03, 0.01, 0.01, 0.04, 0.02),
        median=62_000,
        sigma=0.6,
    ),
    "leisure": Purpose(
        "golf", "접대비", ("거래처 접대", "고객사 행사", "거래처 간담회"), per_head=90_000
    ),
    # Trips are generated from the trip list, not from a monthly rate.
    "hotel": Purpose(
        "hotel",
        "여비교통비",
        ("출장 숙박", "교육 숙박", "현장 지원 숙박"),
        units=((100, 0.4), (1_000, 0.6)),
    ),
    "rail": Purpose(
        "rail", "여비교통비", ("출장 철도", "KTX 왕복", "지방 출장"), units=((100, 1.0),)
    ),
    "flight": Purpose("airline", "여비교통비", ("해외 출장 항공",), units=((100, 1.0),)),
    "trip_meal": Purpose(
        "restaurant", "여비교통비", ("출장 식대", "출장 중 석식"), median=19_000, sigma=0.6
    ),
    "trip_taxi": Purpose(
        "taxi", "여비교통비", ("출장 중 이동", "역-현장 이동"), units=((100, 1.0),)
    ),
}
PURPOSE_NAMES = tuple(PURPOSES)
PURPOSE = {name: code for code, name in enumerate(PURPOSE_NAMES)}
AMOUNT_UNITS = (1, 10, 100, 500, 1_000, 10_000)
WRONG_ACCOUNT = "복리후생비"  # [policy] the usual hiding place (rule F9)
PRE_APPROVED_TEXT = "사전승인 건"
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
