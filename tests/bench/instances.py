"""What routes are measured on: days that a seed makes, and instances from the literature where they are at hand."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from territory.routing.sides import NEVER
from territory.routing.task import Task, bounds_of, close_triangles, tightened
from territory.travel import HourlyTimes, TravelMatrix

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "routing"
AREA_KM, SPEED_KMH, DETOUR, TOWNS = 40.0, 40.0, 1.3, 4
SHIFT = (480.0, 1020.0)
FINE = 1000
PACES = (1.5, 1.35, 1.15, 1.0, 1.0, 1.05, 1.1, 1.3, 1.5)
"""What the hours from eight to five make of the minutes of a way."""


@dataclass(frozen=True, eq=False)
class Day:
    """A day as `solve_day` takes it."""

    matrix: np.ndarray
    service: np.ndarray
    windows: list[list[tuple[float, float]]]
    prizes: np.ndarray
    shift: tuple[float, float] = SHIFT


@dataclass(frozen=True, eq=False)
class Instance:
    """One from the literature: integers as they stand in its file, place 0 the depot; (n + 1,) each.

    Its task counts prizes and distances in thousandths (`FINE`), because prices on visits are whole numbers.
    """

    name: str
    drive: np.ndarray
    service: np.ndarray
    opens: np.ndarray
    closes: np.ndarray
    prizes: np.ndarray
    vehicles: int
    best_known: int
    is_tour: bool

    @property
    def task(self) -> Task:
        """Every visit a must and driving the cost (a tour), or prizes alone."""
        n = len(self.service) - 1
        ends = np.r_[0 : n + 1, 0]
        drive = np.ascontiguousarray(self.drive[np.ix_(ends, ends)]).astype(np.int64)
        drive[1:, 0] = drive[-1, :-1] = self.closes[0] + 1
        reach = drive.copy()
        close_triangles(reach)
        service, worth = self.service[ends].astype(np.int64), self.prizes[ends].astype(np.int64)
        service[-1] = worth[0] = worth[-1] = 0
        horizon = int(self.closes[0])
        opens = np.maximum(self.opens[ends], 0).astype(np.int64)
        closes = np.minimum(self.closes[ends], horizon).astype(np.int64)
        window_of, opens, closes = tightened(reach, service, np.arange(n + 3), opens, closes, horizon)
        must = np.zeros(n + 2, bool)
        must[1:-1] = self.is_tour
        worth *= FINE
        cost = drive * FINE if self.is_tour else np.zeros_like(drive)
        task = Task(drive, reach, cost, service, worth, window_of, opens, closes, must, horizon, most_drive=int(NEVER))
        return task.without((bounds_of(window_of, opens, closes)[1] < 0) & (np.arange(n + 2) % (n + 1) > 0))[0]


def make_day(candidates: int, seed: int) -> Day:
    """A rep's day in 40 km: visits of 15 to 60 minutes in four towns, asymmetric times, 8:00 to 17:00.

    30 % have an appointment of half an hour to two hours, half of the others are open in the morning or the afternoon
    only.
    """
    rng = np.random.default_rng(seed)
    towns = rng.uniform(0, AREA_KM, (TOWNS, 2))
    visits = towns[rng.integers(0, TOWNS, candidates)] + rng.normal(0, AREA_KM / 8, (candidates, 2))
    xy = np.vstack([[AREA_KM / 2, AREA_KM / 2], visits])
    minutes = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) * DETOUR / SPEED_KMH * 60
    minutes = np.ceil(minutes * rng.uniform(1, 1.08, minutes.shape) * 10) / 10
    np.fill_diagonal(minutes, 0)
    begin, until = SHIFT
    windows = []
    for _ in range(candidates):
        if rng.random() < 0.3:
            opens = begin + 60.0 * rng.integers(0, 7)
            windows.append([(opens, opens + float(rng.choice([30, 60, 120])))])
        elif rng.random() < 0.5:
            windows.append([(begin, 720.0)] if rng.random() < 0.5 else [(750.0, until)])
        else:
            windows.append([SHIFT])
    prizes = rng.choice([10, 20, 40, 80], candidates, p=[0.4, 0.3, 0.2, 0.1]) + rng.integers(0, 10, candidates)
    ends = np.r_[0 : candidates + 1, 0]
    return Day(
        matrix=minutes[np.ix_(ends, ends)],
        service=rng.integers(3, 13, candidates) * 5.0,
        windows=windows,
        prizes=prizes.astype(float),
    )


def make_dense_day(candidates: int, seed: int) -> Day:
    """A day in 12 km with visits of 10 to 25 minutes: some 25 stops, the hardest to prove."""
    day = make_day(candidates, seed)
    service = np.random.default_rng(seed).integers(2, 6, candidates) * 5.0
    return replace(day, matrix=np.round(day.matrix * 0.3, 1), service=service)


def make_hard_days(sizes: tuple[int, ...], seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Dense days of every kind, with what `solve_day` is asked: windows tight or loose (half of them the whole day),
    with a break or without, without appointments or with four that must be kept, and each objective."""
    kinds = product(sizes, ("tight", "loose"), (None, (690.0, 810.0, 45.0)), (0, 4), ("value", "drive", "home"))
    for number, (candidates, width, pause, appointments, objective) in enumerate(kinds):
        rng = np.random.default_rng([seed, number])
        day = make_dense_day(candidates, int(rng.integers(2**31)))
        windows = list(day.windows)
        if width == "loose":
            halves = [[SHIFT], [SHIFT], [(SHIFT[0], 720.0)], [(750.0, SHIFT[1])]]
            windows = [halves[kind] for kind in rng.integers(0, len(halves), candidates)]
        must = np.zeros(candidates, bool)
        for hour, visit in zip((9, 11, 14, 16), rng.permutation(candidates)[:appointments], strict=False):
            windows[visit], must[visit] = [(60.0 * hour, 60.0 * hour + 15)], True
        name = f"{candidates} {width}{' break' if pause else ''}{' appointments' if appointments else ''} {objective}"
        asked = {**vars(day), "windows": windows, "mandatory": must, "pause": pause, "objective": objective}
        yield name, asked


