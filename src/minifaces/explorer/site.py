"""What the page reads: one description, and the parts of a model that it needs, compressed.

    files = site_files(model, gallery_faces(model))     # {"site.bin": ..., "decoder-1a2b3c4d.bin": ...}

All `.bin` are gzip: the page unpacks them itself, so that a host that compresses nothing serves them small.
Names hold a part of their content's SHA-256, but for site.bin, which names the others:
docs/reference/explorer-page.md describes them."""

import base64
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from minifaces.arrays import Doubles, Floats
from minifaces.attributes import MEASURES, label
from minifaces.explorer.faces import MapFaces
from minifaces.explorer.operations import compile_network
from minifaces.explorer.pack import pack_network
from minifaces.explorer.principal import ends, principal
from minifaces.explorer.sprites import levels, place
from minifaces.headcolours import head_colours
from minifaces.pictures import snap_to_grid
from minifaces.studio import folder
from minifaces.studio.atlas import project
from minifaces.studio.model import Model
from minifaces.studio.parts import Parts
from minifaces.studio.priors import PRIORS

SITE = "site.bin"
_SPLITS = ("train", "validation", "test")
_PRINCIPAL = 8
COARSE = 31  # of the largest matrices at first: 47 dB from exact, and 0.4 MB less to wait for than with 127


def site_files(model: Model, faces: MapFaces, seed: int = 0) -> dict[str, bytes]:
    """Every file of the site's data folder by name. `seed` is that of the map's t-SNE."""
    places = project(faces.latents, seed)
    cells = snap_to_grid(places)
    slots = place(cells)
    sprites = levels(faces.pictures, slots)
    files: dict[str, bytes] = {}

    def add(stem: str, suffix: str, data: bytes) -> dict[str, Any]:
        name = f"{stem}-{hashlib.sha256(data).hexdigest()[:8]}{suffix}"
        files[name] = data if suffix != ".bin" else compress(data)
        return {"file": name, "bytes": len(files[name])}

    root = model.folder
    decoder, details = pack_network(compile_network((root / folder.DECODER).read_bytes()), COARSE)
    # Of pictures an encoder of 8 bits reads as much.
    encoder, _ = pack_network(compile_network((root / folder.ENCODER).read_bytes()))
    parts = {
        "decoder": add("decoder", ".bin", decoder),
        "details": add("details", ".bin", details),
        "encoder": add("encoder", ".bin", encoder),
        "latents": add("latents", ".bin", _latents(faces)),
    }
    fitted = [PRIORS[name].file for name in reversed(model.priors)] + [folder.EDITOR if model.editor else None]
    for name in filter(None, fitted):
        stem = Path(name).stem
        parts[stem] = add(stem, ".bin", (root / name).read_bytes())
    atlas = [
        {
            "size": level.size,
            "columns": level.columns,
            "rows": level.rows,
            "sheets": [add(f"faces{level.size}-{i}", ".webp", sheet) for i, sheet in enumerate(level.sheets)],
        }
        for level in sprites
    ]
    directions, vectors = _directions(model)
    description = {
        "format": 1,
        "name": model.name,
        "imageSize": model.image_size,
        "latentSize": model.latent_size,
        "looks": model.config.looks,
        "prior": next(iter(model.priors)),
        "asks": _asks(model),
        "parts": parts,
        "faces": _faces(faces, places, cells),
        "gridSide": int(cells.max()) + 1,
        "atlas": {"levels": atlas, "slots": slots.tolist()},
        "directions": directions,
        "vectors": base64.b64encode(vectors.astype("<f4").tobytes()).decode(),
        "facts": _facts(model),
    }
    files[SITE] = compress(json.dumps(description, ensure_ascii=False, separators=(",", ":")).encode())
    return files


def compress(data: bytes) -> bytes:
    """gzip, the same bytes for the same data."""
    return gzip.compress(data, 9, mtime=0)


