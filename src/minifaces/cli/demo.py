"""`minifaces demo`: one of everything in a folder, and a page that says which command makes it."""

import contextlib
import io
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from minifaces.cli import facemap, gallery, play
from minifaces.cli.bars import progress
from minifaces.cli.common import ModelOption, open_model, say
from minifaces.cli.demo_page import Exhibit, page
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder
from minifaces.errors import UsageError
from minifaces.files import is_empty, spelled, write_text

if TYPE_CHECKING:
    from minifaces.studio.model import Model

app = Commands()

_commands = Commands()
_commands.add_typer(play.app)
_commands.add_typer(gallery.app)
_commands.add_typer(facemap.app)

_MARK = ".minifaces-demo"
_PHOTOS = 10
_NARROW = ("faces.png", "morph.gif", "morph.webp", "morph.mp4")
_EDITS = 12  # a model of a data set with many columns has many attributes
_TRIED = 30  # faces, of which an edit is shown on one


Words = tuple[str | Path, ...]
"""A command: words as they are typed, and paths inside the demo's folder."""


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", parser=folder, help="A folder for it.")
    ] = Path("minifaces-demo"),
    model_folder: ModelOption = None,
) -> None:
    """Make one of everything, and a page that shows it.

    The page tells the command of each picture."""
    model = open_model(model_folder)
    _claim(output)
    # The page's commands are to work from within the demo's folder.
    tail = () if model_folder is None else ("--model", str(model_folder.resolve()))
    plan = _plan(model, _write_photos(model, output))
    for _, words in progress(plan, "demo", len(plan)):
        _run([str(output / word) if isinstance(word, Path) else word for word in (*words, *tail)])
    exhibits = [(exhibit, f"minifaces {spelled(shlex.join(map(str, (*words, *tail))))}") for exhibit, words in plan]
    write_text(output / "index.html", page(model.name, exhibits))
    say(f"{output / 'index.html'}: {len(plan)} things to see; open it in a browser")


def _claim(folder: Path) -> None:
    """Make the folder, or take one that an earlier demo made. Nobody else's files are ever overwritten."""
    if folder.is_dir() and not (folder / _MARK).exists() and not is_empty(folder):
        raise UsageError(f"{folder} holds files that no demo made: name another folder")
    write_text(folder / _MARK, "Made by `minifaces demo`, which may overwrite what it wrote here.\n")


def _write_photos(model: "Model", folder: Path) -> list[Path]:
    """Save faces to reconstruct as if they were anyone's pictures: gallery faces kept out of training."""
    from minifaces.images import save_picture

    photos = []
    for i in _faces(model, _PHOTOS):
        name = model.gallery.entries[i].name.replace("/", "-")
        photos.append(Path("photos") / f"{Path(name).stem}.png")
        save_picture(folder / photos[-1], model.gallery.thumbnails[i])
    return photos


def _faces(model: "Model", count: int) -> list[int]:
    """Up to `count` gallery faces, evenly from those of the test split, or from all if it has none."""
    unseen = [i for i, entry in enumerate(model.gallery.entries) if entry.split == "test"]
    known = unseen or list(range(len(model.gallery)))
    return [known[i * len(known) // count] for i in range(count)] if len(known) > count else known


def _plan(model: "Model", photos: list[Path]) -> list[tuple[Exhibit, Words]]:
    """Everything to make: what the page says of it, and the command (less its output) that makes it."""
    from minifaces.studio.priors import PRIORS

    names = [model.gallery.entries[i].name for i in _faces(model, 3)]
    faces = ("sample", "-n", "49", "--seed", "7")
    morph = ("morph", *names, "--loop")
    left = () if find_spec("av") else ("morph.mp4",)
    others = {name: PRIORS[name] for name in list(model.priors)[1:]}
    narrow = (*_NARROW, *(f"{name}.png" for name in others))
    near = ("neighbours", names[0], "-k", str(min(8, len(model.gallery) - 1)))
    texts: list[tuple[str, str, str, Words]] = [
        ("faces.png", "Random faces", "Drawn from the density fitted to the latents: nobody's faces.", faces),
        *((f"{name}.png", kind.title, kind.text, (*faces, "--prior", name)) for name, kind in others.items()),
        ("recon.png", "Reconstructions", "Unseen faces above, the model's below.", ("reconstruct", *photos)),
        ("morph.png", "A morph in steps", "From face to face, along where faces are likely.", morph),
        ("morph.gif", "As a GIF", "The same in motion.", morph),
        ("morph.webp", "As a WebP", "Sharper than a GIF, and smaller.", morph),
        ("morph.mp4", "As a video", "An MP4, for whatever plays videos.", morph),
        *(_edit(model, attribute) for attribute in _edits(model)),
        ("neighbours.png", "Neighbours", "A face as the model sees it, then those nearest to it.", near),
        ("map.png", "The map", "Every face of the gallery, alike beside alike (t-SNE).", ("map",)),
        ("map-grid.png", "The map on a grid", "Moved apart: nothing is hidden.", ("map", "--layout", "grid")),
        ("gallery.png", "The gallery", "All faces that the model knows by name.", ("gallery",)),
    ]
    return [
        (Exhibit(title, text, file, wide=file not in narrow), (*words, "-o", Path(file)))
        for file, title, text, words in texts
        if (len(model.gallery) > 2 or words[0] not in ("morph", "neighbours")) and file not in left
    ]


def _edits(model: "Model") -> list[str]:
    """What to edit: what the model has learnt to, or else along whatever directions it has."""
    learnt = [name for name in model.directions if name in model.learnt]
    return (learnt or list(model.directions))[:_EDITS]


def _edit(model: "Model", attribute: str) -> tuple[str, str, str, Words]:
    """The edit of a face that is known to lack the attribute; if there is none, of one that it changes."""
    amount = "1" if attribute in model.learnt else "1.5"
    known = _faces(model, len(model.gallery))
    lacking = [i for i in known if model.gallery.entries[i].attributes.get(attribute) is False]
    shown = lacking[0] if lacking else _changed(model, known[:_TRIED], attribute, float(amount))
    face = model.gallery.entries[shown].name
    # A column of somebody's data set may be called anything.
    setting = (f"--{attribute}", amount) if attribute.isidentifier() else ("--set", f"{attribute}={amount}")
    file = f"edit-{re.sub('[^A-Za-z0-9]+', '-', attribute)}.png"
    words = ("edit", face, *setting, "--sweep")
    return file, f"More {attribute.replace('_', ' ')}", f"{face}, edited in steps.", words


def _changed(model: "Model", faces: list[int], attribute: str, amount: float) -> int:
    """The first of gallery faces that an edit changes at least half as much as any other of them."""
    latents = model.gallery.latents[faces]
    apart = model.decode(model.edit(latents, {attribute: amount})).astype(int) - model.decode(latents)
    changes = abs(apart).sum((1, 2, 3))
    return faces[int((changes >= changes.max() / 2).argmax())]


def _run(words: list[str]) -> None:
    """Run a command line of this program without its report."""
    command = typer.main.get_command(_commands)
    with contextlib.redirect_stdout(io.StringIO()), command.make_context("minifaces", words) as context:
        command.invoke(context)
