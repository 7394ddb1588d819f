"""A country full of customers, from a seed: what the benchmarks are measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

SIZE_KM = np.array([1000.0, 700.0])
CITIES, CITY_EXPONENT, URBAN, SHARED_ADDRESSES = 60, 0.9, 0.72, 0.03
TIER_UPTO, VISITS_BY_TIER = (0.5, 0.8, 0.95), np.array([2.0, 4.0, 12.0, 24.0])
VISIT_MINUTES, VISIT_CHANCES = (30.0, 45.0, 60.0, 90.0), (0.35, 0.30, 0.25, 0.10)
DRIVE_MINUTES_CITY, DRIVE_MINUTES_COUNTRY = 15.0, 36.0


@dataclass(frozen=True, eq=False)
class Country:
    """n customers: xy (n, 2) metres; measures (n, 2), potential in money and workload in minutes a year."""

    xy: np.ndarray
    measures: np.ndarray

    @property
    def mass(self) -> np.ndarray:
        """(n,) each customer's mean share of the measures."""
        return (self.measures / self.measures.sum(axis=0)).mean(axis=1)


def make_country(count: int, seed: int = 42) -> Country:
    """Cities whose sizes follow Zipf, countryside between them, and measures that only loosely agree.

    Potential is lognormal and higher in town. Visits go by tier, and tier by a noisy view of potential; a visit
    costs its length and a drive, which is longer in the country. Some customers share an address.
    """
    random = np.random.default_rng(seed)
    is_urban = random.random(count) < URBAN
    xy = np.where(is_urban[:, None], _in_cities(random, count), random.random((count, 2)) * SIZE_KM)
    joins = random.permutation(count)[: int(count * SHARED_ADDRESSES)]
    xy[joins] = xy[random.integers(0, count, len(joins))]
    size = random.lognormal(0.0, 1.0, count) * np.where(is_urban, 1.3, 0.9)
    seen = size * random.lognormal(0.0, 0.8, count)
    visits = VISITS_BY_TIER[np.searchsorted(np.quantile(seen, TIER_UPTO), seen)]
    drive = np.where(is_urban, DRIVE_MINUTES_CITY, DRIVE_MINUTES_COUNTRY)
    workload = visits * (random.choice(VISIT_MINUTES, count, p=VISIT_CHANCES) + drive)
    return Country(xy * 1000.0, np.column_stack([size * 10_000.0, workload]))


def drifted(country: Country, labels: np.ndarray, worst: tuple[float, float], seed: int = 42) -> Country:
    """The country after each territory and customer has grown its own way, till the worst deviations are as given.

    labels : (n,) int, a plan whose deviations are below `worst`, which is a ratio for each measure
    """
    random = np.random.default_rng(seed)

    def grown(load: np.ndarray, wanted: float) -> np.ndarray:
        pull = random.standard_normal(labels.max() + 1)[labels] + random.standard_normal(len(labels))
        years = brentq(lambda years: worst_deviation(load * np.exp(years * pull), labels) - wanted, 0.0, 1.0)
        return load * np.exp(years * pull)

    return replace(country, measures=np.column_stack([*map(grown, country.measures.T, worst)]))


def worst_deviation(load: np.ndarray, labels: np.ndarray) -> float:
    """Largest deviation of a territory from an equal share, a ratio; `load` and `labels` are (n,)."""
    held = np.bincount(labels, load)
    return float(np.abs(held / held.mean() - 1).max())


def _in_cities(random: np.random.Generator, count: int) -> np.ndarray:
    """(n, 2) km: places in and around cities; what falls over the border is folded back."""
    size = 1.0 / np.arange(1, CITIES + 1) ** CITY_EXPONENT
    size /= size.sum()
    middle = random.uniform(0.04, 0.96, (CITIES, 2)) * SIZE_KM
    city = random.choice(CITIES, count, p=size)
    reach = (2.5 + 30.0 * np.sqrt(size[city])) * np.where(random.random(count) < 0.6, 1.0, 2.5)
    place = np.abs(middle[city] + reach[:, None] * random.standard_normal((count, 2)))
    return np.where(place > SIZE_KM, 2 * SIZE_KM - place, place)
