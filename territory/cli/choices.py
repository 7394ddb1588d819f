"""What a person may type after an option, and what it means."""

from __future__ import annotations

import typer

from territory.model import MEASURES

MOST_TOLERANCE = 50.0


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


def tolerance_of(text: str) -> dict[str, float]:
    """{"potential": 0.05} from ``potential=5%``; a bare ratio counts for every measure; {} from nothing."""
    option = "--tolerance"
    asked: dict[str, float] = {}
    for part in filter(str.strip, text.split(",")):
        name, is_named, value = (piece.strip() for piece in part.rpartition("="))
        if is_named and name not in MEASURES:
            known = ", ".join(MEASURES)
            raise typer.BadParameter(f"'{name}' is not a measure; the measures are {known}.", param_hint=option)
        # Beside a giant, a territory can hold several times its share.
        ratio = ratio_of(value, option, most=MOST_TOLERANCE)
        if not ratio:
            raise typer.BadParameter("0 leaves no room at all; give a ratio above 0, as 0.05.", param_hint=option)
        asked.update(dict.fromkeys([name] if is_named else MEASURES, ratio))
    return asked


def columns_of(texts: list[str]) -> dict[str, str]:
    """{"revenue": "sales_2021"} from ``revenue=sales_2021``."""
    columns = {}
    for text in texts:
        name, _, header = (piece.strip() for piece in text.partition("="))
        if not (name and header):
            raise typer.BadParameter(f"'{text}' is not NAME=HEADER, as revenue=sales_2021.", param_hint="--map")
        columns[name] = header
    return columns


def moves_of(texts: list[str]) -> dict[str, str]:
    """{"0099": "T3"} from ``0099=T3``."""
    moves = {}
    for text in texts:
        customer, _, territory = (piece.strip() for piece in text.rpartition("="))
        if not (customer and territory):
            raise typer.BadParameter(f"'{text}' is not CUSTOMER=TERRITORY, as 0099=T3.", param_hint="--move")
        moves[customer] = territory
    return moves
