"""The boundary search: units at a border change sides until balance and shape are both good.

Annealing (Kirkpatrick, Gelatt and Vecchi 1983) over single moves of border units and swaps of two across one
border, on the compactness objective plus an augmented Lagrangian (Hestenes 1969, Powell 1969) for the band
on every measure. A unit without which its territory would be in two moves together with the small part that hangs on
it, or not at all. A move that Metropolis refuses may go on from unit to unit, for the gain may lie behind what is in
the way (an ejection chain: Glover 1996, Discrete Applied Mathematics 65): so territories reach, by a thread, the large
units that balance them. Workers that own different territories search side by side: neither touches what the other
reads.
"""

from __future__ import annotations

import numpy as np

from territory.alignment.joints import holds_without, tail_of
from territory.kernels import kernel, part
from territory.numeric import exp_negative, random_below, random_unit

TAILS = 0.2
"""The part of the moves that would cut a territory in two which are tried with what they cut off."""
HOPELESS = 8.0
"""How many temperatures above zero a chain of moves may climb on its way."""
FORBIDDEN = 1e3
"""What a unit weighs where it may not be: it leaves at the first chance."""


@kernel()
def anneal(ground, plan, worker, band, price, course, scale, shares, dearest, proposals, swaps, chains, limit):
    """Rounds of moves, proposed at one temperature each, of which those are made that Metropolis accepts.

    Parameters
    ----------
    band : (K, q, 2) float, lowest and highest deviation wanted
    price : (K, q) float, signed multiplier on each deviation
    course : (rounds, 4) float: temperature; weight of the quadratic penalty; what each pair of neighbours in different
        territories weighs; and, if it is above 0, the rate at which `price`, at most `dearest`, learns after the round
    scale : what one unit of squared distance x mass weighs against deviations
    shares : (K, q) float, the load that each territory should hold
    proposals : number in a round; swaps : share of them that are swaps; chains : share of the refused that go on
    limit : units that a connectivity test may look at

    Returns
    -------
    int, number of changes made
    """
    made = 0
    random = worker.random
    for turn in range(len(course)):
        heat, stiffness, border, rate = course[turn, 0], course[turn, 1], course[turn, 2], course[turn, 3]
        for _ in range(proposals):
            if worker.border_count[0] == 0:
                break
            i = worker.border[random_below(random, worker.border_count[0])]
            j = plan.label[i]
            k = plan.label[ground.ind[ground.ptr[i] + random_below(random, ground.ptr[i + 1] - ground.ptr[i])]]
            if k == j or not worker.own[k] or plan.size[j] <= 1 or not _may(ground, plan, i, j, k):
                continue
            partner = -1
            if swaps > 0.0 and random_unit(random) < swaps:
                partner = _partner(ground, plan, i, j, k, random)
                if partner < 0 or not _may(ground, plan, partner, k, j):
                    continue
            elif ground.is_limited:
                _weigh(ground, plan, i, j, k)
                is_over = _is_over(ground, plan, j, k)
                _weigh(ground, plan, i, k, j)
                if is_over:
                    continue
            change = _change(ground, plan, i, j, k, band, price, stiffness, scale, border)
            if partner < 0:
                luck = random_unit(random)
                if change > 0.0 and luck >= exp_negative(-change / heat):
                    if change < HOPELESS * heat and random_unit(random) < chains:
                        made += _move_chain(
                            ground,
                            plan,
                            worker,
                            i,
                            j,
                            k,
                            band,
                            price,
                            stiffness,
                            scale,
                            heat,
                            border,
                            limit,
                            luck,
                        )
                    continue
                if holds_without(ground, plan, worker, i, j, limit):
                    _shift(ground, plan, worker, i, j, k)
                    made += 1
                elif random_unit(random) < TAILS:
                    made += _move_with_tail(
                        ground, plan, worker, i, j, k, band, price, stiffness, scale, heat, border, limit
                    )
                continue
            _weigh(ground, plan, i, j, k)
            change += _change(ground, plan, partner, k, j, band, price, stiffness, scale, border)
            is_over = False
            if ground.is_limited:
                _weigh(ground, plan, partner, k, j)
                is_over = _is_over(ground, plan, j, k)
                _weigh(ground, plan, partner, j, k)
            _weigh(ground, plan, i, k, j)
            if is_over or (change > 0.0 and random_unit(random) >= exp_negative(-change / heat)):
                continue
            if not holds_without(ground, plan, worker, i, j, limit):
                continue
            _shift(ground, plan, worker, i, j, k)
            if _touches(ground, plan, partner, j) and holds_without(ground, plan, worker, partner, k, limit):
                _shift(ground, plan, worker, partner, k, j)
                made += 1
            elif holds_without(ground, plan, worker, i, k, limit) or plan.size[k] > 1:
                _shift(ground, plan, worker, i, k, j)
        if rate > 0.0:
            _reprice(plan.load, shares, price, band, rate, dearest)
    return made


