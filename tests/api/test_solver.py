"""The solver's process: it answers, and neither its death nor a day that takes too long stops the next answer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import date

import pytest

from api.content import Parts, encode_portfolio
from api.planning.solver import Solver
from api.planning.solving import DayAsk, Question
from api.problems import UnavailableError
from api.settings import Settings
from api.store import Store, keep_blobs
from territory.errors import NotFoundError
from tests.api.databases import Databases
from tests.worlds import line_of_customers

SUNDAY = date(2027, 3, 7)


@pytest.fixture(scope="module")
def store(databases: Databases) -> Iterator[Store]:
    opened = Store(databases.fresh("sqlite"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def settings(store: Store) -> Settings:
    return Settings(database_url=str(store.engine.url), slots=0, route_processes=1, route_seconds=60.0)


@pytest.fixture(scope="module")
def question(store: Store) -> Question:
    """A day without visits, which is solved in no time."""
    parts = Parts({})
    snapshot = encode_portfolio(line_of_customers(4, reps=1), parts)
    with store.writing() as session:
        keep_blobs(session, parts.by_name)
    return Question("route", DayAsk(snapshot, "R01", SUNDAY, ()))


def test_the_solver_answers_from_a_process_of_its_own_and_survives_its_death(
    settings: Settings, store: Store, question: Question
):
    solver = Solver(settings, store)

    first, _ = solver.answer(question)
    with pytest.raises(NotFoundError, match="R99"):
        solver.answer(Question("route", DayAsk(question.ask.snapshot, "R99", SUNDAY, ())))
    os.kill(solver.processes[0], signal.SIGKILL)
    second, _ = solver.answer(question)
    solver.close()

    assert (first["stops"], first["certificate"]) == ([], "optimal")
    assert second == first


def test_a_day_that_takes_too_long_is_given_up_and_its_process_is_gone(
    settings: Settings, store: Store, question: Question
):
    solver = Solver(settings.model_copy(update={"route_seconds": 0.001}), store)

    with pytest.raises(UnavailableError, match="too long"):
        solver.answer(question)

    assert solver.processes == []


def test_who_comes_while_all_processes_are_busy_is_told_to_come_again(
    settings: Settings, store: Store, question: Question
):
    solver = Solver(settings.model_copy(update={"route_seconds": 0.01}), store)
    solver.close()

    with pytest.raises(UnavailableError, match="at once") as refusal:
        solver.answer(question)

    assert "Retry-After" in refusal.value.headers
