"""How many faces a second are encoded, decoded and learnt from, beside Keras, eager torch and Pythae?

    python benchmarks/throughput.py --peers PYTHON [--only NETWORK] [--rounds 7] [--profile]

Three networks: the 2020 system's at 64 px, and those of the preset `default` at 64 and at 128 px, each the same in all;
weights are untrained. Ours is ONNX Runtime as `minifaces.Model` runs it, without making pictures of planes, and the
training step of `minifaces train`, which for `default` looks twice at a face and has more in its loss than others.
`core-seconds` are what the processor spent on it: they tell more than a clock on a machine that others share. Then how
near each comes to what the processor can: multiply-accumulates a core-second, as a share of a large matrix product's.
--profile tells where ONNX Runtime's time goes."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from minifaces.studio.network import Network
from minifaces.vae.config import Config, preset
from minifaces.vae.device import use_cores
from minifaces.vae.networks import VAE, build, multiply_accumulates
from minifaces.vae.onnx import export_onnx
from minifaces.vae.train import Run, begin
from shared import Peer, Rates, Took, command_line, figure, in_turns, machine, show, timed

NETWORKS = {
    "2020, 64 px": preset("seed"),
    "default, 64 px": preset("default", **{"network.image_size": 64}),
    "default, 128 px": preset("default"),
}
BATCH = 32  # faces of a training step
COUNTS = (1, 64)
Work = tuple[int, Callable[[], Took]]


class Decoder(nn.Module):
    def __init__(self, network: VAE) -> None:
        super().__init__()
        self.network = network

    def forward(self, latent: Tensor) -> Tensor:
        return self.network.decode(latent)


def drawn(config: Config) -> VAE:
    """A network of which no weight is zero: ONNX Runtime would leave parts of it out."""
    torch.manual_seed(0)
    network = build(config.network).eval()
    for weight in network.parameters():
        if not weight.any() and weight.ndim > 1:
            nn.init.kaiming_normal_(weight)
    return network


def ours(config: Config, network: VAE, folder: Path) -> dict[str, Work]:
    size, latent = config.network.image_size, config.network.latent_size
    faces, latents = rows(config)
    export_onnx(network.mean_encoder(), (torch.rand(2, 3, size, size),), "face", "latent", folder / "encoder.onnx")
    export_onnx(Decoder(network), (torch.randn(2, latent),), "latent", "face", folder / "decoder.onnx")
    face, code = ("face", (3, size, size)), ("latent", (latent,))
    sides = {
        "encode": (Network(folder / "encoder.onnx", face, code, 0), faces),
        "decode": (Network(folder / "decoder.onnx", code, face, 0), latents),
    }
    works = {}
    for what, (run, given) in sides.items():
        for count in COUNTS:
            works[f"{what} {count}"] = (count, timed(lambda run=run, few=given[:count]: run(few)))
    step = training(begin(config, "composed", folder / "run", steps=1000, helpers=0))
    return {**works, "train": (BATCH, timed(step))}


def training(run: Run) -> Callable[[], object]:
    batch = run.source.batch(0, 0, BATCH)
    tensors = [torch.from_numpy(part) for part in (batch.faces, batch.shown, batch.mask)]
    return lambda: run.step(*tensors)


def eager(config: Config, network: VAE) -> dict[str, Work]:
    """The same network as torch runs it without being told anything; a training step with one look."""
    faces, latents = (torch.from_numpy(part) for part in rows(config))
    works: dict[str, Work] = {}
    for what, net, given in (("encode", network.look, faces), ("decode", network.decode, latents)):
        for count in COUNTS:
            works[f"{what} {count}"] = (count, timed(torch.no_grad()(lambda net=net, few=given[:count]: net(few))))
    learner = build(config.network.model_copy(update={"looks": 1}))
    adam = torch.optim.Adam(learner.parameters(), 5e-4)

    def step() -> None:
        made, mean, log_variance = learner(faces[:BATCH], torch.randn(BATCH, mean_size))
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        adam.zero_grad()
        (1e4 * (made - faces[:BATCH]).square().mean() + kl).backward()
        adam.step()

    mean_size = config.network.latent_size
    return {**works, "train": (BATCH, timed(step))}


def rows(config: Config) -> tuple[np.ndarray, np.ndarray]:
    """64 random pictures as planes, and 64 latents."""
    rng, size = np.random.default_rng(0), config.network.image_size
    return rng.random((64, 3, size, size), np.float32), rng.standard_normal(
        (64, config.network.latent_size), np.float32
    )


def spec(config: Config) -> dict[str, Any]:
    """What programs of other environments build a network from."""
    network = config.network
    depths = network.depths or (1,) * len(network.widths)
    return network.model_dump(mode="json") | {"depths": depths, "fold": network.fold}


def peers(name: str, config: Config, python: str) -> Iterator[Peer]:
    yield Peer(python, "keras_vae.py", spec(config))
    if name.startswith("2020"):
        yield Peer(python, "pythae_vae.py", spec(config))


def side_by_side(name: str, config: Config, python: str | None, rounds: int) -> dict[str, dict[str, Rates]]:
    """Rates by what is done and who does it."""
    network = drawn(config)
    with tempfile.TemporaryDirectory() as folder:
        everyone = {"ours": ours(config, network, Path(folder)), "eager torch": eager(config, network)}
        others = list(peers(name, config, python)) if python else []
        for peer in others:
            for work, count in peer.works.items():
                what, _, how = work.partition(", ")
                who = f"{peer.versions.split()[0]} {how}".strip()
                everyone.setdefault(who, {})[what] = (count, peer.work(work))
        print(f"\n## {name}\n{', '.join(peer.versions for peer in others)}")
        found = {}
        for what in everyone["ours"]:
            works = {who: has[what] for who, has in everyone.items() if what in has}
            against = "Keras predict" if "Keras predict" in works else next((w for w in works if "Keras" in w), "ours")
            found[what] = in_turns(works, rounds)
            print(f"\n**{what}**\n")
            show(found[what], against, "faces a second")
        for peer in others:
            peer.close()
    return found


def matrix_product(rounds: int) -> tuple[float, float]:
    """Multiply-accumulates a second of a large float32 product: on all cores, and a core-second."""
    square = torch.randn(2048, 2048)
    found = in_turns({"product": (1, timed(lambda: square @ square))}, rounds)["product"]
    return tuple(2048**3 * rate for rate in found.middle)  # type: ignore[return-value]


def convolution(rounds: int) -> float:
    """The same a core-second of ONNX Runtime's 3 x 3 convolutions of 64 channels at 16 x 16: six, of eight pictures."""
    layers: list[nn.Module] = []
    for _ in range(6):
        layers += [nn.Conv2d(64, 64, 3, padding=1), nn.ReLU()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        export_onnx(nn.Sequential(*layers), (torch.rand(2, 64, 16, 16),), "x", "y", path)
        net, given = Network(path, ("x", (64, 16, 16)), ("y", (64, 16, 16)), 1), np.ones((8, 64, 16, 16), np.float32)
        rates = in_turns({"convolution": (8, timed(lambda: net(given)))}, rounds)["convolution"]
    return rates.middle[1] * 6 * 9 * 64**2 * 16**2


def roofline(name: str, config: Config, found: dict[str, dict[str, Rates]], most: float) -> None:
    one_look = config.network.model_copy(update={"looks": 1})
    macs = dict(zip(("encode", "decode"), multiply_accumulates(one_look), strict=True))
    told = ", ".join(f"{count / 1e6:.0f} to {what}" for what, count in macs.items())
    print(
        f"\n{name}: {told}, million multiply-accumulates a face; thousand millions a core-second, share of the product"
    )
    for work, rates in found.items():
        if (what := work.split()[0]) in macs:
            told = (
                f"{who} {macs[what] * r.middle[1] / 1e9:.1f} ({macs[what] * r.middle[1] / most:.0%})"
                for who, r in rates.items()
            )
            print(f"- {work}: {', '.join(told)}")


def profile(name: str, config: Config) -> None:
    """Where ONNX Runtime's time goes, eight faces at once on one core: the least of each operation's times."""
    with tempfile.TemporaryDirectory() as folder:
        path, given = Path(folder, "decoder.onnx"), rows(config)[1][:8]
        export_onnx(Decoder(drawn(config)), (torch.from_numpy(given[:2]),), "latent", "face", path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_profiling, options.profile_file_prefix = True, str(Path(folder, "profile"))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        for _ in range(40):
            session.run(None, {"latent": given})
        events = json.loads(Path(session.end_profiling()).read_text())
    least: dict[str, tuple[str, float, float]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            kind, took = operation(event["args"]), float(event["dur"])
            before = least.get(event["name"], (kind, took, 0.0))
            least[event["name"]] = (kind, min(before[1], took), macs_of(event["args"]))
    whole = sum(took for _, took, _ in least.values())
    kinds: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for kind, took, macs in least.values():
        kinds[kind][0] += took
        kinds[kind][1] += macs
    print(f"\n{name}: decoding 8 faces takes one core {whole / 1000:.1f} ms\n\n| | share | GMAC/s |\n|---|---|---|")
    for kind, (took, macs) in sorted(kinds.items(), key=lambda item: -item[1][0]):
        print(f"| {kind} | {took / whole:.1%} | {figure(macs / took / 1e3) if macs else ''} |")


def shapes(arguments: dict[str, Any], side: str) -> list[list[int]]:
    return [next(iter(shape.values())) for shape in arguments[f"{side}_type_shape"]]


def operation(arguments: dict[str, Any]) -> str:
    kind: str = arguments["op_name"]
    if kind == "Conv":
        kernel = shapes(arguments, "input")[1][2:]
        return f"convolutions {kernel[0]} x {kernel[1]}"
    return {"ReorderInput": "to blocks and back", "ReorderOutput": "to blocks and back"}.get(kind, kind)


def macs_of(arguments: dict[str, Any]) -> float:
    given, made = shapes(arguments, "input"), shapes(arguments, "output")
    if arguments["op_name"] == "Conv":
        return float(np.prod(made[0]) * np.prod(given[1][1:]))
    return float(given[0][0] * np.prod(given[1])) if arguments["op_name"] == "Gemm" else 0.0


def main() -> None:
    parser = command_line(__doc__, peers=True)
    parser.add_argument("--only", choices=NETWORKS, action="append")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    use_cores()
    torch.set_grad_enabled(True)
    print(machine("minifaces", "onnxruntime", "torch", "numpy"))
    chosen = {name: NETWORKS[name] for name in arguments.only or NETWORKS}
    if arguments.profile:
        for name, config in chosen.items():
            profile(name, config)
        return
    everything, most = matrix_product(arguments.rounds)
    best = convolution(arguments.rounds)
    print(
        f"float32 matrix product: {everything / 1e9:.0f} GMAC/s on all cores, {most / 1e9:.0f} a core-second; "
        f"ONNX Runtime's 3 x 3 convolution {best / 1e9:.0f} a core-second"
    )
    for name, config in chosen.items():
        roofline(name, config, side_by_side(name, config, arguments.peers, arguments.rounds), most)


if __name__ == "__main__":
    main()
