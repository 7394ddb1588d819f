import pickle
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.demand import derive_demand
from territory.errors import NotFoundError
from territory.model import Rules
from territory.travel import LineTravel, RememberedTravel, fit_line, line_minutes, road_minutes, stop_metres
from tests.worlds import PLANE, line_of_customers

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


def places_of(xy: np.ndarray) -> gpd.GeoSeries:
    return gpd.GeoSeries(gpd.points_from_xy(*np.reshape(xy, (-1, 2)).T), crs=PLANE)


TWICE_AS_LONG = LineTravel(detour_factor=1.5, speed_kmh=45)


@dataclass(frozen=True)
class CountedTravel:
    """A line whose questions are counted, and from which nothing leads across x = 50 km."""

    asked: list = field(default_factory=list)
    name = "counted"
    is_estimate = False
    hours = (0,) * 24
    fingerprint = "counted"

    def matrix(self, points, to=None, *, departure_minutes=None):
        self.asked.append("matrix")
        told = TWICE_AS_LONG.matrix(points, to)
        across = (points.x.to_numpy() > 50_000)[:, None] != ((points if to is None else to).x.to_numpy() > 50_000)
        return replace(told, minutes=np.where(across, np.inf, told.minutes), unreachable=("far",))

    def path(self, points, *, departure_minutes=None):
        self.asked.append("path")
        return TWICE_AS_LONG.path(points)


def test_a_straight_line_is_an_estimate_and_takes_the_rules_detour_and_speed():
    line = LineTravel.of(Rules(detour_factor=1.5, speed_kmh=30))

    matrix = line.matrix(places_of([[0, 0], [3000, 4000]]))

    assert matrix.is_estimate
    assert matrix.metres.tolist() == [[0, 7500], [7500, 0]]
    assert matrix.minutes.tolist() == [[0, 15], [15, 0]]
    assert [way.length for way in line.path(places_of([[0, 0], [3000, 4000]]))] == [5000]


def test_a_line_fitted_on_a_line_finds_its_factors():
    town = places_of(uniform(300, 3))

    fitted = fit_line(LineTravel(detour_factor=1.62, speed_kmh=33), town, seed=1)

    assert (fitted.detour_factor, fitted.speed_kmh) == pytest.approx((1.62, 33), rel=1e-4)
    assert fitted.error == pytest.approx(0, abs=1e-4)
    assert fitted.name == "straight line, fitted on straight line"


@pytest.mark.parametrize("xy", [[], [[0, 0]], [[5, 5], [5, 5]]])
def test_a_line_that_cannot_be_fitted_keeps_the_defaults(xy):
    assert fit_line(LineTravel(2.0, 10), places_of(np.array(xy, float)), seed=1) == LineTravel()


def test_what_was_asked_once_is_not_asked_again(tmp_path):
    counted, town = CountedTravel(), places_of(uniform(10, 4))
    remembered = RememberedTravel(counted, folder=tmp_path / "kept")

    first = remembered.matrix(town)
    again = remembered.matrix(town)
    elsewhere = remembered.matrix(town, town.iloc[:2])
    later = remembered.matrix(town, departure_minutes=480)
    drawn = remembered.path(town), remembered.path(town)
    after_a_restart = RememberedTravel(CountedTravel(), folder=tmp_path / "kept").matrix(town)

    assert counted.asked == ["matrix", "matrix", "matrix", "path"]
    assert again is first
    assert elsewhere.minutes.tolist() == first.minutes[:, :2].tolist() == later.minutes[:, :2].tolist()
    assert len(drawn[1]) == 9
    assert after_a_restart.minutes.tolist() == first.minutes.tolist()
    assert after_a_restart.unreachable == ("far",)
    assert (remembered.name, remembered.is_estimate) == ("counted", False)


def test_only_the_latest_answers_are_kept():
    counted, town = CountedTravel(), places_of(uniform(10, 4))
    remembered = RememberedTravel(counted, keep=2)

    for count in (3, 4, 5, 5, 4, 3):
        remembered.matrix(town.iloc[:count])

    assert len(counted.asked) == 4


@settings(max_examples=20, deadline=None)
@given(count=st.integers(0, 250), homes=st.integers(0, 3), seed=st.integers(0, 10_000))
def test_roads_as_straight_as_the_rules_line_give_the_line_s_minutes(count, homes, seed):
    rng = np.random.default_rng(seed)
    xy, home = rng.integers(0, 80, (count, 2)) * 100.0, rng.random((homes, 2)) * 8000
    visits, minutes = rng.random(count) * 20, rng.random(count) * 60

    by_road = road_minutes(places_of(xy), visits, places_of(home), minutes, FLAT, LineTravel.of(FLAT))

    assert by_road == pytest.approx(line_minutes(xy, visits, home, minutes, FLAT), rel=1e-5, abs=1e-4)


def test_where_roads_lead_nowhere_the_straight_line_is_taken():
    xy, homes = uniform(12, 5), np.array([[0.0, 0.0]])
    xy[6:, 0] += 60_000
    visits, minutes = np.full(12, 10.0), np.full(12, 30.0)

    by_road = road_minutes(places_of(xy), visits, places_of(homes), minutes, FLAT, CountedTravel())

    assert np.isfinite(by_road).all()
    # Roads take twice as long as the flat rules say; across the border the flat line counts for the way home.
    ratio = by_road / line_minutes(xy, visits, homes, minutes, FLAT)
    assert (ratio[:6] >= 2).all()
    assert (ratio[6:] < 2).all()


def test_workload_by_road_needs_roads_and_counts_them():
    line = line_of_customers(9, reps=3)

    with pytest.raises(NotFoundError, match="needs a road graph"):
        derive_demand(line, travel="roads")
    slow = derive_demand(line.with_roads(LineTravel(detour_factor=1.3, speed_kmh=25)), travel="roads")

    assert slow["travel"].sum() > 1.9 * derive_demand(line, travel="line")["travel"].sum()
    assert line.with_roads(LineTravel()).fingerprint != line.fingerprint


def test_a_source_travels_to_another_process_without_its_answers():
    remembered = RememberedTravel(TWICE_AS_LONG)
    remembered.matrix(places_of(uniform(5, 1)))

    again = pickle.loads(pickle.dumps(remembered))

    assert (
        again.matrix(places_of(uniform(5, 1))).minutes.tolist()
        == remembered.matrix(places_of(uniform(5, 1))).minutes.tolist()
    )
    assert again.source == TWICE_AS_LONG
