"""Prices that balance: the dual of sharing units out among centres, smoothed and solved by Newton's method.

For fixed centres, the cheapest fractional assignment under a band on every measure is a linear programme.
Its dual puts a price on each measure at each centre. The minimum over centres is smoothed by an entropy
term whose temperature follows the local cell (one temperature for all would blur city cells away), the
prices are raised by damped Newton steps, and the temperature is lowered.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.spatial import cKDTree

from territory.kernels import kernel
from territory.numeric import apart, exp_negative, log_small, narrow_order, solve_positive
from territory.threads import threads

COLD = 12.0
"""A centre this many temperatures dearer than the best gets no part of a unit."""
NEVER = 1e280
"""What is offered where a unit may not be."""
WORTH_A_STEP = 1e-5
"""A step that raises the dual by less than this part of it is idle."""
FEW = 16
"""Up to this many centres, it is quicker to look at all of them than to build a tree."""
STEEPEST = 1e90
"""A price over its scale beyond which nothing is smoothed any more: its cube is still a number."""
WORTH_A_THREAD = 2000
"""Units that take longer than it takes to wake a thread."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Offers:
    """What each unit could cost at the centres near it, per unit of mass.

    centre (n, c) int; cost (n, c) float; ratio (n, q) each measure over the mass; mass (n,).
    """

    centre: np.ndarray
    cost: np.ndarray
    ratio: np.ndarray
    mass: np.ndarray
    xy: np.ndarray

    def temperature(self, centres: np.ndarray) -> np.ndarray:
        """(n,) the scale on which each unit's choice of centre is decided: its nearest centre's cell, squared."""
        spacing = cKDTree(centres).query(centres, k=2)[0][:, 1] ** 2 if len(centres) > 1 else np.ones(1)
        if len(centres) > FEW:
            distance, index = _nearest(centres, self.xy, 1)
            nearest, away = index[:, 0], distance[:, 0] ** 2
        else:
            every = _away(centres, self.xy)
            nearest = every.argmin(axis=1)
            away = every[np.arange(len(every)), nearest]
        return np.maximum(spacing[nearest], away * 0.5) + 1e-12


