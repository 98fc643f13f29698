"""Merchants: pools by city and trade, everybody's regular places, and made-up names."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo_company import figures as f
from orchestration.demo_company.chance import Habit, uniform_hash
from orchestration.demo_company.days import Array
from orchestration.demo_company.files import Column, ids, words
from orchestration.demo_company.places import CITIES, SEOUL, displaced
from orchestration.demo_company.trades import (
    FAVOURITE_SKEW,
    FIRST_FREE_TAX_OFFICE,
    FOREIGN_STEMS,
    NAME_STEMS,
    NAME_TAILS,
    POOL_GROWTH,
    TRADE_NAMES,
    TRADES,
)

_TRADES = tuple(TRADES.values())
TRADE_ONLINE = np.array([trade.online for trade in _TRADES])
TRADE_RESTRICTED = np.array([trade.restricted for trade in _TRADES])
TRADE_MEDIAN = np.array([trade.median for trade in _TRADES])
TRADE_SIGMA = np.array([trade.sigma for trade in _TRADES])
CITY_LATITUDE = np.array([city.latitude for city in CITIES])
CITY_LONGITUDE = np.array([city.longitude for city in CITIES])
FOREIGN = np.array([city.country != "KR" for city in CITIES])
REGISTRATION_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


@dataclass
class Merchants:
    """Merchants as arrays: trade, city, position, price level (1 is usual).

    The first ones form pools by city and trade; :meth:`add` appends places outside the pools.
    """

    trade: Array
    city: Array
    latitude: Array
    longitude: Array
    price: Array
    pool_start: Array
    pool_size: Array

    @property
    def count(self) -> int:
        """Number of merchants."""
        return len(self.trade)

    @property
    def pooled(self) -> int:
        """Number of merchants in pools; later ones were added."""
        return int(self.pool_size.sum())

    def regular(
        self, rng: np.random.Generator, employee: Array, city: Array, trade: Array | int
    ) -> Array:
        """A merchant of the trade in the city: usually one of the employee's regular places.

        Regular places are visited by Zipf's law; some visits go anywhere in the pool.
        """
        n = len(employee)
        start, size = self._pool(city, trade)
        rank = np.floor(np.exp(rng.random(n) * np.log(f.FAVOURITES + 1))).astype(np.int64)
        place = uniform_hash(employee, Habit.REGULAR_PLACE, trade, rank)
        place = np.where(rng.random(n) < f.NOVELTY, rng.random(n), place)
        chosen: Array = start + np.floor(size * place**FAVOURITE_SKEW).astype(np.int64)
        return chosen

    def favourite(self, employee: Array, city: Array, trade: Array | int, habit: Habit) -> Array:
        """The one place an employee keeps going to for a habit."""
        start, size = self._pool(city, trade)
        place = uniform_hash(employee, habit, trade)
        chosen: Array = start + np.floor(size * place).astype(np.int64)
        return chosen

    def _pool(self, city: Array, trade: Array | int) -> tuple[Array, Array]:
        city = np.where(TRADE_ONLINE[trade], SEOUL, city)
        return self.pool_start[city, trade], self.pool_size[city, trade]

    def add(
        self,
        rng: np.random.Generator,
        trade: Array,
        city: Array,
        latitude: Array,
        longitude: Array,
    ) -> Array:
        """Add merchants at given places; returns their indexes."""
        first = self.count
        self.trade = np.concatenate([self.trade, trade])
        self.city = np.concatenate([self.city, city])
        self.latitude = np.concatenate([self.latitude, latitude])
        self.longitude = np.concatenate([self.longitude, longitude])
        self.price = np.concatenate([self.price, rng.lognormal(0, 0.2, len(trade))])
        return np.arange(first, self.count)


def open_merchants(rng: np.random.Generator, employees: int) -> Merchants:
    """Fill the pools of all cities and trades for a company of that size."""
    growth = (employees / 1_500) ** POOL_GROWTH
    bustle = np.array([city.bustle for city in CITIES])
    pool = np.array([trade.pool for trade in _TRADES])
    size = np.maximum(np.ceil(growth * bustle[:, None] * pool[None, :]), 2).astype(np.int64)
    size[1:, TRADE_ONLINE] = 0  # online merchants have one national pool
    start = np.cumsum(size.ravel()) - size.ravel()
    city, trade = (
        np.repeat(side.ravel(), size.ravel()) for side in np.indices(size.shape, dtype=np.int64)
    )
    n = len(trade)
    near_site = rng.random(n) < 0.55
    distance = np.where(near_site, rng.lognormal(-0.5, 0.6, n), np.abs(rng.normal(0, 6, n)))
    latitude, longitude = displaced(rng, CITY_LATITUDE[city], CITY_LONGITUDE[city], distance)
    return Merchants(
        trade=trade,
        city=city,
        latitude=latitude,
        longitude=longitude,
        price=rng.lognormal(0, 0.22, n),
        pool_start=start.reshape(size.shape),
        pool_size=size,
    )


def merchant_columns(rng: np.random.Generator, merchants: Merchants) -> dict[str, Column]:
    """One text or number a merchant for each merchant column of the transaction feed.

    Identifiers are shuffled: they say nothing about trade, city or when a merchant was added.
    """
    n = merchants.count
    online = TRADE_ONLINE[merchants.trade]
    number = rng.permutation(n)
    latitude = pa.array(merchants.latitude, mask=online)
    longitude = pa.array(merchants.longitude, mask=online)
    return {
        "merchant_id": ids("m_", number, 7),
        "merchant_name": _names(rng, merchants),
        "mcc": words(merchants.trade, [trade.mcc for trade in _TRADES]),
        "merchant_registration_no": _registration_numbers(rng, FOREIGN[merchants.city]),
        "merchant_city": words(merchants.city, [city.name for city in CITIES]),
        "merchant_country": words(merchants.city, [city.country for city in CITIES]),
        "latitude": latitude,
        "longitude": longitude,
    }


def _names(rng: np.random.Generator, merchants: Merchants) -> Column:
    n = merchants.count
    endings = [name for trade in _TRADES for name in trade.names]
    count = np.array([len(trade.names) for trade in _TRADES])
    first = np.cumsum(count) - count
    drawn = np.floor(rng.random(n) * count[merchants.trade]).astype(np.int64)
    tail = np.where(TRADE_ONLINE[merchants.trade], 0, rng.integers(0, len(NAME_TAILS), n))
    korean = pc.binary_join_element_wise(
        words(rng.integers(0, len(NAME_STEMS), n), NAME_STEMS),
        words(first[merchants.trade] + drawn, endings),
        words(tail, NAME_TAILS),
        "",
    )
    foreign = pc.binary_join_element_wise(
        words(rng.integers(0, len(FOREIGN_STEMS), n), FOREIGN_STEMS),
        words(merchants.trade, [name.replace("_", " ").title() for name in TRADE_NAMES]),
        " ",
    )
    return pc.if_else(pa.array(FOREIGN[merchants.city]), foreign, korean)


def _registration_numbers(rng: np.random.Generator, missing: Array) -> Column:
    """Business registration numbers with a right check digit and an unassigned tax office."""
    n = len(missing)
    offices = 1_000 - FIRST_FREE_TAX_OFFICE
    distinct = rng.choice(offices * 99 * 10_000, n, replace=False)
    office = FIRST_FREE_TAX_OFFICE + distinct // 990_000
    middle = 1 + distinct // 10_000 % 99
    serial = distinct % 10_000
    nine = office * 1_000_000 + middle * 10_000 + serial
    digits = (nine[:, None] // 10 ** np.arange(8, -1, -1)) % 10
    total = digits @ np.array(REGISTRATION_WEIGHTS) + digits[:, 8] * 5 // 10
    check = (10 - total % 10) % 10
    text = [
        None if gone else f"{a:03d}-{b:02d}-{c:04d}{d}"
        for gone, a, b, c, d in zip(missing, office, middle, serial, check, strict=True)
    ]
    return pa.array(text, type=pa.string())
