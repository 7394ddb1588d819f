"""A day in minutes: `solve_day` takes a matrix and says which visits to make, in which order, and how good that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from territory.errors import DataError, Problem
from territory.languages import Said
from territory.routing.checking import check_day
from territory.routing.exact import Proof, prove
from territory.routing.plan import DayPlan, Objective
from territory.routing.schedule import timetable
from territory.routing.sides import NEVER
from territory.routing.task import Task, bounds_of, close_triangles, possible_legs, sides_of, tightened

SECONDS = 60
STEPS = 130_000_000
"""Comparisons at effort 1, at most two seconds of one core."""
FINEST = 1_000_000_000
"""Prizes are told apart to this part of their sum."""
ROUNDING = 1e-6


def solve_day(
    matrix: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]] | None = None,
    prizes: np.ndarray | None = None,
    mandatory: np.ndarray | None = None,
    shift: tuple[float, float] = (480.0, 1020.0),
    *,
    pause: tuple[float, float, float] | None = None,
    max_drive: float | None = None,
    objective: Objective = "value",
    effort: float = 1.0,
    seed: int = 0,
) -> DayPlan:
    """The best day for one rep among visits that may or must be made, with its proof.

    Parameters
    ----------
    matrix : (n + 2, n + 2) float, minutes from row to column: 0 the start, 1 to n the visits, n + 1 the end
        Inf where there is no way. Legs are shortened where it is faster to drive past another visit.
    service : (n,) float, minutes of each visit
    windows : n lists of (open, close), minutes since midnight; service must start within one. By default always
    prizes : (n,) float, at least 0; what each visit is worth. By default 1 each
    mandatory : (n,) bool, visits that must be made. By default none
    shift : (start, end), minutes since midnight
    pause : (earliest, latest, minutes): a break that begins between these two, at a stop before or after its visit, at
        the day's start, or on the way, where it interrupts a drive. A day that is over by `latest`, or begins after it,
        needs none
    max_drive : minutes of driving that the day may have
    objective : "value" is the largest prize, then the least drive; "home" the largest prize, then the earliest return;
        "drive" the least drive, where a visit that need not be made is made if its prize, in minutes, pays its detour
    effort : multiplies the steps that the proof may take; 1 is about two seconds at most, 0 gives a good plan unproven
    seed : of the search that tries to better what could not be proven

    Returns
    -------
    DayPlan

    Raises
    ------
    DataError
        Shapes that do not fit together, times or prizes that cannot be: every fault is listed.

    Notes
    -----
    Everything is counted in whole seconds: drives and services rounded up, windows inwards. Within that it is exact;
    the method is told in `territory.routing.exact`.
    """
    asked = Asked.of(matrix, service, windows, prizes, mandatory, shift, pause, max_drive, objective)
    task = asked.task()
    impossible = _impossible(task, asked)
    code = np.zeros(asked.count + 2, bool)
    code[[visit + 1 for visit in impossible]] = True
    lost = [visit for visit in impossible if asked.mandatory[visit]]
    smaller, kept = task.without(code)
    reasons = [_alone(visit, impossible[visit]) for visit in lost] + _conflicts(smaller, kept)
    proof = _proven(relaxed(smaller) if reasons else smaller, effort, seed)
    if proof.worth is None:
        reasons = [_together(smaller, kept, proof)]
        proof = _proven(relaxed(smaller), effort, seed)
    plan = asked.plan(smaller, kept, proof, impossible, tuple(reasons))
    _check(plan, asked)
    return plan


def solve_whole_day(
    matrix: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]],
    prizes: np.ndarray,
    shift: tuple[float, float],
    *,
    pause: tuple[float, float, float] | None,
    max_drive: float | None,
    objective: Objective,
    effort: float,
    seed: int,
) -> DayPlan | None:
    """The best day on which every visit is made, None when none was found; parameters as of `solve_day`."""
    everyone = np.ones(len(service), bool)
    asked = Asked.of(matrix, service, windows, prizes, everyone, shift, pause, max_drive, objective)
    task = asked.task()
    places = np.arange(asked.count + 2)
    if _impossible(task, asked) or _conflicts(task, places):
        return None
    proof = _proven(task, effort, seed)
    if proof.worth is None:
        return None
    plan = asked.plan(task, places, proof, {}, ())
    _check(plan, asked)
    return plan


def _check(plan: DayPlan, asked: Asked) -> None:
    faults = check_day(plan, **asked.rules)
    if faults:
        raise AssertionError(f"A route was found that does not hold: {'; '.join(map(str, faults))}")


def asked_task(
    matrix: np.ndarray,
    service: np.ndarray,
    windows: Sequence[Sequence[tuple[float, float]]] | None,
    prizes: np.ndarray | None,
    shift: tuple[float, float],
    pause: tuple[float, float, float] | None,
    max_drive: float | None,
) -> tuple[Asked, Task]:
    """What was asked for, checked, and as a task whose worth is the prizes alone, each `prize_weight` times."""
    asked = Asked.of(matrix, service, windows, prizes, None, shift, pause, max_drive, "value")
    task = asked.task()
    return asked, replace(task, cost=np.zeros_like(task.cost))


@dataclass(frozen=True, eq=False)
class Asked:
    """What was asked for, checked, and in the shapes of the docstring."""

    matrix: np.ndarray
    service: np.ndarray
    windows: Sequence[Sequence[tuple[float, float]]]
    prizes: np.ndarray
    mandatory: np.ndarray
    shift: tuple[float, float]
    pause: tuple[float, float, float] | None
    max_drive: float | None
    objective: Objective

    @classmethod
    def of(
        cls,
        matrix: np.ndarray,
        service: np.ndarray,
        windows: Sequence[Sequence[tuple[float, float]]] | None,
        prizes: np.ndarray | None,
        mandatory: np.ndarray | None,
        shift: tuple[float, float],
        pause: tuple[float, float, float] | None,
        max_drive: float | None,
        objective: Objective,
    ) -> Asked:
        """What was asked for with what was left out filled in; DataError tells every fault."""
        matrix, service = np.asarray(matrix, float), np.asarray(service, float)
        n = len(service)
        windows = [[shift]] * n if windows is None else windows
        prizes = np.ones(n) if prizes is None else np.asarray(prizes, float)
        mandatory = np.zeros(n, bool) if mandatory is None else np.asarray(mandatory, bool)
        asked = cls(matrix, service, windows, prizes, mandatory, shift, pause, max_drive, objective)
        problems = asked._faults()
        if problems:
            raise DataError(problems)
        return asked

    @property
    def rules(self) -> dict:
        """What the independent check judges a plan by."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "objective"}

    @property
    def count(self) -> int:
        return len(self.service)

    def _faults(self) -> list[Problem]:
        n, problems = self.count, []
        if self.matrix.shape != (n + 2, n + 2):
            shape = " x ".join(map(str, self.matrix.shape))
            problems.append(Problem("matrix", f"It is {shape}.", f"Give {n + 2} x {n + 2}: start, {n} visits, end."))
        elif np.isnan(self.matrix).any() or (self.matrix < 0).any():
            problems.append(Problem("matrix", "It has minutes that are missing or below 0.", "Give inf for no way."))
        counts = {"windows": len(self.windows), "prizes": len(self.prizes), "mandatory": len(self.mandatory)}
        for name, count in counts.items():
            if count != n:
                problems.append(Problem(name, f"There are {count} for {n} visits.", "Give one a visit."))
        for name, numbers in {"service": self.service, "prizes": self.prizes}.items():
            if not np.isfinite(numbers).all() or (numbers < 0).any():
                problems.append(Problem(name, "It has values that are not numbers from 0 up.", "Give numbers from 0."))
        if not (np.isfinite(self.shift).all() and self.shift[0] <= self.shift[1]):
            problems.append(Problem("shift", f"{self.shift} is no span of time.", "Give (start, end) in minutes."))
        if self.pause is not None and not (
            np.isfinite(self.pause).all() and self.pause[0] <= self.pause[1] and self.pause[2] >= 0
        ):
            problems.append(
                Problem("pause", f"{self.pause} is no pause.", "Give (earliest, latest, minutes), earliest first.")
            )
        if self.objective not in ("value", "drive", "home"):
            problems.append(Problem("objective", f"'{self.objective}' is none.", "Give 'value', 'drive' or 'home'."))
        return problems

    @property
    def prize_units(self) -> float:
        """Whole numbers that a prize of 1 counts as."""
        total = float(self.prizes.sum())
        is_whole = total <= FINEST and bool((self.prizes == np.round(self.prizes)).all())
        return 1.0 if is_whole or total == 0 else FINEST / total

    @property
    def prize_weight(self) -> int:
        """What a unit of prize counts beside a second: more than any day has."""
        return _up(self.shift[1] - self.shift[0]) + 1

    def task(self) -> Task:
        """The day in whole seconds from the shift's start, tightened and closed."""
        n, begin = self.count, self.shift[0]
        horizon = _down(self.shift[1] - begin)
        far = horizon + 1
        drive = np.ceil(np.minimum(self.matrix * SECONDS - ROUNDING, far)).astype(np.int64)
        np.fill_diagonal(drive, 0)
        # Nobody drives through the start or the end: they may stand for anywhere.
        drive[1:, 0] = drive[-1, :-1] = far
        close_triangles(drive)
        service = np.zeros(n + 2, np.int64)
        service[1:-1] = np.ceil(self.service * SECONDS - ROUNDING)
        window_of, opens, closes = tightened(drive, service, *_windows(self.windows, begin, horizon), horizon)
        prizes = np.zeros(n + 2, np.int64)
        is_lexical = self.objective != "drive"
        scale = self.prize_units if is_lexical else SECONDS
        prizes[1:-1] = np.round(self.prizes * scale)
        must = np.zeros(n + 2, bool)
        must[1:-1] = self.mandatory
        return Task(
            drive=drive,
            reach=drive,
            cost=np.zeros_like(drive) if self.objective == "home" else drive.copy(),
            service=service,
            worth=prizes * (self.prize_weight if is_lexical else 1),
            window_of=window_of,
            opens=opens,
            closes=closes,
            must=must,
            horizon=horizon,
            pause=self._pause(horizon),
            most_drive=int(NEVER) if self.max_drive is None else _down(self.max_drive),
            pays_time=self.objective == "home",
        )

    def _pause(self, horizon: int) -> tuple[int, int, int]:
        if self.pause is None or self.pause[2] == 0 or self.pause[1] < self.shift[0]:
            return 0, 0, 0
        begin, until = (moment - self.shift[0] for moment in self.pause[:2])
        return max(_up(begin), 0), min(_down(until), horizon), _up(self.pause[2])

    def plan(
        self, task: Task, kept: np.ndarray, proof: Proof, impossible: dict[int, str], reasons: tuple[Problem, ...]
    ) -> DayPlan:
        """The proven route in minutes since midnight."""
        side = sides_of(task)[0]
        route = np.array(proof.route, np.int64)
        times = timetable(side, proof.route)
        legs = side.drive[np.append(0, route), np.append(route, len(task.service) - 1)]
        begin = self.shift[0]
        if times is None:
            what = "The end cannot be reached from the start within the shift."
            raise DataError([Problem("matrix, shift", what, "Give a longer shift, or another end.")])
        clock = _clock(task, route, legs, times.starts, times.pause_leg)
        visits = kept[route] - 1
        prize = float(self.prizes[visits].sum())
        figures = self.figures(proof, prize, legs.sum() / SECONDS, times.back)
        if reasons:
            figures["status"] = "infeasible"
        minutes = {name: begin + values / SECONDS for name, values in clock.items() if name not in ("wait", "pause")}
        return DayPlan(
            order=visits,
            wait=clock["wait"] / SECONDS,
            home=begin + times.back / SECONDS,
            pause=None if clock["pause"] is None else begin + clock["pause"] / SECONDS,
            pause_leg=times.pause_leg,
            drive=float(legs.sum()) / SECONDS,
            prize=prize,
            impossible=impossible,
            reasons=reasons,
            steps=proof.steps,
            **minutes,
            **figures,
        )

    def figures(self, proof: Proof, prize: float, drive: float, back: int) -> dict[str, Any]:
        """Objective, bound, least, gap and status from the proof's whole numbers."""
        is_known = proof.bound < NEVER
        weight, units = self.prize_weight, self.prize_units
        if self.objective == "drive":
            objective = drive - prize
            bound = -proof.bound / SECONDS if is_known else -np.inf
            gap = (objective - bound) / max(abs(bound), 1.0) if is_known else np.inf
            least = drive if proof.is_proven else np.nan
        else:
            objective = prize
            most = -(-proof.bound // weight)
            held = -(-(proof.worth or 0) // weight)
            bound = most / units if is_known else np.inf
            second = (weight * held - proof.bound) / SECONDS
            least = second if is_known and most == held else np.nan
            spent = drive if self.objective == "value" else back / SECONDS
            if not is_known:
                gap = np.inf
            elif most > held:
                gap = (most - held) / most
            else:
                gap = (spent - second) / max(second, 1.0)
            if self.objective == "home":
                least += self.shift[0]
        if proof.is_proven:
            bound, gap = objective, 0.0
        status = "optimal" if proof.is_proven else "gap" if is_known else "heuristic"
        return {"objective": objective, "bound": bound, "least": least, "gap": float(gap), "status": status}


def _up(minutes: float) -> int:
    return int(np.ceil(minutes * SECONDS - ROUNDING))


def _down(minutes: float) -> int:
    return int(np.floor(minutes * SECONDS + ROUNDING))


def _windows(
    windows: Sequence[Sequence[tuple[float, float]]], begin: float, horizon: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of every place in seconds from `begin`, ascending and apart, the start's and the end's included."""
    spans: list[list[tuple[int, int]]] = [[(0, horizon)]]
    for given in windows:
        joined: list[tuple[int, int]] = []
        for opens, closes in sorted((_up(o - begin), _down(c - begin)) for o, c in given):
            first, last = max(opens, 0), min(closes, horizon)
            if first > last:
                continue
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        spans.append(joined)
    spans.append([(0, horizon)])
    of = np.concatenate([[0], np.cumsum([len(span) for span in spans])])
    flat = np.array([pair for span in spans for pair in span], np.int64).reshape(-1, 2)
    return of, np.ascontiguousarray(flat[:, 0]), np.ascontiguousarray(flat[:, 1])


def _impossible(task: Task, asked: Asked) -> dict[int, str]:
    """Visits that cannot be made even alone, with the reason."""
    _, latest = bounds_of(task.window_of, task.opens, task.closes)
    reasons = {}
    for visit in np.flatnonzero(latest[1:-1] < 0).tolist():
        place = visit + 1
        given = [
            (max(opens, asked.shift[0]), min(closes, asked.shift[1]))
            for opens, closes in asked.windows[visit]
            if min(closes, asked.shift[1]) >= max(opens, asked.shift[0])
        ]
        reached = asked.shift[0] + task.drive[0, place] / SECONDS
        if not given:
            reasons[visit] = "closed"
        elif all(closes < reached for _, closes in given):
            reasons[visit] = "unreachable"
        else:
            reasons[visit] = "too long"
    return reasons


_ALONE = {
    "closed": Said("It has no opening hours within the shift.", "工作时间内没有营业时段。"),
    "unreachable": Said("It closes before it can be reached.", "赶到之前就已停止营业。"),
    "too long": Said("Drive and visit take longer than the shift.", "行车与拜访超出工作时间。"),
}


def _alone(visit: int, reason: str) -> Problem:
    said = _ALONE[reason]
    zh = f"拜访 {visit}：{said.zh}请改变时间，或不设为必访。"
    return Problem(f"visit {visit}", said.en, "Give it another time, or do not make it a must.", zh)


def _conflicts(task: Task, kept: np.ndarray) -> list[Problem]:
    """Pairs of musts that cannot both be made, in either order."""
    earliest, latest = bounds_of(task.window_of, task.opens, task.closes)
    follows, _ = possible_legs(task.reach, task.service, earliest, latest, task.must)
    musts = np.flatnonzero(task.must)
    return [
        Problem(
            f"visits {kept[i] - 1} and {kept[j] - 1}",
            "Both must be made, and neither can be reached in time from the other.",
            "Move one of them to another time or day.",
            f"拜访 {kept[i] - 1} {kept[j] - 1}：都必须拜访，但彼此之间来不及赶到。请把其中之一改到其他时间或日期。",
        )
        for at, i in enumerate(musts)
        for j in musts[at + 1 :]
        if not follows[i, j] and not follows[j, i]
    ]


def _together(task: Task, kept: np.ndarray, proof: Proof) -> Problem:
    musts = [str(kept[i] - 1) for i in np.flatnonzero(task.must)]
    what = Said("No route with all of them was found.", "没有找到能全部拜访的路线。")
    if proof.is_proven:
        what = Said("No route makes all of them.", "没有路线能全部拜访。")
    fix = "Give a longer shift or more driving, or do not make all of them musts."
    zh = f"拜访 {' '.join(musts)}：{what.zh}请延长工作时间或行车时间，或不全部设为必访。"
    return Problem(f"visits {', '.join(musts)}", what.en, fix, zh)


def relaxed(task: Task) -> Task:
    """The task with its musts as visits worth more than all others together."""
    large = int(task.worth.sum() + task.cost.max() * len(task.cost) + task.horizon + 1)
    return replace(task, worth=task.worth + large * task.must, must=np.zeros_like(task.must))


def _proven(task: Task, effort: float, seed: int) -> Proof:
    return prove(task, budget=int(STEPS * effort), seed=seed)


def _clock(task: Task, route: np.ndarray, legs: np.ndarray, starts: np.ndarray, pause_leg: int) -> dict:
    """Seconds at which each stop is reached, waited at, begun and left, the day's start is left and the pause begins.

    The start is left as late as the first visit allows.
    """
    k = len(route)
    leave = starts + task.service[route]
    begin, until, long = task.pause
    arrive = np.empty(k, np.int64)
    pause = None
    depart = 0
    for leg in range(k + 1):
        ready = 0 if leg == 0 else int(leave[leg - 1])
        there = ready + int(legs[leg])
        if leg == pause_leg:
            if leg == 0 and k:
                pause, there, depart = _pause_at_first(int(starts[0]), int(legs[0]), task.pause)
            elif there <= until:
                pause = max(there, begin)
            else:
                pause = max(ready, begin)
                there += long
                if leg == 0 and pause == ready:
                    depart = long
        elif leg == 0 and k:
            there = int(starts[0])
            depart = there - int(legs[0])
        if leg < k:
            arrive[leg] = there
    wait = starts - arrive
    if pause is not None and 0 <= pause_leg < k and pause >= arrive[pause_leg]:
        wait[pause_leg] -= long
    return {"arrive": arrive, "wait": wait, "start": starts, "leave": leave, "depart": depart, "pause": pause}


def _pause_at_first(start: int, leg: int, pause: tuple[int, int, int]) -> tuple[int, int, int]:
    """When a pause on the first leg begins, the first stop is reached, and the day's start is left."""
    begin, until, long = pause
    on_arrival = min(until, start - long)
    if on_arrival - leg >= 0 and on_arrival >= begin:
        return on_arrival, on_arrival, on_arrival - leg
    # The drive is too long for a pause on arrival: it is interrupted, or begun after the pause.
    last = start - long - leg
    if last < begin:
        return begin, start, last
    return min(last, until), start, start - leg
