"""An independent answer to small days: the whole day as a constraint programme for OR-Tools' CP-SAT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class World:
    """A day as `solve_day` takes it, all minutes whole."""

    matrix: np.ndarray
    service: np.ndarray
    windows: list[list[tuple[float, float]]]
    prizes: np.ndarray
    mandatory: np.ndarray
    shift: tuple[float, float]
    pause: tuple[float, float, float] | None = None
    max_drive: float | None = None

    @property
    def asked(self) -> dict:
        """The arguments that `solve_day` and `check_day` share."""
        return vars(self).copy()


def random_world(
    seed: int, count: int = 6, *, musts: int = 0, pause: bool = False, cap: bool = False, is_wide: bool = False
) -> World:
    """Visits in a town of half an hour across, asymmetric times, some with one window, some with two; or thrice as wide
    around the start and the end."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 30, (count + 2, 2))
    if is_wide:
        xy *= 3
        xy[[0, -1]] = 45.0
    matrix = np.ceil(np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) * rng.uniform(1, 1.3, (count + 2,) * 2))
    windows = []
    for _ in range(count):
        begin = float(rng.integers(0, 180))
        kinds = [[(0.0, 300.0)], [(begin, begin + 40.0)], [(10.0, 80.0), (150.0, 260.0)]]
        windows.append(kinds[rng.integers(3)])
    must = np.zeros(count, bool)
    must[rng.permutation(count)[:musts]] = True
    return World(
        matrix=matrix,
        service=rng.integers(1, 9, count) * 5.0,
        windows=windows,
        prizes=rng.integers(0, 20, count).astype(float),
        mandatory=must,
        shift=(0.0, float(rng.integers(120, 300))),
        pause=(float(rng.integers(40, 90)), float(rng.integers(90, 140)), 30.0) if pause else None,
        max_drive=float(rng.integers(40, 110)) if cap else None,
    )


def best_value(world: World, objective: str) -> float | None:
    """The best that any route comes to: prize and then minutes as one number, None when the musts cannot be kept.

    "value" and "home": prize x 1000 - minutes of driving, or of return; "drive": prize - minutes of driving.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    m = len(world.service) + 2
    horizon = int(world.shift[1])
    service = [0, *world.service.astype(int).tolist(), 0]
    drive = _closed(world.matrix).astype(int)
    arrive, start, leave = ([model.new_int_var(0, horizon, "") for _ in range(m)] for _ in range(3))
    made = [model.new_bool_var("") for _ in range(m)]
    pause_before, pause_after = ([model.new_bool_var("") for _ in range(m)] for _ in range(2))
    begin = model.new_int_var(0, horizon, "")
    long = int(world.pause[2]) if world.pause else 0
    arcs, driven, pause_amid = [(m - 1, 0, model.new_constant(1))], [], []
    for i in range(m):
        model.add(leave[i] >= start[i] + service[i])
        model.add(start[i] >= arrive[i])
        model.add_implication(pause_before[i], made[i])
        model.add_implication(pause_after[i], made[i])
        model.add(begin >= arrive[i]).only_enforce_if(pause_before[i])
        model.add(start[i] >= begin + long).only_enforce_if(pause_before[i])
        model.add(begin >= start[i] + service[i]).only_enforce_if(pause_after[i])
        model.add(leave[i] >= begin + long).only_enforce_if(pause_after[i])
        if 0 < i < m - 1:
            arcs.append((i, i, made[i].negated()))
            inside = [model.new_bool_var("") for _ in world.windows[i - 1]]
            for is_in, (opens, closes) in zip(inside, world.windows[i - 1], strict=True):
                model.add(start[i] >= int(opens)).only_enforce_if(is_in)
                model.add(start[i] <= int(closes)).only_enforce_if(is_in)
            model.add_bool_or([made[i].negated(), *inside])
            if world.mandatory[i - 1]:
                model.add(made[i] == 1)
        for j in range(m):
            if i != j and j != 0 and i != m - 1:
                used = model.new_bool_var("")
                arcs.append((i, j, used))
                model.add(arrive[j] >= leave[i] + int(drive[i, j])).only_enforce_if(used)
                driven.append(int(drive[i, j]) * used)
                if world.pause:
                    amid = model.new_bool_var("")
                    pause_amid.append(amid)
                    model.add_implication(amid, used)
                    model.add(arrive[j] >= leave[i] + int(drive[i, j]) + long).only_enforce_if(amid)
                    model.add(begin >= leave[i]).only_enforce_if(amid)
                    model.add(arrive[j] >= begin + long).only_enforce_if(amid)
    model.add(made[0] == 1)
    model.add(made[m - 1] == 1)
    model.add_circuit(arcs)
    if world.pause:
        is_early = model.new_bool_var("")
        model.add(arrive[m - 1] <= int(world.pause[1])).only_enforce_if(is_early)
        model.add_linear_constraint(begin, int(world.pause[0]), int(world.pause[1]))
        model.add_exactly_one([is_early, *pause_before, *pause_after, *pause_amid])
        for none in (pause_before[0], pause_after[m - 1]):
            model.add(none == 0)
    if world.max_drive is not None:
        model.add(sum(driven) <= int(world.max_drive))
    prize = sum(int(p) * made[i + 1] for i, p in enumerate(world.prizes))
    minutes = start[m - 1] if objective == "home" else sum(driven)
    model.maximize((1 if objective == "drive" else 1000) * prize - minutes)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    if solver.solve(model) != cp_model.OPTIMAL:
        return None
    return solver.objective_value


def _closed(matrix: np.ndarray) -> np.ndarray:
    """Minutes when visits may be driven past, by trying every visit between."""
    minutes = matrix.copy()
    for k in range(1, len(matrix) - 1):
        for i in range(len(matrix)):
            for j in range(len(matrix)):
                minutes[i, j] = min(minutes[i, j], minutes[i, k] + minutes[k, j])
    np.fill_diagonal(minutes, 0)
    return minutes