@kernel()
def learn(load, shares, price, band, rate, dearest, asked, tolerance):
    """What price (K, q) learns from a round, in place; returns how far loads are outside the bands asked.

    As `Task.excess` does: in tolerances, summed.
    """
    _reprice(load, shares, price, band, rate, dearest)
    outside = 0.0
    for k in range(load.shape[0]):
        for t in range(load.shape[1]):
            deviation = load[k, t] / shares[k, t] - 1.0
            outside += max(deviation - asked[k, t, 1], asked[k, t, 0] - deviation, 0.0) / tolerance[t]
    return outside


@part(forceinline=True)
def _reprice(load, shares, price, band, rate, dearest):
    """Multipliers go up where a load is above its band, down where below, are eased inside, and at most `dearest`."""
    for k in range(load.shape[0]):
        for t in range(load.shape[1]):
            deviation = load[k, t] / shares[k, t] - 1.0
            above = max(max(price[k, t], 0.0) + rate * (deviation - band[k, t, 1]), 0.0)
            below = max(max(-price[k, t], 0.0) + rate * (band[k, t, 0] - deviation), 0.0)
            price[k, t] = min(max(above - below, -dearest), dearest)


@part(forceinline=True)
def _may(ground, plan, i, j, k):
    """Whether unit i may go from j to k: free to move, allowed there, and near enough or nearer than where it is."""
    if not ground.movable[i]:
        return False
    if ground.allowed.shape[0] > 0 and not ground.allowed[i, k] and ground.allowed[i, j]:
        return False
    if ground.radius == np.inf:
        return True
    away = _away(ground, plan, i, k)
    return away <= ground.radius or away < _away(ground, plan, i, j)


@part(forceinline=True)
def _away(ground, plan, i, k):
    """Squared distance of unit i from territory k's centre."""
    if ground.pinned[k]:
        return (ground.xy[i, 0] - ground.centre[k, 0]) ** 2 + (ground.xy[i, 1] - ground.centre[k, 1]) ** 2
    w = max(plan.moment[k, 0], 1e-300)
    return (ground.xy[i, 0] - plan.moment[k, 1] / w) ** 2 + (ground.xy[i, 1] - plan.moment[k, 2] / w) ** 2


@part(forceinline=True)
def _is_over(ground, plan, j, k):
    """Whether too many have left or come to j or k, or moved in all."""
    if plan.moved[0] > ground.most_moved:
        return True
    if plan.given[j] > ground.most_given[j] or plan.given[k] > ground.most_given[k]:
        return True
    return plan.taken[j] > ground.most_taken[j] or plan.taken[k] > ground.most_taken[k]


@part(forceinline=True)
def _move_with_tail(ground, plan, worker, i, j, k, band, price, stiffness, scale, temperature, border, limit):
    """Move unit i with the small part of j that hangs on it; 1 when Metropolis accepts, 0 with all as it was."""
    tail = tail_of(ground, plan, worker, i, j, limit)
    if tail == 0:
        return 0
    change = 0.0
    done = 0
    units = worker.queue[: tail + 1]
    for u in units:
        if not _may(ground, plan, u, j, k):
            change = np.inf
            break
        change += _change(ground, plan, u, j, k, band, price, stiffness, scale, border)
        _shift(ground, plan, worker, u, j, k)
        done += 1
    if ground.is_limited and _is_over(ground, plan, j, k):
        change = np.inf
    if change <= 0.0 or random_unit(worker.random) < exp_negative(-change / temperature):
        return 1
    for at in range(done - 1, -1, -1):
        _shift(ground, plan, worker, units[at], k, j)
    return 0


