"""What most commands take: the files to read, how balance is asked for, and where the result goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import typer

from territory.cli.choices import columns_of, tolerance_of
from territory.cli.options import (
    Barriers,
    Crs,
    Customers,
    Headers,
    Language,
    Neighbours,
    NotAssigned,
    Out,
    Outlines,
    Reps,
    RulesFile,
    Seed,
    Tiles,
    Tolerance,
    Travel,
)
from territory.cli.spreading import Bundle
from territory.cli.travelling import Roads, roads_of, travel_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from territory.cli.screen import Screen
    from territory.files import Check
    from territory.model import Portfolio, TravelMode


class Terms(TypedDict):
    """What every search is asked to keep to."""

    tolerance: dict[str, float]
    travel: TravelMode
    seed: int


@dataclass(frozen=True)
class Tables(Bundle):
    """The two tables, the rules, how to understand them, and the land."""

    customers: Customers
    reps: Reps = None
    rules: RulesFile = None
    crs: Crs = "wgs84"
    headers: Headers = None
    barriers: Barriers = None
    not_assigned: NotAssigned = None
    neighbours: Neighbours = None
    outlines: Outlines = None

    @property
    def paths(self) -> list[Path]:
        """Every file that is read."""
        given = (self.customers, self.reps, self.rules, *self._land().values())
        return [path for path in given if path is not None]

    def check(self) -> Check:
        """What is wrong in the files."""
        from territory.files import check_files

        return check_files(self.customers, self.reps, **self._how())

    def read(self) -> Portfolio:
        """What is in the files."""
        from territory.files import read_portfolio

        return read_portfolio(self.customers, self.reps, **self._how())

    def _how(self) -> dict[str, Any]:
        return {"rules": self.rules, "crs": self.crs, "columns": columns_of(self.headers or []), **self._land()}

    def _land(self) -> dict[str, Path | None]:
        return {name: getattr(self, name) for name in ("barriers", "not_assigned", "neighbours", "outlines")}


@dataclass(frozen=True)
class Files(Tables):
    """The tables, and the roads between their places."""

    road_file: Roads = None

    @property
    def paths(self) -> list[Path]:
        """Every file that is read."""
        return [*super().paths, *([] if self.road_file is None else [Path(self.road_file)])]

    def read(self, screen: Screen | None = None) -> Portfolio:
        """What is in the files, on its roads when any are given; what is good to know of these goes to the screen."""
        portfolio = super().read()
        return (
            portfolio if self.road_file is None else portfolio.with_roads(roads_of(self.road_file, portfolio, screen))
        )


class Balance(Bundle):
    """How even territories must be, what workload counts, and the seed of the search."""

    def __init__(self, tolerance: Tolerance = "", travel: Travel = "line", seed: Seed = 0) -> None:
        # Understood at once: what is wrong is told before anything is read.
        self._asked = tolerance_of(tolerance)
        self._travel, self._seed = travel, seed

    def on(self, portfolio: Portfolio) -> Terms:
        """What `territory.realign` and its like are asked to keep to, with the rules' tolerance where none is given."""
        tolerance = {**portfolio.rules.tolerance, **self._asked}
        return {"tolerance": tolerance, "travel": travel_on(portfolio, self._travel), "seed": self._seed}


@dataclass(frozen=True)
class Output(Bundle):
    """The folder that is written, and how its map looks."""

    out: Out
    language: Language = "auto"
    tiles: Tiles = None

    def refuse_to_overwrite(self, paths: Iterable[Path], written: Iterable[str]) -> None:
        """BadParameter when a file that is read would be written."""
        would_be = {(self.out / name).resolve() for name in written}
        for path in paths:
            if path.resolve() in would_be:
                what = f"{path} is read, and would be written. Choose another folder."
                raise typer.BadParameter(what, param_hint="--out")
