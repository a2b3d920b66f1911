"""Export a trained network as a model folder (docs/architecture.md), checked against torch before it is kept."""

import hashlib
import io
import json
import logging
import math
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file
from torch import Tensor, nn

from minifaces.attributes import RANGES
from minifaces.errors import MinifacesError
from minifaces.files import atomic
from minifaces.studio.looks import look_again
from minifaces.studio.network import Network
from minifaces.vae import editor, flow, pairs, prior
from minifaces.vae import gallery as galleries
from minifaces.vae.card import model_card
from minifaces.vae.faces import ComposedFaces
from minifaces.vae.networks import VAE, multiply_accumulates
from minifaces.vae.train import Trained

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
ROUND = 1000  # faces encoded at a time
PARITY = 2 / 255  # the most that any exported pixel may differ from torch's
SMALL = 512  # weights of fewer values stay in float32


def export_model(trained: Trained, folder: Path, name: str, report: Callable[[str], None] = lambda _: None) -> None:
    """Write the model folder: ONNX, prior, directions, gallery, weights, card, configuration.

    Built in a hidden folder of it, since `folder` may be the current one or a disk of its own, and moved up file by
    file once all of it is whole; a run kept in `folder` stays."""
    scratch = folder / ".export"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        facts = _build(trained, scratch, name, report)
        files = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(scratch.iterdir())}
        network = trained.config.network
        config = {
            "format": 1,
            "name": name,
            "image_size": network.image_size,
            "latent_size": network.latent_size,
            "looks": trained.network.looks,
            "preset": {
                **trained.config.model_dump(mode="json"),
                "seed": trained.seed,
                "steps": trained.steps,
                **facts,
            },
            "files": files,
        }
        for file in scratch.iterdir():
            file.replace(folder / file.name)
        # Last, since it vouches for all the others.
        (scratch / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        (scratch / "config.json").replace(folder / "config.json")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _build(trained: Trained, folder: Path, name: str, report: Callable[[str], None]) -> dict[str, Any]:
    network, source, fits = trained.network, trained.source, trained.config.fits
    # One that was trained through several looks gains by one more (docs/model-notes.md).
    network.looks = trained.config.network.looks + (trained.config.network.looks > 1)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    report("encoding faces for the prior")
    # Of a data set each face once: repeated ones would be taken for evidence, and learnt by heart.
    most = trained.config.flow.faces if trained.config.flow.steps else fits.mixture_faces
    wanted = max(2, int(min(most, source.faces)))
    rounds = (source.plausible(trained.seed + 7, i, ROUND)[: wanted - i * ROUND] for i in range(-(-wanted // ROUND)))
    training = np.concatenate([encode(network, faces) for faces in rounds])
    held_out = encode(network, source.held_out(fits.held_out_faces).faces)
    fitted = prior.fit(training[: fits.mixture_faces], held_out)
    _save(fitted.tensors, folder / "prior.safetensors")
    if trained.config.flow.steps:
        report("fitting the flow")
        _save(flow.fit(training, trained.config.flow, trained.seed), folder / "flow.safetensors")
    report("finding the edit directions")
    known = galleries.known_faces(source, fits.known_faces)
    steps = prior.directions(encode(network, known.faces), known.values)
    _save({k: v for k, v in steps.items() if not k.startswith("_")}, folder / "directions.safetensors")
    if isinstance(source, ComposedFaces):
        report("teaching the editor")
        _save(_editor(source, network, trained), folder / "editor.safetensors")
    report("making the gallery")
    faces, entries = galleries.gallery(source)
    latents = encode(network, faces)
    _save({"latents": latents}, folder / "gallery.safetensors")
    (folder / "gallery.json").write_text(json.dumps(entries, indent=0) + "\n", encoding="utf-8")
    (folder / "gallery.webp").write_bytes(_sheet(faces))
    report("writing ONNX")
    network.cpu()
    size = trained.config.network.image_size
    export_onnx(network.mean_encoder(), (torch.rand(2, 3, size, size),), "face", "latent", folder / "encoder.onnx")
    export_onnx(_Decoder(network), (torch.from_numpy(latents[:2]),), "latent", "face", folder / "decoder.onnx")
    parity = check_parity(network, folder, faces[:32])
    _save({k: _stored(v.numpy()) for k, v in network.state_dict().items()}, folder / "model.safetensors")
    in_use = trained.config.network.model_copy(update={"looks": network.looks})
    facts = {
        "train_seconds": round(trained.seconds),
        "faces_seen": trained.faces,
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs": dict(zip(("encoder", "decoder"), multiply_accumulates(in_use), strict=True)),
        "onnx_difference": parity,
        "prior_log_likelihoods": fitted.log_likelihoods,
        "held_out": reconstruction_quality(network, source.held_out(256).faces),
    }
    (folder / "README.md").write_text(model_card(name, trained, facts, len(entries)), encoding="utf-8")
    return facts


def _editor(source: ComposedFaces, network: VAE, trained: Trained) -> dict[str, Any]:
    """Rounds of pairs, each of a few thousand pictures, encoded at once."""
    faces = trained.config.editor.faces
    rows = []  # without the pictures, which would fill the memory
    for number in range(max(1, faces // pairs.ROUND)):
        made = pairs.draw(source, trained.seed, number, min(faces, pairs.ROUND))
        latents = encode(network, made.faces)
        rows.append((latents[made.start], latents[made.end], made.edits, made.amounts))
    start, end, edits, amounts = (np.concatenate(part) for part in zip(*rows, strict=True))
    return editor.fit(start, end, edits, amounts, RANGES, trained.config.editor, trained.seed)


def _stored(weight: NDArray[Any]) -> NDArray[Any]:
    """Large weights as float16. Small ones stay: a batch norm's variance may be past float16's largest number."""
    return weight.astype(np.float16) if weight.dtype == np.float32 and weight.size >= SMALL else weight


def _save(tensors: dict[str, Any], path: Path) -> None:
    """safetensors takes bytes in the order that they lie in, and makes private files; `atomic` gives them the usual
    permissions."""
    with atomic(path) as scratch:
        save_file({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, scratch)


def encode(network: VAE, faces: Bytes) -> Floats:
    """Posterior means (n, d) of faces (n, H, W, 3) uint8."""
    device = next(network.parameters()).device
    with torch.no_grad():
        chunks = [network.encode(_tensor(faces[i : i + 64]).to(device))[0] for i in range(0, len(faces), 64)]
    return torch.cat(chunks).cpu().numpy()


def reconstruction_quality(network: VAE, faces: Bytes) -> dict[str, float]:
    """Mean PSNR (dB) and median, of the reconstructions of faces (n, H, W, 3) uint8."""
    latents = torch.from_numpy(encode(network, faces))
    with torch.no_grad():
        made = torch.cat([network.decode(latents[i : i + 64]) for i in range(0, len(latents), 64)])
    error = (made - _tensor(faces)).square().mean((1, 2, 3))
    psnr = -10 * torch.log10(error)
    return {
        "faces": len(faces),
        "psnr": round(float(psnr.mean()), 2),
        "psnr_median": round(float(psnr.median()), 2),
    }


class _Decoder(nn.Module):
    def __init__(self, network: VAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor) -> Tensor:
        return self.network.decode(latent)


def export_onnx(
    module: nn.Module, example: tuple[Tensor], given: str, made: str, path: Path, sizes: dict[int, Any] | None = None
) -> None:
    """Write a module of one input and output as ONNX: any batch size, float16 weights, float32 arithmetic.

    `sizes` names the input's axes that may be of any size, the batch axis unless given."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses torchvision, which nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.eval(),
            example,
            input_names=[given],
            output_names=[made],
            dynamic_shapes=(sizes or {0: torch.export.Dim("n")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = _halved(program.model_proto)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store large weights as float16; a Cast before their use keeps the arithmetic in float32."""
    graph = model.graph
    casts = []
    for i, weight in enumerate(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        if (stored := _stored(values)).dtype != np.float16:
            continue
        graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(stored, weight.name + ".half"))
        casts.append(
            onnx.helper.make_node(
                "Cast",
                [graph.initializer[i].name],
                [weight_name(graph.initializer[i].name)],
                to=onnx.TensorProto.FLOAT,
            )
        )
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    del graph.value_info[:]  # they may speak of the weights as they were; shapes are inferred anew
    del model.metadata_props[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return model


def weight_name(half: str) -> str:
    """The name under which the graph knows a weight that is stored as `half`."""
    return half.removesuffix(".half")


def check_parity(network: VAE, folder: Path, faces: Bytes) -> float:
    """The largest difference between ONNX Runtime's and torch's reconstructions, in [0, 1].

    Raises MinifacesError where it passes 2/255."""
    tensor = _tensor(faces)
    with torch.no_grad():
        latents = network.encode(tensor)[0]
        expected = network.decode(latents).numpy()
    face, latent = ("face", tensor.shape[1:]), ("latent", latents.shape[1:])
    encoder = Network(folder / "encoder.onnx", face, latent, threads=0)
    decoder = Network(folder / "decoder.onnx", latent, face, threads=0)
    made = decoder(look_again(encoder(tensor.numpy()), encoder, decoder, network.looks))
    difference = float(np.abs(made - expected).max())
    if difference > PARITY:
        raise MinifacesError(
            f"the ONNX export differs from torch by {difference * 255:.1f}/255: this network needs float32 weights"
        )
    return difference


def _sheet(faces: Bytes) -> bytes:
    """Thumbnails, ceil(sqrt(n)) to a row, as one WebP."""
    count, height, width, _ = faces.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:count] = faces
    picture = sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "webp", quality=90, method=6)
    return buffer.getvalue()


def _tensor(faces: Bytes) -> Tensor:
    return torch.from_numpy(faces).permute(0, 3, 1, 2).contiguous().float() / 255
