"""What a plan does not keep of what is asked beside balance is told by name: who, why, and how to mend it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from territory import adjust, align, realign
from territory.alignment import Limits, align_units
from territory.errors import DataError
from territory.land import Land
from territory.model import Portfolio
from territory.realignment import explain_moves
from tests.worlds import line_of_customers

LINE = np.column_stack([np.arange(12) * 1000.0, np.zeros(12)])
ALIKE = np.ones((12, 2))


def having(portfolio: Portfolio, **columns: dict[str, object]) -> Portfolio:
    """The portfolio with some values of its customers' columns changed."""
    customers = portfolio.customers.copy()
    for name, values in columns.items():
        customers.loc[list(values), name] = list(values.values())
    return replace(portfolio, customers=customers)


def with_skills(portfolio: Portfolio, skill: str, rep: str, customers: list[str]) -> Portfolio:
    """The portfolio with customers who need what one rep alone knows."""
    reps = portfolio.reps.assign(skills=[skill if each == rep else None for each in portfolio.reps.index])
    return replace(having(portfolio, skills=dict.fromkeys(customers, skill)), reps=reps)


def told(plan, where: str) -> str:
    """What the plan's reasons say there, all in one."""
    return " ".join(reason.what for reason in plan.reasons if reason.where == where)


def test_customers_cut_off_by_the_skills_they_need_are_told_with_the_reason():
    town = having(line_of_customers(9, reps=3), locked=dict.fromkeys("12", True))

    plan = realign(with_skills(town, "cold", "R01", ["9"]), tolerance=0.1, seed=1)

    assert plan.alignment[["1", "2", "9"]].tolist() == ["T1"] * 3
    assert told(plan, "T1, pieces").endswith("cut off; only its rep has the skills needed.")


def test_customers_cut_off_by_their_lock_are_told_with_the_reason():
    town = having(line_of_customers(9, reps=3), territory={"5": "T1"}, locked={"5": True})

    plan = realign(town, tolerance=0.5, seed=1)

    assert told(plan, "T1, pieces") == "it is in 2 pieces: '5' is cut off; locked to it."


def test_a_territory_on_both_sides_of_a_barrier_is_told():
    wall = Land(barriers=np.array([shapely.LineString([(3500, -9000), (3500, 9000)])]))
    town = replace(line_of_customers(9, reps=1), land=wall)

    plan = align(town, territories=1, tolerance=0.1, seed=1)

    assert plan.reasons[0].where.endswith("pieces")
    assert "no neighbours lead to the rest" in plan.reasons[0].what
    assert "相邻" in plan.reasons[0].zh


def test_a_hand_remembers_which_territories_may_be_in_pieces():
    town = having(line_of_customers(9, reps=3), territory={"5": "T1"}, locked={"5": True})

    plan = realign(town, tolerance=0.5, seed=1, in_pieces=["T1"])

    assert plan.in_pieces == ("T1",)
    assert not adjust(plan, lock=["1"]).reasons


def test_who_is_cut_off_is_not_sent_to_a_rep_without_the_skills():
    town = with_skills(line_of_customers(9, reps=3), "cold", "R01", ["4"])
    plan = realign(town, tolerance=0.5, seed=1)

    cut = adjust(plan, move={"4": "T2", "5": "T1"})

    [reason] = [reason for reason in cut.reasons if reason.where == "T1, pieces"]
    assert reason.fix == "Move it to T2, or move in who lies between."
    kept = adjust(plan, move={"3": "T2"})
    [reason] = [reason for reason in kept.reasons if reason.where == "T1, pieces"]
    assert reason.fix.startswith("Let it be in several pieces")


def test_the_runner_up_of_a_move_by_hand_has_the_skills_too():
    town = with_skills(line_of_customers(9, reps=3), "cold", "R01", ["4"])
    plan = realign(replace(town, reps=town.reps.assign(skills=["cold", None, "cold"])), tolerance=0.5, seed=1)

    moves = adjust(plan, move={"4": "T3"}).moves.set_index("customer_id")

    assert moves.loc["4", ["from", "runner_up"]].tolist() == ["T2", "T1"]


def test_a_group_that_is_too_heavy_is_called_by_its_name():
    town = having(line_of_customers(9, reps=3), group=dict.fromkeys("12345", "chain"), potential={"9": 200.0})

    plan = realign(town, tolerance=0.05, seed=1)

    [reason] = [reason for reason in plan.reasons if reason.where == "workload"]
    assert reason.what.startswith("group 'chain' alone holds 55 % of it")
    assert reason.fix.startswith("Split that group")
    assert "分组“chain”" in reason.zh


