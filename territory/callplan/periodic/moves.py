"""Moves of a day: what would be saved if stop u followed stop v, and the routes once it does.

Between two routes strings of up to three stops change places, tails or heads do (2-opt*: Potvin and Rousseau 1995,
Journal of the Operational Research Society 46(12)), or two stops go each to its best place in the other's route (SWAP*:
Vidal 2022, Computers & Operations Research 140). Within a route strings move (Or 1976) or a part of it is turned round
(Croes 1958, Operations Research 6(6)). What turns a string round is tried only where both ways cost the same.
"""

from __future__ import annotations

from territory.callplan.periodic.draft import FIRST, NEVER, NONE, SECOND, fine, fine_of, row_with, write_route
from territory.kernels import part

LEAST = 1e-5
"""What a move must save."""
STRING = 3
"""Stops of the longest string that moves."""


@part()
def between(weeks, draft, a, i, b, j):
    """Let the stop at position i of route a follow position j of route b if that saves; whether it did."""
    gain, turned, x, y, comes_turned = _strings(weeks, draft, a, i, b, j)
    kind = _tails(weeks, draft, a, i, b, j, gain)
    if kind > 0:
        _change_tails(weeks, draft, a, i, b, j, kind == 2)
        return True
    if x > 0:
        _change_strings(weeks, draft, a, i - x + 1 if turned else i, x, turned, b, j, y, comes_turned)
        return True
    return False


@part()
def _strings(weeks, draft, a, i, b, j):
    """The best string of x stops from u on (turned: up to u, backwards) to follow v, for the y stops that did.

    The change of cost, whether turned, x (0: none helps), y, and whether those y are turned round.
    """
    cost = weeks.cost
    one, two = draft.stops[a], draft.stops[b]
    size_a, size_b = draft.length[a], draft.length[b]
    v = two[j]
    joined = cost[v, one[i]]
    old = fine_of(weeks, draft, a) + fine_of(weeks, draft, b)
    load_a, load_b = draft.loads[a, size_a + 1], draft.loads[b, size_b + 1]
    span_a = draft.driven[a, size_a + 1] + draft.served[a, size_a + 1]
    span_b = draft.driven[b, size_b + 1] + draft.served[b, size_b + 1]
    best = -LEAST
    turned = comes_turned = False
    best_x = best_y = 0
    for way in range(2 if weeks.is_symmetric else 1):
        for x in range(1 + way, STRING + 1):
            low = i - x + 1 if way else i
            high = low + x - 1
            if low < 1 or high > size_a:
                break
            last = one[low] if way else one[high]
            ahead, behind = one[low - 1], one[high + 1]
            inner = draft.driven[a, high] - draft.driven[a, low]
            gone = cost[ahead, one[low]] + cost[one[high], behind] + inner
            load = draft.loads[a, high] - draft.loads[a, low - 1]
            served = draft.served[a, high] - draft.served[a, low - 1]
            for y in range(STRING):
                if j + y > size_b:
                    break
                after = two[j + y + 1]
                is_turned = False
                if y == 0:
                    more_a = cost[ahead, behind] - gone
                    more_b = joined + inner + cost[last, after] - cost[v, after]
                else:
                    links = cost[ahead, two[j + 1]] + cost[two[j + y], behind]
                    if weeks.is_symmetric and y > 1:
                        other = cost[ahead, two[j + y]] + cost[two[j + 1], behind]
                        is_turned = other < links
                        links = min(links, other)
                    came = draft.driven[b, j + y] - draft.driven[b, j + 1]
                    more_a = links + came - gone
                    more_b = joined + inner + cost[last, after] - came - cost[v, two[j + 1]] - cost[two[j + y], after]
                delta = more_a + more_b - old
                if delta >= best:
                    continue
                load -= draft.loads[b, j + y] - draft.loads[b, j]
                served -= draft.served[b, j + y] - draft.served[b, j]
                delta += fine(weeks, draft, load_a - load, span_a + more_a - served)
                delta += fine(weeks, draft, load_b + load, span_b + more_b + served)
                load += draft.loads[b, j + y] - draft.loads[b, j]
                served += draft.served[b, j + y] - draft.served[b, j]
                if delta < best:
                    best, turned, comes_turned = delta, way == 1, is_turned
                    best_x, best_y = x, y
    return best, turned, best_x, best_y, comes_turned


