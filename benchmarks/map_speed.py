"""How long does a map of many latents take, and how much memory, beside openTSNE's defaults, UMAP and PixPlot's recipe?

    python benchmarks/map_speed.py [--peers PYTHON] [--faces 4000 20000] [--only WHO ...]

Latents are those of faces between faces of the bundled gallery, with a little noise. Ours is
`minifaces.studio.atlas`, on one core; openTSNE with its defaults and UMAP with its own on all cores, from the same
latents. PixPlot's recipe (Yale DHLab) is UMAP with 15 neighbours and a least distance of 0.01 on features of an
Inception network, pooled; without that network, UMAP with these settings on features as many, 2,048: the latents times
a random matrix and a rectifier. Each in a process of its own: seconds, core-seconds and the largest memory, less what
the process takes without laying anything out. `kept` is the share of each face's 10 nearest latents that are among its
10 nearest places."""

import sys
import tempfile
from pathlib import Path

import numpy as np

import minifaces
from shared import command_line, machine, whole_process

OURS = "from minifaces.studio.atlas import laid_out\nplaces = laid_out(latents.astype('f8'))"
THEIRS = {
    "openTSNE's defaults": "from openTSNE import TSNE\nplaces = np.asarray(TSNE(n_jobs=-1).fit(latents))",
    "UMAP's defaults": "from umap import UMAP\nplaces = UMAP().fit_transform(latents)",
    "PixPlot's recipe": """from umap import UMAP
matrix = np.random.default_rng(0).standard_normal((latents.shape[1], 2048)).astype('f4')
features = np.maximum(latents @ matrix, 0)
places = UMAP(n_neighbors=15, min_dist=0.01, metric='correlation').fit_transform(features)""",
}
BEGIN = "import sys\nimport numpy as np\nlatents = np.load(sys.argv[1])\n"
END = "\nnp.save(sys.argv[2], places)"


def crowd(count: int) -> np.ndarray:
    """(count, d) float32: faces between two of the gallery, each moved a little."""
    rng, known = np.random.default_rng(0), minifaces.load().gallery.latents
    pairs, share = rng.integers(0, len(known), (count, 2)), rng.uniform(0, 1, (count, 1))
    latents = share * known[pairs[:, 0]] + (1 - share) * known[pairs[:, 1]]
    return (latents + 0.3 * rng.standard_normal(latents.shape)).astype(np.float32)


def kept(latents: np.ndarray, places: np.ndarray, some: int = 1000, near: int = 10) -> float:
    chosen = np.random.default_rng(1).choice(len(latents), min(some, len(latents)), replace=False)

    def nearest(points: np.ndarray) -> np.ndarray:
        apart = (points**2).sum(1) - 2 * points[chosen] @ points.T
        apart[np.arange(len(chosen)), chosen] = np.inf
        return np.argpartition(apart, near, axis=1)[:, :near]

    pairs = zip(nearest(latents), nearest(places.astype(np.float64)), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / near for a, b in pairs]))


def main() -> None:
    parser = command_line(__doc__, peers=True)
    parser.add_argument("--faces", type=int, nargs="+", default=[4000, 20_000])
    parser.add_argument("--only", nargs="+", choices=["ours", *THEIRS])
    arguments = parser.parse_args()
    print(machine("minifaces", "openTSNE", "numpy"))
    works = {"ours": (sys.executable, OURS)}
    if arguments.peers:
        works |= {name: (arguments.peers, code) for name, code in THEIRS.items()}
    print("\n| | faces | seconds | core-seconds | MB | of it to begin with | kept |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        given, made = Path(scratch, "latents.npy"), Path(scratch, "places.npy")
        for count in arguments.faces:
            latents = crowd(count)
            np.save(given, latents)
            for name in arguments.only or works:
                python, code = works[name]
                begin = [python, "-c", BEGIN + code.split("\n")[0], str(given)]
                _, _, idle = whole_process(begin)
                seconds, cores, memory = whole_process([python, "-c", BEGIN + code + END, str(given), str(made)])
                share = kept(latents, np.load(made))
                row = f"{count:,} | {seconds:.1f} | {cores:.1f} | {memory:.0f} | {idle:.0f} | {share:.2f}"
                print(f"| {name} | {row} |", flush=True)


if __name__ == "__main__":
    main()
