"""The model card: what a model is, what it was trained on, how good it is, where it fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from minifaces.vae.config import Config
from minifaces.vae.training_data import ComposedFaces, Source

COMPOSED = """Faces composed from the printed heads of the LDraw parts library (LDraw.org, CC BY 4.0) on path-traced
stages: {train} training designs, recombined and mirrored, never the {rest} designs of the other two splits."""


def model_card(name: str, config: Config, source: Source, facts: Mapping[str, Any], gallery: int) -> str:
    """Markdown for the model folder's README.md, of `facts` as config.json has them; `gallery`: how many faces."""
    network = config.network
    if isinstance(source, ComposedFaces):
        train = len(source.prints.of_split("train"))
        data = COMPOSED.format(train=train, rest=len(source.prints) - train)
    else:
        data = f"A folder of {source.faces_per_epoch} training pictures."
    rows = "\n".join(f"| {what} | {told} |" for what, told in _rows(config, source, facts, gallery))
    return f"""---
library_name: minifaces
license: mit
tags: [variational-autoencoder, minifigure, faces, onnx]
---
# {name}

A variational autoencoder for faces at {network.image_size} px with a latent of {network.latent_size} numbers, trained
by minifaces. LEGO is a trademark of the LEGO Group, which does not sponsor or endorse it.

| | |
|---|---|
{rows}

## Data
{data}

## Use
```python
import minifaces

faces = minifaces.load("path/to/this/folder")
grid = faces.sample(25, seed=7)
```

## Limits
Made for heads seen from the front on a plain ground; hair, helmets, hands and cluttered photographs are outside what it
has seen. Faces drawn at random can be odd where the prior strays from the data.
"""


def _rows(config: Config, source: Source, facts: Mapping[str, Any], gallery: int) -> Iterator[tuple[str, str]]:
    """The table. What config.json does not tell of a model, which may come from elsewhere, is left out."""
    yield "preset", f"`{config.preset}`"
    if "parameters" in facts:
        yield "parameters", f"{facts['parameters'] / 1e6:.2f} M"
    if macs := facts.get("macs"):
        millions = (f"{part} {macs[part] / 1e6:.0f} M" for part in ("encoder", "decoder"))
        yield "multiply-accumulates", ", ".join(millions)
    if facts.get("steps") and facts.keys() >= {"faces_seen", "train_seconds"}:
        seen, steps = facts["faces_seen"], facts["steps"]
        minutes = facts["train_seconds"] / 60
        yield "faces seen", f"{seen:,} in {steps:,} steps of {seen // steps}, {minutes:.0f} minutes"
    yield "gallery", f"{gallery} faces"
    if quality := facts.get("held_out"):
        of = (
            "faces of unseen designs"
            if source.unseen
            else "of its training pictures (the folder has no validation split)"
        )
        told = f"{quality['psnr']} dB mean, {quality['psnr_median']} dB median, {quality['faces']} {of}"
        yield "held-out reconstruction (PSNR)", told
    if "onnx_difference" in facts:
        yield "ONNX against torch", f"at most {facts['onnx_difference'] * 255:.2f}/255"
