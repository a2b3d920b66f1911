"""Make a model folder (docs/reference/architecture.md) of a trained network: what is fitted to it, export, card.

    export_model(trained, Path("my-model"), "my-model")
    refit(Path("my-model"), ["flow"])            # the flow anew, with the weights as they are

A folder is built in a hidden one inside it and checked against torch before anything in it is replaced."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from minifaces.arrays import Pixels
from minifaces.checks import one_of
from minifaces.errors import MinifacesError, UsageError
from minifaces.files import read_json
from minifaces.fits.card import model_card
from minifaces.fits.pace import Report, Stages
from minifaces.fits.shape import Subject, named, tensor_file
from minifaces.studio.folder import CARD, CONFIG, DECODER, ENCODER, GALLERY, WEIGHTS, open_folder, staged
from minifaces.studio.folder import Config as ModelConfig
from minifaces.studio.looks import look_again
from minifaces.studio.model import Model
from minifaces.studio.network import Network
from minifaces.vae.coding import decode, encode, planes, reconstruction_quality
from minifaces.vae.config import FITS, Config, changed, checked
from minifaces.vae.device import device, use_cores
from minifaces.vae.networks import VAE, multiply_accumulates
from minifaces.vae.onnx import export_onnx, stored
from minifaces.vae.train import Trained
from minifaces.vae.training_data import open_source

NEEDED = ("mixture", "gallery")  # without which there is no model
PARITY = 2 / 255  # the most that any exported pixel may differ from torch's
HELD_OUT, COMPARED = 256, 32  # faces that the card's figures are of; faces that are held against torch's


def export_model(trained: Trained, folder: Path, name: str, report: Report = lambda *_: None) -> None:
    """Write the model folder: networks, everything fitted, weights, card, configuration. A run kept in it stays.

    What a model cannot do without comes first, then one fit after another, each into a model that can be opened
    already. What an export of the same network and settings that was broken off had finished is not done again.

    A network that was trained through several looks gains by one more (docs/notes/model-notes.md): it is given one."""
    network = trained.config.network
    trained.network.looks = network.looks + (network.looks > 1)
    trained.network.to(device())
    subject = Subject(
        trained.config,
        partial(encode, trained.network),
        partial(decode, trained.network),
        trained.source,
        trained.seed,
    )
    weights = tensor_file({name: stored(value.cpu().numpy()) for name, value in trained.network.state_dict().items()})
    before = _begun(folder, trained.config, weights)
    wanted = [fit for fit in FITS if before is None or not before.files.keys() >= set(named(fit).FILES)]
    stages = Stages(subject, wanted, report)
    if before is None:
        facts = {
            "seed": trained.seed,
            "steps": trained.steps,
            "source": trained.source.name,
            "train_seconds": round(trained.seconds),
            "faces_seen": trained.faces,
        }
        with _staged(folder) as scratch:
            for fit in NEEDED:
                facts |= _fit(stages, fit, scratch)[1]
            report("writing ONNX", 0.0)
            (scratch / WEIGHTS).write_bytes(weights)
            facts |= _write_networks(trained, scratch)
            _write_card(subject, facts, scratch / GALLERY, scratch / CARD, name)
            before = ModelConfig(
                format=1,
                name=name,
                image_size=network.image_size,
                latent_size=network.latent_size,
                looks=trained.network.looks,
                preset=_preset(trained.config, facts),
                files=_sums(scratch),
            )
            _write_config(before, scratch)
        trained.network.to(device())
        wanted = [fit for fit in wanted if fit not in NEEDED]
    _add(stages, wanted, folder, before)


def refit(
    folder: Path,
    names: Sequence[str] = FITS,
    data: str | None = None,
    changes: Mapping[str, Any] | None = None,
    report: Report = lambda *_: None,
    threads: int | None = None,
) -> list[str]:
    """Fit `names` of `FITS` anew in a model folder, to its networks as they are, with the settings it was made with or
    `changes` of them (`minifaces.vae.config.changed`), each kept as soon as it is done. `data` is what it was trained
    on: "composed", or an image folder, which has to be told. Faces are encoded as the model in use encodes them; no
    training weights are needed. `threads` are the processor's, all cores unless given. -> those of `names` that there
    was something to fit for; of the others the model has no file any more.

    Raises UsageError for other names and for settings of anything else, where the folder is no model, where its
    settings are of another one, and where `data` is not what it was trained on."""
    for name in names:
        one_of("fit", name, FITS)
    names = [name for name in FITS if name in names]
    for key in changes or {}:
        if key.split(".")[0] not in names:
            raise UsageError(f"{key} is no setting of what is fitted anew: {', '.join(names)}")
    use_cores(threads)
    model = Model(folder, threads or 0)
    settings, facts = _made_with(model.config, folder / CONFIG)
    config = changed(settings, **(changes or {}))
    given, composed = data or "composed", facts.get("source", "composed") == "composed"
    if (given == "composed") != composed:
        remedy = "composed faces: leave --data out" if composed else "pictures: name them with --data"
        raise UsageError(f"{folder} was trained on {remedy}")
    subject = Subject(config, model.encode, model.decode, open_source(given, config), int(facts.get("seed", 0)))
    return _add(Stages(subject, names, report), names, folder, model.config)


def _add(stages: Stages, names: Sequence[str], folder: Path, before: ModelConfig) -> list[str]:
    """Fit `names` and put the files of each into the model folder, as soon as it is done; -> those that have some."""
    config, some = stages.subject.config, []
    for name in names:
        facts = {k: v for k, v in before.preset.items() if k not in Config.model_fields}
        settings = before.preset | {name: config.model_dump(mode="json")[name]}
        with _staged(folder) as scratch:
            files, found = _fit(stages, name, scratch)
            gallery = scratch / GALLERY if (scratch / GALLERY).exists() else folder / GALLERY
            _write_card(stages.subject, facts | found, gallery, scratch / CARD, before.name)
            kept = {file: sha256 for file, sha256 in before.files.items() if file not in named(name).FILES}
            before = before.model_copy(update={"preset": settings | found, "files": kept | _sums(scratch)})
            _write_config(before, scratch)
        some += [name] * bool(files)
    return some


def _begun(folder: Path, config: Config, weights: bytes) -> ModelConfig | None:
    """What config.json says of an export of these weights and settings that is in the folder already; None where there
    is none."""
    try:
        before = open_folder(folder, [file for name in FITS for file in named(name).FILES])
        settings = _made_with(before, folder / CONFIG)[0]
    except UsageError:
        return None
    same = settings == config and before.files.get(WEIGHTS) == hashlib.sha256(weights).hexdigest()
    return before if same else None


def _made_with(model: ModelConfig, file: Path) -> tuple[Config, dict[str, Any]]:
    """The settings of a model, and what else the preset in its `file` tells of it. Raises UsageError where they are no
    settings, or of a network of other sizes."""
    facts = {k: v for k, v in model.preset.items() if k not in Config.model_fields}
    settings = checked({k: v for k, v in model.preset.items() if k in Config.model_fields}, file)
    told, own = (f"{of.image_size} px and {of.latent_size} numbers" for of in (settings.network, model))
    if told != own:
        raise UsageError(f"{file} has the preset of another network, of {told}, not {own}: nothing can be fitted by it")
    return settings, facts


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """`staged`. What the new configuration does not list of a fit's files is of an earlier model and taken away."""
    with staged(folder) as scratch:
        yield scratch
    listed = read_json(folder / CONFIG)["files"]
    for stale in {file for name in FITS for file in named(name).FILES} - listed.keys():
        (folder / stale).unlink(missing_ok=True)