def _away(centres: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """(n, K) the squared distances of all centres."""
    return (xy[:, :1] - centres[:, 0]) ** 2 + (xy[:, 1:] - centres[:, 1]) ** 2


def _nearest(centres: np.ndarray, xy: np.ndarray, near: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances (n, near) of the nearest centres, and which they are."""
    return cKDTree(centres).query(xy, k=range(1, near + 1), workers=2 if len(xy) > WORTH_A_THREAD else 1)


@kernel()
def _smoothed(centre, cost, ratio, mass, xy, warm, price, gradient, hessian, soft, now, part, held):
    """Smoothed dual value; adds loads to `gradient` (K, q), soft sums to `soft`, and half the curvature to `hessian`.

    The curvature is `hessian` and its transpose: of two centres that share a unit, one has what both have.
    """
    n, c = centre.shape
    q = ratio.shape[1]
    value = 0.0
    for i in range(n):
        best = 1e300
        for s in range(c):
            j = centre[i, s]
            total = cost[i, s]
            for t in range(q):
                total += price[j, t] * ratio[i, t]
            now[s] = total
            if total < best:
                best = total
        eps = warm[i]
        count = 0
        norm = 0.0
        for s in range(c):
            if now[s] - best < COLD * eps:
                p = exp_negative((best - now[s]) / eps)
                held[count] = centre[i, s]
                part[count] = p
                norm += p
                count += 1
        value += mass[i] * (best - eps * log_small(norm))
        for u in range(count):
            part[u] /= norm
            j = held[u]
            w = mass[i] * part[u]
            soft[j, 0] += w
            soft[j, 1] += w * xy[i, 0]
            soft[j, 2] += w * xy[i, 1]
            for t in range(q):
                gradient[j, t] += w * ratio[i, t]
        if count > 1:
            for u in range(count):
                for v in range(u, count):
                    h = -part[u] * part[v] if u < v else 0.5 * part[u] * (1.0 - part[u])
                    h *= mass[i] / eps
                    for t in range(q):
                        for r in range(q):
                            hessian[held[u] * q + t, held[v] * q + r] += h * ratio[i, t] * ratio[i, r]
    return value


def cheapest(
    xy: np.ndarray,
    mass: np.ndarray,
    ratio: np.ndarray,
    centres: np.ndarray,
    travel: np.ndarray,
    allowed: np.ndarray,
    start: np.ndarray,
    handover: np.ndarray,
    movable: np.ndarray,
    price: np.ndarray,
    label: np.ndarray,
) -> float:
    """Each unit's cheapest centre at these prices, over all centres; returns the sum of its costs.

    handover (n,) is the price of leaving `start` (-1: none). Units that may not move stay. travel (n, K) is what a
    unit of mass costs at each centre, its squared distance where there are no rows; allowed (n, K) likewise.
    """
    by_unit = (xy, mass, ratio, travel, allowed, start, handover, movable, label)

    def part(rows: slice) -> float:
        return _cheapest(centres, price, *(values[rows] for values in by_unit))

    with threads(2) as pool:
        return sum(_in_halves(part, len(mass), pool))


@kernel()
def _cheapest(centres, price, xy, mass, ratio, travel, allowed, start, handover, movable, label):
    n = mass.size
    q = ratio.shape[1]
    total = 0.0
    for i in range(n):
        best = 1e300
        chosen = start[i] if start[i] >= 0 else 0
        for j in range(len(centres)):
            if not movable[i] and j != start[i]:
                continue
            if movable[i] and allowed.shape[0] > 0 and not allowed[i, j]:
                continue
            if travel.shape[0] > 0:
                cost = travel[i, j]
            else:
                cost = (xy[i, 0] - centres[j, 0]) ** 2 + (xy[i, 1] - centres[j, 1]) ** 2
            for t in range(q):
                cost += price[j, t] * ratio[i, t]
            if start[i] >= 0 and start[i] != j:
                cost += handover[i] / mass[i]
            if cost < best:
                best = cost
                chosen = j
        label[i] = chosen
        total += mass[i] * best
    return total


@dataclass(frozen=True)
class Bands:
    """What each territory should hold of each measure, (K, q) each: wanted, least and most load.

    ideal (q,): what a squared deviation costs a whole share, squared lengths; 0 where any load in the band is as good.
    """

    wanted: np.ndarray
    least: np.ndarray
    most: np.ndarray
    ideal: np.ndarray

    def at(self, price: np.ndarray) -> float:
        """The most that the prices (K, q) take off the dual: max over loads in the bands of price x load - cost."""
        load = np.where(price > 0, self.most, self.least)
        has = np.broadcast_to(self.ideal > 0, price.shape)
        best = self.wanted * (1 + price / (2 * np.where(has, self.ideal, 1.0)))
        load = np.where(has, np.clip(best, self.least, self.most), load)
        return float((price * load - self.ideal * (load - self.wanted) ** 2 / self.wanted).sum())

    def smoothed(self, price: np.ndarray, blunt: float) -> tuple[float, np.ndarray, np.ndarray]:
        """The same rounded off below `blunt`, the loads (K, q) that attain it, and how they change with the price."""
        middle, half = (self.most + self.least) / 2, np.maximum((self.most - self.least) / 2, 1e-12)
        scale = blunt + 2 * self.ideal * half / self.wanted
        lean = (self.wanted - middle) / half + price / scale if (self.ideal > 0).any() else price / scale
        lean = np.clip(lean, -STEEPEST, STEEPEST)
        length = np.sqrt(1 + lean * lean)
        value = float((price * middle + half * scale * length).sum())
        return value, middle + half * lean / length, half / (scale * length**3)


def raise_prices(
    offers: Offers,
    warm: np.ndarray,
    price: np.ndarray,
    target: np.ndarray,
    *,
    steps: int,
    enough: float,
    patience: int = 1000,
    bands: Bands | None = None,
    blunt: float = 0.0,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Damped Newton (Levenberg 1944, Marquardt 1963) on the smoothed, concave dual.

    Parameters
    ----------
    price, target : (K, q) start prices; the load that each centre should hold
    patience : idle steps in a row after which the dual is as high as it gets
    bands : where loads may be instead of at `target`; the corners of their dual are rounded off below `blunt`

    Returns
    -------
    price : (K, q); error : largest |load / target - 1|; soft : (K, 3) soft sums of mass, mass x, mass y
    """
    size = price.size

    def evaluate(z: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        value, gradient, hessian, soft = _smoothed_at(offers, warm, z, pool)
        if bands is None:
            return value - float((z * target).sum()), gradient - target, hessian, soft
        taken, load, slope = bands.smoothed(z, blunt)
        hessian[np.arange(size), np.arange(size)] += slope.ravel()
        return value - taken, gradient - load, hessian, soft

    with threads(2) as pool:
        return _climb(evaluate, price, target, steps, enough, patience)


Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray, np.ndarray]]


def _climb(
    evaluate: Evaluate, price: np.ndarray, target: np.ndarray, steps: int, enough: float, patience: int
) -> tuple[np.ndarray, float, np.ndarray]:
    """What `raise_prices` returns, for a dual whose value, gradient, curvature and soft sums `evaluate` tells."""
    shape = price.shape
    value, gradient, hessian, soft = evaluate(price)
    order = narrow_order(hessian)
    damping, idle = 1e-3, 0
    for _ in range(steps):
        if np.abs(gradient / target).max() < enough or idle == patience:
            break
        diagonal = np.diag(hessian).copy()
        diagonal = np.maximum(diagonal, 1e-3 * diagonal.mean() + 1e-300)
        for _try in range(8):
            damped = hessian + np.diag(damping * diagonal)
            step = solve_positive(damped, gradient.ravel(), order)
            gain = float((gradient.ravel() * step).sum())
            if gain <= 0:
                damping = max(damping * 8, 1e-4)
                continue
            trial = evaluate(price + step.reshape(shape))
            if trial[0] > value + 0.05 * gain:
                break
            damping = max(damping * 8, 1e-4)
        else:
            break
        if trial[0] - value > 0.35 * gain:
            damping = max(damping / 8, 1e-9)
        idle = idle + 1 if trial[0] - value < WORTH_A_STEP * abs(value) else 0
        price = price + step.reshape(shape)
        value, gradient, hessian, soft = trial
    return price, float(np.abs(gradient / target).max()), soft


def _smoothed_at(
    offers: Offers, warm: np.ndarray, price: np.ndarray, pool: Executor
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Value, loads, curvature and soft sums of the smoothed dual."""
    (count, q), near = price.shape, offers.centre.shape[1]

    def part(rows: slice) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        gradient, hessian, soft = np.zeros((count, q)), np.zeros((count * q, count * q)), np.zeros((count, 3))
        value = _smoothed(
            offers.centre[rows],
            offers.cost[rows],
            offers.ratio[rows],
            offers.mass[rows],
            offers.xy[rows],
            warm[rows],
            price,
            gradient,
            hessian,
            soft,
            apart(np.zeros(near)),
            apart(np.zeros(near)),
            apart(np.zeros(near, np.int64)),
        )
        return value, gradient, hessian, soft

    halves = _in_halves(part, len(offers.mass), pool)
    value, gradient, hessian, soft = (one + other for one, other in zip(*halves, strict=True))
    return value, gradient, hessian + hessian.T, soft


def _in_halves(work: Callable[[slice], Result], count: int, pool: Executor) -> list[Result]:
    """What `work` returns for each half of `count` rows: always two, however many processors share them."""
    cut = count // 2
    parts = (slice(None, cut), slice(cut, None))
    return list(pool.map(work, parts) if cut > WORTH_A_THREAD else map(work, parts))


def offers_at(
    xy: np.ndarray,
    mass: np.ndarray,
    ratio: np.ndarray,
    centres: np.ndarray,
    near: int,
    *,
    travel: np.ndarray | None = None,
    allowed: np.ndarray | None = None,
    start: np.ndarray | None = None,
    handover: np.ndarray | None = None,
) -> Offers:
    """Offers of the `near` cheapest centres for each unit, and of the one it starts from; as `cheapest` has them."""
    near = min(near, len(centres))
    if travel is not None and len(travel):
        cost = travel if allowed is None or not len(allowed) else np.where(allowed, travel, NEVER)
        centre = np.argsort(cost, axis=1, kind="stable")[:, :near]
        cost = np.take_along_axis(cost, centre, axis=1)
    else:
        if near == len(centres):  # in no order: nobody asks for the nearest first
            cost = _away(centres, xy)
            centre = np.broadcast_to(np.arange(near), cost.shape)
        else:
            distance, centre = _nearest(centres, xy, near)
            cost = distance**2
        if allowed is not None and len(allowed):
            cost = np.where(np.take_along_axis(allowed, centre, axis=1), cost, NEVER)
    if start is not None and handover is not None and (start >= 0).any():
        has = start >= 0
        home = np.where(has, start, 0)
        centre = np.column_stack([centre, home])
        if travel is not None and len(travel):
            own = travel[np.arange(len(home)), home]
        else:
            own = ((xy - centres[home]) ** 2).sum(axis=1)
        cost = np.column_stack([cost, own])
        price = (handover / mass)[:, None] * (centre != start[:, None])
        cost = np.where(has[:, None], cost + price, cost)
        # Its own centre stands twice when it is among the nearest: the first copy is priced out.
        twice = centre[:, :-1] == centre[:, -1:]
        cost[:, :-1][twice] = NEVER
    return Offers(centre.astype(np.int64), cost, ratio, mass, xy)
