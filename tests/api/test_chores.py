"""Chores: each when it is due, whatever becomes of the others."""

from __future__ import annotations

import threading

from sqlalchemy.exc import OperationalError

from api.jobs.chores import Chore, Chores


def test_each_chore_is_done_when_it_is_due():
    done: list[str] = []
    often, seldom = Chore(lambda: done.append("often"), 2.0), Chore(lambda: done.append("seldom"), 60.0)
    chores = Chores([often, seldom], lambda: None)

    for at in (0.0, 1.0, 2.0, 4.0, 60.0):
        chores.do_what_is_due(at)

    assert done == ["often", "seldom", "often", "often", "often", "seldom"]


def test_a_database_that_does_not_answer_is_asked_again():
    done: list[str] = []

    def broken() -> None:
        done.append("tried")
        raise OperationalError("", {}, Exception("no route to host"))

    chores = Chores([Chore(broken, 1.0), Chore(lambda: done.append("other"), 1.0)], lambda: None)

    chores.do_what_is_due(0.0)
    chores.do_what_is_due(1.0)

    assert done == ["tried", "other"] * 2


def test_a_chore_that_breaks_ends_the_worker_and_not_only_the_thread(monkeypatch):
    fallen = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    Chores([Chore(lambda: [][1], 1.0)], fallen.set).start()

    assert fallen.wait(5.0)
