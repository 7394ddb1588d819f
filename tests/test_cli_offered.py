"""Other packages may add commands to `territory`; one that is broken keeps no other from working."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
import typer

from territory.cli import offered
from tests.terminal import territory

greeting = typer.Typer()


@greeting.command(name="greet")
def _greet(name: str) -> None:
    """Say hello."""
    typer.echo(f"Hello, {name}.")


@pytest.fixture(autouse=True)
def offers(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"greet": f"{__name__}:greeting", "gone": "no_such_package:app", "check": f"{__name__}:greeting"}
    made = {name: EntryPoint(name, value, offered.GROUP) for name, value in here.items()}
    monkeypatch.setattr(offered, "_offers", lambda: made)


def test_a_command_of_another_package_is_one_like_ours():
    run = territory("greet", "Anna")

    assert (run.code, run.out) == (0, "Hello, Anna.\n")


def test_it_is_listed_with_what_it_says_of_itself():
    told = territory("--help").out

    assert "greet" in told
    assert "Say hello." in told


def test_none_takes_the_place_of_a_command_of_ours():
    assert "Tell every fault" in territory("check", "--help").out


def test_one_that_cannot_be_imported_says_so_and_breaks_nothing_else():
    run = territory("gone", "--whatever", "x")

    assert run.code == 1
    assert "no_such_package" in run.err
    assert "gone" in territory("--help").out


def test_nothing_is_looked_up_for_a_command_of_ours(monkeypatch: pytest.MonkeyPatch):
    def fail() -> dict[str, EntryPoint]:
        raise AssertionError("the packages were searched")

    monkeypatch.setattr(offered, "_offers", fail)

    assert territory("columns", "--json").code == 0
