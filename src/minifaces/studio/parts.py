"""The parts prior at run time, numpy alone: a face is drawn as its parts, and a network makes a latent of them.

    parts = Parts.load("model/parts.safetensors")
    latents = parts.sample(25, seed=7)
    latents = parts.sample(25, seed=7, asked=Asked(having={"eyewear": True}, head="medium nougat"))

A print's eyes, its mouth or that of another print which a clean seam joins to it, the colour of the head, a stage, and
a few measures (how the colour wanders, how the print is warped and tinted) are drawn, each by its weight. A network
(`minifaces.studio.latentnet`) that was taught by composed faces makes the latent which the encoder would read off such
a face: there is nothing left to average over, so that one evaluation is enough and the parts come out as they are
printed. All in double precision."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from minifaces.arrays import Bools, Doubles, Places
from minifaces.checks import one_of
from minifaces.errors import UsageError
from minifaces.studio.generator import normals, uniforms
from minifaces.studio.latentnet import Layers, read

PARTS_STREAM, MEASURES_STREAM = 7, 8
"""of the generator: the choice of parts, and the measures"""
DRAWN = 6  # uniform numbers a face: eyes, mirrored, joined, mouth, colour, stage
TINT = (0.05, 0.03)  # how far a head's colour wanders, in all and by channel (logarithms)
BRIGHTEST = 0.97  # of a head, linear
MEASURES = 8  # beside the head's colour: ink (3), scale and shift of the print (2 each), gain of the light
NOVELTY = 0.5
"""the share of faces whose eyes and mouth are of two prints"""
HEAD, WITH, WITHOUT = "head.", "with.", "without."
_CHUNK = 512  # faces at a time: a few megabytes


@dataclass(frozen=True)
class Asked:
    """What faces should have: attributes by name, with (True) or without (False), the name of a head's colour, and the
    share whose eyes and mouth are of two prints."""

    having: Mapping[str, bool] = field(default_factory=dict)
    head: str | None = None
    novelty: float = NOVELTY


ANY = Asked()


@dataclass(frozen=True)
class Drawn:
    """The parts of n faces, each (n,): rows of codes, and of colours."""

    eyes: Places
    mouths: Places
    stages: Places
    colours: Places


@dataclass(frozen=True, eq=False)
class Parts:
    """Of k prints: `eyes`, `mouths` (2 k, e) are codes of the upper and the lower half of each as it is and, in the
    next row, mirrored; `heads` (k, c) how often each comes in which colour; `joins` (k, 2, k) whether the eyes of one
    may have the mouth of another, turned the same way and the other way; `halves` by attribute, and whether that is
    there, (2, k), which upper and which lower halves such faces are of. `colours` (c, 3) are linear, by their `names`;
    `stages` (m, e) codes, each as it is and mirrored. `network` makes standard latents of codes and measures; `mean`,
    `scale` (d,) are the latents'."""

    mean: Doubles
    scale: Doubles
    eyes: Doubles
    mouths: Doubles
    stages: Doubles
    heads: Doubles
    colours: Doubles
    names: tuple[str, ...]
    joins: Bools
    halves: dict[tuple[str, bool], Bools]
    network: Layers

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Parts":
        """Read parts.safetensors; UsageError where it is missing, damaged or holds no parts."""
        return read(path, cls.of, "a file of parts")

    @classmethod
    def of(cls, tensors: dict[str, Doubles]) -> "Parts":
        """Parts of all their tensors by name; KeyError, ValueError or IndexError where they make none."""
        layers = dict(tensors)
        mean, scale, eyes, mouths, stages, heads, joins = (
            layers.pop(name) for name in ("mean", "scale", "eyes", "mouths", "stages", "heads", "joins")
        )
        names = tuple(sorted(name.removeprefix(HEAD) for name in tensors if name.startswith(HEAD)))
        colours = np.array([layers.pop(HEAD + name) for name in names])
        halves = {
            (name.removeprefix(mark), mark == WITH): layers.pop(name) > 0
            for mark in (WITH, WITHOUT)
            for name in tensors
            if name.startswith(mark)
        }
        k, e = len(heads), stages.shape[1]
        may = np.unpackbits(joins.astype(np.int8).view(np.uint8), axis=1).astype(bool)[:, : 2 * k].reshape(k, 2, k)
        fits = [eyes.shape == mouths.shape == (2 * k, e), heads.shape[1:] == (len(names),), colours.shape[1:] == (3,)]
        fits += [known.shape == (2, k) and (name, not has) in halves for (name, has), known in halves.items()]
        if not all(fits):
            raise ValueError("its parts do not fit one another")
        if (heads < 0).any() or not heads.any():
            raise ValueError("heads holds no weights")
        network = Layers(layers)
        network.check(3 * e, 3 + MEASURES, mean, scale)
        return cls(mean, scale, eyes, mouths, stages, heads, colours, names, may, halves, network)

    @property
    def size(self) -> int:
        """d, the length of a latent."""
        return len(self.mean)

    def sample(self, n: int, seed: int, temperature: float = 1.0, asked: Asked = ANY) -> Doubles:
        """Draw (n, d) latents; `temperature` scales the measures. UsageError where no face has what is `asked`."""
        return self.latents(
            self.drawn(uniforms(seed, n, DRAWN, PARTS_STREAM), asked),
            temperature * normals(seed, n, 4 + MEASURES, MEASURES_STREAM),
        )

    def drawn(self, share: Doubles, asked: Asked = ANY) -> Drawn:
        """The parts that uniform numbers (n, DRAWN) choose among those that have what is `asked`."""
        k = len(self.heads)
        upper_has, lower_has = self._having(asked.having)
        partners = (self.joins & lower_has).reshape(k, 2 * k)  # turned as the eyes are, then the other way
        count = partners.sum(1)
        alone = upper_has & lower_has
        joined = np.where(alone, np.where(count > 0, asked.novelty, 0.0), 1.0)
        heads = self.heads * self._coloured(asked.head)
        weights = np.cumsum(heads, axis=1)[:, -1] * upper_has * (alone | (count > 0))
        if not weights.any():
            raise UsageError("no face has all that is asked for: ask for less")
        upper = _picked(np.cumsum(weights)[None], share[:, 0])
        place = (share[:, 3] * count[upper]).astype(np.intp)
        other = (np.cumsum(partners[upper], axis=1) <= place[:, None]).sum(1)
        other = np.where(share[:, 2] < joined[upper], other, upper)
        mirrored = share[:, 1] >= 0.5
        either = heads[upper] * (self.heads[other % k] > 0)  # colours in which both come out, if there are any
        colours = np.where(either.any(1, keepdims=True), either, heads[upper])
        return Drawn(
            eyes=2 * upper + mirrored,
            mouths=2 * (other % k) + (mirrored ^ (other >= k)),
            stages=(share[:, 5] * len(self.stages)).astype(np.intp),
            colours=_picked(np.cumsum(colours, axis=1), share[:, 4]),
        )

    def latents(self, drawn: Drawn, noise: Doubles) -> Doubles:
        """Latents (n, d) of parts, with what varies beside them: 4 + MEASURES standard normal numbers, (n, 12)."""
        codes = np.concatenate([self.eyes[drawn.eyes], self.mouths[drawn.mouths], self.stages[drawn.stages]], 1)
        tinted = self.colours[drawn.colours] * np.exp(TINT[0] * noise[:, :1] + TINT[1] * noise[:, 1:4])
        told = np.concatenate([np.sqrt(np.minimum(tinted, BRIGHTEST)), noise[:, 4:]], 1)
        made = [self.network(codes[i : i + _CHUNK], told[i : i + _CHUNK]) for i in range(0, len(codes), _CHUNK)]
        latents: Doubles = self.mean + self.scale * np.concatenate(made)
        return latents

    def _coloured(self, head: str | None) -> Bools:
        """Which colours (c,) a head may have."""
        if head is not None:
            one_of("head", head, self.names)
        return np.array([head in (None, name) for name in self.names])

    def _having(self, asked: Mapping[str, bool]) -> Bools:
        """Which upper halves and which lower ones faces may be of: (2, k)."""
        known = sorted({name for name, _ in self.halves})
        allowed = [self.halves[one_of("attribute", name, known), wanted] for name, wanted in asked.items()]
        return np.logical_and.reduce(allowed, axis=0) if allowed else np.ones((2, len(self.heads)), bool)


def _picked(reached: Doubles, share: Doubles) -> Places:
    """Of weights that add up to `reached` (n or 1, m), a number below m for each share in [0, 1): (n,)."""
    return np.asarray((reached <= share[:, None] * reached[:, -1:]).sum(1), np.int64)
