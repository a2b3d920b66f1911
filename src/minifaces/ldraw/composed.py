"""Composed faces as the rows of a data set: pictures with what is known of each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from minifaces.arrays import Pixels
from minifaces.attributes import ATTRIBUTES
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import Draws, draw_faces
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import Stages, check_size, load_chosen, load_stages, stage_parameters

SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
CHUNK = 64
BLOCK = 16 * CHUNK  # faces drawn before the first is composed, to know which stages they need


def composed_faces(
    count: int, size: int, recombined: float = 0.5, seed: int = 0
) -> Iterator[tuple[Pixels, dict[str, str]]]:
    """Give `count` faces (size, size, 3) uint8 with their metadata, splits in turn, the same for a seed.

    Attributes are told of faces that show one whole design; a recombined face names both designs instead.
    Raises UsageError, before the first face, for a size that stages cannot be had at."""
    check_size(size)
    return _compose(load_prints(), size, count, recombined, seed)


def _compose(
    prints: Prints, size: int, count: int, recombined: float, seed: int
) -> Iterator[tuple[Pixels, dict[str, str]]]:
    rng = np.random.default_rng([seed, 2])
    bounds = np.round(np.cumsum([0, *SPLITS.values()]) * count).astype(int)
    for split, first, last in zip(SPLITS, bounds[:-1], bounds[1:], strict=True):
        listed = stage_parameters(split)
        for start in range(first, last, BLOCK):
            chunks = [min(CHUNK, last - at) for at in range(start, min(start + BLOCK, last), CHUNK)]
            drawn = [draw_faces(prints, listed, split, chunk, rng, recombined) for chunk in chunks]
            used = np.unique(np.concatenate([draws.stage for draws in drawn]))
            if len(used) < len(listed) // 2:
                stages = load_chosen(size, [listed[i] for i in used])
                drawn = [replace(draws, stage=np.searchsorted(used, draws.stage)) for draws in drawn]
            else:
                stages = load_stages(size, split)
            for draws in drawn:
                faces, _ = compose(prints, stages, draws)
                for i, face in enumerate(faces):
                    yield face, describe(prints, stages, draws, i)


def describe(prints: Prints, stages: Stages, draws: Draws, i: int) -> dict[str, str]:
    """Row `i` of metadata.csv: design(s), split, head colour, stage and attributes ("" where unknown)."""
    upper, lower = prints.designs[draws.upper[i]], prints.designs[draws.lower[i]]
    stage = stages.parameters[draws.stage[i]]
    row: dict[str, Any] = {
        "design": upper.name,
        "lower_design": lower.name if lower is not upper else "",
        "split": upper.split,
        "description": upper.description if lower is upper else "",
        "head_colour": int(draws.head_code[i]),
        "stage": stage.id,
        "yaw": round(-stage.yaw if draws.flip[i] else stage.yaw, 1),
    }
    known = upper.attributes if lower is upper else {}
    row |= {name: str(known[name]).lower() if name in known else "" for name in ATTRIBUTES}
    return {key: str(value) for key, value in row.items()}
