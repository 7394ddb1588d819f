"""Travel times from routing servers: OSRM, Valhalla, openrouteservice, and Amap's distance service.

Small clients of our own and not routingpy: it splits no matrix into what a server allows at once, tries again on quotas
only, and logs addresses with their keys.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from territory.errors import DataError, Problem, UnavailableError
from territory.geo import from_wgs84, to_wgs84
from territory.travel.asking import Server
from territory.travel.hours import ANY_HOUR
from territory.travel.line import straight_lines
from territory.travel.times import TravelMatrix, coordinates_of

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a matrix: seconds and metres (a, b), inf where there is no way; snapped metres of rows and columns."""

    seconds: np.ndarray
    metres: np.ndarray
    snapped: np.ndarray | None = None
    snapped_to: np.ndarray | None = None


@dataclass(frozen=True)
class ServerTravel(ABC):
    """Travel times that a server knows.

    Parameters
    ----------
    server : Server
    profile : the server's word for going by car
    rows_at_once, columns_at_once : the largest part of a matrix that is asked for in one question
    """

    server: Server
    profile: str = "driving"
    rows_at_once: int = 50
    columns_at_once: int = 50

    kind: ClassVar[str]
    crs: ClassVar[str] = "wgs84"
    is_estimate: ClassVar[bool] = False
    hours: ClassVar[tuple[int, ...]] = ANY_HOUR

    @property
    def name(self) -> str:
        """The server's kind and address."""
        return f"{self.kind} at {self.server.url}"

    @property
    def fingerprint(self) -> str:
        """Kind, address and profile; what the server itself knows may change unseen."""
        return f"{self.name} {self.profile}"

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """See `TravelTimes.matrix`; the hour is the server's affair.

        Raises
        ------
        UnavailableError
            The server does not answer, or with something else.
        DataError
            The server refuses: its key, its quota, or what it was asked.
        """
        target = points if to is None else to
        start, end = self._degrees(points), self._degrees(target)
        shape = len(start), len(end)
        seconds, metres = np.full(shape, np.inf), np.full(shape, np.inf)
        snapped, snapped_to = np.zeros(shape[0]), np.zeros(shape[1])
        for rows in _parts(shape[0], self.rows_at_once):
            for columns in _parts(shape[1], self.columns_at_once):
                with self._understanding():
                    block = self._block(start[rows], end[columns])
                self._check(block, start[rows], end[columns])
                seconds[rows, columns], metres[rows, columns] = block.seconds, block.metres
                snapped[rows] = 0.0 if block.snapped is None else block.snapped
                snapped_to[columns] = 0.0 if block.snapped_to is None else block.snapped_to
        here = (start[:, None] == end[None]).all(axis=2)
        seconds[here] = metres[here] = 0.0
        return TravelMatrix(
            minutes=np.round(seconds / 60, 6),
            metres=metres,
            snapped_metres=snapped,
            snapped_metres_to=snapped_to,
            unreachable=_cut_off(np.isfinite(seconds) & ~here, here, list(points.index), list(target.index)),
        )

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """See `TravelTimes.path`."""
        import geopandas as gpd
        import shapely

        xy = coordinates_of(points)
        lines = straight_lines(xy)
        with self._understanding():
            legs = list(self._legs(self._degrees(points)))
        for number, corners in enumerate(legs):
            if len(corners):
                lon, lat = to_wgs84(corners[:, 0], corners[:, 1], self.crs)
                between = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(points.crs)
                whole = np.vstack([xy[number], np.column_stack([between.x, between.y]), xy[number + 1]])
                lines[number] = shapely.LineString(whole)
        return lines

    @abstractmethod
    def _block(self, start: np.ndarray, end: np.ndarray) -> Block:
        """Travel from `start` to `end`, (a, 2) and (b, 2) degrees."""

    @abstractmethod
    def _legs(self, degrees: np.ndarray) -> Iterator[np.ndarray]:
        """Corners, (k, 2) degrees, of the way from each of (n, 2) places to the next; none where there is no way."""

    def _degrees(self, points: gpd.GeoSeries) -> np.ndarray:
        coordinates_of(points)
        geographic = points.to_crs("EPSG:4326")
        lon, lat = from_wgs84(geographic.x.to_numpy(), geographic.y.to_numpy(), self.crs)
        return np.round(np.column_stack([lon, lat]), 6)

    @contextmanager
    def _understanding(self) -> Iterator[None]:
        """Whatever is missing or of another kind in an answer is the server's fault, not the asker's."""
        try:
            yield
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            what = f"its answer cannot be understood ({type(error).__name__}: {error})."
            raise UnavailableError([Problem(self.server.url, what, f"Is it a server of {self.kind}?")]) from error

    def _check(self, block: Block, start: np.ndarray, end: np.ndarray) -> None:
        if not block.seconds.shape == block.metres.shape == (len(start), len(end)):
            what = f"it answered {block.seconds.shape} times where {len(start)} x {len(end)} were asked for."
            raise UnavailableError([Problem(self.server.url, what, f"Check that it is a server of {self.kind}.")])

    def _refusal(self, said: object, fix: str = "") -> DataError:
        """That the server does not do what was asked; what it `said` is told without the key."""
        words = str(said)[:300]
        if self.server.key:
            words = words.replace(self.server.key, "***")
        fix = fix or "Check the address, the profile, and that its map covers the places."
        return DataError([Problem(self.server.url, f"it refused: {words}.", fix)])


