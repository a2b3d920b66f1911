"""The parts prior at run time, numpy alone: a face is drawn as its parts, and a network makes a latent of them.

    parts = Parts.load("model/parts.safetensors")
    latents = parts.sample(25, seed=7)
    latents = parts.sample(25, seed=7, asked=Asked({"eyewear": True}, {"medium nougat": 1}))

A print's eyes, its mouth or that of another print which a clean seam joins to it, the colour of the head, a stage, and
a few measures (how the colour wanders, how the print is warped and tinted) are drawn, each by its weight. Prints are
designs, and made ones, which nobody designed (`minifaces.ldraw.made`). A network
(`minifaces.studio.latentnet`) that was taught by composed faces makes the latent which the encoder would read off such
a face: there is nothing left to average over, so that one evaluation is enough and the parts come out as they are
printed. All in double precision."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from minifaces.arrays import Bools, Doubles, Places
from minifaces.attributes import PLEASANT
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
MADE = 0.5
"""of that, the share of eyes, and of other mouths, that are of made prints, which nobody designed"""
AVATAR_HEADS = {
    "yellow": 0.38,
    "light nougat": 0.14,
    "nougat": 0.14,
    "medium nougat": 0.12,
    "reddish brown": 0.12,
    "light brown": 0.06,
    "tan": 0.04,
}
"""the palette of avatars: colours of heads, and their shares"""
HEAD, WITH, WITHOUT = "head.", "with.", "without."
_KEPT = 8  # choices
_CHUNK = 512  # faces at a time: a few megabytes


@dataclass(frozen=True)
class Asked:
    """What faces should have: attributes by name, with (True) or without (False), the shares of heads' colours by name
    (any where there are none), the share whose eyes and mouth are of two prints, and whether they look at one."""

    having: Mapping[str, bool] = field(default_factory=dict)
    heads: Mapping[str, float] = field(default_factory=dict)
    novelty: float = NOVELTY
    front: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from others."""
        return (*sorted(self.having.items()), *sorted(self.heads.items()), self.novelty, self.front)


ANY = Asked()
AVATARS = Asked({PLEASANT: True}, AVATAR_HEADS, novelty=1.0, front=True)