@pytest.mark.parametrize(
    ("rules", "where", "what"),
    [
        ({"max_customers": 3.0}, "T1, customers", "3 is the most allowed"),
        ({"min_customers": 5.0}, "min_customers", "2 territories x 5 = 10 customers; there are 8."),
        ({"max_radius_km": 1.0}, "radius", "more than 1 km (max_radius_km) from the centre"),
        ({"max_capacity_use": 0.001}, "max_capacity_use", "the hours of all reps together are used to"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_called_by_its_name(rules, where, what):
    town = line_of_customers(8, reps=2).with_rules(**rules)

    plan = realign(town, tolerance=0.1, seed=1)

    assert what in told(plan, where)
    assert not [reason for reason in plan.reasons if "measure" in reason.where + reason.what]


def test_limits_that_contradict_each_other_are_called_by_their_names():
    town = having(line_of_customers(8, reps=2), locked=dict.fromkeys("12345", True), territory={"5": "T1"})

    plan = realign(town.with_rules(max_customers=4), tolerance=0.9, seed=1)

    assert told(plan, "rules").startswith("no plan can keep the locks and max_customers at once;")


def test_a_least_above_the_most_is_refused():
    town = line_of_customers(8, reps=2)

    with pytest.raises(DataError, match="must have 5 customers and may have 3"):
        town.with_rules(min_customers=5, max_customers=3)


def test_every_set_of_rules_that_contradict_each_other_is_told():
    today = np.array([0] * 8 + [1] * 4)

    plan = align_units(LINE, ALIKE, np.ones(2), 0.1, seed=1, start=today, locked=today == 0)

    said = [reason.what for reason in plan.reasons if reason.where == "rules"]
    assert said == [
        "no plan can keep the locks and the tolerance on measure 2 at once.",
        "no plan can keep the locks and the tolerance on measure 1 at once.",
    ]


def test_letting_go_of_a_limit_leaves_the_tolerance_of_its_measure():
    today, locked = np.array([0] * 8 + [1] * 4), np.arange(12) < 8
    limits = Limits(most=np.array([[7.0, np.nan], [7.0, np.nan]]))

    plan = align_units(LINE, ALIKE, np.ones(2), [0.2, 0.9], seed=1, start=today, locked=locked, limits=limits)

    said = " ".join(reason.what for reason in plan.reasons if reason.where == "rules")
    assert "the locks and the tolerance on measure 1" in said
    assert "the locks and the most allowed on measure 1" in said


def test_a_plan_outside_its_tolerance_is_bounded_by_plans_no_farther_outside():
    measures = np.column_stack([np.r_[5.0, np.ones(11)], np.ones(12)])

    plan = align_units(LINE, measures, np.ones(3), 0.01, seed=1)
    wide = align_units(LINE, measures, np.ones(3), plan.max_deviation + 1e-9, seed=1)

    assert plan.status == "infeasible"
    assert wide.lower_bound <= plan.lower_bound <= plan.objective


def test_a_tolerance_that_is_missed_by_little_is_told_apart_from_what_was_reached():
    measures = np.column_stack([np.ones(12), np.r_[1.001, np.ones(11)]])

    plan = align_units(LINE, measures, np.ones(2), [0.1, 1e-5], seed=1)

    reason = next(reason for reason in plan.reasons if reason.where.startswith("tolerance"))
    reached, asked = (part.split(" %")[0].split()[-1] for part in reason.what.split(";"))
    assert float(reached) > float(asked) > 0


def test_a_centre_at_the_other_end_of_the_world_is_refused():
    with pytest.raises(DataError, match="km from where the customers are"):
        realign(line_of_customers(8, reps=2), tolerance=0.1, centres={"T1": (100.0, 40.0)})


def test_a_customer_that_goes_with_its_group_is_told_so():
    town = having(line_of_customers(8, reps=2), group={"4": "chain", "8": "chain"}, locked={"8": True})

    plan = realign(town, tolerance=0.5, seed=1)

    assert plan.moves.set_index("customer_id").loc["4", "reason"] == "its group is kept together"
    assert explain_moves(plan).loc["4", "kind"] == "group"


def test_a_customer_whose_neighbours_all_leave_is_told_that_it_would_be_cut_off():
    town = having(line_of_customers(9, reps=3), potential={"2": 500.0})

    plan = realign(town, tolerance=0.6, seed=1)

    reasons = explain_moves(plan)
    alone = reasons.index[reasons["kind"] == "pieces"]
    for customer in alone:
        moved = plan.moves.set_index("customer_id").loc[customer]
        assert moved["price"] <= 0
        beside = [str(int(customer) + step) for step in (-1, 1)]
        assert not [each for each in beside if plan.alignment.get(each) == moved["from"]]