class OsrmTravel(ServerTravel):
    """An OSRM server (``osrm-routed``), by its table and route services, version 1."""

    kind = "OSRM"

    def _block(self, start: np.ndarray, end: np.ndarray) -> Block:
        count = len(start)
        asked = {
            "annotations": "duration,distance",
            "sources": ";".join(map(str, range(count))),
            "destinations": ";".join(map(str, range(count, count + len(end)))),
        }
        answer = self._get("table", np.vstack([start, end]), asked)
        return Block(
            seconds=_numbers(answer, "durations"),
            metres=_numbers(answer, "distances"),
            snapped=_column(answer.get("sources"), "distance"),
            snapped_to=_column(answer.get("destinations"), "distance"),
        )

    def _legs(self, degrees: np.ndarray) -> Iterator[np.ndarray]:
        asked = {"overview": "false", "steps": "true", "geometries": "geojson"}
        for pair in pairwise(degrees):
            answer = self._get("route", np.array(pair), asked, may_fail=True)
            steps = [step for route in answer.get("routes", [])[:1] for leg in route["legs"] for step in leg["steps"]]
            yield _corners([corner for step in steps for corner in step["geometry"]["coordinates"]])

    def _get(self, service: str, degrees: np.ndarray, asked: dict[str, str], *, may_fail: bool = False) -> Any:
        places = ";".join(f"{lon:.6f},{lat:.6f}" for lon, lat in degrees)
        answer = self.server.get(f"/{service}/v1/{self.profile}/{places}", asked)
        code = answer.get("code")
        if code == "Ok" or (may_fail and code == "NoRoute"):
            return answer
        raise self._refusal(answer.get("message") or code)


class ValhallaTravel(ServerTravel):
    """A Valhalla server, by its matrix and route services."""

    kind = "Valhalla"

    def _block(self, start: np.ndarray, end: np.ndarray) -> Block:
        body = {"sources": _places(start), "targets": _places(end), "costing": self._costing, "units": "kilometers"}
        answer = self.server.post("/sources_to_targets", body)
        rows = answer.get("sources_to_targets")
        if rows is None:
            raise self._refusal(answer.get("error") or answer)
        seconds, metres = np.full((2, len(start), len(end)), np.inf)
        for cell in (cell for row in rows for cell in row):
            if cell.get("time") is not None:
                at = cell["from_index"], cell["to_index"]
                seconds[at], metres[at] = cell["time"], cell["distance"] * 1000
        return Block(seconds, metres)

    def _legs(self, degrees: np.ndarray) -> Iterator[np.ndarray]:
        for pair in pairwise(degrees):
            body = {"locations": _places(np.array(pair)), "costing": self._costing, "directions_type": "none"}
            answer = self.server.post("/route", body)
            legs = answer.get("trip", {}).get("legs", [])
            yield _corners([corner for leg in legs for corner in decode_polyline(leg["shape"], 6)])

    @property
    def _costing(self) -> str:
        return "auto" if self.profile == "driving" else self.profile


