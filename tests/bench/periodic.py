"""Instances of periodic vehicle routing in Cordeau's format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Lower than the site's of 2005: attributed to Vidal, Crainic, Gendreau, Lahrichi and Rei (2012), Operations Research
# 60(3), and not checked against the paper.
BEST_SINCE_2005 = {
    "p04": 835.26,
    "p05": 2024.96,
    "p06": 835.26,
    "p08": 2022.47,
    "p10": 1593.43,
    "p11": 770.89,
    "p12": 1186.47,
}


@dataclass(frozen=True, eq=False)
class Instance:
    """n customers over days; the depot is the last row of `cost`."""

    cost: np.ndarray
    service: np.ndarray
    load: np.ndarray
    patterns: list[list[list[int]]]
    days: int
    vehicles: int
    capacity: float
    longest: float


def read_instance(path: Path) -> Instance:
    """An instance of type 1: a line of sizes, one of limits a day, then depot and customers.

    A customer's line has number, x, y, service, load, frequency, count and its sets of days as bits, the first day
    the highest.
    """
    lines = [line.split() for line in path.read_text().splitlines() if line.split()]
    _, vehicles, count, days = (int(float(text)) for text in lines[0])
    longest, capacity = (float(text) for text in lines[1])
    rows = lines[1 + days : 2 + days + count]
    depot, customers = rows[0], rows[1:]
    places = np.array([[float(row[1]), float(row[2])] for row in [*customers, depot]])
    sets = [[int(text) for text in row[7 : 7 + int(row[6])]] for row in customers]
    return Instance(
        cost=np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)),
        service=np.array([float(row[3]) for row in customers]),
        load=np.array([float(row[4]) for row in customers]),
        patterns=[[[day for day in range(days) if bits >> (days - 1 - day) & 1] for bits in each] for each in sets],
        days=days,
        vehicles=vehicles,
        capacity=capacity or np.inf,
        longest=longest or np.inf,
    )


def best_known(folder: Path) -> dict[str, float]:
    """The lowest values known, by instance, from ``best_known.csv`` and `BEST_SINCE_2005`."""
    lines = (folder / "best_known.csv").read_text().splitlines()[1:]
    values = {name: float(value) for kind, name, value in (line.split(",") for line in lines) if kind == "pvrp"}
    return values | {name: value for name, value in BEST_SINCE_2005.items() if name in values}
