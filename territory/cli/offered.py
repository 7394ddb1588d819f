"""Commands of other installed packages, of which nothing is known here.

A package offers one as an entry point of the group ``territory.commands``: the command's name, and a `typer.Typer`
with that one command. It is imported when it is typed, or listed.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from territory.cli.guard import guarded
from territory.errors import DataError, Problem

GROUP = "territory.commands"


class OfferedGroup(TyperGroup):
    """A group of commands with those that other packages offer; ours go first."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, ours first."""
        own = super().list_commands(ctx)
        return [*own, *sorted(_offers().keys() - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; None without any."""
        own = super().get_command(ctx, cmd_name)
        return _loaded(_offers()[cmd_name]) if own is None and cmd_name in _offers() else own


@cache
def _offers() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}


def _loaded(offer: EntryPoint) -> Any:
    try:
        offered = offer.load()
    except (ImportError, AttributeError) as error:
        offered = _broken(offer, str(error))
    return typer.main.get_command(offered)


def _broken(offer: EntryPoint, why: str) -> typer.Typer:
    """A command in the place of one that cannot be imported: the others must go on."""
    app = typer.Typer()

    @app.command(name=offer.name, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    @guarded
    def tell() -> None:
        """Cannot be loaded."""
        what = f"It is offered by {offer.value}, which cannot be imported: {why}."
        raise DataError([Problem(f"territory {offer.name}", what, "Mend that package, or remove it.")])

    return app
