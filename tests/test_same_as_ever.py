"""What must stay as it is: what seeds, texts and edits give with the bundled model, composed faces, the page's data.

Links, avatars and data sets that people have rest on it. tests/data/same.json holds the sha256 of each, of latents
rounded to 1/1024, and tests/data/same.png a few decoded faces, which may differ in the last bit from processor to
processor.

To record all of it anew: `python tests/test_same_as_ever.py`. That is right where the bundled model is another one,
where prints, stages or the drawing of faces were changed on purpose, or a format of the page's data was, and then
CHANGELOG.md tells of it; never because a change that was to make something quicker or clearer made this test fail. Look
at which names change in same.json: a new model changes all but the composed faces, and nothing else more than a few."""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from minifaces.arrays import Latents, Pixels
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.site import site_files
from minifaces.images import save_picture
from minifaces.ldraw.composed import composed_faces
from minifaces.studio.model import Model

SUMS, FACES = (Path(__file__).parent / "data" / f"same.{kind}" for kind in ("json", "png"))
PARTS = ("prior", "parts", "editor", "decoder", "details", "encoder")
FEW = 12  # faces on the page's map, which takes seconds to lay out with all of them


@cache
def model() -> Model:
    return Model.bundled()


@cache
def latents() -> dict[str, Latents]:
    """(n, d) each."""
    faces = model()
    found = {f"prior {name}": faces.sample_latents(5, seed=7, prior=name) for name in faces.priors}
    found["cooler"] = faces.sample_latents(3, seed=11, temperature=0.7)
    found["asked"] = faces.sample_latents(3, seed=5, having={"eyewear": True, "smile": False}, head="medium nougat")
    found["avatar"] = faces.avatar_latent("Ada")[None]
    one, other = faces.gallery.latents[[3, 40]]
    found["edit"] = np.concatenate([faces.edit(one[None], {name: 0.75}) for name in sorted(faces.directions)])
    found["edits"] = faces.edit(other[None], {"smile": 1.0, "turn": -0.5})
    found["morph slerp"] = faces.morph_latents(one, other, steps=5, path="slerp")
    hot = faces.sample_latents(2, seed=3, temperature=2.0)  # between which the density bends the line
    found["morph density"] = faces.morph_latents(*hot, steps=5, path="density")
    return found


def pictures() -> Pixels:
    """Decoded faces side by side, (H, W, 3)."""
    some = np.concatenate([latents()[name][:1] for name in ("prior parts", "avatar", "edits")])
    return np.concatenate(list(model().decode(some)), axis=1)


def sums() -> dict[str, str]:
    """What same.json holds."""
    found = {f"latents, {name}": _sum(np.round(z * 1024).astype("<i4")) for name, z in latents().items()}
    for recombined in (0.0, 0.5):
        rows = list(composed_faces(10, 64, recombined, seed=3))
        found[f"composed faces, {recombined:.0%} recombined"] = _sum(np.stack([face for face, _ in rows]))
        found[f"what is told of them, {recombined:.0%}"] = _sum(json.dumps([row for _, row in rows], sort_keys=True))
    every = gallery_faces(model())
    told = {name: getattr(every, name)[:FEW] for name in vars(every) if name != "exact"}
    names = {name.rpartition("-")[0]: name for name in site_files(model(), replace(every, **told))}
    return found | {f"page, {part}": names[part] for part in PARTS}  # which end in a sum


def _sum(value: Any) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value.tobytes()).hexdigest()


def test_sums_are_the_same_as_ever() -> None:
    assert sums() == json.loads(SUMS.read_text())


def test_decoded_faces_are_the_same_but_for_the_last_bit() -> None:
    recorded = np.asarray(Image.open(FACES))
    assert np.abs(pictures().astype(int) - recorded).max() <= 1


if __name__ == "__main__":
    SUMS.write_text(json.dumps(sums(), indent=1) + "\n")
    save_picture(FACES, pictures())
