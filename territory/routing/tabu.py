"""OR-Tools goes on from a route that could not be proven: its neighbourhoods find what ruins and labels have missed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from territory.routing.sides import NEVER
from territory.routing.task import Task

LOOKS = 50_000
"""Neighbours looked at, a twentieth of a second; more of them gain nothing more."""


def go_on_from(task: Task, route: Sequence[int], *, looks: int = LOOKS) -> list[int]:
    """The best route that OR-Tools comes to by tabu search (Glover 1989, ORSA Journal on Computing 1(3)), as places.

    Every visit that need not be made is a disjunction with its worth as penalty. It is the given route where OR-Tools
    cannot begin from that. A break is always taken here, even on a day so short that it owes none: such a route may
    come back worse.
    """
    from ortools.constraint_solver import pywrapcp

    m = len(task.service)
    places = pywrapcp.RoutingIndexManager(m, 1, [0], [m - 1])
    model = pywrapcp.RoutingModel(places)
    model.SetArcCostEvaluatorOfAllVehicles(model.RegisterTransitMatrix(task.cost.tolist()))
    _add_time(model, places, task)
    if task.most_drive < NEVER:
        drive = model.RegisterTransitMatrix(task.drive.tolist())
        model.AddDimension(drive, 0, int(task.most_drive), True, "drive")
    for place in np.flatnonzero(~task.must[1:-1]) + 1:
        model.AddDisjunction([places.NodeToIndex(int(place))], int(task.worth[place]))
    asked = _parameters()
    model.CloseModelWithParameters(asked)
    # Without a limit tabu search never ends; the clock's would not always come to the same.
    looked = count(1)
    model.AddSearchMonitor(model.solver().CustomLimit(lambda: next(looked) > looks))
    start = model.ReadAssignmentFromRoutes([[int(place) for place in route]], True)
    found = None if start is None else model.SolveFromAssignmentWithParameters(start, asked)
    if found is None:
        return list(route)
    driven: list[int] = []
    at = found.Value(model.NextVar(model.Start(0)))
    while not model.IsEnd(at):
        driven.append(places.IndexToNode(at))
        at = found.Value(model.NextVar(at))
    return driven


def _add_time(model: Any, places: Any, task: Task) -> None:
    """Windows, the break, and the time of return where that is paid."""
    spent = model.RegisterTransitMatrix((task.drive + task.service[:, None]).tolist())
    model.AddDimension(spent, task.horizon, task.horizon, False, "time")
    clock = model.GetDimensionOrDie("time")
    for place in range(1, len(task.service) - 1):
        windows = slice(task.window_of[place], task.window_of[place + 1])
        opens, closes = task.opens[windows].tolist(), task.closes[windows].tolist()
        if not opens:
            model.ActiveVar(places.NodeToIndex(place)).SetValue(0)
            continue
        start = clock.CumulVar(places.NodeToIndex(place))
        start.SetRange(opens[0], closes[-1])
        for shut, open_again in zip(closes[:-1], opens[1:], strict=True):
            start.RemoveInterval(shut + 1, open_again - 1)
    if task.pays_time:
        clock.SetCumulVarSoftUpperBound(model.End(0), 0, 1)
    begin, until, long = map(int, task.pause)
    if long:
        pause = model.solver().FixedDurationIntervalVar(begin, until, long, False, "pause")
        clock.SetBreakIntervalsOfVehicle([pause], 0, task.service.tolist())


def _parameters() -> Any:
    """Tabu search without what is cut off by the clock: the searches of large neighbourhoods."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2
    from ortools.util import optional_boolean_pb2

    asked = pywrapcp.DefaultRoutingSearchParameters()
    asked.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.TABU_SEARCH
    # Far from ever being reached; without one it warns on the terminal.
    asked.time_limit.FromSeconds(3600)
    for name in ("use_path_lns", "use_full_path_lns", "use_inactive_lns", "use_tsp_lns"):
        setattr(asked.local_search_operators, name, optional_boolean_pb2.BOOL_FALSE)
    return asked
