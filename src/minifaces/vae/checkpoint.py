"""Save and restore a training run: safetensors and JSON, written beside the old one and then swapped in.

Random numbers and faces depend on the seed and the step alone, so the step is their state."""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import read_json, write_text
from minifaces.studio.folder import WEIGHTS
from minifaces.vae.config import Config, checked
from minifaces.vae.progress import Progress

Tensors = dict[str, Tensor]

_FACTS = "run.json"


@dataclass(frozen=True)
class Checkpoint:
    """All that the next step depends on. A run that begins has no tensors yet."""

    config: Config
    data: str
    """ "composed", or the path of an image folder"""
    seed: int
    progress: Progress
    weights: Tensors | None = None
    """the network's"""
    average: Tensors | None = None
    """exponential, of the weights"""
    moments: dict[int, Tensors] | None = None
    """Adam's, by the number of the parameter"""


def save(folder: Path, state: Checkpoint) -> None:
    """Write a checkpoint to `folder`, whole or not at all. Raises OSError where it cannot be written."""
    scratch, old = (folder.with_name(folder.name + end) for end in (".new", ".old"))
    _remove(scratch)
    scratch.mkdir(parents=True)
    try:
        _write(scratch, state)
    except (OSError, SafetensorError, MinifacesError) as error:
        _remove(scratch)  # there may be no room for two
        raise OSError(str(error)) from error
    _remove(old)
    if folder.exists():
        folder.rename(old)
    scratch.rename(folder)
    _remove(old)


def _write(folder: Path, state: Checkpoint) -> None:
    moments = {f"{i}.{k}": v for i, entry in (state.moments or {}).items() for k, v in entry.items()}
    for name, tensors in (("model", state.weights), ("ema", state.average), ("optimiser", moments)):
        save_file(_flat(tensors or {}), folder / f"{name}.safetensors")
    facts = {"config": state.config.model_dump(), "data": state.data, "seed": state.seed, **asdict(state.progress)}
    write_text(folder / _FACTS, json.dumps(facts, indent=1))  # last, and whole: where it is, all of it is


def _remove(folder: Path) -> None:
    with suppress(OSError):
        (folder / _FACTS).unlink()  # first: what is half taken away must not look whole
    shutil.rmtree(folder, ignore_errors=True)


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint. Raises UsageError where it is damaged."""
    if not folder.is_dir():
        aside = [folder.with_name(folder.name + end) for end in (".new", ".old")]
        folder = next((f for f in aside if (f / _FACTS).is_file()), folder)
    facts = read_json(folder / _FACTS)
    try:
        config, data, seed = checked(facts.pop("config"), folder / _FACTS), facts.pop("data"), facts.pop("seed")
        progress = Progress(**facts)
        model, average, flat = (_read(folder / f"{n}.safetensors") for n in ("model", "ema", "optimiser"))
    except (SafetensorError, FileNotFoundError, KeyError, TypeError) as error:
        raise UsageError(f"the checkpoint {folder} is damaged ({error}): train anew into another folder") from error
    moments: dict[int, Tensors] = {}
    for name, value in flat.items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    return Checkpoint(config, data, seed, progress, model, average, moments)


def weights(model: Path, wanted: Tensors) -> Tensors:
    """The weights of a model folder, for a network with the state `wanted`. Raises UsageError where they do not fit."""
    file = model / WEIGHTS
    try:
        found = _read(file)
    except (SafetensorError, OSError) as error:
        raise UsageError(f"{file} cannot be read ({error}): name a model folder that a training made") from error
    if {k: v.shape for k, v in found.items()} != {k: v.shape for k, v in wanted.items()}:
        raise UsageError(f"{file} is of another network: give the preset and the sizes that it was trained with")
    return {k: v.to(wanted[k].dtype) for k, v in found.items()}


def exists(folder: Path) -> bool:
    return any((folder.with_name(folder.name + end) / _FACTS).is_file() for end in ("", ".new", ".old"))


def _read(file: Path) -> Tensors:
    """Not by its name, of which safetensors takes no bytes that are no UTF-8."""
    tensors: Tensors = safetensors.torch.load(file.read_bytes())
    return tensors


def _flat(tensors: Tensors) -> Tensors:
    """Contiguous copies on the CPU: safetensors stores no views."""
    return {
        k: v.detach().to("cpu", copy=True).contiguous(memory_format=torch.contiguous_format) for k, v in tensors.items()
    }
