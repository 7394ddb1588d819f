"""The plan as a page: a folium map that opens from a USB stick and asks no other host for anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from territory.errors import NotFoundError, Problem
from territory.maps.payload import describe_plan
from territory.model import Portfolio, Proposal, TravelMode

if TYPE_CHECKING:
    import folium
    import pandas as pd

    from territory.itinerary import Day
    from territory.languages import Said

__all__ = ["draw_days", "draw_map"]

LANGUAGES = ("auto", "en", "zh")
TILES = ("osm", "amap")


def draw_map(
    plan: Proposal | Portfolio,
    *,
    language: Literal["auto", "en", "zh"] = "auto",
    tiles: Literal["osm", "amap"] | None = None,
    travel: TravelMode | None = None,
    title: str | None = None,
) -> folium.Map:
    """Territories before and after, their customers and their measures, as one self-contained page.

    Parameters
    ----------
    plan : Proposal or Portfolio
        Of a portfolio, today's territories are drawn.
    language : {"auto", "en", "zh"}
        What the page speaks first; "auto" follows the browser. The reader can switch.
    tiles : {"osm", "amap"}, optional
        An online base map. Without it the page loads nothing from anywhere. Amap's tiles are in GCJ-02, so
        what is drawn on them is converted to it.
    travel : {"none", "line", "roads"}, optional
        What workload counts beside visits x minutes: by default "line" for a portfolio. A proposal has its own.
    title : str, optional
        Heading of the page.

    Returns
    -------
    folium.Map
        ``.save("proposal.html")`` writes the page, ``.get_root().render()`` returns it; the same plan gives the same
        bytes. Layers added to it by folium work as usual, but those that need other hosts are blocked by the page.

    Raises
    ------
    NotFoundError
        There is no such language or base map.
    DataError
        Potential or workload cannot be derived (a portfolio only).
    """
    _check_choices(language, tiles)
    from territory.maps.page import build_page

    scene = describe_plan(plan, travel=travel, crs="gcj02" if tiles == "amap" else "wgs84")
    return build_page({**scene, "language": language, "tiles": tiles, "title": title}, tiles=tiles)


def draw_days(
    days: Sequence[Day],
    *,
    language: Literal["auto", "en", "zh"] = "auto",
    tiles: Literal["osm", "amap"] | None = None,
    title: str | None = None,
    left_out: pd.DataFrame | None = None,
    notes: Sequence[Said] = (),
) -> folium.Map:
    """A rep's day, or the days of a plan: numbered stops, the ways between them and their times, as one page.

    Parameters
    ----------
    days : Day, of one rep or of several (`territory.itinerary.days_of`)
        Of one day its timetable is shown, of several a calendar to choose from.
    language, tiles, title
        As in `draw_map`.
    left_out : DataFrame with ``rep_id``, ``customer_id``, ``reason``, and perhaps ``name`` and ``reason_zh``
        Who is visited on none of the days, as `CallPlan.dropped`.
    notes : Said
        What the page says of all days, as `CallPlan.advice`.

    Returns
    -------
    folium.Map
        As of `draw_map`.

    Raises
    ------
    NotFoundError
        There is no such language or base map.
    """
    _check_choices(language, tiles)
    from territory.maps.days import describe_days
    from territory.maps.page import build_page

    scene = describe_days(days, left_out=left_out, notes=notes, crs="gcj02" if tiles == "amap" else "wgs84")
    return build_page({**scene, "language": language, "tiles": tiles, "title": title}, tiles=tiles, kind="days")


def _check_choices(language: str, tiles: str | None) -> None:
    problems = []
    if language not in LANGUAGES:
        problems.append(Problem("language", f"There is no '{language}'.", f"Choose from {', '.join(LANGUAGES)}."))
    if tiles is not None and tiles not in TILES:
        problems.append(Problem("tiles", f"There is no '{tiles}'.", f"Choose from {', '.join(TILES)}, or None."))
    if problems:
        raise NotFoundError(problems)
