import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.model import Rules
from territory.travel import line_minutes, stop_metres

NOBODY = np.empty((0, 2))
FLAT = Rules(detour_factor=1.0, speed_kmh=60, hours_per_week=40)
"""A kilometre takes a minute; a working day has 480 of them."""


def uniform(count: int, seed: int, side: float = 10_000.0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, 2)) * side


def short_tour_metres(xy: np.ndarray) -> float:
    """Nearest neighbour improved by 2-opt: about 5 % above the shortest tour (Johnson and McGeoch 1997)."""
    gap = np.hypot(*(xy[:, None] - xy[None]).T)
    left, tour = set(range(1, len(xy))), [0]
    while left:
        tour.append(min(left, key=lambda stop: gap[tour[-1], stop]))
        left.remove(tour[-1])
    order = np.array(tour)
    improved = True
    while improved:
        improved = False
        for i in range(len(order) - 2):
            a, b, ends = order[i], order[i + 1], np.arange(i + 2, len(order))
            c, d = order[ends], order[(ends + 1) % len(order)]
            saved = gap[a, b] + gap[c, d] - gap[a, c] - gap[b, d]
            best = int(saved.argmax())
            if saved[best] > 1e-9:
                order[i + 1 : ends[best] + 1] = order[i + 1 : ends[best] + 1][::-1]
                improved = True
    return float(gap[order, np.roll(order, -1)].sum())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_customers_parts_add_up_to_a_tour_over_all_of_them(seed):
    xy = uniform(400, seed)

    estimate = stop_metres(xy, 0.7124, 8).sum()

    assert estimate == pytest.approx(short_tour_metres(xy), rel=0.10)


def test_a_tour_over_town_and_country_is_estimated_as_well_as_one_over_town():
    town, country = uniform(200, 4, side=2_000.0), uniform(200, 5, side=40_000.0)
    xy = np.vstack([town, country])

    estimate = stop_metres(xy, 0.7124, 8).sum()

    assert estimate == pytest.approx(short_tour_metres(xy), rel=0.15)


def test_a_long_tour_over_uniform_places_has_the_length_that_beardwood_halton_and_hammersley_give():
    xy = uniform(50_000, 6)

    estimate = stop_metres(xy, 0.7124, 8).sum()

    assert estimate == pytest.approx(0.7124 * np.sqrt(50_000 * 10_000.0**2), rel=0.01)


def test_four_times_the_customers_take_twice_the_travel_between_stops():
    few, many = uniform(5_000, 7), uniform(20_000, 8)

    ratio = stop_metres(many, 0.7124, 8).sum() / stop_metres(few, 0.7124, 8).sum()

    assert ratio == pytest.approx(2.0, rel=0.02)


def test_two_customers_a_kilometre_apart_are_two_stops():
    xy = np.array([[0.0, 0.0], [1000.0, 0.0]])

    minutes = line_minutes(xy, np.array([10.0, 20.0]), NOBODY, np.array([30.0, 30.0]), FLAT)

    # One neighbour at 1 km: the density's root is 1 / 2 km, as r has the mean 1 / (2 sqrt f).
    assert minutes == pytest.approx([10 * 0.7124 * 2, 20 * 0.7124 * 2])


def test_the_drive_from_home_is_shared_by_the_visits_that_fit_in_a_day():
    xy, home = np.array([[12_000.0, 0.0]]), np.array([[0.0, 0.0]])

    minutes = line_minutes(xy, np.array([10.0]), home, np.array([48.0]), FLAT)

    # Ten visits of 48 minutes fill one day of 480: one drive of 12 km there and 12 back.
    assert minutes.tolist() == [24.0]


def test_a_day_with_drives_between_stops_holds_fewer_visits():
    xy, home = np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([[500.0, 0.0]])
    between = 0.7124 * 2

    minutes = line_minutes(xy, np.array([1.0, 1.0]), home, np.array([30.0, 30.0]), FLAT)

    assert minutes == pytest.approx([between + 2 * 0.5 * (30 + between) / 480] * 2, abs=1e-6)


