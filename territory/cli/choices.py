"""What a person may type after an option, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import typer

from territory.model import MEASURES

MOST_TOLERANCE = 50.0

Cut = Callable[[str, str], tuple[str, str, str]]
"""`str.partition` at the first sign, or `str.rpartition` at the last."""


def ratio_of(text: str, option: str, *, most: float = 1.0) -> float:
    """0.05 from ``0.05``, ``5%`` or ``5 %``; BadParameter unless it is from 0 to 1, or in percent to `most`."""
    number = text.strip()
    is_percent = number.endswith("%")
    try:
        value = float(number.removesuffix("%")) / (100 if is_percent else 1)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a number; give 0.05 or 5%.", param_hint=option) from None
    if not 0 <= value <= (most if is_percent else 1):
        hint = f" For {value:g} % give {value:g}%." if not is_percent and 1 < value <= 100 else ""
        raise typer.BadParameter(f"'{text}' is not from 0 to 1, or 0% to {most:.0%}.{hint}", param_hint=option)
    return value


def named_of(text: str) -> tuple[str | None, str]:
    """("T1", "5%") from ``T1=5%``, (None, "5%") from ``5%``."""
    name, is_named, value = (piece.strip() for piece in text.rpartition("="))
    return name if is_named else None, value


def tolerance_of(text: str) -> dict[str, float]:
    """{"beds": 0.05} from ``beds=5%``; a bare ratio counts for potential and workload; {} from nothing.

    Which columns there are is known once the customers are read.
    """
    option = "--tolerance"
    asked: dict[str, float] = {}
    for part in filter(str.strip, text.split(",")):
        name, value = named_of(part)
        # Beside a giant, a territory can hold several times its share.
        ratio = ratio_of(value, option, most=MOST_TOLERANCE)
        if not ratio:
            raise typer.BadParameter("0 leaves no room at all; give a ratio above 0, as 0.05.", param_hint=option)
        asked.update(dict.fromkeys(MEASURES if name is None else [name], ratio))
    return asked


def pair_of(text: str, option: str, wrong: str, *, sign: str = "=", cut: Cut = str.partition) -> tuple[str, str]:
    """("T1", "5%") from ``T1=5%``; BadParameter, "'...' is" and what is `wrong`, unless both sides are there."""
    name, _, value = (piece.strip() for piece in cut(text, sign))
    if not (name and value):
        raise typer.BadParameter(f"'{text}' is {wrong}", param_hint=option)
    return name, value


def pairs_of(texts: Iterable[str], option: str, wrong: str, *, cut: Cut = str.partition) -> dict[str, str]:
    """As `pair_of`, of several; BadParameter when one name is given two values, for only one could hold."""
    found: dict[str, str] = {}
    for text in texts:
        name, value = pair_of(text, option, wrong, cut=cut)
        if found.setdefault(name, value) != value:
            raise typer.BadParameter(f"'{name}' is given {found[name]} and {value}; give one.", param_hint=option)
    return found


def columns_of(texts: list[str]) -> dict[str, str]:
    """{"revenue": "sales_2021"} from ``revenue=sales_2021``."""
    return pairs_of(texts, "--map", "not NAME=HEADER, as revenue=sales_2021.")


def moves_of(texts: list[str]) -> dict[str, str]:
    """{"0099": "T3"} from ``0099=T3``; the id of a customer may hold the sign itself."""
    wrong = "not CUSTOMER=TERRITORY, as 0099=T3."
    return pairs_of(texts, "--move", wrong, cut=str.rpartition)
