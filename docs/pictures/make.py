"""Make the pictures that README.md and docs/ show, with the bundled model and the bundled prints and stages.

python docs/pictures/make.py"""

from dataclasses import replace
from pathlib import Path

import numpy as np

import minifaces
from minifaces.evaluate import testset
from minifaces.images import save_picture
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import draw_faces
from minifaces.ldraw.prints import load_prints
from minifaces.ldraw.stages import load_stages
from minifaces.pictures import draw_map, grid, pairs, strip
from minifaces.studio.atlas import project
from minifaces.vae.config import preset
from minifaces.vae.training_data import ComposedFaces

HERE = Path(__file__).parent
EDITS = (
    "smile", "teeth", "angry", "eyewear", "facial_hair", "lips", "printed_hair", "dark_head"
)  # fmt: skip
TOGETHER = (
    {"eyewear": 1.0, "facial_hair": 1.0},
    {"angry": 1.0, "teeth": 1.0, "turn": 1.0},
    {"angry": -1.0, "smile": 1.0, "turn": -1.0},
)


def played() -> None:
    """What the model does: random faces, reconstructions of unseen faces, a morph, an edit, the map."""
    model = minifaces.load()
    save_picture(HERE / "faces.webp", grid(model.sample(36, seed=7), columns=12, gap=0))
    prints, stages = load_prints(), load_stages(model.image_size, "test")
    draws = draw_faces(prints, stages, "test", 12, np.random.default_rng(21), recombined=0, varied=False)
    true, _ = compose(prints, stages, draws)
    save_picture(HERE / "recon.png", pairs(true, model.reconstruct(true), columns=12, gap=0))
    unseen = testset.composed(model.image_size, "test", per_design=3).pictures[::2][:48]
    save_picture(HERE / "unseen.webp", pairs(unseen, model.reconstruct(unseen), columns=12, gap=0))
    ends = [model.latent_of(name) for name in ("3626bp05", "3626cp7e")]
    save_picture(HERE / "morph.png", strip(model.morph(*ends, steps=12, path="density")))
    face = model.latent_of("3626cph1/back")
    turning = [{"turn": float(a)} for a in np.linspace(-1.5, 1.5, 12)]
    smiling = [{"smile": float(a)} for a in np.linspace(0, 1, 12)]
    single = [{}, *({name: 1.0} for name in EDITS), *TOGETHER]
    edited = np.concatenate([model.edit(face[None], amounts) for amounts in (*turning, *smiling, *single)])
    save_picture(HERE / "edit.webp", grid(model.decode(edited), columns=12, gap=0))
    gallery = model.gallery
    save_picture(HERE / "map.png", draw_map(gallery.thumbnails, project(gallery.latents), size=1400, face=44))


def composed() -> None:
    """Training faces, and recombined prints on one stage."""
    prints, stages, rng = load_prints(), load_stages(128, "train"), np.random.default_rng(3)
    faces, _ = compose(prints, stages, draw_faces(prints, stages, "train", 60, rng))
    save_picture(HERE / "composed.png", grid(faces, columns=12, gap=0))
    draws = draw_faces(prints, stages, "train", 600, rng, recombined=1.0, varied=False)
    joined = np.flatnonzero(draws.upper != draws.lower)[:60]
    faces, _ = compose(prints, stages, replace(draws.chosen(joined), stage=np.full(60, 9)))
    save_picture(HERE / "recombined.png", grid(faces, columns=12, gap=0))


def varied() -> None:
    """Collages, and faces with the faults of photographs."""
    collaged = ComposedFaces(preset("default", **{"data.collaged": 1, "data.photolike": 0})).batch(4, 0, 24).faces
    faulty = ComposedFaces(preset("default", **{"data.collaged": 0, "data.photolike": 1})).batch(4, 0, 12)
    rows = np.concatenate([collaged, faulty.shown, faulty.faces])
    save_picture(HERE / "varied.png", grid(rows, columns=12, gap=0))


if __name__ == "__main__":
    played()
    composed()
    varied()
