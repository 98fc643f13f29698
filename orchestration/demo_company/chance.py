"""What stays with a person and what is drawn: stable pseudo-random numbers, and picks by shares."""

from enum import IntEnum

import numpy as np

from orchestration.demo_company.days import Array


class Habit(IntEnum):
    """What a stable pseudo-random number of a person is for."""

    AFFINITY = 1
    WEEKLY_RHYTHM = 2
    REGULAR_PLACE = 3
    SUBSCRIPTION = 4
    ONSET = 5
    SPLIT_TRADE = 6
    LIMIT_TRADE = 7
    TRADE = 8
    GIFT_TRADE = 9
    BURST_TRADE = 10
    BAR = 11
    FRIENDLY_MERCHANT = 12
    GROWTH = 13
    HOUSEHOLD_TRADE = 14
    PRIVATE_TRADE = 15
    PARTNER = 16
    MANUAL_ENTRY = 17


def uniform_hash(*parts: Array | int) -> Array:
    """A fixed pseudo-random number in [0, 1) for each combination of integers.

    Keeps a habit stable (a favourite place, a preferred weekday) without storing it.
    """
    mixed = np.zeros(1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            mixed = mixed + np.asarray(part).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            mixed = mixed ^ (mixed >> np.uint64(31))
    result: Array = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return result


def pick(rng: np.random.Generator, shares: Array) -> Array:
    """One column for each row of a matrix of shares."""
    cumulative = np.cumsum(shares, axis=1)
    drawn = rng.random(len(shares)) * cumulative[:, -1]
    chosen: Array = (drawn[:, None] >= cumulative).sum(axis=1)
    return chosen
