"""Answers kept, so that what was asked once costs nothing again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from territory.travel.times import TravelMatrix, TravelTimes, coordinates_of

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely

_PARTS = ("minutes", "metres", "snapped_metres", "snapped_metres_to")


@dataclass(frozen=True, eq=False)
class RememberedTravel:
    """A source whose answers are kept.

    Parameters
    ----------
    source : TravelTimes
    keep : how many answers of each kind stay in memory, the latest ones
    folder : where matrices are kept for good as well, for sources that count what they are asked; None is nowhere
    """

    source: TravelTimes
    keep: int = 64
    folder: Path | None = None
    _answers: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def name(self) -> str:
        """The source's name."""
        return self.source.name

    @property
    def is_estimate(self) -> bool:
        """Whether the source guesses."""
        return self.source.is_estimate

    @property
    def hours(self) -> tuple[int, ...]:
        """The source's."""
        return self.source.hours

    @property
    def fingerprint(self) -> str:
        """The source's."""
        return self.source.fingerprint

    def matrix(
        self, points: gpd.GeoSeries, to: gpd.GeoSeries | None = None, *, departure_minutes: float | None = None
    ) -> TravelMatrix:
        """See `TravelTimes.matrix`."""
        key = self._key("matrix", points, to, departure_minutes)
        answer = self._recall(key) or self._read(key)
        if answer is None:
            answer = self.source.matrix(points, to, departure_minutes=departure_minutes)
            self._write(key, answer)
        self._remember(key, answer)
        return answer

    def path(self, points: gpd.GeoSeries, *, departure_minutes: float | None = None) -> list[shapely.LineString]:
        """See `TravelTimes.path`."""
        key = self._key("path", points, None, departure_minutes)
        answer = self._recall(key)
        if answer is None:
            answer = self.source.path(points, departure_minutes=departure_minutes)
        self._remember(key, answer)
        return list(answer)

    def _key(self, kind: str, points: gpd.GeoSeries, to: gpd.GeoSeries | None, departure: float | None) -> str:
        digest = hashlib.sha256(f"{kind} {self.fingerprint} {departure}".encode())
        for places in (points, to):
            if places is not None:
                digest.update(f"{places.crs} {list(places.index)!r}".encode())
                digest.update(coordinates_of(places).tobytes())
        return digest.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        # To another process goes the source without the answers.
        return type(self), (self.source, self.keep, self.folder)

    def _recall(self, key: str) -> Any:
        with self._lock:
            return self._answers.get(key)

    def _remember(self, key: str, answer: Any) -> None:
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self.keep:
                self._answers.popitem(last=False)

    def _read(self, key: str) -> TravelMatrix | None:
        path = self.folder / f"{key}.npz" if self.folder else None
        if path is None or not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            parts = {name: stored[name] for name in _PARTS}
            unreachable = tuple(stored["unreachable"].tolist())
        return TravelMatrix(**parts, unreachable=unreachable, is_estimate=self.is_estimate)

    def _write(self, key: str, answer: TravelMatrix) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        unreachable = np.array(answer.unreachable) if answer.unreachable else np.empty(0, "U1")
        # Under another name first: who reads at the same time finds the whole file or none.
        unfinished = self.folder / f"{key}.part.npz"
        np.savez_compressed(unfinished, unreachable=unreachable, **{name: getattr(answer, name) for name in _PARTS})
        unfinished.replace(self.folder / f"{key}.npz")