@part(forceinline=True)
def _move_chain(ground, plan, worker, i, j, k, band, price, stiffness, scale, temperature, border, limit, luck):
    """Move unit i and on from it one unit of j after the other, always the one that adds least, until all are accepted.

    1 when Metropolis accepts them with `luck`, the random number that refused unit i alone; 0 with all as it was.
    """
    chain = worker.chain
    length = 0
    change = 0.0
    best = i if holds_without(ground, plan, worker, i, j, limit) else -1
    while best >= 0 and length < chain.size and plan.size[j] > 1:
        change += _change(ground, plan, best, j, k, band, price, stiffness, scale, border)
        _shift(ground, plan, worker, best, j, k)
        chain[length] = best
        length += 1
        if change >= HOPELESS * temperature or (ground.is_limited and _is_over(ground, plan, j, k)):
            break
        if change <= 0.0 or luck < exp_negative(-change / temperature):
            return 1
        best = _next_of(ground, plan, worker, best, j, k, band, price, stiffness, scale, border, limit)
    for at in range(length - 1, -1, -1):
        _shift(ground, plan, worker, chain[at], k, j)
    return 0


@part(forceinline=True)
def _next_of(ground, plan, worker, u, j, k, band, price, stiffness, scale, border, limit):
    """The neighbour of unit u that adds least when it goes from j, which stays whole, to k; -1 when none may."""
    best = -1
    least = np.inf
    for e in range(ground.ptr[u], ground.ptr[u + 1]):
        v = ground.ind[e]
        if plan.label[v] == j and _may(ground, plan, v, j, k):
            change = _change(ground, plan, v, j, k, band, price, stiffness, scale, border)
            if change < least and holds_without(ground, plan, worker, v, j, limit):
                least = change
                best = v
    return best


@part(forceinline=True)
def _partner(ground, plan, i, j, k, random):
    """A movable unit of territory k that borders territory j, a short walk from i; -1 if the walk finds none."""
    u = i
    for _ in range(1 + random_below(random, 8)):
        v = ground.ind[ground.ptr[u] + random_below(random, ground.ptr[u + 1] - ground.ptr[u])]
        if plan.label[v] == k or plan.label[v] == j:
            u = v
    if u == i or plan.label[u] != k or not ground.movable[u]:
        return -1
    return u if _touches(ground, plan, u, j) else -1


@part(forceinline=True)
def _touches(ground, plan, u, j):
    touching = 0
    for e in range(ground.ptr[u], ground.ptr[u + 1]):
        touching += plan.label[ground.ind[e]] == j
    return touching > 0


@part(forceinline=True)
def _change(ground, plan, i, j, k, band, price, stiffness, scale, border):
    """What moving unit i from j to k adds to objective and penalties."""
    shape = _cost_with(ground, plan, i, k) - _cost_within(ground, plan, i, j)
    if ground.start[i] == j:
        shape += ground.handover[i]
    elif ground.start[i] == k:
        shape -= ground.handover[i]
    if ground.allowed.shape[0] > 0 and not ground.allowed[i, j]:
        change = -FORBIDDEN if ground.allowed[i, k] else 0.0
    else:
        change = 0.0
    change += shape * scale
    if border > 0.0:
        cut = 0
        for e in range(ground.ptr[i], ground.ptr[i + 1]):
            other = plan.label[ground.ind[e]]
            cut += (other == j) - (other == k)
        change += border * cut
    penalty = 0.0
    for t in range(ground.measure.shape[1]):
        a = ground.measure[i, t] * ground.wanted[j, t]
        e = plan.load[j, t] * ground.wanted[j, t] - 1.0
        penalty += _penalty(e - a, band[j, t, 0], band[j, t, 1], price[j, t], stiffness)
        penalty -= _penalty(e, band[j, t, 0], band[j, t, 1], price[j, t], stiffness)
        change += ground.ideal[j, t] * a * (a - 2.0 * e)
        a = ground.measure[i, t] * ground.wanted[k, t]
        e = plan.load[k, t] * ground.wanted[k, t] - 1.0
        penalty += _penalty(e + a, band[k, t, 0], band[k, t, 1], price[k, t], stiffness)
        penalty -= _penalty(e, band[k, t, 0], band[k, t, 1], price[k, t], stiffness)
        change += ground.ideal[k, t] * a * (a + 2.0 * e)
    return change + penalty * (0.5 / stiffness)