@part()
def _tails(weeks, draft, a, i, b, j, best):
    """What it changes that u and all behind it follow v (1), or that what leads to u does, backwards (2).

    Which of the two changes the cost by less than `best`, and less than the other; 0 for neither.
    """
    cost = weeks.cost
    one, two = draft.stops[a], draft.stops[b]
    end_a, end_b = draft.length[a] + 1, draft.length[b] + 1
    u, v = one[i], two[j]
    loads = draft.loads[a, end_a] + draft.loads[b, end_b]
    times = draft.served[a, end_a] + draft.served[b, end_b]
    old = fine_of(weeks, draft, a) + fine_of(weeks, draft, b)
    kind = 0
    delta = cost[v, u] + cost[one[i - 1], two[j + 1]] - cost[one[i - 1], u] - cost[v, two[j + 1]] - old
    if delta < best:
        load = draft.loads[b, j] + draft.loads[a, end_a] - draft.loads[a, i - 1]
        served = draft.served[b, j] + draft.served[a, end_a] - draft.served[a, i - 1]
        span = draft.driven[b, j] + cost[v, u] + draft.driven[a, end_a] - draft.driven[a, i]
        delta += fine(weeks, draft, load, span + served)
        span = draft.driven[a, i - 1] + cost[one[i - 1], two[j + 1]] + draft.driven[b, end_b] - draft.driven[b, j + 1]
        delta += fine(weeks, draft, loads - load, span + times - served)
        if delta < best:
            best, kind = delta, 1
    if not weeks.is_symmetric or j == 0:
        return kind
    delta = cost[v, u] + cost[one[i + 1], two[j + 1]] - cost[u, one[i + 1]] - cost[v, two[j + 1]] - old
    if delta < best:
        load = draft.loads[a, i] + draft.loads[b, j]
        served = draft.served[a, i] + draft.served[b, j]
        delta += fine(weeks, draft, load, draft.driven[a, i] + cost[v, u] + draft.driven[b, j] + served)
        span = draft.driven[a, end_a] - draft.driven[a, i + 1] + cost[one[i + 1], two[j + 1]]
        span += draft.driven[b, end_b] - draft.driven[b, j + 1]
        delta += fine(weeks, draft, loads - load, span + times - served)
        if delta < best:
            kind = 2
    return kind


@part()
def _change_strings(weeks, draft, a, low, x, turned, b, j, y, comes_turned):
    """Let x stops of route a, from position low, and the y stops behind position j of route b change places."""
    one, two = draft.stops[a], draft.stops[b]
    size_a, size_b = draft.length[a], draft.length[b]
    new_a, new_b = draft.row[0], draft.row[1]
    for s in range(1, low):
        new_a[s] = one[s]
    for s in range(y):
        new_a[low + s] = two[j + y - s] if comes_turned else two[j + 1 + s]
    for s in range(low + x, size_a + 1):
        new_a[s + y - x] = one[s]
    for s in range(1, j + 1):
        new_b[s] = two[s]
    for s in range(x):
        new_b[j + 1 + s] = one[low + x - 1 - s] if turned else one[low + s]
    for s in range(j + y + 1, size_b + 1):
        new_b[s + x - y] = two[s]
    write_route(weeks, draft, a, new_a, size_a + y - x)
    write_route(weeks, draft, b, new_b, size_b + x - y)


@part()
def _change_tails(weeks, draft, a, i, b, j, is_turned):
    """Let the stops of route a from position i on follow position j of b; turned: those up to i, backwards."""
    one, two = draft.stops[a], draft.stops[b]
    size_a, size_b = draft.length[a], draft.length[b]
    new_a, new_b = draft.row[0], draft.row[1]
    if is_turned:
        for s in range(1, i + 1):
            new_a[s] = one[s]
        for s in range(j):
            new_a[i + 1 + s] = two[j - s]
        for s in range(size_a - i):
            new_b[1 + s] = one[size_a - s]
        for s in range(j + 1, size_b + 1):
            new_b[size_a - i + s - j] = two[s]
        write_route(weeks, draft, a, new_a, i + j)
        write_route(weeks, draft, b, new_b, size_a - i + size_b - j)
        return
    for s in range(1, i):
        new_a[s] = one[s]
    for s in range(j + 1, size_b + 1):
        new_a[i + s - j - 1] = two[s]
    for s in range(1, j + 1):
        new_b[s] = two[s]
    for s in range(i, size_a + 1):
        new_b[j + 1 + s - i] = one[s]
    write_route(weeks, draft, a, new_a, i - 1 + size_b - j)
    write_route(weeks, draft, b, new_b, j + 1 + size_a - i)