def _faces(faces: MapFaces, places: Doubles, cells: NDArray[np.floating]) -> dict[str, Any]:
    """Columns, each a list of n: smaller than a list of records."""
    named = head_colours(faces.pictures)
    counts = {name: named.count(name) for name in dict.fromkeys(named)}
    colours = sorted(counts, key=lambda name: -counts[name])
    known = sorted({name for attributes in faces.attributes for name in attributes})
    x, y = _unit(places).T
    return {
        "names": faces.names,
        "descriptions": faces.descriptions,
        # a letter a face: 1 has it, 0 has not, - unknown
        "attributes": {name: "".join("-01"[1 + a.get(name, -1)] for a in faces.attributes) for name in known},
        "colours": [{"name": name, "count": counts[name]} for name in colours],
        "colour": [colours.index(name) for name in named],
        "split": [_SPLITS.index(split) for split in faces.splits],
        "x": x.tolist(),
        "y": y.tolist(),
        "gridX": cells[:, 0].astype(int).tolist(),
        "gridY": cells[:, 1].astype(int).tolist(),
    }


def _unit(places: Doubles) -> Doubles:
    """Into [0, 1] x [0, 1] without stretching, the narrower side in the middle."""
    low, high = places.min(axis=0), places.max(axis=0)
    extent = float((high - low).max()) or 1.0
    return np.asarray(np.round((places - (low + high) / 2) / extent + 0.5, 5), np.float64)


def _latents(faces: MapFaces) -> bytes:
    """Half precision is enough to find neighbours by: of a data set's latents nobody asks for the last bit."""
    kind = np.float32 if faces.exact else np.float16
    return bytes(save({"latents": np.ascontiguousarray(faces.latents, kind)}))


def _directions(model: Model) -> tuple[list[dict[str, Any]], Floats]:
    """What edits change: the model's attributes and measures, then the gallery's strongest principal directions,
    one standard deviation long. Descriptions and vectors (k, d) in the same order."""
    described = [
        {
            "name": name,
            "label": label(name),
            "kind": "attribute" if name in model.gallery.attributes else "measure",
            **dict(zip(("least", "most"), _ends(model, name), strict=True)),
            "learnt": name in model.learnt,
        }
        for name in model.directions
    ]
    axes = principal(model.gallery.latents, _PRINCIPAL)
    colours = head_colours(model.gallery.thumbnails)
    known = [
        {**entry.attributes, **{name: name == colour for name in set(colours)}}
        for entry, colour in zip(model.gallery.entries, colours, strict=True)
    ]
    described += [
        {"name": f"pc{i}", "label": f"Direction {i}{text and ': '}{text}", "kind": "principal", "least": -3, "most": 3}
        for i, text in enumerate(ends(axes, model.gallery.latents, known), 1)
    ]
    vectors = np.concatenate([np.zeros((0, model.latent_size)), *(v[None] for v in model.directions.values()), axes])
    return described, vectors.astype(np.float32)


def _asks(model: Model) -> dict[str, list[str]] | None:
    """What can be asked of random faces, if anything: attributes with their labels, and the colours of heads."""
    parts = next(iter(model.priors.values()))
    if not isinstance(parts, Parts):
        return None
    names = sorted({name for name, _ in parts.halves})
    return {"having": names, "labels": [label(name) for name in names], "heads": sorted(parts.names)}


def _ends(model: Model, name: str) -> tuple[float, float]:
    """The ends of a slider: of a measure that goes both ways, those of what was learnt."""
    least, most = model.learnt.get(name, (0.0, 0.0))
    return (least, most) if least < 0 and name in MEASURES else (-3.0, 3.0)


def _facts(model: Model) -> dict[str, Any]:
    preset = model.config.preset
    macs = preset.get("macs")
    return {
        "decoderMegabytes": round((model.folder / folder.DECODER).stat().st_size / 1e6, 1),
        "decoderMacs": macs.get("decoder") if isinstance(macs, dict) else None,
        "trainedFaces": preset.get("faces_seen"),
    }
