"""Cities and departments of the demo company, and distances between points, with their source.

The marks are those of ``figures``; positions are degrees, distances kilometres.
"""

from dataclasses import dataclass

import numpy as np

from orchestration.demo_company.days import Array


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

KM_PER_DEGREE = 111.0


def kilometres(
    latitude: Array, longitude: Array, other_latitude: Array, other_longitude: Array
) -> Array:
    """Distance on a flat map, exact enough inside Korea."""
    north = (latitude - other_latitude) * KM_PER_DEGREE
    east = (longitude - other_longitude) * KM_PER_DEGREE * np.cos(np.radians(latitude))
    distance: Array = np.hypot(north, east)
    return distance


def displaced(
    rng: np.random.Generator, latitude: Array, longitude: Array, distance: Array
) -> tuple[Array, Array]:
    """Points at the given distances (km) in random directions."""
    bearing = rng.uniform(0, 2 * np.pi, len(distance))
    north = latitude + distance * np.cos(bearing) / KM_PER_DEGREE
    east = longitude + distance * np.sin(bearing) / (KM_PER_DEGREE * np.cos(np.radians(latitude)))
    return np.round(north, 6), np.round(east, 6)
