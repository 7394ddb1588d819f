"""What reaches the terminal: words and tables on stdout, faults and progress on stderr."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from territory.cli.options import Json, Quiet
from territory.cli.spreading import Bundle
from territory.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

CANCELLED = 130
STAGES = {
    "read": "Reading",
    "shape": "Finding centres",
    "balance": "Balancing",
    "proof": "Proving the bound",
    "scenarios": "Comparing plans",
    "map": "Drawing the map",
    "plan": "Planning",
    "calls": "Planning the weeks",
}
_OF_UNKNOWN_LENGTH = ("read", "map", "plan")
_FIRST_TIME = (
    "Compiling the search for the first time on this machine: about 20 seconds, once. Later runs start at once."
)
# Names are data: an escape sequence in one must not reach the terminal.
_CONTROL = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "\ufffd")

Tell = Callable[[str, float], None]


class CancelledError(Exception):
    """Raised in the library's own threads when the person at the keyboard has had enough."""


class _Console(Console):
    """Prints text as it is: names are data, and a colour shows only on a terminal."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file=file, markup=False, emoji=False, highlight=False)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class Screen(Bundle):
    """Where a command speaks. `is_json`: stdout holds one document and nothing else; `is_quiet`: it holds nothing."""

    def __init__(self, *, is_json: Json = False, is_quiet: Quiet = False) -> None:
        self._is_json, self._is_quiet = is_json, is_quiet
        self._out, self._err = _Console(sys.stdout), _Console(sys.stderr)

    @property
    def width(self) -> int:
        """Characters in a line of stdout."""
        return self._out.width

    def say(self, *parts: RenderableType) -> None:
        """A paragraph or a table for people."""
        if not (self._is_json or self._is_quiet):
            for part in parts:
                self._out.print(clean(part) if isinstance(part, str) else part)

    def points(self, texts: Iterable[str]) -> None:
        """A list, each text behind a bullet."""
        grid = Table.grid(padding=(0, 1))
        for text in texts:
            grid.add_row("  -", clean(text))
        self.say(grid)

    def document(self, content: object) -> None:
        """The one JSON document of the run, when it was asked for."""
        if self._is_json:
            text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
            sys.stdout.write(text + "\n")

    def warn(self, text: str) -> None:
        """A line on stderr."""
        if not self._is_quiet:
            self._err.print(clean(text), style="yellow")

    def problems(self, problems: Sequence[Problem]) -> None:
        """Where, what and how to mend it, each on stderr; also when quiet."""
        for problem in problems:
            line = Text.assemble((clean(problem.where), "bold red"), ": ", clean(problem.what))
            self._err.print(line)
            if problem.fix:
                self._err.print(Text(f"  {clean(problem.fix)}", "green"))

    @contextmanager
    def working(self, first: str) -> Iterator[Tell]:
        """Progress on stderr while the block runs, from stage `first` on; gives what the library tells its stages to.

        Only a terminal sees the bar. Ctrl-C ends the library's own threads too: the next stage they tell raises.
        """
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
            disable=self._is_quiet or not self._err.is_terminal,
        )
        with bar, _first_compilation(lambda: self.warn(_FIRST_TIME)), _interruptible() as is_cancelled:
            stages = _Stages(bar)
            stages(first, 0.0)

            def tell(stage: str, part: float) -> None:
                if is_cancelled():
                    raise CancelledError
                stages(stage, part)

            yield tell


class _Stages:
    """One bar that begins anew with each stage, so that the time left is that of the stage."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None)
        self._stage, self._round = "", 0

    def __call__(self, stage: str, part: float) -> None:
        if stage != self._stage:
            self._stage = stage
            self._round += stage == "shape"
            again = f", round {self._round}" if self._round > 1 else ""
            total = None if stage in _OF_UNKNOWN_LENGTH else 1.0
            self._bar.reset(self._task, total=total, description=STAGES.get(stage, stage) + again)
        self._bar.update(self._task, completed=part)


def records(table: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as JSON holds them: null for what is not known."""
    found: list[dict[str, object]] = json.loads(table.to_json(orient="records", double_precision=12))
    return found


def clean(text: str) -> str:
    """`text` without characters that steer a terminal."""
    return text.translate(_CONTROL)


@contextmanager
def _first_compilation(announce: Callable[[], None]) -> Iterator[None]:
    """Announce once when numba begins to compile: it does so only for what its cache on disk lacks."""
    from numba.core import event

    class FirstCompilation(event.Listener):
        is_told = False

        def on_start(self, event: object) -> None:
            if not self.is_told:
                self.is_told = True
                announce()

        def on_end(self, event: object) -> None:
            pass

    with event.install_listener("numba:compile", FirstCompilation()):
        yield


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C raises in this thread and says so to the others; a second one ends the process at once."""
    presses = 0

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            # Threads that are deep in compiled code cannot be asked; files are only ever renamed whole.
            os._exit(CANCELLED)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: presses > 0
    finally:
        signal.signal(signal.SIGINT, before)
