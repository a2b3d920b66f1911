"""A trained model, opened from its folder: encode, decode, sample, morph, edit, find neighbours.

model = Model.bundled()                       # or Model("my-model")
pictures = model.sample(25, seed=7)           # (25, H, W, 3) uint8
latent = model.latent_of("3626bp01/front")    # (d,) float32
frames = model.morph(latent, model.latent_of("random:7"))"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from minifaces.arrays import Latents, Pixels, Planes
from minifaces.checks import file_name, flag, numbers, one_of, told, whole, within, word
from minifaces.errors import UsageError
from minifaces.facefinder import described, read_face
from minifaces.images import READABLE, as_pictures, read_picture, resize
from minifaces.lazy import lazy
from minifaces.pictures.shown import Frames, Pictures
from minifaces.studio import folder as files
from minifaces.studio import geodesic, paths, priors
from minifaces.studio import refine as refining
from minifaces.studio.directions import load_directions
from minifaces.studio.editor import Editor
from minifaces.studio.gallery import Entry, Gallery
from minifaces.studio.generator import FARTHEST, avatar_seed, check_seed, fresh_seed, rounded
from minifaces.studio.looks import look_again
from minifaces.studio.mixture import Mixture
from minifaces.studio.network import Network
from minifaces.studio.parts import NOVELTY, Asked, Parts

PathName = Literal["linear", "slerp", "density", "geodesic"]

MOST = 100_000
"""the most faces that one call draws"""
HOTTEST = 100.0
"""the highest temperature and amount of an edit: far beyond use, and well short of overflow"""
LONGEST = 100
"""the most steps of refining, and the most knots and rounds of a geodesic"""
BATCH = 128  # large enough to keep the cores busy, small enough to stay in tens of megabytes


class Model:
    """A model folder (docs/reference/architecture.md), ready to play with.

    Opening reads and checks every file that is played with; the encoder and the thumbnails are loaded when first
    needed, so that drawing faces starts quickly. Whatever is asked for in vain is a UsageError of one line."""

    def __init__(self, folder: str | os.PathLike[str], threads: int = 0) -> None:
        """Open `folder`. `threads` is how many parts of a batch are worked on at once, 0 for all cores."""
        # Absolute, since files are also read later, wherever the process is then.
        self.folder = Path(file_name("a model's folder", folder)).absolute()
        self.config = files.open_folder(self.folder, (*priors.FILES, files.DIRECTIONS, files.EDITOR))
        self._threads = whole("the number of threads", threads, 0, 4096)
        self.priors = priors.open_priors(self.folder, self.config.files, self.latent_size)
        """what faces are drawn from, by name; the first unless another is asked for"""
        self.mixture = cast(Mixture, self.priors["mixture"])
        """the one of them whose density can be asked for, to bend paths by and to judge latents"""
        self.directions = {}
        if files.DIRECTIONS in self.config.files:
            self.directions = load_directions(self.folder / files.DIRECTIONS, self.latent_size)
        """(d,) float32 by attribute: a step of 1 clearly shows it (docs/reference/architecture.md)"""
        self.editor = None
        if files.EDITOR in self.config.files:
            self.editor = Editor.load(self.folder / files.EDITOR)
            files.check_size(self.folder / files.EDITOR, self.editor.size, self.latent_size)
        self.gallery = Gallery(self.folder, self.config)
        face = ("face", (3, self.image_size, self.image_size))
        self._decoder = Network(self.folder / files.DECODER, ("latent", (self.latent_size,)), face, self._threads)

    @classmethod
    def bundled(cls, threads: int = 0) -> "Model":
        """The model that comes with the package."""
        return cls(Path(__file__).parent.parent / "assets" / "model", threads)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled and copied as the folder that it is opened from, which must hold it still where it is unpickled."""
        return _reopened, (type(self), self.folder, self._threads, self.config.files)

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def image_size(self) -> int:
        """H = W of the pictures."""
        return self.config.image_size

    @property
    def latent_size(self) -> int:
        """d, the length of a latent."""
        return self.config.latent_size

    @property
    def learnt(self) -> dict[str, tuple[float, float]]:
        """The edits that the model has learnt, and the least and the most amount of each."""
        return {} if self.editor is None else self.editor.ranges

    def encode(self, pictures: Pixels) -> Latents:
        """Square pictures of any size, (n, H, W, 3) uint8 -> (n, d) float32, the posterior means."""
        stack = _checked(pictures)
        looks = self.config.looks
        parts = [self._encode_planes(self._planes(stack[i : i + BATCH]), looks) for i in range(0, len(stack), BATCH)]
        return np.concatenate([np.zeros((0, self.latent_size), np.float32), *parts])

    def decode(self, latents: ArrayLike) -> Pictures:
        """(n, d) or (d,) -> (n, H, W, 3) uint8."""
        rows, size = self._rows(latents), self.image_size
        pictures = np.empty((len(rows), size, size, 3), np.uint8)
        for i in range(0, len(rows), BATCH):
            pictures[i : i + BATCH] = self._decoder(rows[i : i + BATCH], _pictures)
        return pictures.view(Pictures)

    def reconstruct(self, pictures: Pixels) -> Pictures:
        """What the model makes of pictures: encoded and decoded, (n, H, W, 3) uint8."""
        return self.decode(self.encode(pictures))

    def refine(self, pictures: Pixels, latents: ArrayLike | None = None, steps: int = refining.STEPS) -> Latents:
        """Latents near `latents` (n, d), or else the encoder's, that reproduce pictures (n, H, W, 3) better: (n, d).

        Each of the `steps` (0 to 100) costs d + 7 decodes a picture, and the first brings most. What each
        picture pays for leaving its start, and that its middle weighs most: `minifaces.studio.refine`."""
        steps = whole("the number of steps", steps, 0, LONGEST)
        stack = _checked(pictures)
        starts = self.encode(stack) if latents is None else self._rows(latents)
        if len(starts) != len(stack):
            raise UsageError(f"there are {len(stack)} pictures and {len(starts)} latents to refine")
        if steps == 0 or len(stack) == 0:
            return starts
        each = zip(stack, starts, strict=True)
        return np.stack([refining.refine(self._planes(p[None])[0], z, self._decode_planes, steps) for p, z in each])

    def sample_latents(
        self,
        n: int,
        seed: int | None = None,
        temperature: float = 1.0,
        prior: str | None = None,
        reject: float = 0.0,
        polish: int = 0,
        having: Mapping[str, bool] | None = None,
        head: str | None = None,
        novelty: float | None = None,
    ) -> Latents:
        """Draw n (1 to 100,000) latents, (n, d) float32, from one of the model's `priors`: of parts of prints
        ("parts"), the flow ("flow", of a model of a folder of pictures), the mixture ("mixture") or N(0, I) ("normal");
        without a `prior`, from the first of them that the model has.

        A seed (0 to 2^128 - 1) gives the same latents on every machine and in the explorer's page, and the
        first of them are the same for every n: see `minifaces.studio.generator`. None draws afresh. They are
        whole multiples of 1/1024. `temperature` (0 to 100) below 1 gives more ordinary faces, above 1 odder ones.

        From parts, faces can be asked for: `having={"eyewear": True, "smile": False}`, in a `head` of a colour's name
        ("medium nougat"), and with a share (`novelty`, 0 to 1, one half unless given) whose eyes and mouth are of two
        prints; half as many have eyes that no design has. `having={"pleasant": True}` is what avatars have. They are
        drawn so, not picked out.

        With `reject` (0 to 0.9), that share of what is drawn is left out, those farthest from the data
        (`keep_nearest`); `polish` rounds (0 to 100) follow. Which are left out depends on all that are drawn, and what
        was polished is no multiple."""
        n = whole("the number of faces", n, 1, MOST)
        reject = within("the share to reject", reject, 0, 0.9)
        latents = self._draw(
            whole("the number of faces drawn", math.ceil(n / (1 - reject)), 1, MOST),
            seed,
            temperature,
            prior,
            _asked(having, head, novelty),
        )
        return self.polish(self.keep_nearest(latents, n) if reject else latents, polish)

    def _draw(self, n: int, seed: int | None, temperature: float, prior: str | None, asked: Asked | None) -> Latents:
        seed = fresh_seed() if seed is None else check_seed(seed)
        temperature = within("a temperature", temperature, 0, HOTTEST)
        chosen = next(iter(self.priors)) if prior is None else one_of("prior", prior, list(priors.PRIORS))
        if chosen not in self.priors:
            raise UsageError(f"the model {self.name} has no {chosen}: use the prior {next(iter(self.priors))}")
        source = self.priors[chosen]
        if asked is None:
            return rounded(source.sample(n, seed, temperature)).astype(np.float32)
        if not isinstance(source, Parts):
            raise UsageError(f"the prior {chosen} knows no parts of faces: nothing can be asked of it")
        return rounded(source.sample(n, seed, temperature, asked)).astype(np.float32)

    def avatar_latent(self, text: str) -> Latents:
        """The face of a text, (d,), the same for the same text for good: the first that `avatar_seed(text)` draws.
        Where parts are known, it is of pleasant ones, on heads of a palette (`minifaces.studio.parts.AVATARS`)."""
        source = next(iter(self.priors.values()))
        asked = source.avatars() if isinstance(source, Parts) else None
        return cast(Latents, self._draw(1, avatar_seed(text), 1.0, None, asked)[0])

    def avatar(self, text: str) -> Pictures:
        """The face of a text, such as an e-mail address, as a picture (H, W, 3) uint8."""
        return cast(Pictures, self.decode(self.avatar_latent(text))[0])

    def avatars(self, texts: Sequence[str]) -> Pictures:
        """The faces of texts, (n, H, W, 3) uint8: `avatar` of each, decoded together and so sooner."""
        latents = [self.avatar_latent(text) for text in texts]
        return self.decode(np.stack(latents)) if latents else self.decode(np.zeros((0, self.latent_size)))

    def polish(self, latents: ArrayLike, rounds: int = 1) -> Latents:
        """Latents (n, d) replaced `rounds` (0 to 100) times by what the encoder makes of their faces: (n, d).

        The encoder knows faces only, so drawn latents come nearer to those of faces: fewer smeared faces, of a
        little less variety (docs/reference/evaluation.md). It is the walk of Rezende, Mohamed and Wierstra 2014
        ("Stochastic backpropagation", ICML) without its noise. Latents of real faces hardly move. The encoder takes
        one look less than for pictures: the more it takes, the more of a face that it does not know it keeps."""
        rounds = whole("the number of rounds", rounds, 0, LONGEST)
        rows, looks = self._rows(latents).copy(), max(1, self.config.looks - 1)
        for i in range(0, len(rows), BATCH):
            for _ in range(rounds):
                rows[i : i + BATCH] = self._encode_planes(self._decode_planes(rows[i : i + BATCH]), looks)
        return rows

    def keep_nearest(self, latents: ArrayLike, n: int) -> Latents:
        """The n of latents (m, d) that lie nearest to those of faces, in their order: (n, d).

        How far one round of `polish` moves a latent tells: what it moves farthest is smeared more often than not. The
        mixture's density would not: it is lowest for prints that are rich (docs/notes/model-notes.md)."""
        rows = self._rows(latents)
        n = whole("the number of latents to keep", n, 0, len(rows))
        moved = np.linalg.norm(self.polish(rows) - rows, axis=1)
        return rows[np.sort(np.argsort(moved, kind="stable")[:n])]

    def sample(
        self,
        n: int,
        seed: int | None = None,
        temperature: float = 1.0,
        prior: str | None = None,
        reject: float = 0.0,
        polish: int = 0,
        having: Mapping[str, bool] | None = None,
        head: str | None = None,
        novelty: float | None = None,
    ) -> Pictures:
        """Draw n faces that are nobody's, (n, H, W, 3) uint8: see `sample_latents`."""
        return self.decode(self.sample_latents(n, seed, temperature, prior, reject, polish, having, head, novelty))

    def morph_latents(
        self,
        *latents: ArrayLike,
        steps: int = 60,
        path: PathName = "density",
        loop: bool = False,
        eased: bool = False,
    ) -> Latents:
        """The latents of `morph`, (m, d) float32."""
        stops = np.concatenate([self._rows(latent) for latent in latents]) if latents else np.zeros((0, 1))
        if len(stops) < 2:
            raise UsageError("a morph needs two faces or more")
        steps = whole("the number of steps", steps, 2, MOST)
        loop, eased = flag("loop", loop), flag("eased", eased)
        ways: dict[str, paths.Path] = {
            "linear": paths.linear,
            "slerp": partial(paths.slerp, centre=self.mixture.mean),
            "density": partial(paths.density, mixture=self.mixture),
            "geodesic": partial(geodesic.geodesic, decode=self._decode_planes, encode=self._look),
        }
        way = ways[one_of("path", path, list(ways))]
        return paths.through(list(stops.astype(np.float64)), way, steps, loop, eased).astype(np.float32)

    def morph(
        self,
        *latents: ArrayLike,
        steps: int = 60,
        path: PathName = "density",
        loop: bool = False,
        eased: bool = False,
    ) -> Frames:
        """Turn one face into the next, through two or more latents, each (d,) or several in rows: (m, H, W, 3) uint8.

        Each leg has `steps` pictures with both ends, shared ends come once; a loop goes back to the first
        face without repeating it. `eased` lingers at each face: for animations, as `minifaces morph` does; not for
        strips. The paths: `minifaces.studio.paths` and `.geodesic`."""
        return self.decode(self.morph_latents(*latents, steps=steps, path=path, loop=loop, eased=eased)).view(Frames)

    def geodesics(
        self,
        starts: ArrayLike,
        ends: ArrayLike,
        knots: int = geodesic.KNOTS,
        rounds: int = geodesic.ROUNDS,
    ) -> Latents:
        """Paths along which pictures change little, (m, d), (m, d) -> (m, knots + 2, d) float32 with both ends.

        1 to 100 knots, 0 to 100 rounds of moving them; 0 are straight lines. See `minifaces.studio.geodesic`."""
        knots = whole("the number of knots", knots, 1, LONGEST)
        rounds = whole("the number of rounds", rounds, 0, LONGEST)
        a, b = (self._rows(latents).astype(np.float64) for latents in (starts, ends))
        if len(a) != len(b):
            raise UsageError(f"there are {len(a)} latents to start from and {len(b)} to end at")
        paths = geodesic.geodesics(a, b, self._decode_planes, self._look, knots, rounds)
        return paths.astype(np.float32)

    def edit(self, latents: ArrayLike, amounts: Mapping[str, float]) -> Latents:
        """Add attributes to latents, (n, d) or (d,) -> (n, d) float32: `{"smile": 1.0}`.

        Amount 1 shows an attribute clearly, -1 takes it away; where the model has learnt to, something else is put in
        the place of what was there (`minifaces.studio.editor`, `learnt`). Of a measure, 1 is a change by 1, such as a
        turn of 20 degrees (docs/reference/evaluation.md has figures). What is beyond what was learnt is a step along
        the attribute's direction. Edits follow one another in the order of their names."""
        rows = self._rows(latents).copy()
        if not isinstance(amounts, Mapping):
            raise UsageError(f"the amounts of an edit must be a dict such as {{'smile': 1.0}}, not {told(amounts)}")
        known = sorted(self.directions)
        for attribute in sorted(one_of("attribute", name, known) for name in amounts):
            amount = within(f"the amount of {attribute}", amounts[attribute], -HOTTEST, HOTTEST)
            if self.editor is not None:
                change, amount = self.editor.change(rows, attribute, amount)
                rows += change
            rows += np.float32(amount) * self.directions[attribute]
        return rows

    def neighbours(self, latent: ArrayLike, k: int = 8) -> list[tuple[Entry, float]]:
        """The k gallery faces nearest to one (d,) latent with their Euclidean distances, nearest first; all of them
        where there are fewer."""
        rows = self._rows(latent)
        if len(rows) != 1:
            raise UsageError(f"neighbours are asked for one latent at a time, ({self.latent_size},), not {rows.shape}")
        nearest, distances = self.gallery.nearest(rows[0], k)
        return [(self.gallery.entries[i], float(far)) for i, far in zip(nearest, distances, strict=True)]

    def latent_of(
        self,
        face: str | os.PathLike[str],
        refine: int = 0,
        number: int | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Latents:
        """The (d,) latent that a FACE means: a gallery name, `random:SEED`, `avatar:TEXT` or a picture file, in order.

        `random:SEED` is the first face of `sample(n, SEED)`. `./name` is a file, whatever the gallery has, and so is a
        Path that is there. A picture file's latent is refined in so many steps: see `Model.refine`. Of a photo of
        figures it is that of the plainest face, or of face `number`, from 1, where 0 is the picture as it is; `tell`
        is given a line about what was found (minifaces.facefinder)."""
        refine = whole("the number of steps", refine, 0, LONGEST)
        if isinstance(face, os.PathLike):
            face = file_name("a face", face)
            if os.path.exists(face):  # noqa: PTH110
                return self._of_file(face, refine, number, tell)
        word("a face", face)
        known = self.gallery.index(face)
        if known is not None:
            return cast(Latents, self.gallery.latents[known])
        if face.startswith("random:"):
            seed = face.removeprefix("random:")
            if not (seed.isascii() and seed.isdigit() and len(seed) <= 39):
                raise UsageError(f"{face}: a seed is a whole number of at most 39 digits, as in random:7")
            return cast(Latents, self.sample_latents(1, int(seed))[0])
        if face.startswith("avatar:"):
            return self.avatar_latent(face.removeprefix("avatar:"))
        # os.path.exists, since Path's own raises for a name that is too long to be one.
        if os.path.exists(face) or Path(face).suffix.lower() in READABLE:  # noqa: PTH110
            return self._of_file(face, refine, number, tell)
        raise self.gallery.no_such(face)

    def _of_file(self, path: str, refine: int, number: int | None, tell: Callable[[str], None] | None) -> Latents:
        read = read_face(read_picture(path), self.image_size, number)
        if tell is not None and read.chosen is not None:
            tell(f"{path}: {described(read)}")
        return cast(Latents, self.refine(read.picture[None], steps=refine)[0])

    @lazy
    def _encoder(self) -> Network:
        files.check_unchanged(self.folder, self.config, files.ENCODER)
        face = ("face", (3, self.image_size, self.image_size))
        return Network(self.folder / files.ENCODER, face, ("latent", (self.latent_size,)), self._threads)

    def _encode_planes(self, faces: Planes, looks: int) -> Latents:
        """Faces, n at least 1 -> (n, d), with so many looks."""
        return look_again(self._look(faces), self._look, self._decode_planes, looks)

    def _look(self, faces: Planes) -> Latents:
        """What the encoder makes of faces at once: (n, d)."""
        return np.concatenate([self._encoder(faces[i : i + BATCH]) for i in range(0, len(faces), BATCH)])

    def _decode_planes(self, latents: Latents) -> Planes:
        """(n, d), n at least 1 -> faces."""
        return np.concatenate([self._decoder(latents[i : i + BATCH]) for i in range(0, len(latents), BATCH)])

    def _planes(self, stack: Pixels) -> Planes:
        """Pictures of any size as the encoder's input."""
        sized = np.stack([resize(picture, self.image_size, self.image_size) for picture in stack])
        return np.ascontiguousarray(sized.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)

    def _rows(self, latents: ArrayLike) -> Latents:
        """Any latents as (n, d) float32, checked."""
        rows = np.atleast_2d(numbers("latents", latents, FARTHEST).astype(np.float32, copy=False))
        if rows.ndim != 2 or rows.shape[1] != self.latent_size:
            raise UsageError(f"latents must be (n, {self.latent_size}), not {rows.shape}")
        return rows


def _reopened(kind: type[Model], folder: Path, threads: int, sums: dict[str, str]) -> Model:
    """A model from its folder, if its files have the same sha256 as when it was pickled."""
    model = kind(folder, threads)
    if model.config.files != sums:
        raise UsageError(f"{folder} holds another model than the one that was pickled or copied: open it anew")
    return model


def _asked(having: Mapping[str, bool] | None, head: str | None, novelty: float | None) -> Asked | None:
    """What is asked of faces, if anything is; UsageError where it cannot be."""
    if having is None and head is None and novelty is None:
        return None
    if having is not None and not isinstance(having, Mapping):
        raise UsageError(f"what faces should have must be a dict such as {{'smile': True}}, not {told(having)}")
    wanted = {word("an attribute", name): flag(name, whether) for name, whether in (having or {}).items()}
    heads = {} if head is None else {word("a head", head): 1.0}
    return Asked(wanted, heads, NOVELTY if novelty is None else within("the novelty", novelty, 0, 1))


def _pictures(faces: Planes) -> Pixels:
    """(n, 3, H, W) -> (n, H, W, 3) uint8: bytes first, of which fewer have to be moved."""
    return np.rint(np.clip(faces, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _checked(pictures: Pixels) -> Pixels:
    """Square pictures (n may be 0), or a UsageError."""
    stack = as_pictures(pictures)
    if stack.ndim != 4 or stack.shape[3] != 3 or not 0 < stack.shape[1] == stack.shape[2] or stack.dtype != np.uint8:
        raise UsageError(f"pictures must be (n, size, size, 3) uint8, not {stack.shape} {stack.dtype}")
    return stack
