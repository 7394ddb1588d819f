"""Compiled code: each kernel for one kind of arguments, as every further kind makes everybody wait once more.

Whoever runs these first has compiled nearly all there is, in several processes at once where there are several: see
conftest. What plans weeks needs what plans days, and so those two are in one row.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit
from numba.core.dispatcher import Dispatcher

from territory.alignment import align_units
from territory.callplan import plan_calls
from territory.kernels import part
from territory.routing import solve_day
from territory.routing.hourly import solve_day_by_hour
from territory.travel import HourlyTimes, TravelMatrix, build_roads
from tests.towns import osm_xml
from tests.worlds import line_of_customers


@part()
def half(number):
    """What only kernels may call."""
    return number / 2


def kinds_of_arguments(package: str) -> dict[str, int]:
    """For how many kinds of arguments each kernel of a package has been compiled, or read from its cache."""
    modules = [module for name, module in sys.modules.items() if name.startswith(f"territory.{package}.")]
    kernels = {
        f"{kernel.py_func.__module__}.{kernel.py_func.__name__}": len(kernel.signatures)
        for module in modules
        for kernel in vars(module).values()
        if isinstance(kernel, Dispatcher)
    }
    return {name: count for name, count in kernels.items() if count}


@pytest.mark.compiles(0)
def test_a_day_is_searched_by_kernels_for_one_kind_of_arguments():
    street = np.abs(np.array([0.0, 10, 11, 40, 0])[:, None] - np.array([0.0, 10, 11, 40, 0]))
    nowhere = np.zeros(5)
    rush = HourlyTimes(8, tuple(TravelMatrix(street * slow, street, nowhere, nowhere) for slow in (2.0, 1.0)))

    whole = solve_day(street, np.full(3, 15.0), shift=(0.0, 600.0), pause=(90.0, 120.0, 45.0))
    some = solve_day(street, np.zeros(3), prizes=np.array([5.0, 30.0, 50.0]), objective="drive")
    hourly = solve_day_by_hour(rush, np.full(3, 15.0), shift=(480.0, 720.0))

    assert [len(whole.order), len(some.order), len(hourly.order)] == [3, 2, 3]
    assert set(kinds_of_arguments("routing").values()) == {1}


@pytest.mark.compiles(-1)
def test_territories_are_drawn_by_kernels_for_one_kind_of_arguments():
    xy = np.random.default_rng(1).uniform(0, 9000, (60, 2))

    plan = align_units(xy, np.ones((60, 2)), np.ones(3), 0.1, seed=1)

    assert plan.status != "infeasible"
    assert set(kinds_of_arguments("alignment").values()) == {1}


@pytest.mark.compiles(0)
def test_weeks_are_searched_by_kernels_for_one_kind_of_arguments():
    street = line_of_customers(3, reps=1, spacing=4000)

    calls = plan_calls(street, start="2027-03-01", weeks=1, effort=0.05, workers=1)

    assert calls.days["is_proven"].all()
    assert set(kinds_of_arguments("callplan").values()) == {1}


@pytest.mark.compiles(1)
def test_ways_are_found_by_kernels_for_one_kind_of_arguments(tmp_path: Path):
    path = tmp_path / "town.osm"
    places = {name: (1000.0 * km, 0.0) for name, km in zip("ABC", (-1, 3, 9), strict=True)}
    path.write_text(osm_xml(places, [("ABC", {"highway": "primary"})]), encoding="utf-8")
    roads = build_roads(path)
    customers = line_of_customers(8, reps=1).customers.geometry

    square = roads.matrix(customers)
    column = roads.matrix(customers, customers.iloc[:1])

    assert square.minutes[:, :1] == pytest.approx(column.minutes)
    assert set(kinds_of_arguments("travel").values()) == {1}


def test_a_part_of_kernels_is_refused_to_python_instead_of_ending_it():
    @njit
    def quarter(number):
        return half(half(number))

    assert quarter(6.0) == 1.5
    with pytest.raises(TypeError, match="half is a part of kernels"):
        half(6.0)