def _fit(stages: Stages, name: str, folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Fit and write what is fitted into `folder`; -> its files, and what config.json should tell of it."""
    fitted = stages.fit(name)
    for file, content in fitted.files.items():
        (folder / file).write_bytes(content)
    return list(fitted.files), fitted.facts


def _write_networks(trained: Trained, folder: Path) -> dict[str, Any]:
    """Write encoder and decoder; -> how large and how good the network is.

    Raises MinifacesError where what is exported is not the network."""
    network, settings = trained.network.cpu(), trained.config.network
    faces = trained.source.held_out(HELD_OUT).faces
    size = settings.image_size
    export_onnx(network.mean_encoder(), (torch.rand(2, 3, size, size),), "face", "latent", folder / ENCODER)
    export_onnx(_Decoder(network), (torch.randn(2, settings.latent_size),), "latent", "face", folder / DECODER)
    in_use = settings.model_copy(update={"looks": network.looks})
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs": dict(zip(("encoder", "decoder"), multiply_accumulates(in_use), strict=True)),
        "onnx_difference": check_parity(network, folder, faces[:COMPARED]),
        "held_out": reconstruction_quality(network, faces),
    }


def _write_card(subject: Subject, facts: Mapping[str, Any], gallery: Path, path: Path, name: str) -> None:
    card = model_card(name, subject.config, subject.source, facts, gallery=len(read_json(gallery)))
    path.write_text(card, encoding="utf-8")


def _preset(config: Config, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**config.model_dump(mode="json"), **facts}


def _sums(folder: Path) -> dict[str, str]:
    """sha256 by name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def _write_config(config: ModelConfig, folder: Path) -> None:
    told = config.model_dump() | {"files": dict(sorted(config.files.items()))}
    (folder / CONFIG).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


class _Decoder(nn.Module):
    def __init__(self, network: VAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor) -> Tensor:
        return self.network.decode(latent)


def check_parity(network: VAE, folder: Path, faces: Pixels) -> float:
    """The largest difference between ONNX Runtime's and torch's reconstructions, in [0, 1].

    Raises MinifacesError where it passes 2/255."""
    tensor = planes(faces)
    with torch.no_grad():
        latents = network.encode(tensor)[0]
        expected = network.decode(latents).numpy()
    face, latent = ("face", tensor.shape[1:]), ("latent", latents.shape[1:])
    encoder = Network(folder / ENCODER, face, latent, threads=0)
    decoder = Network(folder / DECODER, latent, face, threads=0)
    made = decoder(look_again(encoder(tensor.numpy()), encoder, decoder, network.looks))
    difference = float(np.abs(made - expected).max())
    if difference > PARITY:
        raise MinifacesError(
            f"the ONNX export differs from torch by {difference * 255:.1f}/255: this network needs float32 weights"
        )
    return difference
