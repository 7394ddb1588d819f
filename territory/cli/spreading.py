"""Options that belong together, as one parameter of a command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

Command = Callable[..., None]


class Bundle:
    """A class that is made of options: a command that takes one is offered with all of them.

    Its parameters carry typer's options. A default of the command's parameter, an instance, gives each option its
    default; without one, the class's own hold.
    """


def spread(command: Command) -> Command:
    """`command`, with the options of every `Bundle` that it takes where typer looks for them: in the signature."""
    asked = inspect.signature(command, eval_str=True).parameters
    bundles = {name: parameter.annotation for name, parameter in asked.items() if _is_bundle(parameter)}
    options = {name: _options_of(asked[name]) for name in bundles}

    @functools.wraps(command)
    def run(**given: object) -> None:
        made = {
            name: kind(**{option.name: given.pop(option.name) for option in options[name]})
            for name, kind in bundles.items()
        }
        command(**given, **made)

    offered = [option for name, parameter in asked.items() for option in options.get(name, [parameter])]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # mypy knows of no function that has one
        [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in offered]
    )
    return run


def _is_bundle(parameter: inspect.Parameter) -> bool:
    return inspect.isclass(parameter.annotation) and issubclass(parameter.annotation, Bundle)


def _options_of(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    options = list(inspect.signature(parameter.annotation, eval_str=True).parameters.values())
    if parameter.default is parameter.empty:
        return options
    return [option.replace(default=getattr(parameter.default, option.name)) for option in options]
