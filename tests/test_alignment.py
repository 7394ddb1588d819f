"""The algorithm against what can be known for certain: brute force, linear programming, and what must always hold."""

import re
from dataclasses import replace
from functools import cache, partial
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from territory.alignment import align_units, breeding, diagram, engine
from territory.alignment.ground import Ground, plan_of, rings, worker_of
from territory.alignment.pieces import bordering
from territory.alignment.search import anneal, learn
from territory.alignment.task import UNLIMITED
from territory.alignment.units import Rows, coarsen, make_units
from territory.errors import InfeasibleError
from territory.model import percent
from territory.neighbours import collapse, count_pieces, neighbour_pairs
from territory.numeric import new_state

EIGHT_SEEDS = (0, 1, 7, 88, 303, 1024, 4711, 9999)


def country(count: int, seed: int, measures: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Places around a few towns, and lognormal measures only loosely tied to each other."""
    rng = np.random.default_rng(seed)
    towns = rng.uniform(0, 100_000, (4, 2))
    xy = towns[rng.integers(0, 4, count)] + rng.normal(0, 15_000, (count, 2))
    return np.round(xy, 3), rng.lognormal(0, 0.6, (count, measures))


def is_connected(pairs: np.ndarray, members: np.ndarray) -> bool:
    inside = np.isin(pairs, members).all(axis=1)
    graph = coo_matrix((np.ones(inside.sum()), pairs[inside].T), shape=(pairs.max() + 1,) * 2)
    component = connected_components(graph, directed=False)[1]
    return len(np.unique(component[members])) == 1


def least_objective(xy, measures, count, tolerance):
    """The least mean squared distance of any connected plan within the bands, by trying every one."""
    pairs = neighbour_pairs(xy)
    share = measures / measures.sum(axis=0)
    mass = share.mean(axis=1)
    best = np.inf
    plans = np.array(list(product((0,), *[range(count)] * (len(xy) - 1))))
    loads = np.stack([(plans == k) @ share for k in range(count)], axis=1) * count
    for label in plans[np.abs(loads - 1).max(axis=(1, 2)) <= tolerance]:
        members = [np.flatnonzero(label == k) for k in range(count)]
        spread = sum(
            (mass[m] * ((xy[m] - np.average(xy[m], axis=0, weights=mass[m])) ** 2).sum(axis=1)).sum() for m in members
        )
        if spread < best and all(is_connected(pairs, m) for m in members):
            best = spread
    return best


@pytest.mark.parametrize(("count", "places"), [(2, 12), (3, 9)])
def test_tiny_plans_are_the_best_of_all(count, places):
    ratios = []
    for seed in range(6):
        xy, measures = country(places, seed)
        best = least_objective(xy, measures, count, 0.35)

        plan = align_units(xy, measures, np.ones(count), 0.35, seed=seed, effort=0.3)

        assert (plan.status == "infeasible") == (not np.isfinite(best)) == bool(plan.reasons)
        if np.isfinite(best):
            ratios.append(plan.objective / best)

    assert max(ratios) <= 1 + 1e-6


def transport_optimum(xy, measures, plan, tolerance):
    """The linear programme that the bound is the dual of, solved by HiGHS."""
    share = measures / measures.sum(axis=0)
    n, count = len(xy), len(plan.centres)
    cost = share.mean(axis=1)[:, None] * ((xy[:, None] - plan.centres[None]) ** 2).sum(axis=2)
    unit = np.repeat(np.arange(n), count)
    column = np.arange(n * count)
    once = csr_matrix((np.ones(n * count), (unit, column)))
    loads = [csr_matrix((np.repeat(share[:, t], count), (column % count, column))) for t in range(share.shape[1])]
    from scipy.sparse import vstack

    upper = vstack([*loads, *(-load for load in loads)])
    limit = np.concatenate([np.full(2 * count, (1 + tolerance) / count), np.full(2 * count, -(1 - tolerance) / count)])
    return linprog(cost.ravel(), A_ub=upper, b_ub=limit, A_eq=once, b_eq=np.ones(n), method="highs").fun


@pytest.mark.parametrize(("places", "count", "tolerance"), [(60, 3, 0.1), (200, 5, 0.05), (400, 8, 0.02)])
def test_the_bound_is_that_of_the_linear_programme(places, count, tolerance):
    xy, measures = country(places, seed=places)

    plan = align_units(xy, measures, np.ones(count), tolerance, seed=1, effort=0.3)

    optimum = transport_optimum(xy, measures, plan, tolerance)
    assert plan.lower_bound <= optimum * (1 + 1e-9)
    assert plan.lower_bound == pytest.approx(optimum, rel=2e-3)


@pytest.mark.parametrize("begin", ["scratch", "today"])
def test_prices_found_on_points_of_many_customers_hold_for_the_customers(monkeypatch, begin):
    xy, measures = country(1500, seed=5)
    monkeypatch.setattr(diagram, "COARSE", 60)
    monkeypatch.setattr(diagram, "FINEST", 60)
    start = None if begin == "scratch" else (xy[:, 0] > np.median(xy[:, 0])) * 2 + (xy[:, 1] > np.median(xy[:, 1]))

    plan = align_units(xy, measures, np.ones(4), 0.02, seed=1, start=start, effort=0.1)

    optimum = transport_optimum(xy, measures, plan, 0.02)
    assert plan.lower_bound <= optimum * (1 + 1e-9)
    assert plan.lower_bound == pytest.approx(optimum, rel=2e-3)


def test_a_tolerance_that_cannot_be_met_comes_with_what_each_wider_one_costs_at_least():
    xy, measures = country(60, seed=8)
    tolerance = 0.001

    plan = align_units(xy, measures, np.ones(4), tolerance, seed=1, effort=0.2)

    assert plan.status == "infeasible"
    free = transport_optimum(xy, measures, plan, 10.0)
    factors, extras = np.array(plan.trade_off).T
    assert factors[0] == 1
    assert (np.diff(extras) <= 0).all()
    for factor, extra in plan.trade_off:
        dearer = transport_optimum(xy, measures, plan, factor * tolerance) / free - 1
        assert extra <= dearer + 1e-9
        assert extra == pytest.approx(dearer, abs=3e-3)


def test_a_plan_within_its_tolerance_has_no_curve_of_costs():
    xy, measures = country(60, seed=8)

    plan = align_units(xy, measures, np.ones(2), 0.2, seed=1, effort=0.2)

    assert plan.trade_off == ()


def test_a_line_is_cut_into_equal_runs():
    xy = np.column_stack([np.arange(12) * 1000.0, np.zeros(12)])

    plan = align_units(xy, np.ones((12, 2)), np.ones(3), 0.01, seed=3)

    runs = plan.labels[np.flatnonzero(np.diff(plan.labels, prepend=-1))]
    assert len(runs) == 3
    assert np.bincount(plan.labels).tolist() == [4, 4, 4]


def test_a_half_time_share_gets_half_as_much():
    xy = np.column_stack([np.arange(15) * 1000.0, np.zeros(15)])

    plan = align_units(xy, np.ones((15, 2)), np.array([1.0, 1.0, 0.5]), 0.01, seed=3)

    assert np.bincount(plan.labels).tolist() == [6, 6, 3]


@settings(max_examples=25)
@given(st.integers(12, 120), st.integers(1, 5), st.integers(0, 10_000), st.floats(0.05, 0.4))
def test_every_row_is_in_one_connected_territory(places, count, seed, tolerance):
    xy, measures = country(places, seed)

    plan = align_units(xy, measures, np.ones(count), tolerance, seed=seed, effort=0.2)

    assert plan.labels.shape == (places,)
    assert set(plan.labels) == set(range(count))
    assert (count_pieces(xy, plan.labels) == 1).all()
    assert (plan.pieces == 1).all()
    inside = (np.abs(plan.deviation) <= tolerance * (1 + 1e-9)).all()
    assert inside == (plan.status != "infeasible") == (not plan.reasons)
    load = np.array([measures[plan.labels == k].sum(axis=0) for k in range(count)])
    assert np.allclose(load, plan.loads)
    assert plan.lower_bound <= plan.objective * (1 + 1e-12)


@cache
def plan_of_eighty(seed):
    xy, measures = country(80, seed)
    return align_units(xy, measures, np.ones(4), 0.1, seed=seed, effort=0.2)


@pytest.mark.parametrize("seed", EIGHT_SEEDS)
def test_the_same_seed_gives_the_same_plan(seed):
    xy, measures = country(80, seed)

    plan = align_units(xy, measures, np.ones(4), 0.1, seed=seed, effort=0.2)

    assert plan.labels.tolist() == plan_of_eighty(seed).labels.tolist()
    assert plan.lower_bound == plan_of_eighty(seed).lower_bound


@pytest.mark.parametrize("seed", EIGHT_SEEDS)
def test_moving_the_whole_country_or_its_currency_changes_no_label(seed):
    xy, measures = country(80, seed)

    there = align_units(xy + np.array([2**20, -(2**21)]), measures * [8.0, 0.5], np.ones(4), 0.1, seed=seed, effort=0.2)

    assert there.max_deviation == pytest.approx(plan_of_eighty(seed).max_deviation, abs=0.05)
    assert there.status == plan_of_eighty(seed).status


@pytest.mark.parametrize("seed", EIGHT_SEEDS)
def test_the_order_of_rows_changes_no_territory(seed):
    xy, measures = country(80, seed)
    order = np.random.default_rng(seed).permutation(80)

    shuffled = align_units(xy[order], measures[order], np.ones(4), 0.1, seed=seed, effort=0.2)

    assert shuffled.labels.tolist() == plan_of_eighty(seed).labels[order].tolist()


def test_a_balanced_start_moves_nobody():
    xy = np.column_stack([np.arange(12) * 1000.0, np.zeros(12)])
    today = np.arange(12) // 4

    plan = align_units(xy, np.ones((12, 2)), np.ones(3), 0.1, seed=1, start=today, handover=np.full(12, 1e8))

    assert plan.labels.tolist() == today.tolist()


def test_a_locked_row_keeps_its_territory():
    xy = np.column_stack([np.arange(12) * 1000.0, np.zeros(12)])
    today = np.array([0] * 8 + [1] * 4)
    locked = np.zeros(12, bool)
    locked[:6] = True

    plan = align_units(xy, np.ones((12, 2)), np.ones(2), 0.1, seed=1, start=today, locked=locked)

    assert plan.labels.tolist() == [0] * 6 + [1] * 6


def test_equal_places_stay_together_when_balance_allows():
    xy, measures = country(100, seed=4)
    xy[50:60] = xy[0]
    measures[50:60] *= 0.01

    plan = align_units(xy, measures, np.ones(4), 0.2, seed=1)

    assert len(set(plan.labels[50:60])) == 1


def test_everybody_at_one_place_is_still_shared_out_evenly():
    xy = np.zeros((40, 2))

    plan = align_units(xy, np.ones((40, 2)), np.ones(4), 0.01, seed=1)

    assert np.bincount(plan.labels).tolist() == [10, 10, 10, 10]
    assert plan.objective == 0
    assert plan.status == "optimal"


def test_as_many_places_as_territories_get_one_each():
    xy, _ = country(5, seed=1)

    plan = align_units(xy, np.ones((5, 2)), np.ones(5), 0.05, seed=1)

    assert sorted(plan.labels) == [0, 1, 2, 3, 4]


def test_a_giant_is_named_with_what_would_be_needed():
    xy, measures = country(60, seed=2)
    measures[7] += measures.sum(axis=0)
    share = (measures[7] / measures.sum(axis=0))[0]

    plan = align_units(xy, measures, np.ones(4), 0.05, seed=1, effort=0.3)

    assert plan.status == "infeasible"
    assert f"one customer alone holds {percent(share)}" in plan.reasons[0].what
    assert (plan.pieces == 1).all()


def test_a_giant_on_one_measure_does_not_spoil_the_other():
    xy, measures = country(60, seed=2)
    measures[:, 1] = 1.0
    measures[7, 0] = 100 * measures[:, 0].sum()

    plan = align_units(xy, measures, np.ones(3), 0.1, seed=1, effort=0.3)

    assert plan.max_deviation[0] > 1
    assert plan.max_deviation[1] <= 0.1


@pytest.mark.parametrize("giants", [1, 2])
def test_what_giants_leave_is_shared_out_among_the_others(giants):
    xy, _ = country(120, seed=2)
    measures = np.ones((120, 1))
    measures[:giants, 0] = [500.0, 300.0][:giants]

    plan = align_units(xy, measures, np.ones(4), 0.05, seed=1, effort=0.3)

    rest = (120 - giants) / (4 - giants)
    loads = np.sort(plan.loads[:, 0])
    assert loads[0] >= 0.95 * rest
    # What the others have less than their part of the rest is all that anybody can have more.
    assert (loads - np.sort([*[rest] * (4 - giants), *[500.0, 300.0][:giants]])).max() <= 0.15 * rest
    assert (plan.pieces == 1).all()


def test_the_tolerance_that_is_advised_beside_a_giant_is_one_that_is_kept():
    xy, measures = country(80, seed=4)
    measures[3, 0] = 3 * measures[:, 0].sum()
    asked = partial(align_units, xy, measures, np.ones(4), seed=1)

    [reason] = asked(0.1).reasons
    percents = float(re.search(r"or allow (\d+) %, which this plan keeps", reason.fix).group(1))

    assert not asked(np.array([percents / 100, 0.1])).reasons


def test_fewer_rows_than_territories_are_refused():
    with pytest.raises(InfeasibleError, match="3 customers cannot fill 5 territories"):
        align_units(np.eye(3, 2), np.ones((3, 2)), np.ones(5), 0.05)
    with pytest.raises(InfeasibleError, match="1 customer cannot fill 2 territories"):
        align_units(np.eye(1, 2), np.ones((1, 2)), np.ones(2), 0.05)


def test_a_measure_that_is_zero_everywhere_is_refused():
    with pytest.raises(InfeasibleError, match="measure 2"):
        align_units(np.eye(3, 2), np.array([[1.0, 0]] * 3), np.ones(2), 0.05)


def test_a_given_neighbour_list_is_the_graph():
    xy = np.column_stack([np.arange(6) * 1000.0, np.zeros(6)])
    ring = np.array([[0, 5], [1, 4], [2, 3], [0, 1], [1, 2]])

    plan = align_units(xy, np.ones((6, 2)), np.ones(3), 0.01, ring, seed=1)

    assert all(is_connected(ring, np.flatnonzero(plan.labels == k)) for k in range(3))


def test_three_measures_are_balanced_at_once():
    xy, measures = country(600, seed=9, measures=3)

    plan = align_units(xy, measures, np.ones(5), 0.05, seed=1, effort=0.3)

    assert plan.max_deviation.shape == (3,)
    assert (plan.max_deviation <= 0.05).all()
    places, place_of = collapse(xy)
    assert len(places) == 600
    assert (count_pieces(xy, plan.labels) == 1).all()
    assert len(place_of) == 600


def test_centres_can_be_rows_of_their_own_territory():
    xy, measures = country(120, seed=5)

    plan = align_units(xy, measures, np.ones(4), 0.1, seed=1, centre_on="unit", effort=0.3)

    for k, centre in enumerate(plan.centres):
        own = xy[plan.labels == k]
        assert np.hypot(*(own - centre).T).min() < 1e-3
    spread = (measures / measures.sum(axis=0)).mean(axis=1) * ((xy - plan.centres[plan.labels]) ** 2).sum(axis=1)
    assert plan.objective == pytest.approx(spread.sum())


def test_centres_that_hold_still_are_kept():
    xy, measures = country(120, seed=5)
    homes = xy[[0, 40, 80]]

    plan = align_units(xy, measures, np.ones(3), 0.2, seed=1, centres=homes, effort=0.3)

    assert plan.centres == pytest.approx(homes, abs=1e-3)
    assert (plan.pieces == 1).all()


@settings(max_examples=20)
@given(st.integers(2, 80), st.integers(0, 1000))
def test_pairs_of_units_are_neighbours_and_lose_nothing(places, seed):
    xy, measures = country(places, seed)
    rows = Rows(
        xy=xy,
        measures=measures,
        weights=np.ones(2),
        neighbours=None,
        start=np.random.default_rng(seed).integers(-1, 2, places),
        handover=np.ones(places),
        movable=np.ones(places, bool),
        group=None,
        allowed=None,
        travel=None,
    )
    units = make_units(rows, largest=np.ones(2), parts=32)

    merged, pair = coarsen(units)

    assert np.bincount(pair).max() <= 2
    assert merged.measure.sum(axis=0) == pytest.approx([1, 1])
    assert (merged.start[pair] == units.start).all()
    for i, j in [np.flatnonzero(pair == p) for p in np.flatnonzero(np.bincount(pair) == 2)]:
        assert j in units.ind[units.ptr[i] : units.ptr[i + 1]]


def test_a_country_too_large_for_one_search_is_planned_in_pairs_first(monkeypatch):
    xy, measures = country(600, seed=3)
    monkeypatch.setattr(engine, "LARGE", 200)

    plan = align_units(xy, measures, np.ones(4), 0.05, seed=1, effort=0.3)

    assert plan.status != "infeasible"
    assert (count_pieces(xy, plan.labels) == 1).all()
    assert plan.gap < 0.1


def test_what_pairs_have_learnt_is_where_their_units_begin_and_only_the_last_plan_is_pressed_into_its_bands(
    monkeypatch,
):
    xy, measures = country(600, seed=3)
    whole, seen = engine._searched, []

    def noted(task, starts, schedules, progress, *, is_last=True, **ways):
        found = whole(task, starts, schedules, progress, is_last=is_last, **ways)
        seen.append((len(task.units.mass), is_last, starts[0].price, found[0].learnt))
        return found

    monkeypatch.setattr(engine, "LARGE", 200)
    monkeypatch.setattr(engine, "_searched", noted)
    align_units(xy, measures, np.ones(4), 0.05, seed=1)

    assert [is_last for _, is_last, _, _ in seen] == [False] * (len(seen) - 1) + [True]
    for (few, _, _, learnt), (many, _, begun_with, _) in pairwise(seen):
        assert few < many
        assert begun_with is learnt


def test_penalties_stay_soft_until_the_search_is_quenched():
    schedule = engine.Schedule(2.0, 0.02, 0.5)

    stiffness = [schedule.stiffness_at(part, 0.01) for part in (0.0, 0.95, 1.0)]

    assert stiffness == pytest.approx([15.0, 1_500.0, 75_000.0])


def test_a_plan_that_ends_just_outside_its_bands_is_searched_a_little_more(monkeypatch):
    xy, measures = country(60, seed=5)
    whole, asked = engine._searched, []

    def ends_outside(task, starts, schedules, progress, **ways):
        asked.append(tuple(schedules))
        found = whole(task, starts, schedules, progress, **ways)
        if engine.REFINE in schedules:
            return found
        return [near_miss(task, plan) for plan in found]

    def near_miss(task, plan):
        """The same plan but for one customer, just outside a band."""
        for unit, owner in product(range(len(plan.label)), range(task.count)):
            label = plan.label.copy()
            label[unit] = owner
            if 0 < task.overrun(label) < engine.NEARLY and len(np.unique(label)) == task.count:
                return plan._replace(label=label)
        raise AssertionError("the world has no such plan")

    monkeypatch.setattr(engine, "_searched", ends_outside)
    monkeypatch.setattr(breeding, "MOST_BRED", 0)
    plan = align_units(xy, measures, np.ones(3), 0.05, seed=1)

    assert asked == [engine.HOT, (engine.REFINE,)]
    assert plan.max_deviation.max() <= 0.05 + 1e-9


def test_those_who_wait_for_a_small_design_do_not_see_it_begin_anew():
    xy, measures = country(60, seed=5)
    told = []

    align_units(xy, measures, np.ones(3), 0.05, seed=1, progress=lambda stage, part: told.append((stage, part)))

    balance = [part for stage, part in told if stage == "balance"]
    # Two searches tell at once: one may be heard after the other that began to speak later.
    assert np.diff(balance).min() > -0.05
    assert balance[-1] == 1.0


def test_searches_begin_only_where_the_best_start_promises_hardly_more(monkeypatch):
    xy, measures = country(60, seed=5)
    searched, started, begun = engine._searched, [], []

    def start(task, turn, islands):
        started.append(replace(start_from_scratch(task, turn, islands), promise=[1.0, 1.005, 1.02][len(started) % 3]))
        return started[-1]

    def noted(task, starts, schedules, progress, **ways):
        begun.append([start.promise for start in starts])
        return searched(task, starts, schedules, progress, **ways)

    start_from_scratch = engine.start_from_scratch
    monkeypatch.setattr(engine, "start_from_scratch", start)
    monkeypatch.setattr(engine, "_searched", noted)
    align_units(xy, measures, np.ones(3), 0.05, seed=1)

    assert {1.0, 1.005, 1.02} == {start.promise for start in started}
    assert set(begun[0]) == {1.0, 1.005}


def two_banks(west, east):
    """Customers alike on either bank of a river, that nobody crosses: places, measures, and who borders whom."""
    places = [
        np.column_stack([np.repeat(np.arange(width), 10), np.tile(np.arange(10), width)]) for width in (west, east)
    ]
    xy = np.vstack([places[0], places[1] + [west + 1, 0]]) * 1000.0
    pairs = neighbour_pairs(xy)
    bank = xy[:, 0] > west * 1000
    return xy, np.ones((len(xy), 2)), pairs[bank[pairs[:, 0]] == bank[pairs[:, 1]]]


def test_each_bank_of_a_river_has_as_many_territories_as_its_work_is_worth():
    xy, measures, pairs = two_banks(west=5, east=7)

    plan = align_units(xy, measures, np.ones(12), 0.05, pairs, seed=1)

    assert plan.reasons == ()
    assert len(set(plan.labels[xy[:, 0] < 5000])) == 5


def test_a_half_time_territory_lies_on_the_bank_that_has_room_for_it():
    xy, measures, pairs = two_banks(west=3, east=4)

    plan = align_units(xy, measures, np.array([1.0, 1, 1, 0.5]), 0.05, pairs, seed=1)

    assert plan.reasons == ()
    west = set(plan.labels[xy[:, 0] < 3000].tolist())
    assert 3 in west
    assert len(west) == 2


def test_a_repair_gives_a_territory_the_other_bank_when_no_move_can_bring_balance():
    xy, measures, pairs = two_banks(west=4, east=8)
    today = np.where(xy[:, 0] < 2000, 0, np.where(xy[:, 0] < 4000, 1, 2))

    plan = align_units(xy, measures, np.ones(3), 0.05, pairs, seed=1, start=today, handover=np.full(len(xy), 1e4))

    assert plan.reasons == ()
    west, east = plan.labels[xy[:, 0] < 4000], plan.labels[xy[:, 0] > 4000]
    assert len(set(west.tolist()) & {0, 1}) == 1
    assert set(east.tolist()) == {0, 1, 2} - set(west.tolist())


def test_borders_are_told_once_each():
    units = make_units(
        Rows(
            xy=np.array([[0.0, 0], [1, 0], [2, 0], [3, 0]]),
            measures=np.ones((4, 1)),
            weights=np.ones(1),
            neighbours=np.array([[0, 1], [1, 2], [2, 3]]),
            start=np.full(4, -1),
            handover=np.zeros(4),
            movable=np.ones(4, bool),
            group=None,
            allowed=None,
            travel=None,
        ),
        largest=np.ones(1),
        parts=4,
    )

    assert bordering(units, np.array([2, 0, 0, 1])).tolist() == [[0, 1], [0, 2]]


def test_what_is_learnt_from_a_round_is_dearer_above_a_band_cheaper_below_and_never_beyond_the_dearest():
    shares = np.full((3, 1), 1 / 3)
    load = shares * np.array([[1.2], [0.8], [1.0]])
    band = np.tile([-0.1, 0.1], (3, 1, 1))
    price = np.array([[0.0], [0.0], [0.05]])

    outside = learn(load, shares, price, band, 1.0, 0.08, band, np.array([0.05]))

    assert price.ravel() == pytest.approx([0.08, -0.08, 0.0])
    assert outside == pytest.approx(4.0)


def four_on_a_line(travel: list[list[float]]) -> Ground:
    """Four like units in a row and two territories that take any load; travel (4, 2) is what each costs at each."""
    ptr, ind = np.array([0, 1, 3, 5, 6]), np.array([1, 0, 2, 1, 3, 2])
    free = np.full(2, UNLIMITED)
    return Ground(
        ptr=ptr,
        ind=ind,
        ring=rings(ptr, ind),
        xy=np.column_stack([np.arange(4.0), np.zeros(4)]),
        mass=np.full(4, 0.25),
        measure=np.full((4, 2), 0.25),
        start=np.full(4, -1),
        handover=np.zeros(4),
        movable=np.ones(4, bool),
        wanted=np.full((2, 2), 2.0),
        ideal=np.zeros((2, 2)),
        pinned=np.ones(2, bool),
        centre=np.zeros((2, 2)),
        travel=np.array(travel),
        allowed=np.empty((0, 2), bool),
        radius=np.inf,
        loose=np.zeros(2, bool),
        rows=np.ones(4, np.int64),
        most_given=free,
        most_taken=free,
        most_moved=int(UNLIMITED),
        is_limited=False,
    )


@pytest.mark.parametrize(("behind", "labels"), [(-40.0, [0, 0, 0, 1]), (4.0, [0, 1, 1, 1])])
def test_a_move_too_dear_alone_is_made_with_those_behind_it_or_leaves_all_as_it_was(behind, labels):
    ground = four_on_a_line([[0, 9], [28, 0], [40 + behind, 40], [400, 0]])
    plan = plan_of(ground, np.array([0, 1, 1, 1]))
    worker = worker_of(plan, np.ones(2, bool), new_state(1))
    any_load = np.tile([-2.0, 2.0], (2, 2, 1))

    # Alone, the second unit costs 7 temperatures: it would be taken once in a thousand times.
    course, free = np.array([(1.0, 1.0, 0.0, 0.0)]), np.zeros((2, 2))
    anneal(ground, plan, worker, any_load, free, course, 1.0, np.ones((2, 2)), 1.0, 60, 0.0, 0.3, 16)

    assert plan.label.tolist() == labels
    assert plan.load.tolist() == plan_of(ground, plan.label).load.tolist()
    assert plan.foreign.tolist() == plan_of(ground, plan.label).foreign.tolist()
    assert sorted(worker.border[: worker.border_count[0]]) == np.flatnonzero(plan.foreign).tolist()
