"""Measure routes: days that a seed makes, and the literature's instances, beside PyVRP, VROOM and OR-Tools on the same.

Seconds are processor seconds of one core, after everything is compiled. Peers get the seconds that the issue's
table gives and run on the same instances in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from territory.routing import DayPlan, solve_day
from territory.routing.exact import prove
from territory.routing.hourly import solve_day_by_hour
from territory.routing.team import RUINS, STEPS, share_out
from tests.bench.instances import (
    FINE,
    ROOT,
    Day,
    Instance,
    by_the_clock,
    make_day,
    make_dense_day,
    make_hard_days,
    orienteering,
    tours,
)
from tests.bench.route_peers import PEERS

SEED, DAYS = 7, 200
TOUR_STEPS, PRIZE_STEPS = 30_000_000, 1_000_000_000
README = ROOT / "README.md"


@dataclass(frozen=True)
class Row:
    """What one kind of work showed.

    proven : ratio of instances proven; gap : mean distance from the best known (for days: from the bound), ratio;
    at_best : ratio of instances at the best known; bound : mean distance of the proven bound from the best known.
    """

    work: str
    who: str
    instances: int
    median: float
    p95: float
    p99: float
    worst: float
    proven: float | None = None
    gap: float | None = None
    at_best: float | None = None
    bound: float | None = None
    note: str = ""


def warm_up() -> None:
    """Compile, or load from the cache, every part: a day without windows whose visits are all musts takes each."""
    day = make_day(12, SEED)
    everyone = np.ones(12, bool)
    solve_day(day.matrix, day.service / 2, None, day.prizes, everyone, objective="drive", effort=0.01)
    solve_day(**vars(day))


def solve_by_hour(day: Day) -> DayPlan:
    """The day on roads that are slower in some hours."""
    asked = {name: value for name, value in vars(day).items() if name != "matrix"}
    return solve_day_by_hour(by_the_clock(day), **asked)


def days(
    candidates: int,
    count: int = DAYS,
    *,
    kind: str = "day",
    make: Callable[[int, int], Day] = make_day,
    solve: Callable[[Day], DayPlan] = lambda day: solve_day(**vars(day)),
) -> Row:
    """Days of so many candidates, value first, then driving."""
    plans, seconds = [], []
    for number in range(count):
        day = make(candidates, SEED * 1_000_000 + number)
        begin = time.process_time()
        plans.append(solve(day))
        seconds.append(time.process_time() - begin)
    proven = float(np.mean([plan.status == "optimal" for plan in plans]))
    worst = max(plan.gap for plan in plans)
    quick = np.mean([spent < 1.0 and plan.status == "optimal" for plan, spent in zip(plans, seconds, strict=True)])
    note = f"{quick:.1%} proven within 1 s, largest gap {worst:.2%}, {sum(seconds):.0f} s in all"
    return _row(f"{kind}, {candidates} candidates", "ours", seconds, proven=proven, gap=float(worst), note=note)


def hard_days(sizes: tuple[int, ...]) -> Row:
    """Dense days of every kind, few of which can be proven: seconds, and how far the route is from the bound."""
    gaps, seconds = [], []
    for name, asked in make_hard_days(sizes, SEED):
        begin = time.process_time()
        plan = solve_day(**asked)
        seconds.append(time.process_time() - begin)
        gaps.append(plan.gap)
        print(f"{name}: {seconds[-1]:.2f} s, gap {plan.gap:.2%}", file=sys.stderr, flush=True)
    median, p95, worst = np.percentile(gaps, [50, 95, 100])
    note = f"gap p50 {median:.2%}, p95 {p95:.2%}, largest {worst:.2%}; longest {max(seconds):.2f} s"
    kind = f"day, dense of every kind, {min(sizes)}-{max(sizes)} candidates"
    return _row(kind, "ours", seconds, proven=float(np.mean(np.array(gaps) == 0)), gap=float(worst), note=note)


def literature(name: str, instances: list[Instance]) -> Row:
    """Instances of one vehicle: tours of least driving, or prizes."""
    if not instances:
        return Row(name, "ours", 0, 0, 0, 0, 0, note="not measured: the data are not at hand")
    values, seconds, proven = [], [], []
    for instance in instances:
        begin = time.process_time()
        proof = prove(instance.task, budget=TOUR_STEPS if instance.is_tour else PRIZE_STEPS, seed=SEED)
        seconds.append(time.process_time() - begin)
        worth = proof.worth // FINE if proof.worth is not None else 0
        values.append(-worth if instance.is_tour else worth)
        proven.append(proof.is_proven)
    return _row(name, "ours", seconds, proven=float(np.mean(proven)), **_beside_best(instances, values))


def teams(instances: list[Instance]) -> Row:
    """Prizes shared out among two to four vehicles, with the bound."""
    name = "team orienteering m=2-4 (optw)"
    if not instances:
        return Row(name, "ours", 0, 0, 0, 0, 0, note="not measured: the data are not at hand")
    values, seconds, bounds = [], [], []
    for instance in instances:
        begin = time.process_time()
        _, worth, bound = share_out(instance.task, instance.vehicles, ruins=RUINS, budget=STEPS, seed=SEED)
        seconds.append(time.process_time() - begin)
        values.append(worth // FINE)
        bounds.append(bound // FINE / instance.best_known - 1)
    return _row(name, "ours", seconds, bound=float(np.mean(bounds)), **_beside_best(instances, values))


def peers(name: str, instances: list[Instance], seconds: float) -> list[Row]:
    """What each peer that is installed comes to in so many seconds an instance."""
    rows = []
    for who, solve in PEERS.items():
        values, spent = [], []
        for instance in instances:
            begin = time.process_time()
            values.append(solve(instance, seconds))
            spent.append(time.process_time() - begin)
        solved = [pair for pair in zip(instances, values, strict=True) if pair[1] is not None]
        missing = len(instances) - len(solved)
        note = f"no route for {missing} of {len(instances)}" if missing else ""
        if not solved:
            rows.append(Row(name, who, len(instances), 0, 0, 0, 0, note="not installed, or cannot do it"))
            continue
        beside = _beside_best(*map(list, zip(*solved, strict=True)))
        beside["at_best"] *= len(solved) / len(instances)
        rows.append(_row(name, who, spent, note=note, **beside))
    return rows


def _beside_best(instances: list[Instance], values: list[int]) -> dict[str, float]:
    best = np.array([instance.best_known for instance in instances], float)
    apart = (np.array(values) - best) / best * np.array([1 if each.is_tour else -1 for each in instances])
    return {"gap": float(apart.mean()), "at_best": float((apart <= 1e-9).mean())}


def _row(work: str, who: str, seconds: list[float], **figures: object) -> Row:
    median, p95, p99, worst = np.percentile(seconds, [50, 95, 99, 100]).round(4).tolist()
    return Row(work, who, len(seconds), median, p95, p99, worst, **figures)


CASES: dict[str, Callable[[], Row]] = {
    "day-12": partial(days, 12),
    "day-15": partial(days, 15),
    "day-25": partial(days, 25),
    "day-40": partial(days, 40),
    "days-20000": partial(days, 12, 20_000),
    "dense-40": partial(days, 40, 20, kind="day, dense", make=make_dense_day),
    "dense": partial(hard_days, (40, 60, 80, 120)),
    "clock-40": partial(days, 40, 20, kind="day, by the clock", solve=solve_by_hour),
    "dense-clock-40": partial(days, 40, 20, kind="day, dense, by the clock", make=make_dense_day, solve=solve_by_hour),
    "optw": lambda: literature("orienteering m=1 (optw)", orienteering((1,))),
    "tsptw": lambda: literature("time-window tours (tsptw)", tours()),
    "team": lambda: teams(orienteering((2, 3, 4))),
}
BESIDE: dict[str, Callable[[], list[Row]]] = {
    "optw": lambda: peers("orienteering m=1 (optw)", orienteering((1,)), 3.0),
    "tsptw": lambda: peers("time-window tours (tsptw)", tours(), 1.0),
    "team": lambda: peers("team orienteering m=2-4 (optw)", orienteering((2, 3, 4)), 10.0),
}


def table(rows: list[Row]) -> str:
    """The rows for the terminal."""
    head = ["work", "who", "median s", "p95 s", "p99 s", "proven", "at best known", "from best known", "bound"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        gap = None if row.work.startswith("day") else row.gap
        ratios = [_percent(value) for value in (row.proven, row.at_best, gap, row.bound)]
        seconds = [f"{value:.3f}" if value < 0.1 else f"{value:.2f}" for value in (row.median, row.p95, row.p99)]
        lines.append("| " + " | ".join([row.work, row.who, *seconds, *ratios]) + " |")
    return "\n".join(lines)


def _percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{100 * ratio:.1f} %"


def front_page(rows: list[Row]) -> str:
    """One line a kind of work, for the README: ours, then how often each peer is at the best known."""
    names = [name for name in PEERS if any(row.who == name for row in rows)]
    head = ["", "median s", "p99 s", "proven", "at best known", *(f"{name} at best known" for name in names)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        if row.who == "ours":
            theirs = {other.who: other for other in rows if other.work == row.work}
            seconds = [f"{value:.3f}" if value < 0.1 else f"{value:.2f}" for value in (row.median, row.p99)]
            reached = [_percent(theirs[name].at_best if name in theirs else None) for name in names]
            cells = [row.work, *seconds, _percent(row.proven), _percent(row.at_best), *reached]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_readme(rows: list[Row]) -> None:
    """Rewrite what stands between the README's routing markers."""
    marks = re.compile(r"(<!-- routing:begin.*?-->\n).*?(<!-- routing:end -->)", re.DOTALL)
    text = README.read_text(encoding="utf-8")
    README.write_text(marks.sub(lambda mark: mark[1] + front_page(rows) + "\n" + mark[2], text), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.routing", description=__doc__)
    parser.add_argument("--case", nargs="+", metavar="NAME", choices=CASES, help=", ".join(CASES))
    parser.add_argument("--peers", action="store_true", help="the open peers as well (extra `bench`)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--write-readme", action="store_true", help="rewrite the README's table")
    asked = parser.parse_args()
    warm_up()
    rows = []
    for name in asked.case or CASES:
        rows.append(CASES[name]())
        rows += BESIDE[name]() if asked.peers and name in BESIDE else []
        for row in rows[-1:]:
            print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "load": os.getloadavg()}
    print(table(rows), *(f"{row.work}: {row.note}" for row in rows if row.note), json.dumps(machine), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    if asked.write_readme:
        write_readme(rows)


if __name__ == "__main__":
    main()