@part()
def within(weeks, draft, r, i, j):
    """Let position i of route r follow position j of the same route if that saves; whether it did.

    A shorter route is never fined more.
    """
    cost = weeks.cost
    stops = draft.stops[r]
    size = draft.length[r]
    if j == i - 1:
        return False
    u, v = stops[i], stops[j]
    best = -LEAST
    kind = 0
    best_x = 0
    for way in range(2 if weeks.is_symmetric else 1):
        for x in range(1 + way, STRING + 1):
            low = i - x + 1 if way else i
            high = low + x - 1
            if low < 1 or high > size or low <= j <= high:
                break
            if j == low - 1:
                continue
            last = stops[low] if way else stops[high]
            delta = cost[stops[low - 1], stops[high + 1]] - cost[stops[low - 1], stops[low]]
            delta += cost[v, u] + cost[last, stops[j + 1]] - cost[v, stops[j + 1]] - cost[stops[high], stops[high + 1]]
            if delta < best:
                best, kind, best_x = delta, 1 + way, x
    if weeks.is_symmetric:
        delta = cost[v, u] + cost[stops[j + 1], stops[i + 1]] - cost[v, stops[j + 1]] - cost[u, stops[i + 1]]
        if delta < best:
            kind = 3
    if kind == 0:
        return False
    row = draft.row[0]
    if kind == 3:
        first, last = min(i, j) + 1, max(i, j)
        for s in range(1, size + 1):
            row[s] = stops[first + last - s] if first <= s <= last else stops[s]
    else:
        low = i if kind == 1 else i - best_x + 1
        high = low + best_x - 1
        p = 0
        for s in range(size + 1):
            if s > 0 and not low <= s <= high:
                p += 1
                row[p] = stops[s]
            if s == j:
                for t in range(best_x):
                    p += 1
                    row[p] = stops[low + t] if kind == 1 else stops[high - t]
    write_route(weeks, draft, r, row, size)
    return True


@part()
def _three_best(weeks, draft, c, r, worth, at):
    """The three cheapest places for c in route r: what each costs, and behind which position."""
    worth[:] = NEVER
    at[:] = -1
    stops = draft.stops[r]
    for p in range(draft.length[r] + 1):
        more = weeks.cost[stops[p], c] + weeks.cost[c, stops[p + 1]] - weeks.cost[stops[p], stops[p + 1]]
        if more < worth[2]:
            q = 2
            while q > 0 and more < worth[q - 1]:
                worth[q] = worth[q - 1]
                at[q] = at[q - 1]
                q -= 1
            worth[q] = more
            at[q] = p


@part()
def _place_without(weeks, draft, c, r, free, worth, at):
    """The cheapest place for c in route r once position `free` is: its cost, and behind which position.

    The position `free` itself stands for its place.
    """
    stops = draft.stops[r]
    before, after = stops[free - 1], stops[free + 1]
    least = weeks.cost[before, c] + weeks.cost[c, after] - weeks.cost[before, after]
    for q in range(3):
        if at[q] >= 0 and at[q] != free and at[q] != free - 1:
            if worth[q] < least:
                return worth[q], at[q]
            break
    return least, free


@part()
def exchange(weeks, draft, a, b, worth, at, seen):
    """Let the two stops of routes a and b change routes that save most; whether any did.

    worth, at : (n, R, 3), the cheapest places of customers in routes; seen : (n, R), how new they are.
    """
    cost = weeks.cost
    one, two = draft.stops[a], draft.stops[b]
    size_a, size_b = draft.length[a], draft.length[b]
    for r, other in ((a, b), (b, a)):
        for p in range(1, draft.length[r] + 1):
            c = draft.stops[r, p]
            if seen[c, other] <= draft.stamp[other]:
                _three_best(weeks, draft, c, other, worth[c, other], at[c, other])
                seen[c, other] = draft.stamp[-1] + 1
    old = fine_of(weeks, draft, a) + fine_of(weeks, draft, b)
    load_a, load_b = draft.loads[a, size_a + 1], draft.loads[b, size_b + 1]
    span_a = draft.driven[a, size_a + 1] + draft.served[a, size_a + 1]
    span_b = draft.driven[b, size_b + 1] + draft.served[b, size_b + 1]
    best = -LEAST
    best_i = best_j = to_a = to_b = NONE
    for i in range(1, size_a + 1):
        u = one[i]
        less_a = cost[one[i - 1], one[i + 1]] - cost[one[i - 1], u] - cost[u, one[i + 1]]
        for j in range(1, size_b + 1):
            v = two[j]
            less_b = cost[two[j - 1], two[j + 1]] - cost[two[j - 1], v] - cost[v, two[j + 1]]
            load = weeks.load[u] - weeks.load[v]
            delta = less_a + less_b - old
            delta += fine(weeks, draft, load_a - load, 0.0) + fine(weeks, draft, load_b + load, 0.0)
            if delta >= best:
                continue
            more_b, at_b = _place_without(weeks, draft, u, b, j, worth[u, b], at[u, b])
            more_a, at_a = _place_without(weeks, draft, v, a, i, worth[v, a], at[v, a])
            served = weeks.service[u] - weeks.service[v]
            delta += more_a + more_b
            delta += fine(weeks, draft, 0.0, span_a + less_a + more_a - served)
            delta += fine(weeks, draft, 0.0, span_b + less_b + more_b + served)
            if delta < best:
                best = delta
                best_i, best_j, to_a, to_b = i, j, at_a, at_b
    if best_i == 0:
        return False
    u, v = one[best_i], two[best_j]
    row_with(draft, a, best_i, v, to_a, FIRST)
    row_with(draft, b, best_j, u, to_b, SECOND)
    write_route(weeks, draft, a, draft.row[0], size_a)
    write_route(weeks, draft, b, draft.row[1], size_b)
    return True
