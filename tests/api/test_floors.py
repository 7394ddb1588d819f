"""Who may import whom in the service, and what its code may not do."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "api"

# A module imports only from floors above it in this list. A package counts as one module.
FLOORS = [
    {"settings", "problems", "content", "logs", "language"},
    {"store"},
    {"jobs", "backup"},
    {"auth"},
    {"planning"},
    {"schemas"},
    {"exchange"},
    {"routers"},
    {"pages"},
    {"app"},
    {"commands", "serve", "work", "__init__"},
]
FLOOR_OF = {module: number for number, floor in enumerate(FLOORS) for module in floor}
SOURCES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path: Path):
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    imported = set()

    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""] if node.module != "api" else [f"api.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        imported |= {name.split(".")[1] for name in names if name.startswith("api.")}

    assert {module for module in imported - {here} if FLOOR_OF[module] >= FLOOR_OF[here]} == set()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_failure_is_caught_without_being_named(path: Path):
    handlers = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ExceptHandler)
    ]

    caught = {"bare" if handler.type is None else ast.unparse(handler.type) for handler in handlers}

    assert not {name for name in caught if name in ("bare", "Exception", "BaseException")}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_is_short_enough_to_read(path: Path):
    limit = 700 if path.parent.name in ("schemas", "versions") else 520

    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit
