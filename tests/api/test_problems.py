"""Each class of error has one status, and one shape."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from api.exchange import add_error_handlers
from territory.errors import DataError, InfeasibleError, NotFoundError, Problem, TerritoryError, UnavailableError

PROBLEM = Problem("roads", "The routing server does not answer.", "Start it.")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DataError([PROBLEM]), 422),
        (InfeasibleError([PROBLEM]), 409),
        (NotFoundError([PROBLEM]), 404),
        (UnavailableError([PROBLEM]), 503),
        (TerritoryError([PROBLEM]), 422),
        (OperationalError("SELECT 1", {}, Exception("gone")), 503),
        (RuntimeError("ours"), 500),
    ],
)
def test_an_error_is_a_problem_with_the_status_of_its_class(error: Exception, status: int):
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/")
    def fail() -> None:
        raise error

    answer = TestClient(app, raise_server_exceptions=False).get("/")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    if isinstance(error, TerritoryError):
        assert answer.json()["problems"] == [vars(PROBLEM)]
