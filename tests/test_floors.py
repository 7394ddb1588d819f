"""Who may import whom, and what library code may not reach for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "territory"

# A module imports only from floors above it in this list. A package counts as one module.
FLOORS = [
    {"errors", "hours", "kernels", "languages", "threads"},
    {"columns", "geo", "land", "neighbours", "numeric", "rules"},
    {"borders", "changes", "travel"},
    {"demo", "model"},
    {"boundaries", "homes"},
    {"demand"},
    {"measures", "files", "alignment", "routing"},
    {"callplan", "realignment", "clustering", "outcome", "side_by_side"},
    {"reconciling", "scenarios", "buildup", "fronts", "reopening", "tradeoffs"},
    {"itinerary"},
    {"maps", "adjustment"},
    {"cli", "__init__"},
]
FLOOR_OF = {module: number for number, floor in enumerate(FLOORS) for module in floor}
# The clock and the terminal belong to the people who run the program.
WITH_A_CLOCK = {"cli"}

SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All that a file's text consists of."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def module_of(path: Path) -> str:
    """``files`` for territory/files/text.py, ``model`` for territory/model.py."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path: Path) -> Iterator[tuple[str, ...]]:
    """The dotted names that a file imports, anywhere in it: ("territory", "model", "Portfolio")."""
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from ((*(node.module or "").split("."), alias.name) for alias in node.names)


def chains_in(path: Path) -> Iterator[str]:
    """Every dotted expression in a file, as "np.random.seed"."""
    for node in nodes_of(path):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def test_every_module_has_a_floor():
    modules = {module_of(path) for path in SOURCES}

    assert modules == set(FLOOR_OF)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path):
    here = module_of(path)

    ours = {name[1] for name in imports_of(path) if name[0] == "territory" and len(name) > 1} - {here}

    assert {module for module in ours if FLOOR_OF.get(module, len(FLOORS)) >= FLOOR_OF[here]} == set()


def test_the_package_face_names_only_what_its_modules_have():
    import territory

    missing = [name for name in territory.__all__ if not hasattr(territory, name)]

    assert missing == []
    assert set(territory.__all__) <= set(dir(territory))


def test_editors_see_the_same_names_as_people():
    import territory

    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    shown = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    # BalancedTerritories needs scikit-learn, an extra, and so has no part in a star import.
    assert shown == {*territory.__all__, "BalancedTerritories"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_the_library_knows_no_web_code(path: Path):
    assert not {name[0] for name in imports_of(path)} & {"api", "fastapi", "starlette", "uvicorn", "sqlite3"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_randomness_and_time_come_from_outside(path: Path):
    allowed = {"np.random.default_rng", "np.random.Generator", "np.random.SeedSequence"}
    clocks = {"time.time", "time.monotonic", "time.perf_counter", "datetime.now", "datetime.utcnow", "date.today"}

    chains = set(chains_in(path))

    assert "random" not in {name[0] for name in imports_of(path)}
    assert {chain for chain in chains if chain.startswith("np.random.") and chain.count(".") == 2} <= allowed
    if module_of(path) not in WITH_A_CLOCK:
        assert "time" not in {name[0] for name in imports_of(path)}
        assert not {chain for chain in chains if any(chain.endswith(clock) for clock in clocks)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_failure_is_caught_without_being_named(path: Path):
    handlers = [node for node in nodes_of(path) if isinstance(node, ast.ExceptHandler)]

    caught = {"bare" if handler.type is None else ast.unparse(handler.type) for handler in handlers}

    assert not {name for name in caught if name == "bare" or name in ("Exception", "BaseException")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_is_short_enough_to_read(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 520
