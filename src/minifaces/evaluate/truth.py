"""What edits do to composed faces, held against the truth: the same faces composed with the edit.

tables, pictures = against_truth(model, faces, 52, progress)"""

import numpy as np

from minifaces.attributes import RANGES
from minifaces.evaluate.intervals import bootstrap, mean
from minifaces.evaluate.parts import Picture, Progress, Table, Value
from minifaces.evaluate.similarity import psnr
from minifaces.evaluate.testset import FaceSet, evenly
from minifaces.images import resized
from minifaces.ldraw.edited import EXEMPLARS, removable
from minifaces.pictures import captioned, grid
from minifaces.studio.model import Model

SHOWN = 8
MADE, CEILING = "PSNR to the truth", "PSNR of the truth's reconstruction to it"
UNEDITED, CLOSER = "PSNR of the unedited to it", "closer to it than to the unedited, %"


def against_truth(model: Model, faces: FaceSet, most: int, progress: Progress) -> tuple[list[Table], list[Picture]]:
    """A table and a picture of the edits that the model has learnt, of (up to) `most` of the faces: each edit of each
    is composed and encoded. Nothing of a model that has learnt none, or of faces that were not composed."""
    known = [name for name in RANGES if name in model.learnt]
    if not known or faces.draws is None or faces.prints is None:
        return [], []
    some = evenly(len(faces), most)
    start, groups = faces.latents(model)[some], faces.groups[some]
    size = faces.pictures.shape[1]
    draws, plain = faces.draws.chosen(some), resized(model.decode(start), size)
    few = evenly(len(some), SHOWN)
    rows: dict[str, dict[str, Value]] = {}
    shown, captions = [*plain[few]], ["unedited"] * len(few)
    for number, name in enumerate(known):
        progress(f"edits against the truth: {name}", number / len(known))
        # What a face has is taken away; every second one is turned or painted the other way.
        other_way = removable(faces.prints, draws, name) if name in EXEMPLARS else np.arange(len(some)) % 2
        amounts = np.where(other_way, max(model.learnt[name][0], -1.0) or 1.0, 1.0)
        truth = faces.truth(some, name, amounts)
        assert truth is not None
        made = np.empty_like(truth)
        for amount in np.unique(amounts):
            latents = model.edit(start[amounts == amount], {name: amount})
            made[amounts == amount] = resized(model.decode(latents), size)
        other = np.flatnonzero((truth != faces.pictures[some]).any((1, 2, 3)))  # a yellow head cannot become yellow
        to_truth = psnr(truth, made)
        rows[name] = {
            MADE: bootstrap(mean, to_truth[other], groups=groups[other]),
            CEILING: float(psnr(truth, resized(model.reconstruct(truth), size))[other].mean()),
            UNEDITED: float(psnr(truth, plain)[other].mean()),
            CLOSER: bootstrap(mean, 100.0 * (to_truth > psnr(plain, made))[other], groups=groups[other]),
        }
        shown += [*made[few], *truth[few]]
        captions += [name] * len(few) + ["the truth"] * len(few)
    note = (
        f"{len(some)} faces of unseen designs, edited by 1 (turned and darkened both ways, and what they have taken "
        "away, as far as that was learnt), beside the same faces composed with the edit."
    )
    picture = Picture("edits-truth", "Edited, and the truth.", grid(captioned(np.stack(shown), captions), len(few)))
    return [Table("edits against the truth", (MADE, CEILING, UNEDITED, CLOSER), rows, note)], [picture]
