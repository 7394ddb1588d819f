"""Where customers and reps are, and why some are nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territory.files.cells import numbers
from territory.files.faults import Ledger
from territory.files.headers import Headers
from territory.files.source import Source
from territory.geo import LONLAT_DECIMALS, crs_name, to_wgs84

if TYPE_CHECKING:
    import pyarrow as pa

SOUTHERNMOST_TOWN = -56.0
"""Degrees; nobody to visit lives south of it (Puerto Williams is at -54.9)."""
NORTHERNMOST_TOWN = 79.0
"""Degrees; nobody to visit lives north of it (Longyearbyen is at 78.2)."""

_WHOLE_FILE = 0.9
_DEGREES = "Give degrees, as in 45.7640."
_NULL_ISLAND = "Longitude and latitude are both 0, which stands for no place."
_FIX_SWAPPED = "Exchange the two cells."


@dataclass(frozen=True)
class Places:
    """WGS-84 degrees, (n,) float each, NaN where there is none, and (n,) text or None: why, and how to mend it."""

    lon: np.ndarray
    lat: np.ndarray
    reason: np.ndarray
    fix: np.ndarray
    is_told_as_a_whole: bool
    """Whether one fault of the whole file says it, rather than one a row."""

    @property
    def is_placed(self) -> np.ndarray:
        """(n,) bool"""
        return ~np.isnan(self.lon)


def locate(source: Source, headers: Headers, crs: str, ledger: Ledger) -> Places:
    """The place of every row; the whole file swapped, or in metres that are called degrees, is a fault that stops."""
    crs = crs_name(crs)
    count = len(source.rows)
    lon_text, lat_text = (_column(source, headers, name) for name in ("lon", "lat"))
    if source.lonlat is not None:
        lon, lat = source.lonlat[:, 0].copy(), source.lonlat[:, 1].copy()
        lon_wrong = lat_wrong = np.zeros(count, bool)
        if source.names_crs and crs.startswith("EPSG"):
            ledger.note(f"The file names its own coordinate system; {crs} was not used.")
            crs = "wgs84"
    else:
        lon, lon_wrong = numbers(lon_text)
        lat, lat_wrong = numbers(lat_text)
    reasons = _Reasons(count)
    is_told_as_a_whole = False
    if source.misplaced is not None:
        reasons.give(pd.notna(source.misplaced), source.misplaced, "Give a point or a polygon.")
    no_lon, no_lat = np.isnan(lon) & ~lon_wrong, np.isnan(lat) & ~lat_wrong
    reasons.give(no_lon & no_lat, "It has no longitude and no latitude.", "Give both, or look its address up.")
    reasons.give(no_lon & ~lat_wrong, "It has no longitude.", _DEGREES)
    reasons.give(no_lat & ~lon_wrong, "It has no latitude.", _DEGREES)
    reasons.give(lon_wrong, _quoted(lon_text, "is not a number", lon_wrong), _DEGREES)
    reasons.give(lat_wrong, _quoted(lat_text, "is not a number", lat_wrong), _DEGREES)
    reasons.give(no_lon | no_lat, "It lacks one of longitude and latitude.", _DEGREES)
    reasons.give((lon == 0) & (lat == 0), _NULL_ISLAND, _DEGREES)
    if _is_geographic(crs):
        is_told_as_a_whole = _judge_degrees(lon, lat, reasons, headers, ledger)
    open_rows = reasons.is_open
    there_lon, there_lat = to_wgs84(lon[open_rows], lat[open_rows], crs)
    lon, lat = np.full(count, np.nan), np.full(count, np.nan)
    lon[open_rows], lat[open_rows] = np.round(there_lon, LONLAT_DECIMALS), np.round(there_lat, LONLAT_DECIMALS)
    beyond = open_rows & (np.isnan(lon) | (np.abs(lat) > 90))
    reasons.give(beyond, f"It lies outside of what {crs} can express.", "Check the numbers, and the crs they are in.")
    reasons.give((lon == 0) & (lat == 0), _NULL_ISLAND, _DEGREES)  # where rounding leads
    lon[~reasons.is_open] = lat[~reasons.is_open] = np.nan
    return Places(lon + 0.0, lat + 0.0, reasons.what, reasons.fix, is_told_as_a_whole)


class _Reasons:
    """Why rows have no place; the first reason given stands."""

    def __init__(self, count: int) -> None:
        self.what = np.full(count, None, object)
        self.fix = np.full(count, None, object)
        self.is_open = np.ones(count, bool)

    def give(self, mask: np.ndarray, what: str | np.ndarray, fix: str) -> None:
        new = mask & self.is_open
        self.what[new] = what if isinstance(what, str) else what[new]
        self.fix[new] = fix
        self.is_open &= ~new


def _judge_degrees(lon: np.ndarray, lat: np.ndarray, reasons: _Reasons, headers: Headers, ledger: Ledger) -> bool:
    """Find degrees that cannot be, or make sense only the other way round; True when it is the whole file."""
    is_whole = True
    is_number = reasons.is_open.copy()
    count = max(int(is_number.sum()), 1)
    swapped = is_number & (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    metres = is_number & ((np.abs(lon) > 360) | (np.abs(lat) > 360))
    columns = [headers.of("lon"), headers.of("lat")]
    if swapped.sum() >= _WHOLE_FILE * count or _nobody_lives_there(lon[is_number], lat[is_number]):
        ledger.fault(
            "Longitude and latitude are swapped in the whole file.",
            f"Exchange the two headers, or say lon={columns[1]} and lat={columns[0]}.",
            columns=columns,
        )
    elif metres.sum() >= _WHOLE_FILE * count:
        ledger.fault(
            "The coordinates are not degrees; they look like metres of a map projection.",
            "Say which with crs=EPSG:n, as EPSG:3857 for web maps.",
            columns=columns,
        )
    else:
        is_whole = False
        swapped |= _swapped_among_others(lon, lat, reasons.is_open & ~swapped & (np.abs(lat) <= 90))
    reasons.give(swapped, _pairs("Longitude {} and latitude {} are swapped.", lon, lat, swapped), _FIX_SWAPPED)
    lat_bad = is_number & (np.abs(lat) > 90)
    reasons.give(lat_bad, _pairs("Latitude {1} is not from -90 to 90.", lon, lat, lat_bad), _DEGREES)
    lon_bad = is_number & (np.abs(lon) > 180)
    reasons.give(lon_bad, _pairs("Longitude {} is not from -180 to 180.", lon, lat, lon_bad), _DEGREES)
    return is_whole


def _nobody_lives_there(lon: np.ndarray, lat: np.ndarray) -> bool:
    if not len(lon):
        return False
    here, there = np.median(lat), np.median(lon)
    is_town = SOUTHERNMOST_TOWN < there < NORTHERNMOST_TOWN
    return bool(is_town and not SOUTHERNMOST_TOWN < here < NORTHERNMOST_TOWN and abs(here) <= 180)


def _swapped_among_others(lon: np.ndarray, lat: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Places far outside of where most are, that fall amid them when their numbers are exchanged; (n,) bool."""
    if judged.sum() < 5:
        return np.zeros(len(lon), bool)
    both = np.column_stack([lon, lat])
    low, high = np.percentile(both[judged], [25, 75], axis=0)
    reach = 3 * (high - low) + 1
    is_near = ((both >= low - reach) & (both <= high + reach)).all(axis=1)
    exchanged = both[:, ::-1]
    would_be_near = ((exchanged >= low - reach) & (exchanged <= high + reach)).all(axis=1)
    return judged & ~is_near & would_be_near


def _is_geographic(crs: str) -> bool:
    import pyproj

    return not crs.startswith("EPSG") or pyproj.CRS.from_user_input(crs).is_geographic


def _column(source: Source, headers: Headers, name: str) -> pa.ChunkedArray:
    import pyarrow as pa

    if name in headers.ours:
        return source.columns[headers.ours[name]]
    return pa.chunked_array([pa.nulls(len(source.rows), pa.string())])


def _quoted(cells: pa.ChunkedArray, what: str, mask: np.ndarray) -> np.ndarray:
    texts = np.full(len(mask), None, object)
    chosen = np.flatnonzero(mask)
    texts[chosen] = [f"'{text[:40]}' {what}." for text in cells.take(chosen).to_pylist()]
    return texts


def _pairs(sentence: str, lon: np.ndarray, lat: np.ndarray, mask: np.ndarray) -> np.ndarray:
    texts = np.full(len(mask), None, object)
    for place in np.flatnonzero(mask):
        texts[place] = sentence.format(f"{lon[place]:g}", f"{lat[place]:g}")
    return texts
