"""What is measured of our own engine: one function a kind of work, one entry of CASES a row."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import territory
from territory.alignment import UnitPlan, align_units
from territory.realignment import HANDOVER
from tests.bench.country import Country, drifted, make_country, worst_deviation
from tests.bench.figures import Row, judge, timed
from tests.worlds import portfolio_of

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
SEED, SEEDS, KM_PER_DEGREE = 7, 24, 111.195
FEWEST_MOVES = 30.0
"""A price of moves beside which distance hardly counts, in mean squared distances."""
NEWCOMER = """
import json, resource, sys, territory
portfolio = territory.read_portfolio(sys.argv[1], crs="EPSG:6933")
proposal = territory.realign(portfolio, tolerance=0.05, seed=7, travel="none")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
owner = [portfolio.territories.index(name) for name in proposal.alignment]
story = {"labels": owner, "xy": portfolio.xy.tolist(), "gap": proposal.gap, "objective": proposal.objective}
print(json.dumps(story | {"peak_mb": peak}))
"""


def warm_up() -> None:
    """Compile, or load from the cache, everything that is compiled; and import what is imported late."""
    country = make_country(400)
    plan = align_units(country.xy, country.measures, np.ones(4), 0.2)
    align_units(country.xy, country.measures, np.ones(4), 0.1, start=plan.labels, handover=country.mass)


def from_scratch(count: int, territories: int, tolerance: float, repeats: int, *, effort: float = 1.0) -> Row:
    country = make_country(count)
    solve = partial(
        align_units, country.xy, country.measures, np.ones(territories), tolerance, seed=SEED, effort=effort
    )
    plan, cost = timed(solve, repeats if count < 1_000_000 else 1)
    return _row(country, plan, tolerance, cost)


def drift_repair(count: int, territories: int, tolerance: float, worst: tuple[float, float], repeats: int) -> Row:
    """A fair plan has drifted out of its bands; moves are priced as `territory.realign` does by default."""
    fair = make_country(count)
    solve = partial(align_units, shares=np.ones(territories), tolerance=tolerance, seed=SEED)
    start = solve(fair.xy, fair.measures).labels
    country = drifted(fair, start, worst)
    centre = np.array([np.average(country.xy[start == t], 0, country.mass[start == t]) for t in range(territories)])
    handover = HANDOVER * (country.mass @ ((country.xy - centre[start]) ** 2).sum(axis=1)) * country.mass
    plan, cost = timed(partial(solve, country.xy, country.measures, start=start, handover=handover), repeats)
    note = f"from {worst[0]:.0%} / {worst[1]:.0%}, {_moved(country, start, plan.labels)}"
    return _row(country, plan, tolerance, cost, note)


def iowa(
    tolerance: float, repeats: int, *, handover: float = HANDOVER, is_from_scratch: bool = False, seed: int = SEED
) -> Row:
    """Real customers, twelve territories; workload is visits x minutes, which anyone can compute from the file."""
    portfolio = territory.read_portfolio(DATA / "iowa" / "customers.csv", DATA / "iowa" / "reps.csv")
    asked = {"tolerance": tolerance, "seed": seed, "travel": "none"}
    names = portfolio.territories
    if is_from_scratch:
        solve = partial(territory.align, portfolio, territories=len(names), **asked)
    else:
        solve = partial(territory.realign, portfolio, handover=handover, **asked)
    proposal, cost = timed(solve, repeats)
    loads = territory.derive_demand(portfolio, travel="none")[["potential", "workload_minutes"]]
    country = Country(portfolio.xy, loads.to_numpy(float))
    today, after = (pd.Index(names).get_indexer(owner) for owner in (portfolio.alignment, proposal.alignment))
    held = np.bincount(today, country.measures[:, 0]) / country.measures[:, 0].sum()
    must = np.maximum(held - (1 + tolerance) / len(names), 0).sum()
    way, today_way = _mean_km(country.xy, after), _mean_km(country.xy, today)
    note = f"{_moved(country, today, after)} ({must:.1%} must); {way:.1f} km to the centre, today {today_way:.1f}"
    fields = judge(country, after) | cost
    return Row(tolerance=tolerance, gap=proposal.gap, objective=proposal.objective, note=note, **fields)


def iowa_seeds(tolerance: float, repeats: int) -> Row:
    """The same from scratch with other seeds: what one of them is worth; the row is the one in the middle."""
    rows = [iowa(tolerance, repeats, is_from_scratch=True, seed=seed) for seed in range(SEEDS)]
    gaps, seconds = ([getattr(row, name) for row in rows] for name in ("gap", "seconds"))
    note = f"{SEEDS} seeds: gap {np.median(gaps):.2%} in the median, {min(gaps):.2%} to {max(gaps):.2%}"
    middle = rows[np.argsort(gaps, kind="stable")[SEEDS // 2]]
    return replace(middle, seconds=float(np.median(seconds)), note=note)


def tracts(state: str, repeats: int) -> Row:
    """Districts of census tracts against the optimum that an exact solver proved (formula: the data's README)."""
    proven = pd.read_csv(DATA / "tracts" / "proven.csv", index_col="state").loc[state]
    units, edges = (pd.read_csv(DATA / "tracts" / f"{state}_{table}.csv") for table in ("units", "edges"))
    people, count = units["pop"].to_numpy(float), int(proven["territories"])
    narrow = np.cos(np.radians(np.average(units["lat"], weights=people)))
    country = Country(units[["lon", "lat"]].to_numpy() * (narrow, 1.0) * KM_PER_DEGREE * 1000, people[:, None])
    tolerance = float(proven["tolerance"])
    solve = partial(
        align_units, country.xy, country.measures, np.ones(count), tolerance, edges.to_numpy(), SEED, centre_on="unit"
    )
    plan, cost = timed(solve, repeats)
    above = _district_cost(country.xy / 1000, people, plan.labels) / proven["proven_objective"] - 1
    note = f"{above:.2%} above the proven optimum, for which an exact solver took {proven['exact_solver_seconds']:g} s"
    return _row(country, plan, tolerance, cost, note, edges=edges.to_numpy())


def whole_process(repeats: int, *, is_cold: bool) -> Row:
    """What a newcomer waits for: start Python, import, read 2,000 customers, realign. Cold: nothing is compiled yet."""
    country = make_country(2_000)
    start = _administered(country, 20)
    table = _customers(country).rename(columns={"x": "lon", "y": "lat"}).rename_axis("customer_id")
    with tempfile.TemporaryDirectory() as folder:
        table.assign(territory=[f"T{seat}" for seat in start]).to_csv(f"{folder}/customers.csv")
        caches = iter([f"{folder}/{turn if is_cold else 0}" for turn in range(repeats + 1)])

        def visit() -> dict:
            command = [sys.executable, "-c", NEWCOMER, f"{folder}/customers.csv"]
            # As a newcomer's Python does, it keeps the modules that it has compiled.
            env = {**os.environ, "NUMBA_CACHE_DIR": next(caches), "PYTHONDONTWRITEBYTECODE": ""}
            return json.loads(subprocess.run(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, check=True).stdout)

        if not is_cold:
            visit()
        story, cost = timed(visit, repeats)
    # In the plane that the library chose, for its neighbours are those of that plane.
    labels, country = np.array(story.pop("labels")), replace(country, xy=np.array(story.pop("xy")))
    from_worst = " / ".join(f"{worst_deviation(load, start):.0%}" for load in country.measures.T)
    note = f"a whole process, from {from_worst}, {_moved(country, start, labels)}"
    return Row(tolerance=0.05, note=note, **judge(country, labels) | cost | story)


def front(count: int, territories: int, plans: int, tolerance: float, repeats: int) -> Row:
    """Plans that trade travel, balance and moves, from today's territories; the row judges the balanced choice."""
    country = make_country(count)
    start = _administered(country, territories)
    portfolio = portfolio_of(_customers(country).assign(territory=[f"T{seat}" for seat in start]))
    solve = partial(territory.proposals, portfolio, count=plans, tolerance=tolerance, seed=SEED, travel="none")
    found, cost = timed(solve, repeats)
    chosen = next(plan for plan in found if "balanced choice" in plan.label)
    labels = pd.factorize(chosen.alignment)[0]
    inside = sum("outside the tolerance" not in plan.label for plan in found)
    note = f"{len(found)} plans, {inside} of them within the tolerance, none dominated"
    return Row(tolerance=tolerance, gap=chosen.gap, note=note, **judge(country, labels) | cost)


def _administered(country: Country, seats: int) -> np.ndarray:
    """(n,) int, today's territories as an administration cuts them: whoever is nearest to one of so many seats."""
    seat = country.xy[np.random.default_rng(SEED).choice(len(country.xy), seats, replace=False)]
    return ((country.xy[:, None] - seat) ** 2).sum(axis=2).argmin(axis=1)


def by_hand(count: int, territories: int, tolerance: float, repeats: int) -> Row:
    """One customer moved by hand, to far away, so that one territory is in two pieces; the first move prepares."""
    country = make_country(count)
    asked = {"territories": territories, "tolerance": tolerance, "seed": SEED, "travel": "none"}
    proposal = territory.align(portfolio_of(_customers(country)), **asked)
    adjust = partial(territory.adjust, proposal, move={"0": proposal.alignment.iloc[-1]})
    _, first = timed(adjust, 1)
    adjusted, cost = timed(adjust, 10 * repeats)
    labels, note = pd.factorize(adjusted.alignment)[0], f"{cost['seconds'] * 1000:.0f} ms"
    note += f" a move, the first {first['seconds'] * 1000:.0f} ms"
    return Row(tolerance=tolerance, gap=adjusted.gap, note=note, **judge(country, labels) | cost)


def _customers(country: Country) -> pd.DataFrame:
    """One visit a year that takes all the minutes, so that workload is what it is in the country."""
    table = pd.DataFrame(country.xy, columns=["x", "y"], index=pd.RangeIndex(len(country.xy)).astype(str))
    return table.assign(potential=country.measures[:, 0], visits_per_year=1.0, minutes_per_visit=country.measures[:, 1])


def _row(country: Country, plan: UnitPlan, tolerance: float, cost: dict[str, float], note: str = "", **graph) -> Row:
    fields = judge(country, plan.labels, **graph) | cost
    return Row(tolerance=tolerance, gap=plan.gap, objective=plan.objective / 1e6, note=note, **fields)


def _moved(country: Country, start: np.ndarray, labels: np.ndarray) -> str:
    is_moved, potential = start != labels, country.measures[:, 0]
    return f"moved {is_moved.mean():.1%} of customers, {potential[is_moved].sum() / potential.sum():.1%} of potential"


def _mean_km(xy: np.ndarray, labels: np.ndarray) -> float:
    centre = pd.DataFrame(xy).groupby(labels).transform("mean").to_numpy()
    return float(np.hypot(*(xy - centre).T).mean()) / 1000


def _district_cost(km: np.ndarray, people: np.ndarray, labels: np.ndarray) -> float:
    """Sum over the districts of the least people-weighted sum of squared km to one of its units, in millions."""
    inside = [labels == label for label in np.unique(labels)]
    squares = (((km[held][:, None] - km[held]) ** 2).sum(axis=2) for held in inside)
    return sum(float((people[held] @ square).min()) for held, square in zip(inside, squares, strict=True)) / 1e6


CASES: dict[str, Callable[[int], Row]] = {
    "10k-5": partial(from_scratch, 10_000, 50, 0.05),
    "10k-5-light": partial(from_scratch, 10_000, 50, 0.05, effort=0.1),
    "10k-1": partial(from_scratch, 10_000, 50, 0.01),
    "100k-5": partial(from_scratch, 100_000, 200, 0.05),
    "100k-2": partial(from_scratch, 100_000, 200, 0.02),
    "1m-5": partial(from_scratch, 1_000_000, 200, 0.05),
    "drift": partial(drift_repair, 10_000, 50, 0.05, (0.23, 0.13)),
    "iowa-scratch-5": partial(iowa, 0.05, is_from_scratch=True),
    "iowa-scratch-3": partial(iowa, 0.03, is_from_scratch=True),
    "iowa-seeds-5": partial(iowa_seeds, 0.05),
    "iowa-seeds-3": partial(iowa_seeds, 0.03),
    "iowa-3": partial(iowa, 0.03),
    "iowa-5": partial(iowa, 0.05),
    "iowa-10": partial(iowa, 0.10),
    "iowa-fewest": partial(iowa, 0.05, handover=FEWEST_MOVES),
    **{f"tracts-{state}": partial(tracts, state) for state in ("AR", "IA", "KS", "ME", "NE", "OK")},
    "front-20": partial(front, 2_000, 20, 20, 0.05),
    "by-hand": partial(by_hand, 10_000, 50, 0.05),
    "cold-start": partial(whole_process, is_cold=True),
    "warm-start": partial(whole_process, is_cold=False),
    **{f"growth-{count}": partial(from_scratch, count, 10, 0.05) for count in (1_000, 10_000, 100_000, 1_000_000)},
}
"""Name -> what it does, told how often to repeat; the answer is the row without its name."""
