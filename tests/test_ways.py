"""Distance by road: territories lie where ways are short, and every figure that is told of them is by road."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from territory import adjust, align, explain_moves, realign
from territory.demand import derive_demand
from territory.model import Portfolio
from territory.realignment import mass_of
from territory.realignment.ways import road_metres
from tests.worlds import portfolio_of

BRIDGE_KM = 20
"""How much longer every way over the river is."""


class River:
    """Roads as straight as they can be, on both banks of a river along y = 1 km that one far bridge crosses."""

    fingerprint = "river"

    def __init__(self) -> None:
        self.asked = 0

    def matrix(self, points, to=None, *, departure_minutes=None):
        """As `TravelTimes.matrix`."""
        self.asked += 1
        to = points if to is None else to
        metres = np.hypot(
            points.x.to_numpy()[:, None] - to.x.to_numpy(), points.y.to_numpy()[:, None] - to.y.to_numpy()
        )
        over = (points.y.to_numpy()[:, None] > 1000) != (to.y.to_numpy() > 1000)
        metres = metres + over * BRIDGE_KM * 1000
        return SimpleNamespace(metres=metres, minutes=metres / 500)


class Nowhere(River):
    """Roads that lead from nobody to the first of the places."""

    def matrix(self, points, to=None, *, departure_minutes=None):
        """As `TravelTimes.matrix`."""
        found = super().matrix(points, to)
        found.metres[:, 0] = np.inf
        return found


def banks(territories: list[str] | None = None) -> Portfolio:
    """Six customers on each bank, a kilometre apart, without reps; the banks are two kilometres apart."""
    customers = {
        "x": np.tile(np.arange(6) * 1000.0, 2),
        "y": np.repeat([0.0, 2000.0], 6),
        "potential": 100.0,
        "visits_per_year": 10.0,
        "minutes_per_visit": 30.0,
        "territory": territories or [None] * 12,
    }
    ids = pd.Index([f"{bank}{number}" for bank in "NS" for number in range(6)], name="customer_id")
    return replace(portfolio_of(pd.DataFrame(customers, index=ids)), roads=River())


def by_bank(alignment: pd.Series) -> list[int]:
    """How many territories each bank has."""
    return alignment.groupby(alignment.index.str[0]).nunique().tolist()


def test_from_scratch_territories_end_at_a_river_that_roads_go_around():
    town = banks()

    straight = align(town, territories=2, tolerance=0.1, seed=1, travel="line")
    roads = align(town, territories=2, tolerance=0.1, seed=1, travel="roads")

    assert by_bank(straight.alignment) == [2, 2]
    assert by_bank(roads.alignment) == [1, 1]
    assert roads.basis.is_by_road


def test_a_repair_that_must_not_cross_the_river_moves_along_it():
    town = banks(["T1"] * 4 + ["T2"] * 2 + ["T1"] * 6)

    roads = realign(town, tolerance=0.1, seed=1, travel="roads")

    assert not roads.reasons
    assert by_bank(roads.alignment) == [1, 1]


def test_objective_and_bound_are_by_road():
    plan = align(banks(), territories=2, tolerance=0.1, seed=1, travel="roads")

    away = road_metres(plan.portfolio, plan.basis.centres)
    own = pd.Index(plan.basis.territories).get_indexer(plan.alignment)
    mass = mass_of(derive_demand(plan.portfolio, travel="roads")[["potential", "workload_minutes"]].to_numpy())

    assert plan.objective == pytest.approx(mass @ away[np.arange(12), own] ** 2 / 1e6)
    assert plan.lower_bound <= plan.objective
    assert adjust(plan, lock=["N0"]).objective == pytest.approx(plan.objective)


def test_what_a_move_costs_is_by_road():
    town = banks(["T1"] * 6 + ["T2"] * 6)
    plan = realign(town, tolerance=0.5, seed=1, travel="roads")

    crossed = adjust(plan, move={"N0": "T2"})

    along, over = (adjust(plan, move={name: "T2"}).objective for name in ("N0", "N3"))
    assert min(along, over) > plan.objective + BRIDGE_KM**2 / 12
    assert explain_moves(crossed).loc["N0", "kind"] == "by_hand"
    assert crossed.moves.set_index("customer_id").loc["N0", "price"] < 0


def test_some_centres_may_hold_still_by_road():
    plan = realign(
        banks(["T1"] * 6 + ["T2"] * 6), tolerance=0.5, seed=1, travel="roads", centres={"T1": "N0"}, handover=0.0
    )

    assert plan.basis.centres[0] == pytest.approx([0, 0])
    assert by_bank(plan.alignment) == [1, 1]


def test_where_no_road_leads_the_way_is_as_long_as_the_worst_of_those_there_are():
    town = replace(banks(), roads=Nowhere())
    homes = np.array([[0.0, 0.0], [5000.0, 0.0]])

    metres = road_metres(town, homes)

    worst = (metres[:, 1] / np.hypot(*(town.xy - homes[1]).T).clip(1)).max()
    assert metres[1, 0] == pytest.approx(worst * 1000)


def test_the_same_centres_are_asked_about_once():
    town = banks()
    homes = np.array([[0.0, 0.0], [5000.0, 0.0]])

    first, second = road_metres(town, homes), road_metres(town, homes.copy())

    assert first is second
    assert town.roads.asked == 1
