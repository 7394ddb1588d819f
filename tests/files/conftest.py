"""Small files to read, as a person would write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write("a,b", "1,2", name="customers.csv", encoding="utf-8"): the path of a file with these lines."""

    def lines_to_file(*lines: str, name: str = "customers.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("".join(line + "\n" for line in lines).encode(encoding))
        return path

    return lines_to_file
