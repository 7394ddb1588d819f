"""Against a proven global optimum on tiny worlds: no plan below it, most on it, and the bound where the LP is.

The oracle is HiGHS on an integer program with contiguity by flow: each territory sends one unit of flow from its root
to every member, over neighbours that are members too (Shirabe 2005, Geographical Analysis 37; Duque, Church and
Middleton 2011, Geographical Analysis 43).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_matrix, csr_array

from territory.alignment import UnitPlan, align_units, cuts
from territory.neighbours import joined_up, neighbour_pairs

TOLERANCE = 0.3


@dataclass(frozen=True, eq=False)
class World:
    """n units with two measures, who borders whom, and for each pair of unit and territory what it costs.

    cost (n, K), square metres x mass; load (n, 2), parts of the total; low, high (K, 2)
    """

    xy: np.ndarray
    load: np.ndarray
    pairs: np.ndarray
    cost: np.ndarray
    count: int


def places(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    xy = random.uniform(0, 10_000, (n, 2))
    load = random.lognormal(0, 0.5, (n, 2))
    return xy, load / load.sum(axis=0), neighbour_pairs(np.unique(xy, axis=0))


def world(seed: int, n: int, count: int, *, centres: np.ndarray | None, extra: np.ndarray | float = 0.0) -> World:
    """A world whose territories have these centres, or whose every unit may be the centre of one."""
    xy, load, _ = places(seed, n)
    to = xy if centres is None else centres
    cost = load.mean(axis=1)[:, None] * ((xy[:, None] - to[None]) ** 2).sum(axis=2)
    return World(xy, load, neighbour_pairs(xy), cost + extra, count)


class Program:
    """Rows of an integer program, gathered one after the other."""

    def __init__(self, columns: int) -> None:
        self.columns, self.entries, self.low, self.high = columns, [], [], []

    def row(self, terms: dict[int, float], low: float, high: float) -> None:
        self.entries += [(len(self.low), column, value) for column, value in terms.items()]
        self.low.append(low)
        self.high.append(high)

    def constraint(self) -> LinearConstraint:
        row, column, value = zip(*self.entries, strict=True)
        shape = (len(self.low), self.columns)
        return LinearConstraint(csr_array(coo_matrix((value, (row, column)), shape=shape)), self.low, self.high)


def optimum(world: World, *, centre_is_unit: bool) -> float | None:
    """The least cost of any balanced plan with each territory in one piece; None when there is none."""
    n, k = world.cost.shape
    arcs = np.vstack([world.pairs, world.pairs[:, ::-1]])
    of_x, of_flow = n * k, n * k + len(arcs) * k
    roots = 0 if centre_is_unit else n * k
    program = Program(of_flow + 2 * roots)

    def x(unit: int, at: int) -> int:
        return unit * k + at

    def flow(arc: int, at: int) -> int:
        return of_x + arc * k + at

    for unit in range(n):
        program.row({x(unit, at): 1.0 for at in range(k)}, 1, 1)
    for at in range(k):
        for measure in world.load.T:
            held = {x(unit, at): measure[unit] for unit in range(n)}
            if centre_is_unit:
                fair = 1 / world.count
                program.row(shifted(held, x(at, at), -fair * (1 - TOLERANCE)), 0, np.inf)
                program.row(shifted(held, x(at, at), -fair * (1 + TOLERANCE)), -np.inf, 0)
            else:
                program.row(held, (1 - TOLERANCE) / k, (1 + TOLERANCE) / k)
        for arc, (one, other) in enumerate(arcs):
            for end in (one, other):
                program.row({flow(arc, at): 1.0, x(end, at): 1.0 - n}, -np.inf, 0)
        for unit in range(n):
            through = {flow(arc, at): 1.0 for arc in np.flatnonzero(arcs[:, 1] == unit)}
            through |= {flow(arc, at): -1.0 for arc in np.flatnonzero(arcs[:, 0] == unit)}
            if centre_is_unit:
                # The centre sends what every other member keeps.
                if unit != at:
                    program.row(through | {x(unit, at): -1.0}, 0, 0)
                    program.row({x(unit, at): 1.0, x(at, at): -1.0}, -np.inf, 0)
            else:
                root, sent = of_flow + x(unit, at), of_flow + roots + x(unit, at)
                program.row(through | {x(unit, at): -1.0, sent: 1.0}, 0, 0)
                program.row({sent: 1.0, root: -float(n)}, -np.inf, 0)
                program.row({root: 1.0, x(unit, at): -1.0}, -np.inf, 0)
        if not centre_is_unit:
            program.row({of_flow + x(unit, at): 1.0 for unit in range(n)}, 1, 1)
    if centre_is_unit:
        program.row({x(at, at): 1.0 for at in range(k)}, world.count, world.count)
    scale = world.cost.max()
    price = np.zeros(program.columns)
    price[:of_x] = world.cost.ravel() / scale
    whole, upper = np.zeros(program.columns), np.full(program.columns, float(n))
    whole[:of_x], upper[:of_x] = 1, 1
    whole[of_flow : of_flow + roots], upper[of_flow : of_flow + roots] = 1, 1
    found = milp(price, constraints=program.constraint(), integrality=whole, bounds=Bounds(0, upper))
    return float(found.fun * scale) if found.success else None


def shifted(terms: dict[int, float], column: int, by: float) -> dict[int, float]:
    return {**terms, column: terms.get(column, 0.0) + by}


def fractional(world: World) -> float:
    """The least cost of any plan that may split units, in pieces or not."""
    n, k = world.cost.shape
    once = np.kron(np.eye(n), np.ones(k))
    held = np.vstack([np.kron(measure, np.eye(k)) for measure in world.load.T])
    band = np.full(len(held), 1 / k)
    found = linprog(
        world.cost.ravel() / world.cost.max(),
        A_ub=np.vstack([held, -held]),
        b_ub=np.concatenate([band * (1 + TOLERANCE), -band * (1 - TOLERANCE)]),
        A_eq=once,
        b_eq=np.ones(n),
    )
    return float(found.fun * world.cost.max())


def homes(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(1000 + seed).uniform(1000, 9000, (count, 2))


@cache
def with_homes(seed: int) -> tuple[World, UnitPlan, float | None]:
    """Twelve customers of three reps whose homes are known."""
    asked = world(seed, 12, 3, centres=homes(seed, 3))
    plan = align_units(asked.xy, asked.load, np.ones(3), TOLERANCE, asked.pairs, seed, centres=homes(seed, 3))
    return asked, plan, optimum(asked, centre_is_unit=False)


@cache
def along_roads(seed: int) -> tuple[World, UnitPlan, float | None]:
    """Ten customers of two reps, bordering each other along the branches of a tree: pieces decide the plan."""
    asked = world(seed, 10, 2, centres=homes(seed, 2))
    asked = replace(asked, pairs=joined_up(asked.xy, np.empty((0, 2), int), asked.pairs))
    plan = align_units(asked.xy, asked.load, np.ones(2), TOLERANCE, asked.pairs, seed, centres=homes(seed, 2))
    return asked, plan, optimum(asked, centre_is_unit=False)


@cache
def with_today(seed: int) -> tuple[World, UnitPlan, float | None]:
    """Twelve customers of two reps at home, who have owners today that are dear to leave."""
    xy, load, _ = places(seed, 12)
    start = (xy[:, 0] > 4000).astype(int)
    leaving = load.mean(axis=1) * 4e6
    moved = leaving[:, None] * (np.arange(2)[None] != start[:, None])
    asked = world(seed, 12, 2, centres=homes(seed, 2), extra=moved)
    plan = align_units(
        *(xy, load, np.ones(2), TOLERANCE, asked.pairs, seed),
        start=start,
        handover=leaving,
        centres=homes(seed, 2),
    )
    return asked, plan, optimum(asked, centre_is_unit=False)


@cache
def with_centres_to_choose(seed: int) -> tuple[World, UnitPlan, float | None]:
    """Ten customers, any three of whom may be the centres (the p-median's form, with squared distances)."""
    asked = world(seed, 10, 3, centres=None)
    plan = align_units(asked.xy, asked.load, np.ones(3), TOLERANCE, asked.pairs, seed, centre_on="unit")
    return asked, plan, optimum(asked, centre_is_unit=True)


FAMILIES = {with_homes: range(4), along_roads: range(10), with_today: range(4), with_centres_to_choose: range(4)}
"""Each family's seeds."""


def solved(family) -> list[tuple[World, UnitPlan, float]]:
    """The worlds of a family that have a plan at all."""
    return [(asked, plan, best) for asked, plan, best in map(family, FAMILIES[family]) if best is not None]


@pytest.mark.parametrize("family", FAMILIES)
def test_where_there_is_a_plan_ours_is_one_and_not_below_the_optimum(family):
    for _, plan, best in solved(family):
        assert plan.status != "infeasible"
        assert plan.pieces.tolist() == [1] * len(plan.pieces)
        assert plan.max_deviation.max() <= TOLERANCE * (1 + 1e-9)
        assert plan.objective >= best * (1 - 1e-6)


@pytest.mark.parametrize("family", [with_homes, with_today, with_centres_to_choose])
def test_amid_plenty_of_neighbours_every_plan_is_the_optimum(family):
    for _, plan, best in solved(family):
        assert plan.objective == pytest.approx(best, rel=1e-6)


def test_most_plans_on_a_tree_are_the_optimum():
    on_it = [plan.objective <= best * (1 + 1e-6) for _, plan, best in solved(along_roads)]

    assert len(on_it) >= 6
    assert np.mean(on_it) >= 0.7


@pytest.mark.parametrize("family", FAMILIES)
def test_no_optimum_is_below_the_bound_at_its_centres(family):
    for _, plan, best in solved(family):
        assert plan.lower_bound <= plan.objective * (1 + 1e-9)
        # With centres to choose, the bound is that of the plan's own.
        if family is not with_centres_to_choose:
            assert plan.lower_bound <= best * (1 + 1e-9)


@pytest.mark.parametrize("family", [with_homes, along_roads, with_today])
def test_the_bound_is_the_linear_program_s_to_a_thousandth(family, monkeypatch):
    monkeypatch.setattr(cuts, "LARGEST", 0)
    for asked, plan, best in map(family.__wrapped__, FAMILIES[family]):
        if best is not None:
            assert plan.lower_bound == pytest.approx(min(fractional(asked), plan.objective), rel=1e-3)


def test_on_a_tree_a_part_of_what_the_linear_program_leaves_open_is_what_one_piece_costs():
    open_before = [best - min(fractional(asked), best) for asked, _, best in solved(along_roads)]
    open_now = [best - plan.lower_bound for _, plan, best in solved(along_roads)]

    assert sum(open_now) < 0.9 * sum(open_before)


def test_where_the_oracle_finds_no_plan_ours_says_that_it_has_none():
    hopeless = [plan for family in FAMILIES for _, plan, best in map(family, FAMILIES[family]) if best is None]

    assert hopeless
    assert all(plan.status == "infeasible" and plan.reasons for plan in hopeless)
