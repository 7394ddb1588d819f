"""From what a person writes to where travel times come from."""

from __future__ import annotations

from pathlib import Path

from territory.errors import DataError, Problem
from territory.travel.memory import RememberedTravel


def open_travel(address: str | Path, *, key: str = "", folder: Path | None = None) -> RememberedTravel:
    """Travel times from a road graph in a file, or from a server.

    Parameters
    ----------
    address : a file that `write_roads` wrote, or ``osrm+http://host:5000``, and so on for valhalla, ors and amap
    key : the server's, where it asks for one
    folder : where answers are kept for good; by default they are only kept in memory

    Raises
    ------
    NotFoundError
        There is no such file.
    DataError
        The address is neither a graph nor a server of a kind that is known.
    """
    kind, is_server, url = str(address).partition("+")
    if is_server and "://" in url and not Path(address).exists():
        from territory.travel.asking import Server
        from territory.travel.servers import KINDS

        if kind not in KINDS:
            fix = f"There are {', '.join(KINDS)}, as in osrm+http://localhost:5000."
            raise DataError([Problem(f"travel, '{kind}'", "no such kind of server is known.", fix)])
        return RememberedTravel(KINDS[kind](Server(url, key)), folder=folder)
    if "://" in str(address):
        fix = "Say it, as in osrm+http://localhost:5000."
        raise DataError([Problem("travel, server", "the address does not say what kind of server it is.", fix)])
    from territory.travel.storing import read_roads

    return RememberedTravel(read_roads(address))
