"""What the commands share: options, opening the model, telling what was written."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from minifaces.cli.bars import progress
from minifaces.cli.pathnames import named, picture
from minifaces.errors import UsageError
from minifaces.files import spelled

if TYPE_CHECKING:
    from minifaces.arrays import Latents, Pixels
    from minifaces.studio.model import Model

ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", metavar="FOLDER", parser=named("--model"), help="A model's folder.", show_default="the bundled model"
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        parser=named("--data"),
        help="A data set or any folder of pictures.",
        show_default="the model's gallery",
    ),
]
PictureOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", parser=picture, help="The picture to write.")
]
FaceOption = Annotated[
    int | None,
    typer.Option(
        "--face",
        metavar="N",
        help="Which face of a photo of several, from 1; 0 takes the picture as it is.",
        show_default="the plainest",
    ),
]
RefineOption = Annotated[bool, typer.Option("--refine", help="Fit picture files better: about a second each.")]
WorkersOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|ADDRESS",
        help="Processes, or the Dask scheduler of a cluster, as tcp://host:8786.",
        show_default="all cores",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Tell the results as JSON.")]

_HALVES = re.compile("[\ud800-\udfff]")
_OBEYED = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")  # of what JSON leaves as it is

_opened: dict[Path | None, "Model"] = {}


def open_model(folder: Path | None) -> "Model":
    """The model of `--model`. Kept open: the demo runs many commands on one model."""
    if folder not in _opened:
        import minifaces

        _opened[folder] = minifaces.load(folder)
    return _opened[folder]


def latents_of(model: "Model", faces: Sequence[str], refine: bool, number: int | None) -> "list[Latents]":
    """The (d,) latents of FACEs, those of picture files refined if asked for, with a bar where that takes long. Of a
    photo of figures it is face `number`; what was found is said."""
    if "" in faces:
        raise UsageError("a FACE is empty: give a gallery name, random:SEED, avatar:TEXT or a picture file")
    if not refine:
        return [model.latent_of(face, 0, number, remark) for face in faces]
    from minifaces.studio.refine import STEPS

    return [model.latent_of(face, STEPS, number, remark) for face in progress(faces, "refining", len(faces))]


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
        say(f"{path}: {what}, {human(size)}")


def pair(text: str, option: str, example: str) -> tuple[str, str]:
    """The two sides of KEY=VALUE."""
    key, mark, value = text.partition("=")
    if not mark or not key:
        raise UsageError(f"{option} {text}: wanted as in {example}")
    return key, value


def workers_of(text: str | None) -> int | str:
    """What `--workers` names: so many processes, as many as there are cores unless told, or a Dask scheduler."""
    if text is None:
        from minifaces.cores import cores

        return cores()
    if text.isdecimal() and 1 <= int(text) <= 1024:
        return int(text)
    from minifaces.workers import check_address

    check_address(text)
    return text


def say(line: str, err: bool = False) -> None:
    """Print a line at once; what a terminal would obey rather than show is spelled out."""
    print(spelled(line), file=sys.stderr if err else sys.stdout, flush=True)


def remark(line: str) -> None:
    """Say on stderr what was found."""
    say(f"minifaces: {line}", err=True)


def warn(line: str) -> None:
    """Say on stderr what a user should know of what is done all the same."""
    say(f"minifaces: warning: {line}", err=True)


def print_json(value: Any) -> None:
    """Print JSON that every reader takes, in characters that the terminal has: the others as JSON's own `\\u0141`.

    Only bytes of names that are no UTF-8, which JSON cannot hold, come spelled out: `\\xff`."""
    text = _HALVES.sub(lambda half: _escaped(spelled(half[0])), json.dumps(value, indent=1, ensure_ascii=False))
    text = _OBEYED.sub(lambda character: _escaped(character[0]), text)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=1)
    print(text, flush=True)


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def cell(value: object, style: str = "") -> Text:
    """A value as a table shows it: in one line, and without Rich taking brackets for markup."""
    return Text(spelled(str(value)), style)


def human(size: int) -> str:
    """Bytes as people say them: 980 bytes, 12.3 kB, 4.5 MB."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e3:.1f} kB" if size < 1e6 else f"{size / 1e6:.1f} MB"


def console() -> Console:
    """For tables on stdout: a pipe is not cut at the 80 columns that Rich assumes of it."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=160)
