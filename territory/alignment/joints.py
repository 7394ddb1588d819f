"""Whether a territory stays in one piece without a unit, and what hangs on the unit if not."""

from __future__ import annotations

import numpy as np

from territory.kernels import part


@part(forceinline=True)
def holds_without(ground, plan, worker, i, j, limit):
    """Whether territory j stays in one piece without unit i: the ring of neighbours first, then a bounded search."""
    if ground.loose[j]:
        return True
    begin = ground.ptr[i]
    degree = ground.ptr[i + 1] - begin
    if degree <= 64:
        own = np.uint64(0)
        for position in range(degree):
            if plan.label[ground.ind[begin + position]] == j:
                own |= np.uint64(1) << np.uint64(position)
        if own == 0:
            return True
        reached = own & (~own + np.uint64(1))
        grown = np.uint64(0)
        while grown != reached:
            grown = reached
            for position in range(degree):
                if (grown >> np.uint64(position)) & np.uint64(1):
                    reached |= ground.ring[begin + position] & own
        if reached == own:
            return True
    return _found_around(ground, plan, worker, i, j, limit)


@part()
def _found_around(ground, plan, worker, i, j, limit):
    """Whether unit i's neighbours in territory j reach each other around it, looking at `limit` units at most."""
    ptr = ground.ptr
    ind = ground.ind
    mark = worker.mark
    queue = worker.queue
    worker.stamp[0] += 2
    wanted = worker.stamp[0]
    seen = wanted + 1
    need = 0
    for e in range(ptr[i], ptr[i + 1]):
        v = ind[e]
        if plan.label[v] == j:
            mark[v] = wanted
            queue[0] = v
            need += 1
    if need <= 1:
        return True
    mark[i] = seen
    mark[queue[0]] = seen
    head = 0
    tail = 1
    got = 1
    while head < tail and head < limit:
        u = queue[head]
        head += 1
        for e in range(ptr[u], ptr[u + 1]):
            v = ind[e]
            if mark[v] == seen or plan.label[v] != j:
                continue
            if mark[v] == wanted:
                got += 1
                if got == need:
                    return True
            mark[v] = seen
            queue[tail] = v
            tail += 1
    return False


@part()
def tail_of(ground, plan, worker, i, j, limit):
    """The units of territory j that are cut off from the rest of it when i goes: queue[1:] after i in queue[0].

    Returns how many they are; 0 when they are more than `limit`, or when it is not clear which part is the rest.
    """
    ptr = ground.ptr
    ind = ground.ind
    mark = worker.mark
    queue = worker.queue
    first = worker.stamp[0] + 2
    worker.stamp[0] += ptr[i + 1] - ptr[i] + 2
    mark[i] = first
    queue[0] = i
    rest = 0  # the mark of the part that stays, once one is found to be large
    tail = 1
    largest_from = 0
    largest = 0
    for at in range(ptr[i], ptr[i + 1]):
        begin = ind[at]
        if plan.label[begin] != j or mark[begin] >= first:
            continue
        own = first + 1 + at - ptr[i]
        mark[begin] = own
        queue[tail] = begin
        head = tail
        end = tail + 1
        is_rest = False
        while head < end and not is_rest:
            if head - tail >= limit:
                is_rest = rest == 0
                if not is_rest:
                    return 0
                break
            u = queue[head]
            head += 1
            for e in range(ptr[u], ptr[u + 1]):
                v = ind[e]
                if plan.label[v] != j or mark[v] == own or v == i:
                    continue
                if mark[v] >= first:  # only the part that was not looked at to its end can be met again
                    is_rest = True
                    break
                mark[v] = own
                queue[end] = v
                end += 1
        if is_rest:
            rest = own
            continue
        if end - tail > largest:
            largest = end - tail
            largest_from = tail
        tail = end
    if rest == 0:  # every part is small: the largest stays
        for at in range(largest_from + largest, tail):
            queue[at - largest] = queue[at]
        tail -= largest
    return tail - 1 if tail - 1 <= limit else 0
