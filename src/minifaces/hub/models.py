"""Models on the Hub: fetched into the library's cache, pulled into a folder, pushed with figures in their card.

    folder = fetch("user/model", "4f2c1e...")       # opened by minifaces.load
    pull("user/model", Path("my-model"))
    push(Path("my-model"), "user/model", Path("report/report.json"))

A model's repository holds the files of a model folder (docs/reference/architecture.md). A revision is a commit, a
branch or a tag; only a commit means the same files for good."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from minifaces.errors import UsageError
from minifaces.files import is_empty, read_json, write_json
from minifaces.hub.card import with_figures
from minifaces.hub.client import asking, check_name, library, publish
from minifaces.studio import folder as files
from minifaces.studio.model import Model
from minifaces.studio.priors import FILES as PRIORS

PLAYED = (files.CONFIG, *files.FILES, *PRIORS, files.DIRECTIONS, files.EDITOR, files.CARD)
"""what playing with a model takes, where it has it"""
KNOWN = (*dict.fromkeys(PLAYED), files.WEIGHTS)


def fetch(name: str, revision: str | None = None, weights: bool = False) -> Path:
    """A folder of the library's cache with the model's files, without its training `weights` unless asked for. Its own
    name is the commit. Files that are there already are not fetched again.

    Raises UsageError where there is no such model or revision, MinifacesError where the Hub cannot be reached."""
    hub = library(name)
    check_name(name, "model")
    with asking(name, "model"):
        wanted = list(KNOWN if weights else PLAYED)
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=wanted))


def pull(name: str, folder: Path, revision: str | None = None) -> str:
    """Copy a model with all its files into `folder`; -> the commit. config.json, which vouches for the others, comes
    last. A folder with anything but an older model in it is refused."""
    begun = (folder / files.CONFIG).exists() or (folder / files.STAGED).exists()
    if folder.is_dir() and not is_empty(folder) and not begun:
        raise UsageError(f"{folder} holds files but no model: name another folder")
    source = fetch(name, revision, weights=True)
    Model(source)
    there = [source / file for file in (*KNOWN[1:], files.CONFIG) if (source / file).exists()]
    with files.staged(folder) as scratch:
        for file in there:
            shutil.copyfile(file, scratch / file.name)
    for gone in set(KNOWN) - {file.name for file in there}:
        (folder / gone).unlink(missing_ok=True)
    return source.name


def push(folder: Path, name: str, report: Path | None = None, private: bool = False) -> str:
    """Push a model folder as one commit, and make its repository if need be; -> the commit. The card gets the figures
    of a report.json of `minifaces evaluate`. Files of an earlier push that the model has no more are deleted; any
    others in the repository stay.

    Raises UsageError where the folder is no whole model, or the report is of another one."""
    library(name)
    check_name(name, "model")
    model = Model(folder)
    figures = None if report is None else read_json(report)
    with tempfile.TemporaryDirectory() as place:
        staged = Path(place)
        for file in model.config.files:
            if file not in KNOWN:
                raise UsageError(f"{folder / file} is no file of a model: it is not pushed")
            if not (folder / file).is_file():
                raise UsageError(f"{folder / file} is missing")
            shutil.copyfile(folder / file, staged / file)
        card = staged / files.CARD
        text = card.read_text(encoding="utf-8") if card.exists() else f"# {model.name}\n"
        card.write_text(with_figures(text, name, model.name, next(iter(model.priors)), figures), encoding="utf-8")
        sums = model.config.files | {files.CARD: hashlib.sha256(card.read_bytes()).hexdigest()}
        write_json(staged / files.CONFIG, model.config.model_dump() | {"files": dict(sorted(sums.items()))})
        written = {file.name: file for file in staged.iterdir()}
        return publish(name, "model", written, KNOWN.__contains__, f"{model.name}, by minifaces", private)
