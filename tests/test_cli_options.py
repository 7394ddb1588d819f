"""Options that belong together reach a command as one thing, and a person one by one."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer

from territory.cli.choices import named_of, pair_of
from territory.cli.spreading import Bundle, spread


@dataclass(frozen=True)
class Dish(Bundle):
    """A bundle of three options."""

    name: Annotated[str, typer.Argument()]
    salt: Annotated[int, typer.Option(help="Grains.")] = 3
    is_hot: bool = True


COLD = Dish("soup", is_hot=False)


def cook(*, dish: Dish, seconds: int = 60) -> None:
    """Cook it."""
    raise typer.Exit(seconds + dish.salt)


def serve(*, dish: Dish = COLD) -> None:
    raise typer.Exit(int(dish.is_hot))


def test_a_bundle_s_options_stand_in_its_place_in_the_signature():
    offered = inspect.signature(spread(cook)).parameters

    assert list(offered) == ["name", "salt", "is_hot", "seconds"]
    assert offered["name"].default is inspect.Parameter.empty
    assert [offered[name].default for name in ("salt", "is_hot", "seconds")] == [3, True, 60]


def test_a_command_may_give_a_bundle_other_defaults():
    offered = inspect.signature(spread(serve)).parameters

    assert [offered[name].default for name in ("name", "salt", "is_hot")] == ["soup", 3, False]


def test_what_was_typed_reaches_the_command_as_a_bundle():
    with pytest.raises(typer.Exit) as end:
        spread(cook)(name="soup", salt=5, is_hot=True, seconds=10)

    assert end.value.exit_code == 15


def test_a_command_keeps_its_name_and_what_it_says_of_itself():
    assert (spread(cook).__name__, spread(cook).__doc__) == ("cook", "Cook it.")


@pytest.mark.parametrize(
    ("text", "found"),
    [("a=b", ("a", "b")), (" a = b ", ("a", "b")), ("a=b=c", ("a", "b=c")), ("客户=T1", ("客户", "T1"))],
)
def test_a_pair_has_a_name_and_a_value(text, found):
    assert pair_of(text, "--map", "wrong.") == found


def test_a_pair_may_be_cut_at_its_last_sign():
    assert pair_of("a=b=c", "--move", "wrong.", cut=str.rpartition) == ("a=b", "c")


@pytest.mark.parametrize("text", ["", "a", "=b", "a=", " = "])
def test_half_a_pair_is_told_with_its_option(text):
    with pytest.raises(typer.BadParameter, match=f"'{text}' is not NAME=VALUE") as wrong:
        pair_of(text, "--map", "not NAME=VALUE.")

    assert wrong.value.param_hint == "--map"


def test_what_has_no_name_holds_for_all():
    assert named_of("5%") == (None, "5%")
    assert named_of("T1 = 5%") == ("T1", "5%")
