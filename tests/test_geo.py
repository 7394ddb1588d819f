"""Coordinate systems: what is shifted, what stays, and the way there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territory.errors import DataError
from territory.geo import crs_name, from_wgs84, in_mainland_china, local_crs, project, to_wgs84, unproject

SHIFTED = {
    "Beijing": (116.397, 39.909),
    "Shanghai": (121.473, 31.230),
    "Urumqi": (87.617, 43.825),
    "Kashgar": (75.990, 39.470),
    "Lhasa": (91.117, 29.647),
    "Harbin": (126.642, 45.757),
    "Mohe": (122.539, 52.972),
    "Kunming": (102.712, 25.041),
    "Ruili": (97.850, 24.015),
    "Hekou": (103.955, 22.530),
    "Shenzhen, city": (114.058, 22.543),
    "Shenzhen, Luohu": (114.117, 22.536),
    "Shenzhen, Shekou": (113.920, 22.480),
    "Zhuhai, Gongbei": (113.548, 22.222),
    "Dandong": (124.385, 40.125),
    "Xiamen": (118.100, 24.480),
    "Haikou": (110.330, 20.020),
    "Sanya": (109.508, 18.248),
    "Zhoushan": (122.200, 30.000),
    "Dalian": (121.600, 38.900),
}
NOT_SHIFTED = {
    "Hong Kong, Central": (114.158, 22.281),
    "Hong Kong, Sheung Shui": (114.130, 22.503),
    "Hong Kong, Tin Shui Wai": (114.000, 22.460),
    "Macau": (113.545, 22.190),
    "Macau, Coloane": (113.560, 22.120),
    "Taipei": (121.560, 25.030),
    "Kinmen": (118.320, 24.440),
    "Seoul": (126.978, 37.566),
    "Pyongyang": (125.754, 39.031),
    "Sinuiju": (124.400, 40.095),
    "Hanoi": (105.850, 21.030),
    "Lao Cai": (103.972, 22.485),
    "Ulaanbaatar": (106.917, 47.918),
    "Vladivostok": (131.900, 43.100),
    "Khabarovsk": (135.080, 48.480),
    "Almaty": (76.900, 43.240),
    "Bishkek": (74.600, 42.870),
    "Kathmandu": (85.320, 27.700),
    "Thimphu": (89.640, 27.470),
    "Paris": (2.350, 48.850),
    "Sydney": (151.200, -33.870),
}
METRES_PER_DEGREE = 111_195.0


def metres_apart(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    east = (a[0] - b[0]) * np.cos(np.radians(a[1]))
    return np.hypot(east, a[1] - b[1]) * METRES_PER_DEGREE


@pytest.mark.parametrize("city", SHIFTED)
@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_places_in_mainland_china_are_shifted_by_a_few_hundred_metres(city, crs):
    here = from_wgs84(*SHIFTED[city], "wgs84")

    there = from_wgs84(*SHIFTED[city], crs)

    assert 50 < metres_apart(here, there)[0] < 2000


@pytest.mark.parametrize("city", NOT_SHIFTED)
@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_places_outside_mainland_china_stay_where_they_are(city, crs):
    lon, lat = NOT_SHIFTED[city]

    assert from_wgs84(lon, lat, crs) == (lon, lat)
    assert to_wgs84(lon, lat, crs) == (lon, lat)


def test_tiananmen_is_where_the_chinese_maps_show_it():
    assert np.round(np.ravel(from_wgs84(116.397, 39.909, "gcj02")), 5).tolist() == [116.40324, 39.9104]
    assert np.round(np.ravel(from_wgs84(116.397, 39.909, "bd09")), 5).tolist() == [116.40962, 39.91674]


@settings(deadline=None)
@given(st.floats(73, 135), st.floats(18, 54), st.sampled_from(["gcj02", "bd09"]))
def test_there_and_back_is_less_than_a_millimetre(lon, lat, crs):
    home = (np.array([lon]), np.array([lat]))
    if not in_mainland_china(lon, lat).all() and near_the_border(lon, lat):
        return

    back = to_wgs84(*from_wgs84(lon, lat, crs), crs)

    assert metres_apart(home, back)[0] < 1e-3


def near_the_border(lon: float, lat: float) -> bool:
    """Just outside, a shifted place has two answers, and the mainland one is taken."""
    around = [(lon + dx, lat + dy) for dx in (-0.03, 0, 0.03) for dy in (-0.03, 0, 0.03)]
    return bool(in_mainland_china(*np.transpose(around)).any())


def test_a_hundred_thousand_places_go_there_and_back_at_once():
    rng = np.random.default_rng(1)
    home = rng.uniform(100, 118, 100_000), rng.uniform(25, 40, 100_000)

    back = to_wgs84(*from_wgs84(*home, "bd09"), "bd09")

    assert metres_apart(home, back).max() < 1e-3


def test_an_epsg_code_says_what_a_file_is_in():
    lon, lat = to_wgs84([500_000.0], [0.0], "epsg:32651")

    assert (lon.round(9), lat.round(9)) == (123.0, 0.0)


@pytest.mark.parametrize("name", ["EPSG:999999", "EPSG:abc", "mars", "4326", "EPSG:4979", "EPSG:5773", ""])
def test_a_coordinate_system_that_does_not_exist_is_refused_with_those_that_do(name):
    with pytest.raises(DataError, match=r"wgs84, gcj02 .* EPSG:4326"):
        crs_name(name)


@pytest.mark.parametrize(("typed", "name"), [("GCJ-02", "gcj02"), (" wgs 84", "wgs84"), ("epsg:04326", "EPSG:4326")])
def test_a_coordinate_system_may_be_typed_in_several_ways(typed, name):
    assert crs_name(typed) == name


def test_the_plane_is_centred_on_the_middle_of_the_places():
    assert "+lat_0=42 +lon_0=-93 " in local_crs([-96.0, -93.2, -90.0], [41.0, 42.1, 43.0]).to_string()


def test_places_on_both_sides_of_the_antimeridian_are_near_each_other_in_the_plane():
    lon, lat = [179.9, -179.9, 179.8], [-17.0, -17.0, -17.0]

    xy = project(lon, lat, local_crs(lon, lat))

    assert 21_000 < xy[1, 0] - xy[0, 0] < 22_000


def test_without_places_there_is_still_a_plane():
    assert project([], [], local_crs([], [])).shape == (0, 2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1799999999, 1799999999), st.integers(-800000000, 800000000)), min_size=1))
def test_seven_decimals_survive_the_plane(places):
    lon, lat = np.transpose(places) / 1e7
    plane = local_crs(lon[:1], lat[:1])
    near = np.hypot(lon - lon[0], lat - lat[0]) < 20

    xy = project(lon[near], lat[near], plane)

    assert unproject(xy, plane)[0].tolist() == lon[near].tolist()
    assert unproject(xy, plane)[1].tolist() == lat[near].tolist()


def test_metres_are_rounded_to_a_millimetre_and_areas_are_true():
    plane = local_crs([10.0], [50.0])

    xy = project([10.0, 10.1, 10.1, 10.0], [50.0, 50.0, 50.1, 50.1], plane)

    x, y = xy.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert (np.round(xy, 3) == xy).all()
    assert area == pytest.approx(79.65e6, rel=1e-3)  # 0.1 by 0.1 degrees at 50 degrees north
