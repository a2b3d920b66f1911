"""The model card: what a model is, what it was trained on, how good it is, where it fails."""

from collections.abc import Mapping
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
    quality = facts["held_out"]
    minutes, macs = facts["train_seconds"] / 60, facts["macs"]
    seen = f"{facts['faces_seen']:,} in {facts['steps']:,} steps of {facts['faces_seen'] // facts['steps']}"
    shown = (
        "faces of unseen designs" if source.unseen else "of its training pictures (the folder has no validation split)"
    )
    held_out = f"{quality['psnr']} dB mean, {quality['psnr_median']} dB median, {quality['faces']} {shown}"
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
| preset | `{config.preset}` |
| parameters | {facts["parameters"] / 1e6:.2f} M |
| multiply-accumulates | encoder {macs["encoder"] / 1e6:.0f} M, decoder {macs["decoder"] / 1e6:.0f} M |
| faces seen | {seen}, {minutes:.0f} minutes |
| gallery | {gallery} faces |
| held-out reconstruction (PSNR) | {held_out} |
| ONNX against torch | at most {facts["onnx_difference"] * 255:.2f}/255 |

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
