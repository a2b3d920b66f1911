"""Fit the parts prior: a network that makes of a face's parts the latent that the encoder reads off the face.

Of a composed face everything is known that is random in it (`minifaces.ldraw.draws`). Told all of it, the network
learns by plain regression, with nothing to average over, what the encoder makes of it; what new faces are then drawn
from is how parts are met together. The studio runs it in numpy (minifaces.studio.parts)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from minifaces.arrays import Bools, Doubles, Floats, Latents, Pixels, Places
from minifaces.attributes import PLEASANT, half_of
from minifaces.evaluate.reader import Reader
from minifaces.evaluate.similarity import ssim
from minifaces.fits import latentnet
from minifaces.fits.shape import ROUND, Fitted, Subject, Work, tensor_file
from minifaces.ldraw.colours import to_linear
from minifaces.ldraw.compose import compose
from minifaces.ldraw.draws import HEAD_NAMES, PALETTE, Draws, draw_faces, fixed_draws, head_shares
from minifaces.ldraw.made import made, with_made
from minifaces.ldraw.prints import Prints
from minifaces.ldraw.recombine import seam_finder
from minifaces.ldraw.stages import Stages
from minifaces.ldraw.truths import NAMES, truth
from minifaces.studio.folder import PARTS
from minifaces.studio.latentnet import coarse, whole
from minifaces.studio.parts import HEAD, MEASURES, WITH, WITHOUT, Drawn, Parts
from minifaces.vae.config import Config
from minifaces.vae.config import Parts as Settings
from minifaces.vae.device import device
from minifaces.vae.training_data import ComposedFaces, Source

FILES = (PARTS,)
# How much of a print may be lost where it is drawn in a head colour: of structural similarity in the print region, and
# as a share of what it loses against the bare head.
LOST, FAINT = 0.2, 0.6
VISIBLE = 0.7  # how much errors count by what they show, and the rest as they are
STEP = 0.15  # standard deviations that it is measured with
CLEAN = 0.1  # the most ink that a seam may cross in new faces; in training more (minifaces.ldraw.recombine)
BEARD = "facial_hair"
FRONT = 10.0  # degrees that a head may be turned, and still looks at one
RICH = 0.15  # share of the texture from which a print counts as filling the head
JOINED = 0.6  # share of the faces whose eyes and mouth are of two prints
# Of the measures, as new faces have them; `draw_faces` tints fewer faces, and those more.
SPREADS = np.array([0.09] * 3 + [0.03] * 2 + [0.02, 0.25, 0.03])


COLOURS = 7  # of heads that a print is met in, about


def work(config: Config, source: Source) -> Work:
    """Faces to encode, faces to look at whether their prints come out, those that tell what shows, and what the
    network learns."""
    settings, latent = config.parts, config.network.latent_size
    if not settings.steps or not isinstance(source, ComposedFaces):
        return Work()
    ends = 3 * settings.code + latent
    products = latentnet.products(settings.steps, settings.batch, settings.width, settings.blocks, ends)
    looks = settings.looked_at * COLOURS * (len(source.prints.of_split("train")) + settings.made)
    return Work(settings.faces + looks, 2 * latent * settings.probes, products)


def fit(subject: Subject) -> Fitted:
    """Fit to composed faces of the training designs; no file for a folder of pictures, whose parts nobody knows, or
    where the settings leave it out."""
    source, settings = subject.source, subject.config.parts
    if not settings.steps or not isinstance(source, ComposedFaces):
        return Fitted({})
    prints, rows = with_made(source.prints, settings.made), []
    known = prints.of_split("train")
    for number in range(max(1, settings.faces // ROUND)):
        rng = np.random.default_rng([subject.seed, number, 3])
        draws = draw_faces(prints, source.stages, "train", min(settings.faces, ROUND), rng, JOINED)
        latents = subject.encode(compose(prints, source.stages, draws)[0])
        rows.append((latents, codes(draws, known), measures(draws)))
    latents, chosen, told = (np.concatenate(part) for part in zip(*rows, strict=True))
    counts = (2 * len(known), 2 * len(known), 2 * len(source.stages))
    shown = sensitivity(latents[: settings.probes], latents.std(0), subject.decode)
    learnt = subject.learning(work(subject.config, source).products)
    tensors = coarse(fit_parts(latents, chosen, told, counts, shown, settings, subject.seed, learnt))
    tensors |= tables(prints, source.stages)
    if settings.looked_at:
        tensors |= legible(tensors, prints, source.stages, subject.decode, settings.looked_at)
    return Fitted({PARTS: tensor_file(tensors)})


def codes(draws: Draws, known: Places) -> Places:
    """Rows of the codes of eyes, mouths and stages: (n, 3), each twice its number and 1 more where it is mirrored."""
    eyes, mouths = (np.searchsorted(known, half) for half in (draws.upper, draws.lower))
    return np.stack([2 * eyes + draws.turned[:, 0], 2 * mouths + draws.turned[:, 1], 2 * draws.stage + draws.flip], 1)


def measures(draws: Draws) -> Floats:
    """What a network is told beside codes: the head's colour and the measures, (n, 3 + MEASURES)."""
    wander = np.concatenate(
        [np.log(draws.ink), draws.scale - 1, draws.shift, np.log(draws.gain)[:, None]], 1, dtype=np.float64
    )
    return np.concatenate([np.sqrt(draws.head), wander / SPREADS], 1).astype(np.float32)