def test_the_drive_starts_at_the_nearest_home_whoever_lives_there():
    xy = np.array([[10_000.0, 0.0]])
    far, near = [-90_000.0, 0.0], [9_000.0, 0.0]

    both = line_minutes(xy, np.array([12.0]), np.array([far, near]), np.array([40.0]), FLAT)

    assert both.tolist() == line_minutes(xy, np.array([12.0]), np.array([near]), np.array([40.0]), FLAT).tolist()


def test_a_home_that_nobody_knows_is_no_home():
    xy = np.array([[10_000.0, 0.0]])
    unknown = np.array([[np.nan, np.nan]])

    minutes = line_minutes(xy, np.array([12.0]), unknown, np.array([40.0]), FLAT)

    assert minutes.tolist() == [0.0]


def test_a_customer_on_the_reps_home_costs_no_drive():
    xy = np.array([[500.0, 500.0]])

    minutes = line_minutes(xy, np.array([12.0]), xy, np.array([40.0]), FLAT)

    assert minutes.tolist() == [0.0]


def test_customers_at_one_address_are_one_stop_and_share_it():
    alone = uniform(30, 9)
    shared = np.vstack([alone, alone[:1], alone[:1]])

    apart, together = stop_metres(alone, 0.7124, 8), stop_metres(shared, 0.7124, 8)

    assert together[[0, 30, 31]] == pytest.approx(apart[0] / 3)
    assert together[1:30] == pytest.approx(apart[1:])


def test_more_customers_at_one_address_than_neighbours_looked_at_still_cost_the_way_there():
    mall = np.zeros((20, 2))
    xy = np.vstack([mall, [[3000.0, 0.0]], [[0.0, 3000.0]]])

    metres = stop_metres(xy, 0.7124, 8)

    assert (metres > 0).all()
    assert metres[:20].sum() == pytest.approx(metres[20], rel=0.35)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_all_at_one_place_means_no_travel_between_stops(count):
    xy = np.full((count, 2), 7.0)

    minutes = line_minutes(xy, np.ones(count), NOBODY, np.ones(count), FLAT)

    assert minutes.tolist() == [0.0] * count


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 25), seed=st.integers(0, 10_000), factor=st.floats(0.1, 10))
def test_minutes_grow_with_visits_with_the_map_and_with_the_calibration(count, seed, factor):
    rng = np.random.default_rng(seed)
    xy, visits, minutes = rng.random((count, 2)) * 1e4, rng.random(count) * 20, np.zeros(count)

    once = line_minutes(xy, visits, NOBODY, minutes, Rules())

    wider = line_minutes(xy * factor, visits, NOBODY, minutes, Rules())
    oftener = line_minutes(xy, visits * factor, NOBODY, minutes, Rules())
    calibrated = line_minutes(xy, visits, NOBODY, minutes, Rules(travel_factor=factor))
    for other in (wider, oftener, calibrated):
        assert other == pytest.approx(once * factor, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 25), seed=st.integers(0, 10_000))
def test_the_order_of_customers_and_the_place_of_the_map_change_nothing(count, seed):
    rng = np.random.default_rng(seed)
    xy, visits, minutes = rng.integers(0, 50, (count, 2)) * 100.0, rng.random(count) * 20, rng.random(count) * 60
    homes, order, shift = rng.random((2, 2)) * 5000, rng.permutation(count), np.array([4096.0, -8192.0])

    plain = line_minutes(xy, visits, homes, minutes, Rules())

    assert line_minutes(xy[order], visits[order], homes, minutes[order], Rules()) == pytest.approx(plain[order])
    moved = line_minutes(xy + shift, visits, homes + shift, minutes, Rules())
    assert moved == pytest.approx(plain, abs=2e-6)