def by_the_clock(day: Day) -> HourlyTimes:
    """The ways of a day in each of its hours, slower in the morning and in the evening."""
    nowhere = np.zeros(len(day.matrix))
    return HourlyTimes(8, tuple(TravelMatrix(day.matrix * pace, day.matrix, nowhere, nowhere) for pace in PACES))


def orienteering(vehicles: tuple[int, ...]) -> list[Instance]:
    """The instances of `optw` with so many vehicles; none when the data are not at hand."""
    rows = _best_known()
    return [
        _optw(DATA / "optw" / f"{name}.txt", name, int(family[-1]), value)
        for family, name, value in rows
        if family.startswith("optw") and int(family[-1]) in vehicles
    ]


def tours() -> list[Instance]:
    """The instances of `tsptw`; none when the data are not at hand."""
    return [
        _tsptw(DATA / "tsptw" / f"{name}.tsptw", name, value)
        for family, name, value in _best_known()
        if family == "tsptw"
    ]


def _best_known() -> list[tuple[str, str, int]]:
    if not DATA.is_dir():
        return []
    with (DATA / "best_known.csv").open(encoding="utf-8") as file:
        rows = [(row["set"], row["instance"], row["best_known"]) for row in csv.DictReader(file)]
    return [(family, name, int(float(value))) for family, name, value in rows if family != "pvrp"]


def _optw(path: Path, name: str, vehicles: int, best_known: int) -> Instance:
    """Lines of i, x, y, service, profit, ..., open, close; distances cut to one decimal, two for Cordeau's (pr)."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()[2:] if line.split()]
    rows = np.array([[*map(float, line[1:5]), float(line[-2]), float(line[-1])] for line in lines if len(line) >= 8])
    scale = 100 if name.startswith("pr") else 10
    apart = np.hypot(*(rows[:, None, :2] - rows[None, :, :2]).transpose(2, 0, 1))
    whole = np.round(rows * scale).astype(np.int64)
    return Instance(
        name=name,
        drive=np.floor(apart * scale + 1e-9).astype(np.int64),
        service=whole[:, 2],
        opens=whole[:, 4],
        closes=whole[:, 5],
        prizes=np.round(rows[:, 3]).astype(np.int64),
        vehicles=vehicles,
        best_known=best_known,
        is_tour=False,
    )


def _tsptw(path: Path, name: str, best_known: int) -> Instance:
    """Sections as in TSPLIB."""
    text = path.read_text(encoding="utf-8").replace("\r", "")
    found = re.search(r"DIMENSION\s*:\s*(\d+)", text)
    count = int(found[1]) if found else 0
    drive = _section(text, "EDGE_WEIGHT_SECTION")[: count * count].reshape(count, count)
    windows = _section(text, "TIME_WINDOW_SECTION")[: 3 * count].reshape(count, 3)
    np.fill_diagonal(drive, 0)
    none = np.zeros(count, np.int64)
    return Instance(name, drive, none, windows[:, 1], windows[:, 2], none, 1, best_known, is_tour=True)


def _section(text: str, name: str) -> np.ndarray:
    body = re.split(r"[A-Z_]+SECTION", text.split(name)[1])[0]
    return np.array([float(word) for word in re.findall(r"-?\d+(?:\.\d+)?", body)]).astype(np.int64)
