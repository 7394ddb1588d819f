"""Threads are begun where processors are left for them, and nowhere else; what comes out is the same."""

from __future__ import annotations

import os
from threading import get_ident

import pytest

from territory.threads import at_once, threads


@pytest.fixture(autouse=True)
def _two_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_answers_come_in_the_order_of_the_questions():
    assert at_once(lambda item: item * item, range(50)) == [item * item for item in range(50)]
    assert at_once(str, []) == []


def who(_: int) -> int:
    return get_ident()


def inner_threads(_: int) -> set[int]:
    with threads(2) as pool:
        return {get_ident(), *pool.map(who, range(4)), *at_once(who, range(4))}


def test_work_that_keeps_all_processors_busy_begins_no_threads_within():
    assert [len(found) for found in at_once(inner_threads, range(4))] == [1] * 4


@pytest.mark.parametrize(("items", "workers"), [(1, None), (4, 1)])
def test_a_single_worker_leaves_the_other_processors_to_what_it_does(items, workers):
    assert all(len(found) > 1 for found in at_once(inner_threads, range(items), workers=workers))


def test_more_processors_than_workers_are_left_to_what_they_do(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)

    assert all(len(found) > 1 for found in at_once(inner_threads, range(2)))


def test_threads_are_begun_again_once_the_busy_work_is_over():
    at_once(inner_threads, range(4))

    assert len(inner_threads(0)) > 1


def test_an_error_within_busy_work_reaches_whoever_asked():
    def fail(item: int) -> float:
        with threads(2) as pool:
            return next(iter(pool.map(lambda each: 1 / each, [item])))

    with pytest.raises(ZeroDivisionError):
        at_once(fail, [1, 0])
