"""What realign is asked to keep to beside balance, as options."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from territory.cli.choices import named_of, pairs_of, ratio_of
from territory.cli.options import given
from territory.cli.spreading import Bundle

PANEL = "Limits"

Focus = Annotated[
    list[str] | None,
    given(
        metavar="TERRITORY",
        help="Redraw only these territories, among themselves; the others stay. Repeat it for more.",
        panel=PANEL,
    ),
]
Keep = Annotated[
    list[str] | None,
    given(metavar="TERRITORY", help="This territory stays as it is. Repeat it for more.", panel=PANEL),
]
InPieces = Annotated[
    list[str] | None,
    given(metavar="TERRITORY", help="This territory may be in several pieces. Repeat it for more.", panel=PANEL),
]
MaxGiven = Annotated[
    list[str] | None,
    given(
        metavar="[TERRITORY=]RATIO",
        help="A territory gives away at most this part of its customers; each of them, or the one named.",
        panel=PANEL,
    ),
]
MaxTaken = Annotated[
    list[str] | None,
    given(
        metavar="[TERRITORY=]RATIO",
        help="A territory takes at most this part of its customers more; each of them, or the one named.",
        panel=PANEL,
    ),
]
Centres = Annotated[
    list[str] | None,
    given(
        "--centre",
        metavar="homes|TERRITORY=LON,LAT",
        help="Hold centres still: at the reps' homes, or one at a place or a customer's id. Repeat it for more.",
        panel=PANEL,
    ),
]


class Wishes(Bundle):
    """What realign is asked to keep to; ``keywords`` are those of `territory.realign`."""

    def __init__(
        self,
        max_given: MaxGiven = None,
        max_taken: MaxTaken = None,
        focus: Focus = None,
        keep: Keep = None,
        centres: Centres = None,
        in_pieces: InPieces = None,
    ) -> None:
        self.keywords: dict[str, Any] = {
            "focus": focus or None,
            "keep": keep or [],
            "in_pieces": in_pieces or [],
            "max_given": _part_of(max_given or [], "--max-given"),
            "max_taken": _part_of(max_taken or [], "--max-taken"),
            "centres": _centres_of(centres or []),
        }


def _part_of(texts: list[str], option: str) -> float | dict[str, float] | None:
    """0.2 from ``20%``, {"T1": 0.2} from ``T1=20%``, None from nothing."""
    named: dict[str, float] = {}
    for text in texts:
        name, value = named_of(text)
        if name is None and len(texts) > 1:
            raise typer.BadParameter("give one ratio for all, or each with its territory.", param_hint=option)
        ratio = ratio_of(value, option)
        if named.setdefault(name or "", ratio) != ratio:
            raise typer.BadParameter(f"'{name}' is given two ratios; give one.", param_hint=option)
    return None if not named else named.get("", named)


def _centres_of(texts: list[str]) -> str | dict[str, Any] | None:
    """ "homes", {"T1": (4.8, 45.7)} from ``T1=4.8,45.7``, {"T1": "0099"} from ``T1=0099``, None from nothing."""
    if texts == ["homes"]:
        return "homes"
    if "homes" in texts:
        fix = "homes holds every centre; give it alone, or a place for each territory whose centre is held."
        raise typer.BadParameter(fix, param_hint="--centre")
    named: dict[str, Any] = {}
    wrong = "neither homes nor a territory and a place; give homes, or T1=4.83,45.76."
    for name, place in pairs_of(texts, "--centre", wrong).items():
        lon, is_pair, lat = place.partition(",")
        try:
            named[name] = (float(lon), float(lat)) if is_pair else place
        except ValueError:
            fix = f"'{place}' is no longitude and latitude; give degrees, as 4.83,45.76."
            raise typer.BadParameter(fix, param_hint="--centre") from None
    return named or None
