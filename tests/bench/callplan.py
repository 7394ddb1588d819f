"""Measure call plans: published periodic instances, a rep's month, many reps, and a real wholesaler's four weeks.

Seconds are of the processor, of all processes, because other work on the machine distorts the others.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import territory
from territory.callplan import CallPlan, plan_calls
from territory.callplan.periodic import solve_periodic
from territory.model import Portfolio
from tests.bench.periodic import best_known, read_instance
from tests.callplan.weeks import PLAIN, town

DATA = Path(__file__).parents[2].parent / "shared" / "data"
START, SEED = "2027-03-01", 7
Table = list[dict[str, Any]]


def used_seconds() -> float:
    """Processor seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result of `work`, its seconds by the clock and of the processor."""
    begin, used = time.perf_counter(), used_seconds()
    result = work()
    return result, time.perf_counter() - begin, used_seconds() - used


def month(seed: int, reps: int = 1) -> Portfolio:
    """Reps with 100 customers and 180 visits in four weeks each, around four centres in 40 x 40 km."""
    rng = np.random.default_rng(seed)
    places, visits, minutes = [], [], []
    for _ in range(reps):
        centres = rng.uniform(-20, 20, (4, 2))
        places += (centres[rng.integers(0, 4, 100)] + rng.normal(0, 5, (100, 2))).tolist()
        visits += [52.0] * 15 + [26.0] * 35 + [13.0] * 50
        minutes += (rng.integers(3, 10, 100) * 5.0).tolist()
    rules = replace(PLAIN, speed_kmh=40, detour_factor=1.3, pause_minutes=60, work_until="17:00")
    owner = np.repeat([f"T{number + 1}" for number in range(reps)], 100)
    return town(places, rules, reps=reps, visits_per_year=visits, minutes_per_visit=minutes, territory=owner)


def periodic(rounds: int) -> Table:
    """The published instances beside the best values known."""
    folder = DATA / "routing"
    rows = []
    for name, best in best_known(folder).items():
        instance = read_instance(folder / "pvrp" / name)
        plan, _, seconds = timed(lambda case=instance: solve_periodic(**vars(case), seed=SEED, rounds=rounds))
        rows.append({"instance": name, "cost": plan.cost, "best": best, "gap": plan.cost / best - 1, "cpu": seconds})
    return rows


def months(count: int) -> Table:
    """A rep's month, beside the same with ten times the rounds."""
    rows = []
    for seed in range(count):
        world = month(seed)
        plan, _, seconds = timed(lambda one=world: plan_calls(one, start=START, seed=SEED, workers=1))
        longer = plan_calls(world, start=START, seed=SEED, workers=1, effort=10)
        mine, better = plan.measures.iloc[0], longer.measures.iloc[0]
        rows.append(
            {
                "month": seed,
                "visits": int(mine["visits"]),
                "drive": mine["drive_minutes"],
                "over_10x_drive": mine["drive_minutes"] / better["drive_minutes"] - 1,
                "over_10x_worked": mine["worked_minutes"] / better["worked_minutes"] - 1,
                "spread": mine["spread"],
                "stretched": int(mine["stretched"]),
                "proven_days": int(mine["proven_days"]),
                "cpu": seconds,
            }
        )
    return rows


def many_reps(count: int) -> Table:
    """Many reps' months with one process and with two."""
    world, rows = month(0, count), []
    plan_calls(month(0, 4), start=START, effort=0.01, workers=2)
    for workers in (1, 2):
        plan, wall, seconds = timed(lambda n=workers: plan_calls(world, start=START, seed=SEED, workers=n))
        rows.append({"reps": count, "workers": workers, "visits": len(plan.visits), "wall": wall, "cpu": seconds})
    return rows


def iowa() -> Table:
    """Four weeks of twelve reps: today's alignment beside the balanced one, then planned beside routed minutes.

    ``use_wanted`` above 1 says why not every visit that is due is made: the hours would not hold them.
    """
    today = territory.read_portfolio(DATA / "iowa" / "customers.csv", DATA / "iowa" / "reps.csv")
    balanced = territory.realign(today, tolerance=0.05, seed=SEED).accept()
    before = plan_calls(today, start=START, seed=SEED)
    settled = territory.reconcile(balanced, start=START, seed=SEED)
    rows = [_iowa_row("today", before), _iowa_row("balanced", plan_calls(balanced, start=START, seed=SEED))]
    for number, table in settled.rounds.groupby(level="round"):
        apart = table["difference"].abs()
        rows.append(
            {
                "alignment": f"balanced, round {number}",
                "coverage": (table["coverage"] * table["routed_minutes"]).sum() / table["routed_minutes"].sum(),
                "worst_difference": float(apart.max()),
                "reps_within_5_percent": int((apart <= 0.05).sum()),
                "least_use_wanted": float(table["use_wanted"].min()),
                "most_use_wanted": float(table["use_wanted"].max()),
            }
        )
    return rows


def _iowa_row(name: str, plan: CallPlan) -> dict[str, Any]:
    measures = plan.measures
    return {
        "alignment": name,
        "visits": len(plan.visits),
        "coverage": measures["visits"].sum() / measures["due"].sum(),
        "km": measures["drive_km"].sum(),
        "km_a_visit": measures["drive_km"].sum() / measures["visits"].sum(),
        "largest_spread": measures["spread"].max(),
    }


def main() -> None:
    """Run the cases asked for and print a table each."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.callplan", description=__doc__)
    parser.add_argument("--case", nargs="+", choices=("periodic", "months", "reps", "iowa"), default=["months"])
    parser.add_argument("--rounds", type=int, default=4500, help="of the search on each periodic instance")
    parser.add_argument("--months", type=int, default=5)
    parser.add_argument("--reps", type=int, default=1000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as well")
    asked = parser.parse_args()
    cases: dict[str, Callable[[], Table]] = {
        "periodic": lambda: periodic(asked.rounds),
        "months": lambda: months(asked.months),
        "reps": lambda: many_reps(asked.reps),
        "iowa": iowa,
    }
    plan_calls(month(0), start=START, effort=0.01, workers=1)
    told = {}
    for name in asked.case:
        told[name] = cases[name]()
        print(f"\n{name}", pd.DataFrame(told[name]).round(4).to_string(index=False), sep="\n", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1, default=float), encoding="utf-8")


if __name__ == "__main__":
    main()
