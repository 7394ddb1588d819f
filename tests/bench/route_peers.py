"""The open peers on the literature's instances, each as its own documentation would have it used.

Seconds are processor seconds, as ours are: other work on the machine takes nothing from anybody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from tests.bench.instances import Instance

SEED = 7
PRIZED = 10_000
"""What a prize counts beside a unit of distance; with prizes alone PyVRP comes out 4.7 % below the best known."""
PATIENCE = 10
"""So many times as long may pass by the clock, where a peer cannot count processor seconds."""


def is_over(seconds: float) -> Callable[..., bool]:
    """Whether so many processor seconds have passed since now."""
    until = time.process_time() + seconds
    return lambda *_: time.process_time() > until


def pyvrp(instance: Instance, seconds: float) -> int | None:
    """Optional clients with prizes, or required ones and the distance."""
    from pyvrp import Model

    model = Model()
    horizon = int(instance.closes[0])
    places = [model.add_location(0, 0) for _ in instance.service]
    depot = model.add_depot(places[0])
    model.add_vehicle_type(
        instance.vehicles,
        start_depot=depot,
        end_depot=depot,
        tw_early=0,
        tw_late=horizon,
        unit_distance_cost=1,
    )
    for i in range(1, len(places)):
        model.add_client(
            places[i],
            service_duration=int(instance.service[i]),
            tw_early=int(instance.opens[i]),
            tw_late=int(min(instance.closes[i], horizon)),
            prize=0 if instance.is_tour else PRIZED * int(instance.prizes[i]),
            required=instance.is_tour,
        )
    for i, here in enumerate(places):
        for j, there in enumerate(places):
            if i != j:
                drive = int(instance.drive[i, j])
                model.add_edge(here, there, distance=drive, duration=drive)
    found = model.solve(is_over(seconds), seed=SEED, display=False)
    if not found.is_feasible():
        return None
    if instance.is_tour:
        return int(found.best.distance())
    return int(found.best.prizes()) // PRIZED


def vroom(instance: Instance, seconds: float) -> int | None:
    """Jobs with priorities from 0 to 100, which come before the travel; its effort is a level, not a time."""
    import vroom as engine

    problem = engine.Input()
    problem.set_durations_matrix("car", np.minimum(instance.drive, 2**31 - 1).astype(np.uint32))
    horizon = int(instance.closes[0])
    for number in range(instance.vehicles):
        problem.add_vehicle(engine.Vehicle(number, start=0, end=0, time_window=engine.TimeWindow(0, horizon)))
    top = max(int(instance.prizes.max()), 1)
    for i in range(1, len(instance.service)):
        window = engine.TimeWindow(int(instance.opens[i]), int(min(instance.closes[i], horizon)))
        priority = 0 if instance.is_tour else int(np.ceil(100 * instance.prizes[i] / top))
        service = int(instance.service[i])
        problem.add_job(engine.Job(i, location=i, default_service=service, time_windows=[window], priority=priority))
    found = problem.solve(exploration_level=5, nb_threads=1)
    made = [int(step) for step in found.routes.loc[found.routes["type"] == "job", "location_index"]]
    if instance.is_tour:
        return int(found.summary.duration) if len(made) == len(instance.service) - 1 else None
    return int(instance.prizes[made].sum())


def or_tools(instance: Instance, seconds: float) -> int | None:
    """Its routing library: every visit a disjunction with its prize as penalty; tabu search, first as it comes."""
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    count = len(instance.service)
    manager = pywrapcp.RoutingIndexManager(count, instance.vehicles, 0)
    model = pywrapcp.RoutingModel(manager)
    drive, service = instance.drive.tolist(), instance.service.tolist()
    node = manager.IndexToNode
    way = model.RegisterTransitCallback(lambda a, b: drive[node(a)][node(b)])
    spent = model.RegisterTransitCallback(lambda a, b: service[node(a)] + drive[node(a)][node(b)])
    nothing = model.RegisterTransitCallback(lambda a, b: 0)
    model.SetArcCostEvaluatorOfAllVehicles(way if instance.is_tour else nothing)
    horizon = int(instance.closes[0])
    model.AddDimension(spent, horizon, horizon, False, "time")
    clock = model.GetDimensionOrDie("time")
    for i in range(1, count):
        index = manager.NodeToIndex(i)
        if instance.opens[i] > min(instance.closes[i], horizon):
            continue
        clock.CumulVar(index).SetRange(int(instance.opens[i]), int(min(instance.closes[i], horizon)))
        if not instance.is_tour:
            model.AddDisjunction([index], int(instance.prizes[i]))
    asked = pywrapcp.DefaultRoutingSearchParameters()
    asked.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    asked.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.TABU_SEARCH
    asked.time_limit.FromMilliseconds(int(1000 * PATIENCE * seconds))
    model.AddSearchMonitor(model.solver().CustomLimit(is_over(seconds)))
    found = model.SolveWithParameters(asked)
    if found is None:
        return None
    if instance.is_tour:
        return int(found.ObjectiveValue())
    return int(instance.prizes.sum() - found.ObjectiveValue())


PEERS: dict[str, Callable[[Instance, float], int | None]] = {
    name: solve
    for name, module, solve in [
        ("PyVRP", "pyvrp", pyvrp),
        ("VROOM", "vroom", vroom),
        ("OR-Tools", "ortools", or_tools),
    ]
    if find_spec(module)
}
