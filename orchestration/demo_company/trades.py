"""What a merchant is: its trade, its usual ticket and its name; marks as in ``figures``."""

from dataclasses import dataclass


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