class OrsTravel(ServerTravel):
    """An openrouteservice server, by its matrix and directions services, version 2."""

    kind = "openrouteservice"

    def _block(self, start: np.ndarray, end: np.ndarray) -> Block:
        count = len(start)
        body = {
            "locations": np.vstack([start, end]).tolist(),
            "sources": list(range(count)),
            "destinations": list(range(count, count + len(end))),
            "metrics": ["duration", "distance"],
            "units": "m",
        }
        answer = self._post(f"/v2/matrix/{self._profile}", body)
        if "durations" not in answer:
            raise self._refusal(_ors_reason(answer))
        return Block(
            seconds=_numbers(answer, "durations"),
            metres=_numbers(answer, "distances"),
            snapped=_column(answer.get("sources"), "snapped_distance"),
            snapped_to=_column(answer.get("destinations"), "snapped_distance"),
        )

    def _legs(self, degrees: np.ndarray) -> Iterator[np.ndarray]:
        for pair in pairwise(degrees):
            answer = self._post(f"/v2/directions/{self._profile}/geojson", {"coordinates": np.array(pair).tolist()})
            features = answer.get("features", [])[:1]
            yield _corners([corner for feature in features for corner in feature["geometry"]["coordinates"]])

    def _post(self, path: str, body: Any) -> Any:
        headers = {"Authorization": self.server.key} if self.server.key else {}
        answer = self.server.post(path, body, headers=headers)
        if answer.get("error") in ("Access to this API has been disallowed", "Quota exceeded"):
            raise self._refusal(
                answer["error"], "Check the key (TERRITORY_TRAVEL_KEY), and what its plan allows a day."
            )
        return answer

    @property
    def _profile(self) -> str:
        return "driving-car" if self.profile == "driving" else self.profile


@dataclass(frozen=True)
class AmapTravel(ServerTravel):
    """Amap's web service: distances of up to 100 origins to one destination a question, and driving directions.

    Places go to it and come from it in GCJ-02. It knows today's traffic, so what it says differs from hour to hour.
    """

    rows_at_once: int = 100
    columns_at_once: int = 1

    kind: ClassVar[str] = "Amap"
    crs: ClassVar[str] = "gcj02"

    def _block(self, start: np.ndarray, end: np.ndarray) -> Block:
        seconds, metres = np.full((2, len(start), 1), np.inf)
        left = np.arange(len(start))
        # Now and then some origins are missing in an answer that is fine otherwise: they are asked about once more.
        for _ in range(2):
            asked = {"origins": "|".join(map(_comma, start[left])), "destination": _comma(end[0]), "type": "1"}
            told = {int(one["origin_id"]) - 1: one for one in self._get("/v3/distance", asked).get("results", [])}
            for number, row in enumerate(left):
                answer = told.get(number, {})
                if "code" not in answer and answer.get("duration") is not None:
                    seconds[row], metres[row] = float(answer["duration"]), float(answer["distance"])
            left = np.array([row for number, row in enumerate(left) if number not in told], int)
            if not len(left):
                return Block(seconds, metres)
        what = f"it left out {len(left)} of {len(start)} origins, twice."
        raise UnavailableError([Problem(self.server.url, what, "Ask again later.")])

    def _legs(self, degrees: np.ndarray) -> Iterator[np.ndarray]:
        for start, end in pairwise(degrees):
            answer = self._get("/v3/direction/driving", {"origin": _comma(start), "destination": _comma(end)})
            paths = (answer.get("route") or {}).get("paths") or []
            corners = [corner for path in paths[:1] for step in path["steps"] for corner in step["polyline"].split(";")]
            yield _corners([[float(number) for number in corner.split(",")] for corner in corners])

    def _get(self, path: str, asked: dict[str, str]) -> Any:
        answer = self.server.get(path, {**asked, "key": self.server.key, "output": "JSON"}, is_busy=_is_amap_busy)
        if answer.get("status") == "1":
            return answer
        code = answer.get("infocode")
        fix = ""
        if code in _AMAP_KEY:
            fix = "Check the key (TERRITORY_TRAVEL_KEY): it must be one for the web service."
        elif code in _AMAP_SPENT:
            fix = "Today's questions are used up: go on tomorrow, or use a road graph in a file."
        raise self._refusal(f"{answer.get('info')} ({code})", fix)


