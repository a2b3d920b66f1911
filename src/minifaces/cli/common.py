"""What the commands share: options, opening the model, naming outputs, telling what was written."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress, track

from minifaces.errors import UsageError

if TYPE_CHECKING:
    from minifaces.images import Pixels
    from minifaces.studio.model import Latents, Model

T = TypeVar("T")

ModelOption = Annotated[
    Path | None,
    typer.Option("--model", metavar="FOLDER", help="Model folder.", show_default="the bundled model"),
]
RefineOption = Annotated[bool, typer.Option("--refine", help="Fit picture files better: about a second each.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Tell the results as JSON.")]

_opened: dict[Path | None, "Model"] = {}


def open_model(folder: Path | None) -> "Model":
    """The model of `--model`. Kept open: the demo runs many commands on one model."""
    if folder not in _opened:
        import minifaces

        _opened[folder] = minifaces.load(folder)
    return _opened[folder]


def latents_of(model: "Model", faces: Sequence[str], refine: bool) -> "list[Latents]":
    """The (d,) latents of FACEs, those of picture files refined if asked for, with a bar where that takes long."""
    if not refine:
        return [model.latent_of(face) for face in faces]
    from minifaces.studio.refine import STEPS

    return [model.latent_of(face, STEPS) for face in progress(faces, "refining", len(faces))]


def save(path: Path, picture: "Pixels", what: str, as_json: bool, facts: Mapping[str, Any]) -> None:
    """Save a picture and tell of it."""
    from minifaces.images import save_picture

    save_picture(path, picture)
    height, width = picture.shape[:2]
    tell(path, f"{what}, {width} x {height}", as_json, {"width": width, "height": height, **facts})


def tell(path: Path, what: str, as_json: bool = False, facts: Mapping[str, Any] = MappingProxyType({})) -> None:
    """One line about a file that was written, or its facts as JSON."""
    size = path.stat().st_size
    if as_json:
        print_json({"file": str(path), "bytes": size, **facts})
    else:
        typer.echo(f"{path}: {what}, {human(size)}")


def needs(module: str, what: str, extra: str = "data") -> None:
    """Raise UsageError where a module of an extra is not installed."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise UsageError(f"{what} needs {module}: pip install 'minifaces[{extra}]'")


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def human(size: int) -> str:
    """Bytes as people say them: 980 bytes, 12.3 kB, 4.5 MB."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def progress(steps: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Show a bar on stderr while `steps` are gone through, where somebody can see it."""
    console = Console(stderr=True)
    return track(steps, what, total=total, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr; call what comes back with (done, of)."""
    shown = Console(stderr=True)
    with Progress(console=shown, transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def console() -> Console:
    """For tables on stdout: a pipe is not cut at the 80 columns that Rich assumes of it."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=160)
