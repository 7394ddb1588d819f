"""Days as a GPX file, for navigation devices and maps."""

from __future__ import annotations

from collections.abc import Iterable

from territory.itinerary.days import Day, printable


def track_text(days: Iterable[Day]) -> str:
    """A ``.gpx`` file (GPX 1.1): a waypoint a stop, a route of them and a track along the way for each day."""
    import gpxpy.gpx

    file = gpxpy.gpx.GPX()
    file.creator = "territory-planner"
    for day in days:
        route = gpxpy.gpx.GPXRoute(name=printable(day.title))
        track = gpxpy.gpx.GPXTrack(name=printable(day.title))
        home_lon, home_lat = day.begin
        route.points.append(gpxpy.gpx.GPXRoutePoint(home_lat, home_lon, name=_end("start", day.night_before)))
        for row in day.stops.itertuples():
            name = printable(f"{row.stop}. {row.name or row.customer_id}")
            told = printable(f"{row.arrive:%H:%M}-{row.leave:%H:%M} {row.customer_id}")
            file.waypoints.append(gpxpy.gpx.GPXWaypoint(row.lat, row.lon, name=name, description=told))
            route.points.append(gpxpy.gpx.GPXRoutePoint(row.lat, row.lon, name=name, description=told))
        end_lon, end_lat = day.end
        route.points.append(gpxpy.gpx.GPXRoutePoint(end_lat, end_lon, name=_end("end", day.night_after)))
        for leg in day.legs:
            points = [gpxpy.gpx.GPXTrackPoint(round(lat, 6), round(lon, 6)) for lon, lat in leg.tolist()]
            track.segments.append(gpxpy.gpx.GPXTrackSegment(points))
        file.routes.append(route)
        file.tracks.append(track)
    return str(file.to_xml(version="1.1"))


def _end(name: str, night: str) -> str:
    return printable(f"{name}, night near {night}") if night else name
