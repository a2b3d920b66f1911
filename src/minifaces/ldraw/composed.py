"""Composed faces as the rows of a data set: pictures with what is known of each.

    for face, row in composed_faces(1000, 128): ...
    with open_pool("tcp://10.0.0.5:8786") as pool:
        write_dataset("faces", composed_files(1_000_000, 128, pool=pool))

What to compose is drawn here, in order; the drawings are then composed here or by workers, to the same faces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from minifaces.arrays import Pixels
from minifaces.attributes import ATTRIBUTES
from minifaces.errors import MinifacesError
from minifaces.images import png_file
from minifaces.ldraw.compose import compose, use_one_thread
from minifaces.ldraw.draws import Draws, draw_faces
from minifaces.ldraw.prints import Prints, load_prints
from minifaces.ldraw.stages import StageParameters, Stages, check_size, load_chosen, load_stages, stage_parameters
from minifaces.workers import Pool, work_through

SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
CHUNK = 64
BLOCK = 16 * CHUNK  # faces drawn before the first is composed, to know which stages they need
Row = dict[str, str]


@dataclass(frozen=True)
class Drawn:
    """Faces to compose, with what is told of them."""

    size: int
    split: str
    stages: tuple[int, ...] | None
    """which of the split's stages the draws number; None for all"""
    draws: Draws
    rows: list[Row]


def composed_faces(count: int, size: int, recombined: float = 0.5, seed: int = 0) -> Iterator[tuple[Pixels, Row]]:
    """Give `count` faces (size, size, 3) uint8 with their metadata, splits in turn, the same for a seed.

    Attributes are told of faces that show one whole design; a recombined face names both designs instead.
    Raises UsageError, before the first face, for a size that stages cannot be had at."""
    drawn = _drawn(count, size, recombined, seed)
    return ((face, row) for some in drawn for face, row in zip(_faces(some), some.rows, strict=True))


def composed_files(
    count: int, size: int, recombined: float = 0.5, seed: int = 0, pool: Pool | None = None
) -> Iterator[tuple[bytes, Row]]:
    """The same faces as PNG files, composed and packed by the workers of a `pool`, or here.

    Raises MinifacesError, too, where every worker ended that was given some of them."""
    drawn = _drawn(count, size, recombined, seed)
    if pool is None:
        return (pair for some in drawn for pair in _files([some])[0])
    done = work_through(pool, _files_in_worker, drawn, _lost, lambda _: 1 << 40)  # sent one by one: each is work enough
    return (pair for some in done for pair in some)


def _drawn(count: int, size: int, recombined: float, seed: int) -> Iterator[Drawn]:
    check_size(size)
    return _draw(load_prints(), size, count, recombined, seed)


def _draw(prints: Prints, size: int, count: int, recombined: float, seed: int) -> Iterator[Drawn]:
    rng = np.random.default_rng([seed, 2])
    bounds = np.round(np.cumsum([0, *SPLITS.values()]) * count).astype(int)
    for split, first, last in zip(SPLITS, bounds[:-1], bounds[1:], strict=True):
        listed = stage_parameters(split)
        for start in range(first, last, BLOCK):
            chunks = [min(CHUNK, last - at) for at in range(start, min(start + BLOCK, last), CHUNK)]
            drawn = [draw_faces(prints, listed, split, chunk, rng, recombined) for chunk in chunks]
            used = np.unique(np.concatenate([draws.stage for draws in drawn]))
            few = len(used) < len(listed) // 2
            for draws in drawn:
                rows = [describe(prints, listed, draws, i) for i in range(len(draws))]
                if few:
                    draws = replace(draws, stage=np.searchsorted(used, draws.stage))
                yield Drawn(size, split, tuple(used.tolist()) if few else None, draws, rows)


def _faces(some: Drawn) -> Pixels:
    return compose(load_prints(), _stages(some.size, some.split, some.stages), some.draws)[0]


def _files(drawn: Sequence[Drawn]) -> list[list[tuple[bytes, Row]]]:
    return [[(png_file(face), row) for face, row in zip(_faces(some), some.rows, strict=True)] for some in drawn]


def _files_in_worker(drawn: Sequence[Drawn]) -> list[list[tuple[bytes, Row]]]:
    use_one_thread()
    return _files(drawn)


def _lost(some: Drawn) -> list[tuple[bytes, Row]]:
    raise MinifacesError(
        f"each worker that was to compose {len(some.rows)} faces of {some.size} pixels ended: is their memory short?"
    )


@lru_cache(maxsize=1)
def _stages(size: int, split: str, chosen: tuple[int, ...] | None) -> Stages:
    if chosen is None:
        return load_stages(size, split)
    listed = stage_parameters(split)
    return load_chosen(size, [listed[i] for i in chosen])


def describe(prints: Prints, stages: Sequence[StageParameters], draws: Draws, i: int) -> Row:
    """Row `i` of metadata.csv: design(s), split, head colour, stage and attributes ("" where unknown)."""
    upper, lower = prints.designs[draws.upper[i]], prints.designs[draws.lower[i]]
    stage = stages[draws.stage[i]]
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
