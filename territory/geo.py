"""Where places are: coordinate systems of files, and the local plane in metres that plans are made in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from territory.errors import DataError, Problem

if TYPE_CHECKING:
    import pyproj
    import shapely

LONLAT_DECIMALS = 7
"""Longitude and latitude are kept to this many decimals, about a centimetre."""

LonLat = tuple[np.ndarray, np.ndarray]

_KRASOVSKY_METRES = 6378245.0
_KRASOVSKY_E2 = 0.00669342162296594323
_BD09_TURNS = np.pi * 3000.0 / 180.0
# The shift changes by less than 2 % of a step, so each round gains almost two digits.
_INVERSE_ROUNDS = 10


def to_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> LonLat:
    """Longitude and latitude in WGS-84 of places given in `crs`.

    Parameters
    ----------
    lon, lat : (n,) float
        Degrees; for a projected EPSG code easting and northing in its own unit.
    crs : "wgs84", "gcj02", "bd09" or "EPSG:n"

    Returns
    -------
    lon, lat : (n,) float, degrees; NaN where a place is outside of what `crs` can express

    Raises
    ------
    DataError
        There is no such `crs`.

    Notes
    -----
    GCJ-02 and BD-09 are the published approximations that every open converter shares (wuyongzheng 2013, "China map
    deviation"; Baidu's offset of GCJ-02), inverted by fixed-point iteration to far below a millimetre. They
    are applied in mainland China only. Just outside its border, within the 700 m of the shift, a GCJ-02 place can
    mean two; the mainland one is taken.
    """
    lon, lat = _floats(lon, lat)
    name = crs_name(crs)
    if name == "wgs84":
        return lon, lat
    if name in _SHIFTS:
        return _unshift(lon, lat, name)
    return _transform(lon, lat, name, "EPSG:4326")


def from_wgs84(lon: ArrayLike, lat: ArrayLike, crs: str) -> LonLat:
    """Places in `crs` of longitude and latitude in WGS-84; the inverse of `to_wgs84`, same arguments and errors."""
    lon, lat = _floats(lon, lat)
    name = crs_name(crs)
    if name == "wgs84":
        return lon, lat
    if name in _SHIFTS:
        inside = in_mainland_china(lon, lat)
        shifted_lon, shifted_lat = _SHIFTS[name](lon[inside], lat[inside])
        return _replaced(lon, inside, shifted_lon), _replaced(lat, inside, shifted_lat)
    return _transform(lon, lat, "EPSG:4326", name)


def crs_name(crs: str) -> str:
    """The one way to write `crs`: ``wgs84``, ``gcj02``, ``bd09`` or ``EPSG:n``; DataError when there is no such."""
    plain = str(crs).strip().lower()
    short = plain.replace("-", "").replace("_", "").replace(" ", "")
    if short in ("wgs84", "gcj02", "bd09"):
        return short
    code = plain.removeprefix("epsg:")
    if code != plain and code.isdecimal():
        name = f"EPSG:{int(code)}"
        if _is_horizontal(name):
            return name
    raise DataError(
        [
            Problem(
                f"crs '{crs}'",
                "There is no such coordinate system.",
                "Use wgs84, gcj02 (Amap, Tencent), bd09 (Baidu) or EPSG:n with a code of a two-dimensional system,"
                " as EPSG:4326 (WGS-84), EPSG:4490 (CGCS2000), EPSG:3857 (web maps), EPSG:32651 (UTM zone 51 north);"
                " epsg.io lists all.",
            )
        ]
    )


def in_mainland_china(lon: ArrayLike, lat: ArrayLike) -> np.ndarray:
    """Whether WGS-84 places, (n,) degrees each, are where maps are shifted: mainland China; (n,) bool."""
    import shapely

    lon, lat = _floats(lon, lat)
    inside = np.zeros(len(lon), bool)
    # Most of the world is told apart by the rectangle alone.
    near = (lon > 73) & (lon < 136) & (lat > 17) & (lat < 54.5)
    inside[near] = shapely.contains_xy(_mainland(), lon[near], lat[near])
    return inside


def local_crs(lon: ArrayLike, lat: ArrayLike) -> pyproj.CRS:
    """An equal-area plane in metres for places around the middle of `lon`, `lat` (WGS-84 degrees, (n,) each).

    Lambert azimuthal equal-area (Snyder 1987, USGS Professional Paper 1395, p. 182), centred on the median place
    rounded to whole degrees, so that a few customers more or less do not move the plane. Places on both
    sides of the antimeridian are taken together. Without places the centre is 0, 0.
    """
    import pyproj

    lon, lat = _floats(lon, lat)
    lon_0, lat_0 = (round(_middle_longitude(lon)), round(float(np.median(lat)))) if len(lon) else (0, 0)
    return pyproj.CRS.from_user_input(f"+proj=laea +lat_0={lat_0} +lon_0={lon_0} +datum=WGS84 +units=m +no_defs")


def project(lon: ArrayLike, lat: ArrayLike, crs: pyproj.CRS) -> np.ndarray:
    """WGS-84 degrees, (n,) each, to (n, 2) float metres in `crs`, rounded to a millimetre."""
    x, y = _transform(*_floats(lon, lat), "EPSG:4326", crs)
    # Adding zero turns -0.0 into 0.0, which would read the same but print differently.
    return np.round(np.column_stack([x, y]), 3) + 0.0


def unproject(xy: np.ndarray, crs: pyproj.CRS) -> LonLat:
    """(n, 2) metres in `crs` to WGS-84 lon, lat, (n,) degrees each, rounded to 7 decimals."""
    xy = np.asarray(xy, float).reshape(-1, 2)
    lon, lat = _transform(xy[:, 0], xy[:, 1], crs, "EPSG:4326")
    return np.round(lon, LONLAT_DECIMALS) + 0.0, np.round(lat, LONLAT_DECIMALS) + 0.0


def _floats(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    return np.atleast_1d(np.asarray(lon, float)), np.atleast_1d(np.asarray(lat, float))


def _replaced(values: np.ndarray, mask: np.ndarray, new: np.ndarray) -> np.ndarray:
    copy = values.copy()
    copy[mask] = new
    return copy


def _transform(lon: np.ndarray, lat: np.ndarray, source: str | pyproj.CRS, target: str | pyproj.CRS) -> LonLat:
    x, y = _transformer(source, target).transform(lon, lat)
    x, y = np.asarray(x, float), np.asarray(y, float)
    bad = ~(np.isfinite(x) & np.isfinite(y))
    return np.where(bad, np.nan, x), np.where(bad, np.nan, y)


@cache
def _transformer(source: str | pyproj.CRS, target: str | pyproj.CRS) -> pyproj.Transformer:
    import pyproj

    return pyproj.Transformer.from_crs(source, target, always_xy=True)


@cache
def _is_horizontal(name: str) -> bool:
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        crs = pyproj.CRS.from_user_input(name)
    except CRSError:
        return False
    return (crs.is_projected or crs.is_geographic) and len(crs.axis_info) == 2


def _middle_longitude(lon: np.ndarray) -> float:
    """The median longitude, with the circle cut open in its widest empty stretch."""
    turned = np.sort(np.mod(lon, 360.0))
    empty = np.diff(turned, append=turned[0] + 360.0)
    opening = turned[(int(np.argmax(empty)) + 1) % len(turned)]
    middle = opening + float(np.median(np.mod(turned - opening, 360.0)))
    return float(np.mod(middle + 180.0, 360.0) - 180.0)


def _gcj02(lon: np.ndarray, lat: np.ndarray) -> LonLat:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi * y / 3.0)) * 2.0 / 3.0
    north += (160.0 * np.sin(np.pi * y / 12.0) + 320.0 * np.sin(np.pi * y / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi * x / 3.0)) * 2.0 / 3.0
    east += (150.0 * np.sin(np.pi * x / 12.0) + 300.0 * np.sin(np.pi * x / 30.0)) * 2.0 / 3.0
    # From metres on the Krasovsky ellipsoid to degrees, by its two radii of curvature.
    flat = 1.0 - _KRASOVSKY_E2 * np.sin(np.radians(lat)) ** 2
    across = _KRASOVSKY_METRES / np.sqrt(flat) * np.cos(np.radians(lat))
    along = _KRASOVSKY_METRES * (1.0 - _KRASOVSKY_E2) / flat**1.5
    return lon + np.degrees(east / across), lat + np.degrees(north / along)


def _bd09(lon: np.ndarray, lat: np.ndarray) -> LonLat:
    x, y = _gcj02(lon, lat)
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * _BD09_TURNS)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * _BD09_TURNS)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


_SHIFTS = {"gcj02": _gcj02, "bd09": _bd09}


def _unshift(lon: np.ndarray, lat: np.ndarray, name: str) -> LonLat:
    candidates = (lon > 72) & (lon < 137) & (lat > 16) & (lat < 56)
    target_lon, target_lat = lon[candidates], lat[candidates]
    found_lon, found_lat = target_lon, target_lat
    for _ in range(_INVERSE_ROUNDS):
        there_lon, there_lat = _SHIFTS[name](found_lon, found_lat)
        found_lon, found_lat = found_lon + target_lon - there_lon, found_lat + target_lat - there_lat
    inside = in_mainland_china(found_lon, found_lat)
    mainland = np.flatnonzero(candidates)[inside]
    return _replaced(lon, mainland, found_lon[inside]), _replaced(lat, mainland, found_lat[inside])


@cache
def _mainland() -> shapely.Polygon:
    import shapely

    mainland = shapely.Polygon(_ring(_MAINLAND), [_ring(part) for part in _UNSHIFTED])
    shapely.prepare(mainland)
    return mainland


def _ring(text: str) -> list[list[float]]:
    return [[float(number) for number in pair.split(",")] for pair in text.split()]


# Parts that the ring below encloses but whose maps are not shifted, drawn by hand along the Shenzhen River and
# around Macau (good to about 300 m) and as boxes on the sea: Hong Kong, Macau, Kinmen, Matsu.
_UNSHIFTED = (
    "113.8,22.1 113.8,22.42 113.9,22.462 113.96,22.487 114,22.492 114.035,22.502 114.0655,22.5135 114.085,22.512"
    " 114.0955,22.5255 114.1137,22.5313 114.129,22.5367 114.15,22.5525 114.165,22.5605 114.178,22.5562 114.2,22.5555"
    " 114.2235,22.5498 114.2285,22.545 114.26,22.545 114.32,22.56 114.36,22.575 114.45,22.56 114.455,22.45"
    " 114.47,22.1",
    "113.5285,22.2145 113.5375,22.2128 113.5495,22.2162 113.5565,22.215 113.62,22.21 113.62,22.09 113.555,22.095"
    " 113.548,22.112 113.5415,22.135 113.5435,22.15 113.5345,22.165 113.5285,22.185",
    "118.17,24.36 118.52,24.36 118.52,24.525 118.17,24.525",
    "119.88,25.93 120.1,25.93 120.1,26.3 119.88,26.3",
)

# Mainland China and its coastal waters, lon,lat in degrees. Made once from Natural Earth 1:10m (public domain): the
# country's land, about 40 km of sea added, other countries' land taken away, then simplified (Douglas and Peucker
# 1973) to 0.1 degrees, and to 0.008 degrees near towns that lie on the border. So the line is good to about 10 km
# where nobody lives, and to 1 km at the border crossings.
_MAINLAND = """
73.601,39.236 73.633,39.449 73.931,39.587 73.821,39.767 74.004,40.06 74.954,40.297 74.836,40.511 75.218,40.446
75.559,40.633 75.682,40.292 76.243,40.442 76.308,40.332 76.863,41.013 78.076,41.04 78.659,41.533 80.232,42.034
80.142,42.646 80.247,42.816 80.66,42.882 80.369,43.029 80.794,43.149 80.342,44.111 80.373,44.231 80.359,44.319
80.355,44.653 80.57,44.711 79.858,44.903 81.665,45.347 81.949,45.145 82.245,45.232 82.46,45.123 82.54,45.124
82.587,45.177 82.621,45.278 82.615,45.435 82.291,45.533 83.022,47.206 83.904,46.973 84.664,46.984 84.696,46.798
85.504,47.051 85.679,47.276 85.517,47.944 85.747,48.39 86.565,48.527 86.86,49.106 87.817,49.165 87.871,48.968
87.73,48.875 88.059,48.708 87.983,48.552 89.045,47.993 89.542,48.03 89.742,47.826 90.046,47.88 90.345,47.659
91.047,46.566 90.896,46.301 91.004,46.021 90.651,45.493 90.874,45.187 93.524,44.95 94.697,44.344 95.399,44.28
95.32,44.008 95.536,43.958 95.874,43.247 96.378,42.72 101.526,42.538 102.034,42.185 103.69,41.759 104.5,41.871
104.496,41.657 104.975,41.587 106.768,42.286 109.489,42.45 110.408,42.769 110.973,43.316 111.862,43.673 111.934,43.696
111.947,43.765 111.398,44.388 111.959,45.084 113.605,44.739 114.533,45.386 115.667,45.454 116.171,45.709
116.567,46.291 117.338,46.357 117.395,46.572 117.799,46.521 118.846,46.766 119.681,46.592 119.914,46.718
119.699,47.159 118.472,47.99 117.766,47.993 117.359,47.651 116.823,47.877 116.243,47.863 115.916,47.684 115.577,47.911
115.513,48.132 115.801,48.242 115.79,48.513 116.683,49.824 117.322,49.62 117.475,49.614 117.559,49.584 117.874,49.513
118.645,49.954 119.318,50.092 119.416,50.343 119.145,50.405 120.099,51.659 120.779,52.117 120.625,52.346
120.725,52.542 120.081,52.59 120.067,52.784 120.844,53.273 123.253,53.567 124.232,53.382 124.88,53.07 125.128,53.206
126.089,52.775 125.978,52.612 126.439,52.276 126.274,52.211 126.557,52.13 126.446,51.982 126.91,51.391 126.824,51.266
126.982,51.31 126.932,51.063 127.288,50.751 127.385,50.284 127.58,50.221 127.591,50.209 127.587,50.168 127.508,49.822
127.832,49.594 128.671,49.611 128.804,49.545 128.657,49.448 129.117,49.349 129.481,49.422 130.201,48.883
130.676,48.871 130.528,48.616 130.824,48.334 130.676,48.064 131.043,47.678 132.526,47.708 132.688,47.958 134.18,48.352
134.388,48.382 134.42,48.362 134.719,48.263 134.56,48.01 134.773,47.711 134.182,47.328 134.218,47.095 133.848,46.48
133.902,46.259 133.676,46.149 133.477,45.628 133.182,45.494 133.117,45.123 132.922,45.028 131.817,45.332
131.436,44.961 130.922,44.838 131.121,44.506 131.193,44.278 131.149,43.53 131.281,43.38 131.104,42.911 130.406,42.735
130.453,42.549 130.252,42.842 130.251,42.876 130.1,42.921 130.205,43.013 129.959,42.985 129.92,43.01 129.88,42.997
129.905,42.977 129.848,42.969 129.848,42.928 129.807,42.855 129.704,42.443 129.34,42.445 128.941,42.036 128.033,41.994
128.303,41.583 128.145,41.376 127.133,41.523 127.008,41.748 126.982,41.764 126.946,41.766 126.939,41.812
126.889,41.784 126.863,41.747 126.806,41.725 126.293,41.181 126.262,41.143 126.121,41.081 126.14,41.057 126.109,41.032
124.494,40.19 124.356,40.088 124.362,40.013 124.089,39.798 124.489,39.593 123.43,39.376 123.595,39.052 123.306,38.656
122.329,38.792 121.306,38.342 121.205,38.098 121.696,37.872 122.116,37.963 122.918,37.736 123.087,37.389 122.86,36.695
122.412,36.432 121.968,36.523 121.337,36.303 120.851,35.776 120.375,35.575 119.747,35.005 120.637,34.437
121.304,32.867 122.214,32.075 122.38,31.58 122.337,31.094 122.799,31.016 122.924,30.786 122.789,29.784 122.368,29.327
122.285,28.868 122.04,28.724 121.974,28.095 121.579,27.824 121.363,27.148 120.881,27.118 120.083,25.972 120.221,25.318
119.815,24.874 119.353,24.805 118.822,24.201 118.477,24.163 117.78,23.387 116.56,22.56 115.574,22.268 115.212,22.346
114.694,22.108 114.633,21.818 114.417,21.662 113.572,21.626 113.177,21.494 112.889,21.189 112.231,21.32 111.02,21.012
110.903,20.45 111.312,20.123 111.412,19.512 111.01,19.123 110.699,18.39 109.872,17.841 109.162,17.888 108.315,18.359
108.3,19.507 109.029,20.214 109.466,20.37 109.311,20.697 108.867,20.695 108.726,21.202 107.97,21.032 107.744,21.138
108.061,21.295 108.077,21.485 108.06,21.483 108.06,21.5 108.02,21.535 107.93,21.545 107.93,21.536 107.862,21.593
107.348,21.599 106.77,21.982 106.734,22.022 106.704,21.989 106.659,22.022 106.674,22.067 106.649,22.165 106.527,22.438
106.796,22.791 106.131,22.975 105.854,22.904 105.314,23.385 104.867,23.185 104.702,22.818 104.342,22.687
104.238,22.834 104.008,22.64 103.985,22.57 103.985,22.528 103.96,22.508 103.917,22.533 103.893,22.571 103.855,22.588
103.65,22.801 103.485,22.584 103.312,22.793 103.01,22.43 102.466,22.769 102.218,22.411 101.688,22.479 101.51,22.24
101.804,21.626 101.716,21.314 101.735,21.292 101.768,21.282 101.8,21.203 101.775,21.207 101.76,21.196 101.768,21.15
101.703,21.135 101.656,21.189 101.58,21.175 101.592,21.221 101.564,21.231 101.246,21.192 101.122,21.759 100.623,21.469
100.187,21.429 100.144,21.665 99.95,21.721 99.942,22.045 99.165,22.133 99.501,23.066 98.859,23.18 98.863,23.593
98.657,23.961 98.942,24.137 98.194,24.118 98.106,24.102 97.964,24.049 97.963,24.049 97.876,24.014 97.818,23.958
97.754,23.939 97.516,23.943 97.725,24.172 97.726,24.349 97.512,24.439 97.538,24.745 97.819,24.826 97.7,25.066
98.11,25.388 98.139,25.611 98.333,25.567 98.697,25.896 98.546,26.089 98.709,26.171 98.754,26.624 98.679,27.577
98.398,27.693 98.294,27.536 98.128,28.124 97.671,28.51 97.539,28.558 97.325,28.217 96.897,28.355 96.699,28.59
96.494,28.421 96.576,28.808 96.173,29.108 96.437,29.346 96.267,29.242 96.148,29.368 95.745,29.341 95.28,29.053
94.6,29.316 94.287,29.149 94.251,28.933 93.318,28.603 92.678,28.132 92.663,27.94 92.303,27.786 91.634,27.759
91.637,27.94 91.292,28.092 91.05,27.963 90.474,28.073 90.642,28.216 90.226,28.359 89.56,28.134 89,27.546 88.969,27.528
88.984,27.492 88.966,27.479 88.951,27.433 88.968,27.381 88.761,27.435 88.851,27.877 88.603,28.112 87.699,27.806
87.155,27.827 86.539,28.134 86.424,27.909 86.205,28.002 86.187,28.186 86.083,28.041 86.075,28.002 86.097,27.985
86.097,27.952 86.057,27.888 85.963,27.891 85.953,27.916 85.956,27.977 85.899,28.036 85.891,28.061 85.693,28.335
85.089,28.304 85.17,28.592 84.811,28.543 84.451,28.733 84.094,29.263 83.523,29.184 83.173,29.622 82.155,30.059
82.097,30.336 81.411,30.388 81.352,30.157 81.096,30.017 80.977,30.255 80.178,30.559 80.171,30.785 79.401,31.023
79.077,31.427 78.745,31.308 78.745,31.964 78.457,32.23 78.385,32.548 78.738,32.631 78.943,32.347 79.505,32.713
79.379,33.164 78.799,33.493 78.731,34.079 78.976,34.309 78.295,34.625 78,35.268 78.043,35.491 76.895,35.589
76.571,35.751 76.575,35.933 76.168,35.807 75.901,36.064 76.03,36.233 75.851,36.644 75.433,36.724 75.351,36.916
74.872,36.908 74.382,37.127 75.163,37.401 74.893,37.598 74.836,38.465 74.335,38.667 74.029,38.527 73.788,38.618
73.68,38.873 73.828,38.976
"""
