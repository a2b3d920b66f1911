"""The names that a command line gives to files and folders: what cannot be meant is told before any work is done.

output: Annotated[Path, typer.Option("--output", "-o", parser=picture)] = Path("face.png")

A shell's variable that is not set becomes '', which Path takes for the current folder. `-` would become a file of that
name, where other programs write to standard output."""

import os
from collections.abc import Callable
from pathlib import Path

from minifaces.errors import UsageError
from minifaces.files import check_file, check_folder

Name = str | os.PathLike[str]


def named(what: str) -> Callable[[Name], Path]:
    """For what is read: any name but ''. `what` is what the command line calls it."""

    def parse(name: Name) -> Path:
        if not os.fspath(name):
            raise UsageError(f"{what} is empty: name a file or folder (is a variable of the shell not set?)")
        return Path(name)

    return parse


def file(name: Name) -> Path:
    """For a file to write."""
    path = output_name(name)
    if _is_folder(name):
        raise UsageError(f"{name} is a folder: name a file to write")
    check_file(path)
    return path


def folder(name: Name) -> Path:
    """For a folder to write into, which need not be there."""
    path = output_name(name)
    check_folder(path)
    return path


def picture(name: Name) -> Path:
    """For a picture to write."""
    from minifaces.images import check_format

    path = file(name)
    _check_stem(path)
    check_format(path)
    return path


def picture_or_parquet(name: Name) -> Path:
    """For a picture, or a table with pictures, to write."""
    path = file(name)
    _check_stem(path)
    return path if path.suffix.lower() == ".parquet" else picture(name)


def portrait(name: Name) -> Path:
    """For one face to write."""
    from minifaces.pictures.portrait import kind_of

    path = file(name)
    _check_stem(path)
    kind_of(path)
    return path


def strip_or_film(name: Name) -> Path:
    """For a picture or an animation to write; which, the command sees."""
    path = file(name)
    _check_stem(path)
    return path


def picture_or_folder(name: Name) -> str:
    """For a picture of all faces or a folder of one each: still text, in which `faces.v2/` is a folder."""
    if names_folder(name):
        _check_stem(folder(name))
    else:
        picture(name)
    return os.fspath(name)


def names_folder(name: Name) -> bool:
    """Whether a name of either kind is a folder's: it ends in a slash, is there as one, or has no suffix."""
    return _is_folder(name) or not Path(name).suffix


def output_name(name: Name) -> Path:
    """For a file or folder to write, of which the command knows more."""
    path = named("the output's name")(name)
    if os.fspath(name) == "-":
        raise UsageError("- as the output: standard output is not written to, so name a file (./- is one called -)")
    return path


def _is_folder(name: Name) -> bool:
    return os.fspath(name).endswith(tuple(filter(None, ("/", os.sep, os.altsep)))) or Path(name).is_dir()


def _check_stem(path: Path) -> None:
    """`.png` and `faces.` are slips: a name that lacks its first or its last part."""
    from minifaces.images import READABLE

    if path.name.lower() in (*READABLE, ".mp4"):
        raise UsageError(f"{path} is a suffix alone: put a name before it, as in faces{path.name}")
    if path.name.endswith(".") and not path.is_dir():
        raise UsageError(f"{path} ends in a dot: name a picture, as in {path}png")
