"""The directions in which faces differ most, and what they do, told by the faces at their ends."""

from collections.abc import Sequence

import numpy as np

from minifaces.arrays import Doubles, Floats

_LEAST = 0.15  # of a correlation to be told
_TOLD = 2  # words for an end
_OFTEN = 8  # faces that have something, and that have not, for its correlation to mean anything


def principal(latents: Floats, most: int) -> Floats:
    """Up to `most` principal axes of (n, d) latents, the strongest first, each one standard deviation long: (k, d)."""
    centred = latents.astype(np.float64) - latents.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    count = int(min(most, (spread > 1e-6 * max(float(spread[0]), 1e-300)).sum()))
    axes = axes[:count] * spread[:count, None] / np.sqrt(len(latents))
    # An axis may come out either way: its largest number is positive.
    signs = np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)]) if count else np.ones(0)
    return np.asarray(axes * signs[:, None], np.float32)


def ends(axes: Floats, latents: Floats, attributes: Sequence[dict[str, bool]]) -> list[str]:
    """What faces have towards either end of each axis, (k, d), as `female – mask, printed hair`; "" where nothing.

    What is told correlates by 0.15 or more with how far the faces with these latents (n, d) lie along the axis, at most
    two words an end, the strongest first; `attributes` holds what is known of each of the faces."""
    names = sorted({name for row in attributes for name in row})
    known = {name: np.array([float(row.get(name, np.nan)) for row in attributes]) for name in names}
    known = {name: v for name, v in known.items() if min((v == 1).sum(), (v == 0).sum()) >= _OFTEN}
    told = []
    for axis in axes.astype(np.float64):
        along = latents @ axis
        strengths = {name: _correlation(along, values) for name, values in known.items()}
        order = sorted(strengths, key=lambda name: -abs(strengths[name]))
        low = [name for name in order if strengths[name] <= -_LEAST]
        high = [name for name in order if strengths[name] >= _LEAST]
        words = [", ".join(end[:_TOLD]).replace("_", " ") for end in (low, high)]
        told.append(" – ".join(word or "none of it" for word in words) if any(words) else "")
    return told


def _correlation(along: Doubles, values: Doubles) -> float:
    """Of the faces of which the values are known."""
    given = np.isfinite(values)
    return float(np.corrcoef(along[given], values[given])[0, 1])