@dataclass(frozen=True)
class Choice:
    """What may be drawn for what is asked, of k prints and c colours: `colours` (c,) how often heads are of each, added
    up, `reached` (c, k) how often the eyes of each print are then drawn, added up, `joined` (c, k) how often these have
    a mouth of another print, `mouths` (c, k) which may be that, `made` the share of made prints, `stages` which rows of
    codes."""

    colours: Doubles
    reached: Doubles
    joined: Doubles
    mouths: Bools
    made: float
    stages: Places


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
    may have the mouth of another, turned the same way and the other way; `made` (k,) which nobody designed; `halves` by
    attribute, and whether that is there, (2, k), which upper and which lower halves such faces are of. `colours` (c, 3)
    are linear, by their `names`; `stages` (m, e) codes, each as it is and mirrored, `front` (m,) those that show a
    head from the front. `network` makes standard latents of
    codes and measures; `mean`, `scale` (d,) are the latents'."""

    mean: Doubles
    scale: Doubles
    eyes: Doubles
    mouths: Doubles
    stages: Doubles
    heads: Doubles
    colours: Doubles
    names: tuple[str, ...]
    joins: Bools
    made: Bools
    front: Bools
    halves: dict[tuple[str, bool], Bools]
    network: Layers
    choices: dict[tuple[object, ...], Choice] = field(default_factory=dict)
    """those of late, by what was asked"""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Parts":
        """Read parts.safetensors; UsageError where it is missing, damaged or holds no parts."""
        return read(path, cls.of, "a file of parts")

    @classmethod
    def of(cls, tensors: dict[str, Doubles]) -> "Parts":
        """Parts of all their tensors by name; KeyError, ValueError or IndexError where they make none."""
        layers = dict(tensors)
        mean, scale, eyes, mouths, stages, heads, joins, made, front = (
            layers.pop(name)
            for name in ("mean", "scale", "eyes", "mouths", "stages", "heads", "joins", "made", "front")
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
        fits = [
            eyes.shape == mouths.shape == (2 * k, e),
            made.shape == (k,),
            front.shape == stages.shape[:1],
            heads.shape[1:] == (len(names),),
            colours.shape[1:] == (3,),
        ]
        fits += [known.shape == (2, k) and (name, not has) in halves for (name, has), known in halves.items()]
        if not all(fits):
            raise ValueError("its parts do not fit one another")
        if (heads < 0).any() or not heads.any():
            raise ValueError("heads holds no weights")
        if not (front > 0).any():
            raise ValueError("no stage is from the front")
        network = Layers(layers)
        network.check(3 * e, 3 + MEASURES, mean, scale)
        return cls(mean, scale, eyes, mouths, stages, heads, colours, names, may, made > 0, front > 0, halves, network)

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
        k, choice = len(self.heads), self.choice(asked)
        colour = _picked(choice.colours[None], share[:, 4])
        upper = _picked(choice.reached[colour], share[:, 0])
        mirrored = share[:, 1] >= 0.5
        # Turned as the eyes are, then the other way.
        partners = (self.joins[upper] & choice.mouths[colour][:, None]).reshape(-1, 2 * k)
        often = _shared(partners.astype(np.float64), np.tile(self.made, 2), choice.made)
        joined = share[:, 2] < choice.joined[colour, upper]
        other = np.where(joined, _picked(np.cumsum(often, axis=1), share[:, 3]), upper)
        return Drawn(
            eyes=2 * upper + mirrored,
            mouths=2 * (other % k) + (mirrored ^ (other >= k)),
            stages=choice.stages[(share[:, 5] * len(choice.stages)).astype(np.intp)],
            colours=colour,
        )

    def choice(self, asked: Asked) -> Choice:
        """What may be drawn for what is `asked`; UsageError where no face has all of it."""
        choice = self.choices.get(asked.key)
        if choice is None:
            choice = self._choice(asked)
            if len(self.choices) >= _KEPT:  # another thread may do the same: nobody counts on finding one
                self.choices.clear()
            self.choices[asked.key] = choice
        return choice

    def avatars(self) -> Asked:
        """What is asked of avatars: `AVATARS`, or nothing where no print is known to be pleasant."""
        pleasant = self.halves.get((PLEASANT, True))
        palette = np.array([name in AVATAR_HEADS for name in self.names])
        return AVATARS if pleasant is not None and self.heads[pleasant.all(0)][:, palette].any() else ANY

    def latents(self, drawn: Drawn, noise: Doubles) -> Doubles:
        """Latents (n, d) of parts, with what varies beside them: 4 + MEASURES standard normal numbers, (n, 12)."""
        codes = np.concatenate([self.eyes[drawn.eyes], self.mouths[drawn.mouths], self.stages[drawn.stages]], 1)
        tinted = self.colours[drawn.colours] * np.exp(TINT[0] * noise[:, :1] + TINT[1] * noise[:, 1:4])
        told = np.concatenate([np.sqrt(np.minimum(tinted, BRIGHTEST)), noise[:, 4:]], 1)
        made = [self.network(codes[i : i + _CHUNK], told[i : i + _CHUNK]) for i in range(0, len(codes), _CHUNK)]
        latents: Doubles = self.mean + self.scale * np.concatenate(made)
        return latents

    def _choice(self, asked: Asked) -> Choice:
        upper_has, lower_has = self._having(asked.having)
        mouths = (self.heads > 0).T & lower_has  # that come out in a colour
        partnered = (self.joins.any(1).astype(np.float32) @ mouths.T.astype(np.float32)).T > 0
        alone = upper_has & lower_has
        heads = np.where(upper_has & (alone | partnered), self.heads.T, 0.0)
        often = np.cumsum(heads, axis=1)[:, -1]
        colours = self._shares(asked.heads, often)
        if not colours.any():
            raise UsageError("no face has all that is asked for: ask for less")
        made = asked.novelty * MADE
        return Choice(
            colours=np.cumsum(colours),
            reached=np.cumsum(_shared(heads, self.made, made), axis=1),
            joined=np.where(alone, np.where(partnered, asked.novelty, 0.0), 1.0),
            mouths=mouths,
            made=made,
            stages=np.flatnonzero(self.front | (not asked.front)),
        )

    def _shares(self, heads: Mapping[str, float], often: Doubles) -> Doubles:
        """How often heads are of which colour (c,): as `often` as they come, or as `heads` say if they come at all."""
        if not heads:
            return often
        for name in heads:
            one_of("head", name, self.names)
        return np.where(often > 0, [heads.get(name, 0.0) for name in self.names], 0.0)

    def _having(self, asked: Mapping[str, bool]) -> Bools:
        """Which upper halves and which lower ones faces may be of: (2, k)."""
        known = sorted({name for name, _ in self.halves})
        allowed = [self.halves[one_of("attribute", name, known), wanted] for name, wanted in asked.items()]
        return np.logical_and.reduce(allowed, axis=0) if allowed else np.ones((2, len(self.heads)), bool)


def _shared(weights: Doubles, which: Bools, share: float) -> Doubles:
    """`weights` (..., m) of which those of `which` (m,) make a `share`, and the others the rest, if there are both."""
    parts = [np.cumsum(weights * some, axis=-1)[..., -1:] for some in (which, ~which)]
    both = (parts[0] > 0) & (parts[1] > 0)
    factors = [
        np.divide(of, part, out=np.ones_like(part), where=both)
        for of, part in zip((share, 1 - share), parts, strict=True)
    ]
    return np.asarray(weights * np.where(which, *factors), np.float64)


def _picked(reached: Doubles, share: Doubles) -> Places:
    """Of weights that add up to `reached` (n or 1, m), a number below m for each share in [0, 1): (n,)."""
    return np.asarray((reached <= share[:, None] * reached[:, -1:]).sum(1), np.int64)
