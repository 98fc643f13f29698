"""What a purchase is for, as its holder claims it, and how it looks; marks as in ``figures``."""

from dataclasses import dataclass

from orchestration.demo_company.places import PROFILES

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