def tables(prints: Prints, stages: Stages) -> dict[str, NDArray[Any]]:
    """What says how parts are met together: the tensors of parts.safetensors that are no network's."""
    known, shares = prints.of_split("train"), head_shares(prints, "train")
    found: dict[str, NDArray[Any]] = dict(
        coarse({"heads": np.stack([shares[code] for code in sorted(HEAD_NAMES, key=HEAD_NAMES.__getitem__)], 1)})
    )
    for code, name in HEAD_NAMES.items():
        found[HEAD + name] = to_linear(np.array(prints.head_colours[code]) / 255).astype(np.float32)
    may = np.packbits(joins(prints, known).reshape(len(known), -1), axis=1)
    found["joins"] = may.view(np.int8)
    found["made"] = made(prints, known).astype(np.int8)
    found["front"] = np.repeat([abs(stage.yaw) <= FRONT for stage in stages.parameters], 2).astype(np.int8)
    for name in (*NAMES, PLEASANT):
        each = np.array([truth(prints.designs[i]).get(name, np.nan) for i in known], float)
        for mark, wanted in ((WITH, True), (WITHOUT, False)):
            halves = np.array([each == wanted] * 2)
            # What shows in one half says nothing of the other. A beard is there where the lower half has it.
            if half_of(name) == "lower" or (name == BEARD and wanted):
                halves[0] = True
            elif half_of(name) == "upper":
                halves[1] = True
            found[mark + name] = halves.astype(np.int8)
    return found