# Amap's info codes, as its documentation lists them: too many a second, too many a day, a key that is not valid.
_AMAP_BUSY = {"10004", "10014", "10015", "10016", "10019", "10020", "10021", "10022"}
_AMAP_SPENT = {"10003", "10010", "10044", "10045"}
_AMAP_KEY = {"10001", "10002", "10005", "10006", "10007", "10008", "10009", "10012", "10013"}


def _is_amap_busy(answer: Any) -> bool:
    return answer.get("status") == "0" and answer.get("infocode") in _AMAP_BUSY


def decode_polyline(text: str, decimals: int) -> list[list[float]]:
    """[lon, lat] pairs, degrees, of an encoded polyline (Google, "Encoded Polyline Algorithm Format")."""
    numbers, value, shift = [], 0, 0
    for letter in text:
        bits = ord(letter) - 63
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    steps = np.cumsum(np.array(numbers).reshape(-1, 2), axis=0) / 10**decimals
    return steps[:, ::-1].tolist()


def _parts(count: int, most: int) -> Iterator[slice]:
    for start in range(0, count, most):
        yield slice(start, min(start + most, count))


def _numbers(answer: Any, key: str) -> np.ndarray:
    """A table of numbers, with inf for null."""
    rows = [[np.inf if value is None else float(value) for value in row] for row in answer.get(key) or []]
    widths = {len(row) for row in rows}
    return np.array(rows) if len(widths) == 1 else np.empty((len(rows), 0))


def _column(places: Any, key: str) -> np.ndarray | None:
    if not places:
        return None
    return np.array([float((place or {}).get(key) or 0.0) for place in places])


def _corners(corners: list[list[float]]) -> np.ndarray:
    return np.array([corner[:2] for corner in corners], float).reshape(-1, 2)


def _places(degrees: np.ndarray) -> list[dict[str, float]]:
    return [{"lon": float(lon), "lat": float(lat)} for lon, lat in degrees]


def _comma(place: np.ndarray) -> str:
    return f"{place[0]:.6f},{place[1]:.6f}"


def _ors_reason(answer: Any) -> object:
    error = answer.get("error")
    return error.get("message") if isinstance(error, dict) else error or answer


def _cut_off(
    reached: np.ndarray, here: np.ndarray, names: list[Hashable], names_to: list[Hashable]
) -> tuple[Hashable, ...]:
    """Names of places that nothing leads to or from; a place alone is not cut off."""
    rows = np.flatnonzero(~reached.any(axis=1) & ~here.all(axis=1))
    columns = np.flatnonzero(~reached.any(axis=0) & ~here.all(axis=0))
    return tuple(dict.fromkeys([*(names[row] for row in rows), *(names_to[column] for column in columns)]))


KINDS: dict[str, type[ServerTravel]] = {
    "osrm": OsrmTravel,
    "valhalla": ValhallaTravel,
    "ors": OrsTravel,
    "amap": AmapTravel,
}
