from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
MOST_CODE_LINES = 100
CELL_SECONDS = 300

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@every_notebook
def test_a_notebook_is_kept_without_outputs(path):
    cells = code_cells(path)

    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@every_notebook
def test_a_story_takes_less_than_a_hundred_lines_of_code(path):
    assert sum(len(cell.source.splitlines()) for cell in code_cells(path)) < MOST_CODE_LINES


@every_notebook
def test_each_section_says_what_was_learnt(path):
    told = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]

    sections = sum(text.startswith("## ") for text in told)

    assert sections > 0
    assert sum(text.startswith("**Learnt.**") for text in told) == sections


@every_notebook
def test_a_notebook_runs_from_top_to_bottom_without_a_warning(path, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    # The environment's own kernel, whatever kernels the machine's owner has registered.
    monkeypatch.setenv("JUPYTER_PATH", str(kernel_of_this_python(tmp_path)))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell("import warnings\nwarnings.simplefilter('error')"))
    folder = tmp_path / "run"
    folder.mkdir()

    client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}})
    # In a thread of its own: a browser that other tests keep open has an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, client.async_execute()).result()

    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "stream" and output.name == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in shown)


def kernel_of_this_python(folder: Path) -> Path:
    """A folder for JUPYTER_PATH whose kernel "python3" is the Python that runs the tests."""
    from ipykernel.kernelspec import write_kernel_spec

    write_kernel_spec(folder / "kernels" / "python3")
    return folder
