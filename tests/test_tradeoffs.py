"""What a tolerance costs in travel, and where the curve bends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.errors import DataError
from territory.tradeoffs import knee_of, trade_off
from tests.worlds import line_of_customers


def uneven_line():
    """Twelve customers on a line, the one in the west as large as four others."""
    line = line_of_customers(12, reps=3)
    potential = line.customers["potential"].where(line.customers.index != "1", 400.0)
    visits = line.customers["visits_per_year"].where(line.customers.index != "1", 40.0)
    return replace(line, customers=line.customers.assign(potential=potential, visits_per_year=visits))


def test_a_wider_tolerance_never_costs_more_than_a_tighter_one_that_was_met():
    curve = trade_off(uneven_line(), tolerances=(0.5, 0.01, 0.1, 0.2), seed=1, travel="none")

    assert curve.table.index.tolist() == [0.01, 0.1, 0.2, 0.5]
    met = curve.table[curve.table["met"]]
    assert met["objective"].is_monotonic_decreasing
    assert (met["deviation"] <= met.index + 1e-9).all()
    assert len(curve.plans) == 4


def test_a_tolerance_that_cannot_be_met_is_told_with_the_tightest_that_was():
    giant = uneven_line()
    giant = replace(giant, customers=giant.customers.assign(potential=[800.0] + [100.0] * 11))

    curve = trade_off(giant, tolerances=(0.05, 0.1, 0.9), seed=1, travel="none")

    assert curve.table["met"].tolist() == [False, False, True]
    assert curve.words.startswith("±90 % is the tightest tolerance that was met; ±10 % was not (potential: ")


def test_a_curve_can_be_drawn_from_scratch_for_any_number_of_territories():
    curve = trade_off(line_of_customers(12, reps=3), tolerances=(0.05, 0.2), territories=4, seed=1, travel="none")

    assert [len(plan.after) for plan in curve.plans] == [4, 4]
    assert curve.words.startswith("Every tolerance from ±5 % up was met.")


def test_where_nothing_is_met_the_fairest_plan_is_told():
    curve = trade_off(uneven_line(), tolerances=(0.001,), seed=1, travel="none")

    assert not curve.table["met"].any() or curve.table["deviation"].max() <= 0.001
    assert curve.knee is None


def test_the_knee_is_where_a_falling_curve_bends():
    bent = pd.Series([50.0, 22.0, 20.0, 19.0, 18.0], index=[0.01, 0.02, 0.04, 0.08, 0.16])
    straight = pd.Series(np.linspace(50, 10, 5), index=[0.01, 0.02, 0.04, 0.08, 0.16])
    flat = pd.Series([20.0, 20.0, 20.0], index=[0.01, 0.02, 0.04])

    assert knee_of(bent) == 0.02
    assert knee_of(straight) is None
    assert knee_of(flat) is None
    assert knee_of(bent.iloc[:2]) is None


def test_the_curve_is_the_same_for_any_number_of_workers():
    one = trade_off(uneven_line(), tolerances=(0.1, 0.5), seed=1, travel="none", workers=1)
    two = trade_off(uneven_line(), tolerances=(0.1, 0.5), seed=1, travel="none", workers=2)

    pd.testing.assert_frame_equal(one.table, two.table)


def test_every_tolerance_that_cannot_be_is_told():
    with pytest.raises(DataError) as refused:
        trade_off(uneven_line(), tolerances=(0, 0.1, -1))
    with pytest.raises(DataError, match="There is none"):
        trade_off(uneven_line(), tolerances=())

    assert len(refused.value.problems) == 2