def legible(
    tensors: dict[str, NDArray[Any]],
    prints: Prints,
    stages: Stages,
    decode: Callable[[Latents], Pixels],
    looked_at: int,
) -> dict[str, NDArray[Any]]:
    """`heads` without the colours in which a print does not come out as it is printed, from the front or turned by
    up to what half of the stages are, on `looked_at` stages: dark inks on dark heads, and prints that are too rich
    for the model. Those that are left are drawn in a colour of the palette the more often, so that heads are of it
    as often as before, but for those whose own colour it is. And `with.NAME` without prints on which the attribute
    cannot be read in most of these colours: faint lips, a few dots of stubble."""
    known = prints.of_split("train")
    parts, turned = Parts.of(whole(tensors)), np.argsort([abs(stage.yaw) for stage in stages.parameters])
    rows, which = np.nonzero(parts.heads)
    codes, blank = np.array(sorted(HEAD_NAMES, key=HEAD_NAMES.__getitem__))[which], prints.blank
    kept, reader = np.ones(len(rows), bool), Reader()
    read = np.zeros((len(rows), len(reader.names)))
    for stage in turned[np.linspace(0, len(turned) // 2, looked_at).astype(int)]:
        for few in np.array_split(np.arange(len(rows)), -(-len(rows) // ROUND)):
            on = np.full(len(few), stage)
            drawn = Drawn(2 * rows[few], 2 * rows[few], 2 * on, which[few])
            faces = decode(parts.latents(drawn, np.zeros((len(few), 4 + MEASURES))).astype(np.float32))
            read[few] += reader.holds(faces) / looked_at
            draws = fixed_draws(prints, known[rows[few]], on, codes=codes[few])
            true, region = compose(prints, stages, draws)
            bare = compose(blank, stages, fixed_draws(blank, np.zeros_like(on), on, draws.head))[0]
            lost, shown = (1 - ssim(true, other, region / 255) for other in (faces, bare))
            kept[few] &= (lost <= LOST) & (lost <= FAINT * shown)
    heads = parts.heads.copy()
    heads[rows, which] *= kept
    palette = np.array([name in [HEAD_NAMES[code] for code in PALETTE] for name in parts.names])
    colour = [None if d.kind == "yellow" else HEAD_NAMES[d.colour] for d in (prints.designs[i] for i in known)]
    own = np.array(colour)[:, None] == np.array(parts.names)
    rest = (heads * ~own).sum(0)
    wanted = np.where(palette & (rest > 0), parts.heads.sum(0) - (heads * own).sum(0), rest)
    heads *= np.where(own, 1, wanted / np.maximum(rest, 1e-9))
    if not kept.any():  # of an untrained model all are smeared
        return {}
    of = np.eye(len(known))[rows[kept]].T
    plain = (of @ read[kept]) > 0.5 * of.sum(1, keepdims=True)  # (k, attributes)
    found: dict[str, NDArray[Any]] = dict(coarse({"heads": heads}))
    for name, shows in zip(reader.names, plain.T, strict=True):
        halves = tensors[WITH + name]
        found[WITH + name] = np.where(halves.all(1, keepdims=True), halves, halves * shows).astype(np.int8)
    return found


def joins(prints: Prints, known: Places) -> Bools:
    """Whether the eyes of one print may have the mouth of another, turned the same way and the other way, (k, 2, k): as
    in training where the seam crosses no ink at all, but of no print that fills the head, of which half would be left,
    nor of eyes that have a beard below, since beards reach up."""
    finder = seam_finder(prints)
    rich = (prints.colours[known, ::8, ::8, 3] > 127).mean((1, 2)) > RICH
    bearded = np.array([truth(prints.designs[i]).get(BEARD, False) for i in known])
    bare = (finder.alpha[known] == 0).all(2).astype(np.float32)  # rows without ink: most pairs share one
    straight = bare @ bare.T > 0
    may = np.zeros((len(known), 2, len(known)), bool)
    for i in np.flatnonzero(~rich & ~bearded):
        for j in np.flatnonzero(~rich & (finder.own[known] == finder.own[known[i]])):
            for turned in (0, 1):
                may[i, turned, j] = i != j and (
                    straight[i, j]
                    or finder.seam(int(known[i]), int(known[j]), np.array([False, bool(turned)]))[1] <= CLEAN
                )
    return may


def sensitivity(latents: Floats, scale: Floats, decode: Callable[[Latents], Pixels]) -> Doubles:
    """How much pictures differ where latents do, as a metric of standard latents: (d, d), the mean of J'J over
    `latents` (m, d), with J the decoder's derivative, by differences of `STEP` each way. The middle counts five times.
    """
    d = latents.shape[1]
    total = np.zeros((d, d))
    for latent in latents:
        steps = STEP * np.diag(scale).astype(np.float32)
        up, down = (decode(latent + step).astype(np.float64) / 255 for step in (steps, -steps))
        y, x = np.abs(np.mgrid[: up.shape[1], : up.shape[2]] / (up.shape[1] - 1) * 2 - 1)
        weight = np.where((x < 0.6) & (y < 0.55), 1.0, 0.2)[..., None]
        change = ((up - down) / (2 * STEP) * np.sqrt(weight)).reshape(d, -1)
        total += change @ change.T / len(latents)
    return total


def fit_parts(
    latents: Floats,
    chosen: Places,
    told: Floats,
    counts: tuple[int, int, int],
    shown: Doubles,
    settings: Settings,
    seed: int = 0,
    learnt: Callable[[float], None] = lambda _: None,
) -> dict[str, NDArray[np.floating]]:
    """Fit to `latents` (n, d) of faces of the parts `chosen` (n, 3), of so many eyes, mouths and stages (`counts`), and
    `told` (n, f), mostly by how much errors are `shown` (`sensitivity`); -> the network's tensors of the file.
    `learnt` as `latentnet.fit_network` tells it."""
    where = device()
    torch.manual_seed(seed)
    mean, scale = latents.mean(0), np.maximum(latents.std(0), 1e-6)
    data, parts, facts = (torch.from_numpy(part).to(where) for part in ((latents - mean) / scale, chosen, told))
    network = _Network(counts, settings, facts.shape[1], latents.shape[1]).to(where)
    seen = shown / max(float((shown * np.cov(data.cpu().numpy().T)).sum()), 1e-12)  # 1 where all are the mean face
    root = np.linalg.cholesky(seen + 1e-9 * np.eye(len(seen))).astype(np.float32)
    visible = torch.from_numpy(root).to(where)

    def loss() -> Tensor:
        some = torch.randint(len(data), (settings.batch,), device=where)
        wrong: Tensor = network(parts[some], facts[some]).float() - data[some]
        with torch.autocast(where.type, enabled=False):
            seen_wrong = (wrong @ visible).square().sum(1).mean()
        return VISIBLE * seen_wrong + (1 - VISIBLE) * wrong.square().mean()

    return {**latentnet.fit_network(network, settings.steps, loss, learnt), "mean": mean, "scale": scale}


class _Network(latentnet.Layers):
    """With the codes of eyes, mouths and stages."""

    def __init__(self, counts: tuple[int, int, int], settings: Settings, told: int, size: int) -> None:
        super().__init__(3 * settings.code, told, settings.width, settings.blocks, size)
        self.eyes, self.mouths, self.stages = (nn.Parameter(torch.randn(n, settings.code) / 2) for n in counts)

    def forward(self, chosen: Tensor, told: Tensor) -> Tensor:
        """(n, 3) and (n, told) -> (n, size)."""
        eyes, mouths, stages = chosen.T
        return self.through(torch.cat([self.eyes[eyes], self.mouths[mouths], self.stages[stages]], 1), told)
