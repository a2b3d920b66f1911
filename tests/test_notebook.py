"""The notebook runs from a clean kernel, and what is committed of it is what a reader should see."""

import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "quickstart.ipynb"
SHORT = "--steps 2 --threads 1 --set data.collaged=0 " + " ".join(
    f"--set {setting}"
    for setting in (
        *("optimiser.batch=8", "mixture.faces=300", "mixture.held_out=100", "directions.faces=400"),
        *("parts.steps=0", "flow.steps=0", "editor.steps=2", "editor.faces=100", "gallery.faces=200"),
    )
)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: NotebookNode) -> set[str]:
    """What a cell has shown."""
    return {kind for output in cell.outputs for kind in output.get("data", {})}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """The notebook as run here, with a training of two steps."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (parameters,) = (cell for cell in code(notebook) if "parameters" in cell.metadata.get("tags", []))
    parameters.source = f'training = "{SHORT}"'
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def test_every_picture_shows_itself(executed: NotebookNode) -> None:
    for cell in code(executed):
        last = cell.source.splitlines()[-1]
        if re.match(r"minifaces\.show|faces\.sample|pairs|draw_map", last):
            assert "image/jpeg" in kinds(cell), cell.source
        elif last == "morph":
            assert "text/html" in kinds(cell), cell.source


def test_nothing_is_installed_where_all_is_there(executed: NotebookNode) -> None:
    installing = [cell for cell in code(executed) if "%pip" in cell.source]
    assert len(installing) == 2
    assert not any(cell.outputs for cell in installing)


def test_it_is_committed_with_its_pictures() -> None:
    """Whoever reads it on a code host sees what it makes, and fetches less than a megabyte."""
    assert NOTEBOOK.stat().st_size < 1_000_000
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    shown = [kind for cell in code(notebook) for kind in kinds(cell) & {"image/jpeg", "text/html"}]
    assert len(shown) >= 11
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    outputs = str([cell.outputs for cell in code(notebook)])
    assert "Traceback" not in outputs
    assert not re.search(r"/(?:tmp|home|root|work)/", outputs), "a path of the machine that it was run on"