@part(forceinline=True)
def _cost_within(ground, plan, i, j):
    """What unit i costs in its own territory j: what the objective loses when it leaves."""
    m = ground.mass[i]
    if ground.travel.shape[0] > 0:
        return m * ground.travel[i, j]
    if ground.pinned[j]:
        return m * _away(ground, plan, i, j)
    w = plan.moment[j, 0]
    return m * w / (w - m) * _away(ground, plan, i, j) if w > m * 1.0000001 else 0.0


@part(forceinline=True)
def _cost_with(ground, plan, i, k):
    """What unit i would cost in territory k: what the objective gains when it joins."""
    m = ground.mass[i]
    if ground.travel.shape[0] > 0:
        return m * ground.travel[i, k]
    if ground.pinned[k]:
        return m * _away(ground, plan, i, k)
    w = plan.moment[k, 0]
    return m * w / (w + m) * _away(ground, plan, i, k) if w > 0.0 else 0.0


@part(forceinline=True)
def _penalty(e, low, high, price, stiffness):
    """Augmented Lagrangian of low <= e <= high, times twice the stiffness.

    A positive price weighs on the upper end, a negative on the lower.
    """
    above = max(max(price, 0.0) + stiffness * (e - high), 0.0)
    below = max(max(-price, 0.0) + stiffness * (low - e), 0.0)
    return above * above + below * below


@part(forceinline=True)
def _weigh(ground, plan, i, j, k):
    """Unit i's measures and moments go from j to k."""
    m = ground.mass[i]
    for t in range(ground.measure.shape[1]):
        plan.load[j, t] -= ground.measure[i, t]
        plan.load[k, t] += ground.measure[i, t]
    plan.moment[j, 0] -= m
    plan.moment[j, 1] -= m * ground.xy[i, 0]
    plan.moment[j, 2] -= m * ground.xy[i, 1]
    plan.moment[k, 0] += m
    plan.moment[k, 1] += m * ground.xy[i, 0]
    plan.moment[k, 2] += m * ground.xy[i, 1]
    s = ground.start[i]
    if ground.is_limited and s >= 0:
        r = ground.rows[i]
        if j == s:
            plan.given[s] += r
            plan.moved[0] += r
        else:
            plan.taken[j] -= r
        if k == s:
            plan.given[s] -= r
            plan.moved[0] -= r
        else:
            plan.taken[k] += r


@part(forceinline=True)
def _shift(ground, plan, worker, i, j, k):
    _weigh(ground, plan, i, j, k)
    plan.label[i] = k
    plan.size[j] -= 1
    plan.size[k] += 1
    foreign = 0
    for e in range(ground.ptr[i], ground.ptr[i + 1]):
        v = ground.ind[e]
        if plan.label[v] == k:
            plan.foreign[v] -= 1
            _list(plan, worker, v)
        else:
            foreign += 1
            if plan.label[v] == j:
                plan.foreign[v] += 1
                _list(plan, worker, v)
    plan.foreign[i] = foreign
    _list(plan, worker, i)


@part(forceinline=True)
def _list(plan, worker, i):
    """Put unit i in or out of the border list."""
    at = worker.border_at[i]
    if plan.foreign[i] > 0 and at < 0:
        worker.border[worker.border_count[0]] = i
        worker.border_at[i] = worker.border_count[0]
        worker.border_count[0] += 1
    elif plan.foreign[i] == 0 and at >= 0:
        worker.border_count[0] -= 1
        last = worker.border[worker.border_count[0]]
        worker.border[at] = last
        worker.border_at[last] = at
        worker.border_at[i] = -1
