"""How many territories the work asks for, and what one rep more or fewer would cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from territory.buildup import sizing
from territory.errors import DataError, InfeasibleError
from territory.model import Rules
from tests.test_fronts import drifted_town
from tests.worlds import line_of_customers


def line_of_work(count: int, hours_per_week: float, weeks: float = 50):
    """Customers that ask for 5 hours of visits a year each; a rep works so many hours a week."""
    line = line_of_customers(count, reps=3)
    return replace(line, rules=replace(Rules(), hours_per_week=hours_per_week, weeks_per_year=weeks))


def test_without_travel_the_number_is_the_work_over_the_hours_of_a_rep():
    exact, a_little_more = line_of_work(20, 0.5), line_of_work(21, 0.5)  # 100 and 105 hours, 25 a rep

    assert sizing(exact, travel="none", around=0).territories == 4
    assert sizing(a_little_more, travel="none", around=0).territories == 5


def test_the_build_up_tells_the_work_by_tier():
    line = line_of_work(20, 0.5)
    line = replace(line, customers=line.customers.assign(tier=["A"] * 5 + ["B"] * 15))

    found = sizing(line, travel="none", around=0)

    assert found.build_up.index.tolist() == ["A", "B"]
    assert found.build_up["customers"].tolist() == [5, 15]
    assert found.build_up["visits_per_year"].tolist() == [50, 150]
    assert found.build_up["workload_hours"].tolist() == [25, 75]
    assert found.hours == 25


def test_one_rep_more_and_one_fewer_stand_beside_the_number_with_what_changes():
    found = sizing(line_of_work(20, 0.5), travel="none", around=1)

    assert found.table.index.tolist() == [3, 4, 5]
    assert found.table["capacity_hours"].tolist() == [75, 100, 125]
    assert found.table["fits"].tolist() == [False, True, True]
    assert found.table["capacity_use_mean"].tolist() == pytest.approx([4 / 3, 1, 0.8])
    assert found.table.loc[4].filter(like="change_").tolist() == [0] * 8
    assert found.table["change_workload_peak_hours"].tolist() == [10, 0, -5]
    assert found.table["change_mean_km"].is_monotonic_decreasing


def test_the_number_is_the_least_whose_work_with_travel_is_within_its_hours():
    town = drifted_town()

    found = sizing(town, hours_per_week=4, seed=2)

    assert found.table["fits"].tolist() == [False, True, True]
    assert found.table["travel_hours"].is_monotonic_decreasing
    assert found.build_up["workload_hours"].sum() == pytest.approx(found.table.loc[found.territories, "workload_hours"])


def test_the_words_tell_the_number_and_both_neighbours():
    words = sizing(line_of_work(20, 0.5), travel="none").words

    assert words.startswith(
        "100 hours of work a year, 0 of them travel, at 25 hours a rep ask for 4 territories: 100 %"
    )
    assert "With one rep more travel changes by +0 hours a year, the fullest territory by -5 hours" in words
    assert "With one rep fewer" in words


def test_today_s_reps_locks_and_skills_do_not_matter():
    line = line_of_work(20, 0.5)
    held = replace(line, customers=line.customers.assign(locked=True, skills="crane"))

    one, other = sizing(line, travel="none", seed=1), sizing(held.without_rep("R01"), travel="none", seed=1)

    pd.testing.assert_frame_equal(one.table, other.table)


def test_little_work_needs_one_rep_and_there_is_no_fewer():
    found = sizing(line_of_work(3, 40), travel="none")

    assert found.territories == 1
    assert found.table.index.tolist() == [1, 2]
    assert "ask for 1 territory" in found.words


def test_more_work_than_one_rep_a_customer_has_hours_for_is_refused():
    with pytest.raises(InfeasibleError, match="more work than as many reps have hours for"):
        sizing(line_of_work(3, 0.01), travel="none")


def test_every_fault_of_the_question_is_told():
    with pytest.raises(DataError) as refused:
        sizing(line_of_work(3, 40), hours_per_week=0, around=-1)

    assert [problem.where for problem in refused.value.problems] == ["hours_per_week", "around"]


def test_the_answer_is_the_same_for_any_number_of_workers():
    one = sizing(drifted_town(), hours_per_week=4, workers=1)
    two = sizing(drifted_town(), hours_per_week=4, workers=2)

    assert np.array_equal(one.table.to_numpy(float), two.table.to_numpy(float))
