"""A day: what is visited, in which order, when, and how good that is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import DataError
from territory.routing import DayPlan, check_day, solve_day
from territory.routing.day import STEPS
from tests.bench.instances import make_hard_days
from tests.routing.oracle import World, best_value, random_world

WHOLE_DAY = (0.0, 600.0)


def street(*minutes: float) -> np.ndarray:
    """Minutes between home, which stands at 0, and visits along one street."""
    at = np.array([0.0, *minutes, 0.0])
    return np.abs(at[:, None] - at[None, :])


def value_of(plan: DayPlan, objective: str) -> float:
    """What the oracle calls the value of a plan."""
    if objective == "drive":
        return plan.prize - plan.drive
    return 1000 * plan.prize - (plan.home if objective == "home" else plan.drive)


def faults(plan: DayPlan, world: World) -> list:
    return check_day(plan, **world.asked)


def test_visits_along_a_street_are_made_there_or_back_with_the_least_driving():
    plan = solve_day(street(10, 20, 30), np.full(3, 15.0), shift=WHOLE_DAY)

    assert sorted(plan.order) == [0, 1, 2]
    assert plan.drive == 60
    assert plan.home == 105
    assert (plan.status, plan.gap) == ("optimal", 0.0)


def test_a_day_without_visits_is_a_plan_too():
    plan = solve_day(street(), np.zeros(0), shift=WHOLE_DAY)

    assert (plan.order.tolist(), plan.drive, plan.status) == ([], 0.0, "optimal")


def test_a_customer_at_the_reps_home_costs_no_drive():
    plan = solve_day(street(0), np.array([30.0]), shift=WHOLE_DAY)

    assert (plan.order.tolist(), plan.drive, plan.home) == ([0], 0.0, 30.0)


def test_the_start_is_left_as_late_as_the_first_appointment_allows():
    plan = solve_day(street(20), np.array([30.0]), [[(100.0, 110.0)]], shift=WHOLE_DAY)

    assert (plan.depart, plan.arrive[0], plan.wait[0], plan.start[0], plan.home) == (80, 100, 0, 100, 150)


def test_waiting_is_told_where_a_door_opens_late():
    windows = [[(0.0, 30.0)], [(100.0, 200.0)]]

    plan = solve_day(street(10, 20), np.full(2, 10.0), windows, shift=WHOLE_DAY)

    assert plan.order.tolist() == [0, 1]
    assert plan.wait.tolist() == [0.0, 70.0]


def test_service_starts_in_one_of_several_windows():
    windows = [[(0.0, 50.0)], [(0.0, 20.0), (90.0, 95.0)]]

    plan = solve_day(street(40, 50), np.full(2, 30.0), windows, mandatory=np.ones(2, bool), shift=WHOLE_DAY)

    assert plan.start.tolist() == [40.0, 90.0]


def test_prizes_decide_when_not_all_fit():
    plan = solve_day(street(10, 100), np.full(2, 10.0), prizes=np.array([1.0, 5.0]), shift=(0.0, 211.0))

    assert plan.order.tolist() == [1]
    assert (plan.prize, plan.objective, plan.bound) == (5.0, 5.0, 5.0)


def test_a_must_stands_before_any_prize():
    asked = {"prizes": np.array([1.0, 5.0]), "shift": (0.0, 211.0)}

    plan = solve_day(street(10, 100), np.full(2, 10.0), mandatory=np.array([True, False]), **asked)

    assert plan.order.tolist() == [0]


def test_least_driving_makes_a_visit_only_where_its_prize_pays_for_the_detour():
    plan = solve_day(street(10, 11, 40), np.zeros(3), prizes=np.array([5.0, 30.0, 50.0]), objective="drive")

    assert sorted(plan.order) == [0, 1]
    assert (plan.drive, plan.objective) == (22.0, 22.0 - 35.0)


def test_earliest_home_waits_less_even_if_it_drives_more():
    windows = [[(60.0, 200.0)], [(0.0, 200.0)]]
    asked = {"mandatory": np.ones(2, bool), "shift": WHOLE_DAY}
    matrix = street(30, 29)
    matrix[2, 1] += 10

    by_drive = solve_day(matrix, np.full(2, 25.0), windows, **asked)
    by_home = solve_day(matrix, np.full(2, 25.0), windows, objective="home", **asked)

    assert by_drive.drive < by_home.drive
    assert by_drive.home > by_home.home
    assert by_home.least == by_home.home


def test_the_pause_lies_between_visits_within_its_window():
    plan = solve_day(street(10, 20, 30), np.full(3, 60.0), shift=WHOLE_DAY, pause=(90.0, 120.0, 45.0))

    assert 90 <= plan.pause <= 120
    assert plan.home == plan.wait.sum() + 60 + 180 + 45
    assert not ((plan.start < plan.pause + 45) & (plan.leave > plan.pause)).any()


@pytest.mark.parametrize(
    ("begins", "pause", "depart", "arrive"),
    [
        (300.0, (120.0, 150.0, 30.0), 60.0, 300.0),
        (240.0, (120.0, 150.0, 30.0), 0.0, 240.0),
        (360.0, (120.0, 150.0, 30.0), 150.0, 360.0),
        (400.0, (120.0, 150.0, 30.0), 190.0, 400.0),
    ],
)
def test_the_pause_interrupts_a_drive_that_is_longer_than_its_window(begins, pause, depart, arrive):
    appointment = [[(begins, begins)]]

    plan = solve_day(street(210), np.array([10.0]), appointment, shift=(0.0, 800.0), pause=pause)

    assert (plan.order.tolist(), plan.depart, plan.arrive[0], plan.wait[0]) == ([0], depart, arrive, 0.0)
    assert 120 <= plan.pause <= 150
    assert plan.drive == 420


def test_the_pause_interrupts_the_drive_between_two_visits():
    windows = [[(0.0, 60.0)], [(0.0, 800.0)]]

    plan = solve_day(street(20, 220), np.full(2, 10.0), windows, shift=(0.0, 520.0), pause=(60.0, 90.0, 30.0))

    assert plan.order.tolist() == [0, 1]
    assert (plan.leave[0], plan.pause, plan.arrive[1]) == (30.0, 60.0, 260.0)
    assert plan.home == 490


def test_a_day_that_is_over_before_the_pause_needs_none():
    plan = solve_day(street(10), np.array([20.0]), shift=WHOLE_DAY, pause=(90.0, 120.0, 45.0))

    assert plan.pause is None
    assert plan.home == 40


def test_driving_may_be_limited():
    plan = solve_day(street(10, 40), np.full(2, 10.0), prizes=np.array([1.0, 5.0]), shift=WHOLE_DAY, max_drive=50)

    assert plan.order.tolist() == [0]
    assert plan.drive == 20


def test_a_leg_may_lead_past_another_customer():
    matrix = street(10, 20)
    matrix[0, 2] = 90

    plan = solve_day(matrix, np.zeros(2), prizes=np.array([0.0, 1.0]), mandatory=np.array([False, True]))

    assert plan.drive == 40


def test_a_route_may_end_anywhere():
    matrix = street(10, 20)
    matrix[:, -1] = 0

    plan = solve_day(matrix, np.full(2, 5.0), shift=WHOLE_DAY)

    assert (plan.order.tolist(), plan.drive) == ([0, 1], 20.0)


def test_visits_that_no_day_can_hold_are_named_with_the_reason():
    windows = [[(900.0, 960.0)], [(0.0, 20.0)], [(0.0, 600.0)], [(0.0, 600.0)]]

    plan = solve_day(street(10, 30, 10, 20), np.array([10.0, 10.0, 590.0, 10.0]), windows, shift=WHOLE_DAY)

    assert plan.impossible == {0: "closed", 1: "unreachable", 2: "too long"}
    assert plan.order.tolist() == [3]


def test_musts_that_conflict_are_named_and_as_many_as_possible_are_kept():
    windows = [[(60.0, 60.0)], [(65.0, 65.0)], [(0.0, 600.0)]]
    must = np.array([True, True, False])

    plan = solve_day(street(10, 50, 20), np.full(3, 10.0), windows, mandatory=must, shift=WHOLE_DAY)

    assert plan.status == "infeasible"
    assert [problem.where for problem in plan.reasons] == ["visits 0 and 1"]
    assert len(plan.order) == 2


def test_musts_that_fit_in_pairs_but_not_together_are_told():
    plan = solve_day(street(10, 20, 30), np.full(3, 50.0), mandatory=np.ones(3, bool), shift=(0.0, 180.0))

    assert plan.status == "infeasible"
    assert "No route makes all of them" in plan.reasons[0].what
    assert len(plan.order) == 2


def test_every_fault_of_the_input_is_told_at_once():
    with pytest.raises(DataError) as raised:
        solve_day(np.ones((2, 3)), np.array([-1.0]), [], np.ones(2), shift=(9.0, 8.0), objective="fun")

    told = {problem.where for problem in raised.value.problems}
    assert told == {"matrix", "windows", "prizes", "service", "shift", "objective"}


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    musts=st.sampled_from([0, 0, 2, 6]),
    pause=st.booleans(),
    cap=st.booleans(),
    is_wide=st.booleans(),
    objective=st.sampled_from(["value", "drive", "home"]),
)
def test_no_route_is_better_than_the_plan(seed: int, musts: int, pause: bool, cap: bool, is_wide: bool, objective: str):
    world = random_world(seed, musts=musts, pause=pause, cap=cap, is_wide=is_wide)

    plan = solve_day(**world.asked, objective=objective)
    best = best_value(world, objective)

    assert faults(plan, world) == []
    if best is None:
        assert plan.status == "infeasible"
    else:
        assert plan.status == "optimal"
        assert value_of(plan, objective) == pytest.approx(best, abs=1e-6)


def test_who_waits_for_doors_is_not_home_later_than_another_order_would_have_it():
    world = random_world(7, musts=2, pause=True)

    plan = solve_day(**world.asked, objective="home")

    assert (plan.home, plan.status) == (160.0, "optimal")


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), pause=st.booleans(), objective=st.sampled_from(["value", "drive", "home"]))
def test_without_effort_the_plan_still_holds_and_is_never_better_than_its_bound(seed: int, pause: bool, objective: str):
    world = random_world(seed, 9, pause=pause)

    quick = solve_day(**world.asked, objective=objective, effort=0)
    proven = solve_day(**world.asked, objective=objective)

    assert faults(quick, world) == []
    assert quick.status in ("heuristic", "optimal")
    assert value_of(quick, objective) <= value_of(proven, objective) + 1e-9


@given(seed=st.integers(0, 1000))
def test_the_same_input_gives_the_same_plan(seed: int):
    world = random_world(seed, 8, pause=True)

    first, second = (solve_day(**world.asked) for _ in range(2))

    assert first.order.tolist() == second.order.tolist()
    assert first.steps == second.steps


def test_a_dense_day_that_resists_the_proof_ends_by_its_steps_with_a_bound():
    _, asked = next(make_hard_days((60,), seed=1))

    plan = solve_day(**asked)

    assert plan.status == "gap"
    assert plan.objective < plan.bound
    assert plan.steps <= 1.2 * STEPS
    assert check_day(plan, **{name: value for name, value in asked.items() if name != "objective"}) == []
