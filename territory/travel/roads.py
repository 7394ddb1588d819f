"""Travel by road, reckoned in process from an OpenStreetMap extract."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from territory.travel import hierarchy as search
from territory.travel.network import Network
from territory.travel.speeds import ACCESS_KMH, CLASSES, HOUR_FACTORS, hour_factors, hour_of
from territory.travel.times import TravelMatrix, coordinates_of

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

MAX_SNAP_METRES = 5000.0
"""Places farther from any road of the extract are unreachable."""
_NO_STOPPING = tuple(CLASSES.index(name) for name in ("motorway", "motorway_link"))
_ACCESS_MS_PER_METRE = 3600 / ACCESS_KMH

Placed = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Where ways begin or end: (n, 2) ranks of lanes (-1: only one), milliseconds and centimetres up to their ends."""


@dataclass(frozen=True, eq=False)
class _Spots:
    """Places on the network: the road, how far along it (0 to 1), and metres from it; (n,) each."""

    road: np.ndarray
    along: np.ndarray
    off_metres: np.ndarray

    def __getitem__(self, chosen: Any) -> _Spots:
        return _Spots(self.road[chosen], self.along[chosen], self.off_metres[chosen])


@dataclass(frozen=True, eq=False)
class RoadTravel:
    """Quickest ways by car over the roads of an extract.

    Made by `build_roads`, kept in a file by `write_roads` and `read_roads`.

    Parameters
    ----------
    name : text
    network : Network
    rank : (lanes,) int32, the order of the search
    origin : where it came from: ``file``, ``sha256``, ``timestamp`` of the extract
    factors : (classes, 24) float, ratio: how much longer roads of a class take in each hour
    """

    name: str
    network: Network
    rank: np.ndarray
    origin: dict[str, str] = field(default_factory=dict)
    factors: np.ndarray = field(default_factory=lambda: HOUR_FACTORS)

    is_estimate = False

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the network and the hours."""
        network = self.network
        digest = hashlib.sha256(network.plane.encode())
        for values in (network.xy, network.lane_road, network.lane_ms, network.turn_to, network.turn_ms, self.factors):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    @cached_property
    def hours(self) -> tuple[int, ...]:
        """For each hour of the day the first one in which every class of road is as quick."""
        _, first, kind = np.unique(self.factors, axis=1, return_index=True, return_inverse=True)
        return tuple(int(hour) for hour in first[kind.ravel()])

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """See `TravelTimes.matrix`.

        A place is reached from the nearest point of a road where one may stop, at 10 km/h over the ground between,
        which counts in minutes and metres. Places farther than 5 km from any road are unreachable.
        """
        start, start_xy = self._snap(points)
        end, end_xy = (start, start_xy) if to is None else self._snap(to)
        ms, cm = self._between(start, end, self._hour(departure_minutes))
        off = start.off_metres[:, None] + end.off_metres[None]
        minutes, metres = (ms + off * _ACCESS_MS_PER_METRE) / 60_000, cm / 100 + off
        # Neighbours in one yard need not go out on the road.
        straight = cdist(start_xy, end_xy)
        by_foot = (straight <= off) & (straight * _ACCESS_MS_PER_METRE < minutes * 60_000)
        minutes = np.where(by_foot, straight * _ACCESS_MS_PER_METRE / 60_000, minutes)
        metres = np.where(by_foot, straight, metres)
        lost, lost_to = start.off_metres > MAX_SNAP_METRES, end.off_metres > MAX_SNAP_METRES
        apart = (lost[:, None] | lost_to[None]) & (straight > 0)
        names = dict.fromkeys([*points.index[lost], *(() if to is None else to.index[lost_to])])
        return TravelMatrix(
            minutes=np.where(apart, np.inf, np.round(minutes, 6)),
            metres=np.where(apart, np.inf, np.round(metres, 2)),
            snapped_metres=np.round(start.off_metres, 2),
            snapped_metres_to=np.round(end.off_metres, 2),
            unreachable=tuple(names),
        )

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """See `TravelTimes.path`."""
        import geopandas as gpd
        import shapely

        spots, xy = self._snap(points)
        lost = spots.off_metres > MAX_SNAP_METRES
        lines, hour = [], self._hour(departure_minutes)
        for a, b in pairwise(range(len(xy))):
            corners = [] if lost[a] or lost[b] else [self._corners(spots[[a]], spots[[b]], hour)]
            lines.append(shapely.LineString(np.vstack([xy[a], *corners, xy[b]])))
        return list(gpd.GeoSeries(lines, crs=self.network.plane).to_crs(points.crs))

    def describe(self) -> dict[str, Any]:
        """What there is: name, roads, kilometres, lanes, turns, what was left out, bounds (degrees), origin."""
        network = self.network
        return {
            "name": self.name,
            "roads": len(network.road_class),
            "kilometres": round(float(network.road_metres.sum() / 1000), 1),
            "lanes": len(network.lane_road),
            "turns": len(network.turn_from),
            "lanes_left_out": network.left_out,
            "bounds": self.bounds,
            **self.origin,
        }

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north of its roads, degrees."""
        import geopandas as gpd
        import shapely

        low, high = self.network.xy.min(axis=0) / 100, self.network.xy.max(axis=0) / 100
        box = gpd.GeoSeries([shapely.box(*low, *high)], crs=self.network.plane).to_crs("EPSG:4326")
        west, south, east, north = (round(float(value), 5) for value in box.total_bounds)
        return west, south, east, north

    def __getstate__(self) -> dict[str, Any]:
        # What is reckoned when it is needed travels to no other process.
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    def _hour(self, departure_minutes: float | None) -> int:
        """The hour whose weights hold: of hours that are alike only the first has any."""
        hour = hour_of(departure_minutes)
        return hour if hour < 0 else self.hours[hour]

    def _between(self, start: _Spots, end: _Spots, hour: int) -> tuple[np.ndarray, np.ndarray]:
        """Milliseconds and centimetres over roads between spots, (n, m) int64 each."""
        weights = self._weights(hour)
        ms, cm = search.many_to_many(self._hierarchy, weights, self._starts(start, hour), self._ends(end, hour))
        for i, j in np.argwhere(start.road[:, None] == end.road[None]):
            ms[i, j], cm[i, j] = self._on_one_road(start[[i]], end[[j]], hour)
        return ms, cm

    def _on_one_road(self, start: _Spots, end: _Spots, hour: int) -> tuple[int, int]:
        """Along the road where it may be gone that way, else around."""
        lane = self._direct_lane(start, end)
        if lane >= 0:
            part = abs(float(end.along[0] - start.along[0]))
            return round(part * self._lane_ms(hour)[lane]), round(part * self._lane_cm[lane])
        ms, cm = search.many_to_many(
            self._hierarchy, self._weights(hour), self._starts_after(start, hour), self._ends(end, hour)
        )
        best = np.lexsort([cm[:, 0], ms[:, 0]])[0]
        return int(ms[best, 0]), int(cm[best, 0])

    def _direct_lane(self, start: _Spots, end: _Spots) -> int:
        """The lane on which one gets from one spot of a road to another of the same; -1 when one must go around."""
        lanes, part = self._lane_at[start.road[0]], end.along[0] - start.along[0]
        return int(lanes.max() if part == 0 else lanes[int(part < 0)])

    def _starts_after(self, start: _Spots, hour: int) -> Placed:
        """The ends of all lanes that may follow on a one-way road, one start each, reckoned from a spot on the road."""
        network, (_, ms, cm) = self.network, self._starts(start, hour)
        lanes = self._lane_at[start.road[0]]
        which = int(np.argmax(lanes))
        turn = np.flatnonzero(network.turn_from == lanes[which])
        after = network.turn_to[turn]
        return (
            np.column_stack([self.rank[after], np.full(len(after), -1)]).astype(np.int64),
            np.column_stack([ms[0, which] + network.turn_ms[turn] + self._lane_ms(hour)[after]] * 2),
            np.column_stack([cm[0, which] + self._lane_cm[after]] * 2),
        )

    def _corners(self, start: _Spots, end: _Spots, hour: int) -> np.ndarray:
        """(k, 2) metres in the plane, along the roads from one spot to another."""
        lanes = self._lanes_between(start, end, hour)
        goes = [(1.0, 0.0) if self.network.lane_backward[lane] else (0.0, 1.0) for lane in lanes]
        parts = [
            self._stretch(
                lane,
                float(start.along[0]) if number == 0 else begin,
                float(end.along[0]) if number == len(lanes) - 1 else stop,
            )
            for number, (lane, (begin, stop)) in enumerate(zip(lanes, goes, strict=True))
        ]
        return np.vstack(parts)

    def _lanes_between(self, start: _Spots, end: _Spots, hour: int) -> list[int]:
        """The lanes from one spot to another; the first and the last are gone in part."""
        starts, ends, before = self._starts(start, hour), self._ends(end, hour), []
        if start.road[0] == end.road[0]:
            lane = self._direct_lane(start, end)
            if lane >= 0:
                return [lane]
            starts, before = self._starts_after(start, hour), [int(self._lane_at[start.road[0]].max())]
        best = 0
        if len(starts[0]) > 1:
            ms, cm = search.many_to_many(self._hierarchy, self._weights(hour), starts, ends)
            best = np.lexsort([cm[:, 0], ms[:, 0]])[0]
        ranks = search.one_to_one(
            self._hierarchy, self._weights(hour), (starts[0][best], starts[1][best]), (ends[0][0], ends[1][0])
        )
        return [*before, *(int(self._lane_of_rank[rank]) for rank in ranks)]

    def _stretch(self, lane: int, start: float, end: float) -> np.ndarray:
        """(k, 2) metres of a lane's road, from one share of the road's length to another."""
        import shapely
        from shapely.ops import substring

        part = substring(self._lines[self.network.lane_road[lane]], start, end, normalized=True)
        return shapely.get_coordinates(part)

    def _snap(self, points: gpd.GeoSeries) -> tuple[_Spots, np.ndarray]:
        """Where places meet the network, and their (n, 2) metres in its plane."""
        import shapely

        coordinates_of(points)
        here = points.to_crs(self.network.plane)
        xy = np.column_stack([here.x, here.y]).reshape(-1, 2)
        places = shapely.points(xy)
        of, among = self._tree.query_nearest(places, all_matches=True)
        # A place at a crossing is equally near to several roads: the first counts, on every machine.
        nearest = np.full(len(xy), len(self._stops))
        np.minimum.at(nearest, of, among)
        road = self._stops[nearest]
        lines = self._lines[road]
        along = shapely.line_locate_point(lines, places, normalized=True)
        return _Spots(road, np.nan_to_num(along), np.round(shapely.distance(lines, places), 3)), xy

    def _starts(self, spots: _Spots, hour: int) -> Placed:
        """The lanes on which a way begins, and what is left of them."""
        lanes, left = self._lane_at[spots.road], np.column_stack([1 - spots.along, spots.along])
        ranks = np.where(lanes >= 0, self.rank[lanes], -1).astype(np.int64)
        ms = np.rint(left * self._lane_ms(hour)[lanes]).astype(np.int64)
        return ranks, ms, np.rint(left * self._lane_cm[lanes]).astype(np.int64)

    def _ends(self, spots: _Spots, hour: int) -> Placed:
        """The lanes on which a way ends; what is left of them was counted and is not gone."""
        ranks, ms, cm = self._starts(spots, hour)
        return ranks, -ms, -cm

    def _lane_ms(self, hour: int) -> np.ndarray:
        if hour not in self._lane_ms_of_hour:
            network = self.network
            factor = hour_factors(self.factors, hour)[network.road_class[network.lane_road]]
            self._lane_ms_of_hour[hour] = np.maximum(1, np.rint(network.lane_ms * factor)).astype(np.int64)
        return self._lane_ms_of_hour[hour]

    def _weights(self, hour: int) -> search.Weights:
        if hour not in self._weights_of_hour:
            network = self.network
            turn = network.turn_from != network.turn_to
            end = network.turn_to[turn]
            ms = network.turn_ms[turn] + self._lane_ms(hour)[end]
            self._weights_of_hour[hour] = search.customize(self._hierarchy, ms, self._lane_cm[end])
        return self._weights_of_hour[hour]

    @cached_property
    def _lane_ms_of_hour(self) -> dict[int, np.ndarray]:
        return {}

    @cached_property
    def _weights_of_hour(self) -> dict[int, search.Weights]:
        return {}

    @cached_property
    def _hierarchy(self) -> search.Hierarchy:
        network = self.network
        turn = network.turn_from != network.turn_to
        return search.find_shortcuts(self.rank, network.turn_from[turn], network.turn_to[turn])

    @cached_property
    def _lane_of_rank(self) -> np.ndarray:
        return np.argsort(self.rank)

    @cached_property
    def _lane_cm(self) -> np.ndarray:
        return np.rint(self.network.road_metres * 100).astype(np.int64)[self.network.lane_road]

    @cached_property
    def _lane_at(self) -> np.ndarray:
        """(roads, 2) int: the lane along each road and the lane against it, -1 where there is none."""
        network = self.network
        lanes = np.full((len(network.road_class), 2), -1)
        lanes[network.lane_road, network.lane_backward.astype(int)] = np.arange(len(network.lane_road))
        return lanes

    @cached_property
    def _lines(self) -> np.ndarray:
        """(roads,) LineStrings in the plane, metres."""
        import shapely

        network = self.network
        road = np.repeat(np.arange(len(network.road_class)), np.diff(network.first))
        return shapely.linestrings(network.xy / 100, indices=road)

    @cached_property
    def _stops(self) -> np.ndarray:
        """Roads where one may stop; all of them where there is nothing but motorways."""
        may = np.flatnonzero(~np.isin(self.network.road_class, _NO_STOPPING))
        return may if len(may) else np.arange(len(self.network.road_class))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        import shapely

        return shapely.STRtree(self._lines[self._stops])
