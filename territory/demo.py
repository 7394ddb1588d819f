"""Where the demo data is."""

from __future__ import annotations

from pathlib import Path

from territory.errors import NotFoundError, Problem


def demo_folder() -> Path:
    """The folder with the demo's customers.csv, reps.csv and rules.toml.

    It is ``data/`` in a checkout, and ``territory/demo_data/`` once installed.

    Raises
    ------
    NotFoundError
        The installation lacks it.
    """
    package = Path(__file__).parent
    for folder in (package / "demo_data", package.parent / "data"):
        if (folder / "customers.csv").is_file():
            return folder
    raise NotFoundError(
        [Problem("demo data", f"There is none in {package} or beside it.", "Install territory-planner again.")]
    )
