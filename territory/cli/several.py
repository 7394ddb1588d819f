"""Several plans in one folder: each in a folder of its number, and what compares them beside these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from territory.cli.bundles import Output
from territory.cli.publishing import own_files, publish
from territory.cli.screen import Tell
from territory.model import Proposal

FRONT_FILES = ("front.csv", "front.html")
SCENARIO_FILES = ("scenarios.csv",)


def publish_each(plans: Sequence[Proposal], output: Output, compared: Mapping[str, str], *, tell: Tell) -> list[str]:
    """Write every plan and its map into a folder of its number, and `compared` beside them; gives the folders' names.

    Numbered folders of an earlier run lose our files, so that none is taken for one of this run.
    """
    from territory.files.storing import store

    names = [f"{number:02}" for number in range(1, len(plans) + 1)]
    for done, (name, plan) in enumerate(zip(names, plans, strict=True)):
        tell("map", done / len(plans))
        publish(plan, replace(output, out=output.out / name))
    store(output.out, compared, (*FRONT_FILES, *SCENARIO_FILES))
    for stale in sorted(output.out.glob("[0-9][0-9]")):
        if stale.name not in names and stale.is_dir():
            store(stale, {}, own_files())
            if not any(stale.iterdir()):
                stale.rmdir()
    return names
