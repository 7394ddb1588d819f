"""Rules as TOML: reading every fault at once, and writing them so that they read back the same."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from territory.errors import DataError, Problem
from territory.files.storing import store
from territory.model import Rules
from territory.rules import RANGES, Form, Range, crossed_limits

_TIER_TABLES = ("visits_per_year", "minutes_per_visit", "tier_shares", "potential_by_tier")
"""Sections with a key a tier; a section that is given replaces the default whole."""

_MEASURE_TABLES = ("tolerance", "weights")
"""Sections with a key a measure, or a number column; what is not given keeps its default."""

_SETTINGS = {
    "potential": {"per_revenue": "potential_per_revenue"},
    "limits": {
        name: name
        for name in (
            *("fairness", "compactness"),
            *("min_customers", "max_customers", "max_radius_km", "max_capacity_use"),
        )
    },
    "calendar": {
        name: name
        for name in (
            *("weeks_per_year", "hours_per_week", "work_from", "work_until", "weekdays", "holidays"),
            *("pause_from", "pause_until", "pause_minutes", "spacing_tolerance", "night_minutes"),
        )
    },
    "travel": {
        "speed_kmh": "speed_kmh",
        "detour_factor": "detour_factor",
        "stop_factor": "stop_factor",
        "density_neighbours": "density_neighbours",
        "factor": "travel_factor",
    },
}
"""section -> key -> attribute of Rules"""

_SECTIONS = [*_TIER_TABLES, *_MEASURE_TABLES, *_SETTINGS]


def read_rules(path: str | Path) -> Rules:
    """Rules from a TOML file; what it does not say keeps its default.

    Parameters
    ----------
    path : path of a TOML with any of the sections ``[visits_per_year]``, ``[minutes_per_visit]``, ``[tier_shares]``,
        ``[potential_by_tier]`` (a key a tier; a section that is given replaces the default one), ``[tolerance]``
        and ``[weights]`` (potential, workload, any number column of the customers), ``[potential]`` (per_revenue),
        ``[limits]`` (fairness, compactness, min_customers, max_customers, max_radius_km, max_capacity_use),
        ``[calendar]`` (weeks_per_year, hours_per_week, work_from,
        work_until, weekdays, holidays, pause_from, pause_until, pause_minutes, spacing_tolerance, night_minutes),
        ``[travel]`` (speed_kmh, detour_factor, stop_factor, density_neighbours, factor).

    Raises
    ------
    DataError
        The file cannot be read, or it has unknown keys, wrong types or values out of range: all are listed.
    """
    path = Path(path)
    document = _document(path)
    problems: list[Problem] = []
    values: dict[str, object] = {}
    for section, content in document.items():
        where = f"{path.name}, [{section}]"
        if section not in _SECTIONS:
            problems.append(_unknown(f"{path.name}, '{section}'", "section", section, _SECTIONS))
        elif not isinstance(content, dict):
            problems.append(Problem(where, "This is a section, not a value.", f"Write [{section}], then its keys."))
        elif section in _TIER_TABLES:
            problems.extend(_misfits(where, content, dict.fromkeys(content, RANGES[section])))
            values[section] = MappingProxyType(dict(content))
        elif section in _MEASURE_TABLES:
            problems.extend(_misfits(where, content, dict.fromkeys(content, RANGES[section])))
            values[section] = MappingProxyType({**getattr(Rules(), section), **content})
        else:
            keys = _SETTINGS[section]
            problems.extend(_misfits(where, content, {key: RANGES[name] for key, name in keys.items()}))
            values |= {name: _settled(content[key]) for key, name in keys.items() if key in content}
    problems = problems or _contradictions(path.name, values)
    if problems:
        raise DataError(problems)
    return Rules(**values)  # type: ignore[arg-type]  # each value was checked against the range of its own field


def write_rules(rules: Rules, path: str | Path) -> None:
    """Write `rules` as TOML; `read_rules` gives them back. DataError when the file cannot be written."""
    path = Path(path)
    store(path.parent, {path.name: rules_text(rules)}, known=())


def rules_text(rules: Rules) -> str:
    """`rules` as TOML."""
    lines = ["# Rules of a portfolio: how what is missing is derived, and what counts as fair."]
    for section in [*_TIER_TABLES, *_MEASURE_TABLES]:
        lines += ["", f"[{section}]", *(_line(*item) for item in getattr(rules, section).items())]
    for section, keys in _SETTINGS.items():
        lines += ["", f"[{section}]", *(_line(key, getattr(rules, name)) for key, name in keys.items())]
    return "\n".join(lines) + "\n"


def _document(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise DataError([Problem(str(path), f"It cannot be read ({error.strerror}).", "Check the path.")]) from error
    except UnicodeDecodeError as error:
        raise DataError([Problem(path.name, "It is not UTF-8.", "Save it as UTF-8.")]) from error
    # Besides its own error it raises what a number too long, or brackets too deep, make of it.
    except (ValueError, RecursionError) as error:
        fix = "Write one `key = value` a line, below its [section]."
        raise DataError([Problem(path.name, f"It is not TOML ({error}).", fix)]) from error


def _misfits(where: str, content: Mapping[str, object], allowed: Mapping[str, Range | Form]) -> Iterable[Problem]:
    for key, value in content.items():
        if key not in allowed:
            yield _unknown(f"{where}, '{key}'", "key", key, list(allowed))
        elif not allowed[key].holds(value):
            yield Problem(f"{where}, '{key}'", f"{value!r} is not {allowed[key].words}.", f"Give {allowed[key].words}.")


def _contradictions(file: str, values: Mapping[str, object]) -> list[Problem]:
    rules = Rules(**values)  # type: ignore[arg-type]  # each value was checked against the range of its own field
    problems = []
    total = math.fsum(rules.tier_shares.values())
    if rules.tier_shares and abs(total - 1) > 1e-6:
        what = f"The shares add up to {total:g}, not to 1."
        problems.append(Problem(f"{file}, [tier_shares]", what, "Make them add up to 1."))
    if crossed := crossed_limits(rules):
        problems.append(replace(crossed, where=f"{file}, [limits], 'min_customers' and 'max_customers'"))
    pairs = [("visits_per_year", "minutes_per_visit"), ("minutes_per_visit", "visits_per_year")]
    # Shares of the default tiers are of no account where every customer has a tier of one's own.
    if rules.tier_shares != Rules().tier_shares:
        pairs += [("tier_shares", "visits_per_year"), ("tier_shares", "minutes_per_visit")]
    for named, lacking in pairs:
        missing = [tier for tier in getattr(rules, named) if tier not in getattr(rules, lacking)]
        if missing and (named in values or lacking in values):
            tiers = ", ".join(missing)
            what = f"It lacks tier {tiers} of [{named}]."
            problems.append(Problem(f"{file}, [{lacking}]", what, f"Give {tiers} in both sections, or in neither."))
    return problems


def _unknown(where: str, kind: str, name: str, valid: list[str]) -> Problem:
    near = difflib.get_close_matches(name, valid, 1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return Problem(where, f"There is no such {kind}.", f"{hint}There are {', '.join(valid)}.")


def _settled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _line(key: str, value: float | str | tuple[str, ...]) -> str:
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    # TOML quotes as JSON does, but for one letter: it wants DEL escaped.
    quoted = json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"{key if is_bare else quoted} = {_value(value)}"


def _value(value: float | str | tuple[str, ...]) -> str:
    if isinstance(value, str | tuple):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if isinstance(value, int) else repr(float(value))
