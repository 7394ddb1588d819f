"""A proposal as the files of a folder, and what the terminal says of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from territory.cli.bundles import Output
from territory.cli.guard import FINE, OUTSIDE
from territory.cli.screen import Screen
from territory.cli.tables import proposal_table
from territory.cli.words import outside, summary
from territory.model import Proposal
from territory.outcome import cost_of_tolerance

MAP_FILE = "proposal.html"


@dataclass(frozen=True)
class Published:
    """What was written: ``report`` is the content of report.json."""

    folder: Path
    files: tuple[str, ...]
    report: dict[str, object]

    @property
    def document(self) -> dict[str, object]:
        """The report, and where everything is."""
        return {**self.report, "folder": str(self.folder), "files": list(self.files)}


def own_files() -> tuple[str, ...]:
    """Every file that a proposal's folder may hold; others in it are left alone."""
    from territory.files.writing import PROPOSAL_FILES

    return (*PROPOSAL_FILES, MAP_FILE)


def publish(proposal: Proposal, output: Output) -> Published:
    """Write the proposal and its map."""
    from territory.files import write_proposal
    from territory.files.storing import store
    from territory.maps import draw_map

    # Drawn before anything is written: a folder never holds a proposal and the map of another.
    page = draw_map(proposal, language=output.language, tiles=output.tiles).get_root().render()
    folder = output.out
    write_proposal(proposal, folder)
    store(folder, {MAP_FILE: page}, known=())
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return Published(folder, tuple(name for name in own_files() if (folder / name).is_file()), report)


def show(screen: Screen, proposal: Proposal, published: Published) -> None:
    """The proposal for people, or its report as the JSON document."""
    screen.say(proposal_table(proposal, screen.width), "", summary(proposal))
    unplaced = len(proposal.portfolio.unplaced)
    if unplaced:
        who = "1 customer is" if unplaced == 1 else f"{unplaced:,} customers are"
        screen.say(f"{who} in no territory; unplaced.csv says why.")
    screen.problems(proposal.reasons)
    if any(reason.where.removeprefix("tolerance on ") in proposal.tolerance for reason in proposal.reasons):
        cost = cost_of_tolerance(proposal)
        screen.say(*([] if cost is None else [cost.en]))
        screen.say("What each tolerance would cost in plans: territory tradeoff, with the same files and options.")
    files = ", ".join(name for name in published.files if name != MAP_FILE)
    screen.say("", f"The map is {published.folder / MAP_FILE}. Beside it are {files}.")
    screen.document(published.document)


def exit_code(proposal: Proposal) -> int:
    """`OUTSIDE` when a rule could not be kept, `FINE` otherwise."""
    return OUTSIDE if proposal.reasons or outside(proposal).any() else FINE
