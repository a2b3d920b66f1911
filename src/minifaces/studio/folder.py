"""Read the files of a model folder: each is whole and as expected, or one clear line says which is not. And replace
them, all or none.

The layout is in docs/reference/architecture.md."""

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PureWindowsPath
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from safetensors import SafetensorError
from safetensors.numpy import load_file

from minifaces.checks import file_name
from minifaces.errors import UsageError
from minifaces.files import read_json

T = TypeVar("T")

CONFIG = "config.json"
ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"
MIXTURE = "prior.safetensors"
PARTS = "parts.safetensors"
FLOW = "flow.safetensors"
DIRECTIONS = "directions.safetensors"
GALLERY = "gallery.json"
GALLERY_LATENTS = "gallery.safetensors"
GALLERY_PICTURES = "gallery.webp"
EDITOR = "editor.safetensors"
WEIGHTS = "model.safetensors"
CARD = "README.md"
FILES = (ENCODER, DECODER, MIXTURE, GALLERY, GALLERY_LATENTS, GALLERY_PICTURES)
"""What every model needs beside config.json. It may have more: edit directions, an editor, other priors."""
STAGED = ".export"
"""a hidden folder inside it, of files that are to replace those of a model"""


class Config(BaseModel):
    """`config.json`: what the model is, how often its encoder looks, how it was trained, and the sha256 of each other
    file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    name: str = Field(min_length=1)
    image_size: int = Field(ge=8, le=4096)
    latent_size: int = Field(ge=1, le=65536)
    looks: int = Field(default=1, ge=1, le=8)
    preset: dict[str, Any]
    files: dict[str, str]

    @field_validator("files")
    @classmethod
    def _all_listed(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if name in ("", "..") or PureWindowsPath(name).name != name:  # which knows both kinds of slashes
                raise ValueError(f"{name!r} is no name of a file in the folder")
        lacking = [name for name in FILES if name not in files]
        if lacking:
            raise ValueError(f"no sha256 of {', '.join(lacking)}")
        return files


def open_folder(folder: str | os.PathLike[str], optional: Collection[str] = ()) -> Config:
    """Read a model folder's configuration and hold `FILES`, and those of the `optional` that it lists, against their
    sha256. What else it lists, such as the weights and the card, is not looked at.

    A model that was being replaced when its writer was killed is the new one then. Raises UsageError, naming the file,
    where one is missing or not the one that was exported."""
    root = Path(file_name("a model's folder", folder))
    if not os.path.isdir(root):  # noqa: PTH112 - Path's own raises for a name that is too long to be one
        raise UsageError(f"there is no model folder {root}")
    try:
        return _opened(root, optional)
    except UsageError:
        _finish(root)
        return _opened(root, optional)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A hidden folder inside `folder`, which may be the current one or a disk of its own. What is in it when the block
    ends is moved up file by file, its configuration, which has to be the last that is written, at the end, since that
    vouches for all the others. If this process is killed before, the old model stays; while it moves, the next
    `open_folder` moves the rest."""
    _finish(folder)
    scratch = folder / STAGED
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
        _move(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _finish(folder: Path) -> None:
    """Move the rest of what a killed process had staged to the end."""
    with suppress(UsageError, OSError):  # nothing is staged or it is not whole; nothing may be written here
        read_checked(folder / STAGED / CONFIG, Config.model_validate)
        _move(folder)
        (folder / STAGED).rmdir()


def _move(folder: Path) -> None:
    for file in sorted((folder / STAGED).glob("*"), key=lambda file: file.name == CONFIG):
        with suppress(FileNotFoundError):  # whoever opened the model meanwhile has moved it
            file.replace(folder / file.name)


def _opened(root: Path, optional: Collection[str]) -> Config:
    config = read_checked(root / CONFIG, Config.model_validate)
    for name, sha256 in config.files.items():
        if name in (*FILES, *optional) and _sha256(root / name) != sha256.lower():
            raise UsageError(
                f"{root / name} is damaged: its sha256 is not the one in {CONFIG}; export or pull the model again"
            )
    return config


def check_unchanged(folder: Path, config: Config, name: str) -> None:
    """Raise UsageError where a file of an opened folder, which is only read now, is another one by now."""
    if _sha256(folder / name) != config.files[name].lower():
        raise UsageError(f"{folder / name} has changed since the model was opened: open it again")


def check_size(path: Path, size: int, latent_size: int) -> None:
    """Raise UsageError where what a file holds is for latents of another size than the model's."""
    if size != latent_size:
        raise UsageError(f"{path} is damaged: it is for latents of {size}, not {latent_size}")


def read_checked(path: Path, kind: Callable[[Any], T]) -> T:
    """Read a JSON file through one of pydantic's validators; UsageError names the file and what is wrong."""
    try:
        return kind(read_json(path))
    except ValidationError as error:
        raise UsageError(f"{path} is damaged: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]


def read_tensors(
    path: str | os.PathLike[str], axes: Mapping[str, str] | None = None, whole: bool = False
) -> dict[str, NDArray[Any]]:
    """Read finite floating-point tensors, with the names and shapes that `axes` asks for (any, without); where `whole`
    numbers are allowed, int8 too.

    `axes` gives a shape as one letter an axis, `{"mean": "d", "basis": "kd"}`: equal letters are equal sizes
    of at least 1, the digit 1 is the size 1. Raises UsageError, naming the file, where it is not so."""
    source = Path(path)
    if not source.is_file():
        raise UsageError(f"{source} is missing")
    try:
        tensors: dict[str, NDArray[Any]] = load_file(source)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{source} is damaged: {error}") from error
    problem = _wrong_values(tensors, whole) or (_wrong_shapes(tensors, axes) if axes is not None else None)
    if problem:
        raise UsageError(f"{source} is damaged: {problem}")
    return tensors


def _wrong_values(tensors: Mapping[str, NDArray[Any]], whole: bool) -> str | None:
    for name, tensor in tensors.items():
        if not (np.issubdtype(tensor.dtype, np.floating) or (whole and tensor.dtype == np.int8)):
            return f"{name} is {tensor.dtype}, not floating point"
        if not np.isfinite(tensor).all():
            return f"{name} holds numbers that are not finite"
    return None


def _wrong_shapes(tensors: Mapping[str, NDArray[Any]], axes: Mapping[str, str]) -> str | None:
    if set(tensors) != set(axes):
        return f"it holds {', '.join(sorted(tensors)) or 'nothing'} instead of {', '.join(sorted(axes))}"
    sizes = {"1": 1}
    for name, letters in axes.items():
        shape = tensors[name].shape
        if len(shape) != len(letters) or 0 in shape:
            return f"{name} has the shape {shape}"
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                return f"{name} has the shape {shape} where {letter} is {sizes[letter]}"
    return None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise UsageError(f"{path} is missing") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
