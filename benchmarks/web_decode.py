"""How long does the explorer's page take to decode a face, beside ONNX Runtime Web?

    npm install onnxruntime-web
    python benchmarks/web_decode.py node_modules/onnxruntime-web [--rounds 7]

Both in one Chromium, with the bundled decoder, one face at a time, in turns: the page as it is exported, which computes
with kernels of its own, and ONNX Runtime Web's plain WebAssembly on one thread. Rounds of 60 faces each; medians of the
rounds' medians. The page hands a face to a worker and gets pixels back, which is in its time; ONNX Runtime Web is
called where it is and gives planes."""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from explorer import TIMES, chromium, opened, served
from minifaces.explorer.faces import gallery_faces
from minifaces.explorer.output import export_site
from minifaces.explorer.preview import preview
from minifaces.explorer.site import site_files
from minifaces.studio.model import Model
from shared import command_line, machine

FILES = "ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"
PAGE = """<!doctype html><script type="module">
import * as ort from "./ort.wasm.min.mjs"
ort.env.wasm.numThreads = 1
const session = await ort.InferenceSession.create("decoder.onnx", { executionProviders: ["wasm"] })
const size = SIZE
globalThis.times = async count => {
  const took = []
  for (let i = 0; i < count; i++) {
    const latent = Float32Array.from({ length: size }, () => 2 * Math.random() - 1)
    const start = performance.now()
    await session.run({ latent: new ort.Tensor("float32", latent, [1, size]) })
    took.push(performance.now() - start)
  }
  return took
}
</script>"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("package", type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    model = Model.bundled()
    with tempfile.TemporaryDirectory() as name:
        site, other = Path(name, "site"), Path(name, "other")
        faces = gallery_faces(model)
        export_site(site_files(model, faces), site, preview(faces))
        other.mkdir()
        for file in FILES:
            shutil.copy(arguments.package / "dist" / file, other)
        shutil.copy(model.folder / "decoder.onnx", other)
        (other / "index.html").write_text(PAGE.replace("SIZE", str(model.latent_size)))
        found: dict[str, list[float]] = {"the page": [], "ONNX Runtime Web": []}
        with served(site) as ours, served(other) as theirs, chromium() as browser:
            page, beside = browser.new_page(), browser.new_page()
            opened(page, ours)
            beside.goto(theirs)
            beside.wait_for_function("'times' in globalThis")
            for turn in range(arguments.rounds + 1):  # the first warms up
                times = page.evaluate(TIMES, [60, f"round {turn}"]), beside.evaluate("times(60)")
                for rounds, took in zip(found.values(), times, strict=True):
                    rounds += [float(np.median(took))] * (turn > 0)
            version = browser.version
    print(f"{machine('minifaces')}; Chromium {version}\n\n| | ms a face | fastest to slowest round |\n|---|---|---|")
    for name, rounds in found.items():
        print(f"| {name} | {np.median(rounds):.1f} | {min(rounds):.1f} to {max(rounds):.1f} |")


if __name__ == "__main__":
    main()
