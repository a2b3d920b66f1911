// How this works, with live pictures.

import { type App, type View } from "../app"
import { link } from "../address"
import type { Latent } from "../engine/types"
import { h, slider } from "../ui/dom"
import { canvas, original, paint } from "../ui/face"

const BARS = 48

export function howView(app: App, _: URLSearchParams): View {
  const { engine } = app
  const { facts } = engine
  const entry = engine.gallery[0]
  const made = canvas(app, "What the decoder makes of the numbers")
  const bars = h("canvas", { class: "bars", width: 4 * BARS, height: 64, role: "img", "aria-label": `The first ${BARS} of ${engine.latentSize} numbers` })
  let latent: Latent | null = null
  let moved: Latent = new Float32Array()
  const scheme = matchMedia("(prefers-color-scheme: dark)")
  const redraw = () => drawBars(bars, moved)
  scheme.addEventListener("change", redraw)

  async function show(by: number) {
    if (!latent) return
    const first = engine.directions.find(({ kind }) => kind === "principal")?.name
    moved = first ? await engine.edit(latent, { [first]: by }) : latent
    redraw()
    const faces = await engine.decodeLatest("how", [moved])
    if (faces) paint(made, faces[0])
  }
  engine.latentOf(entry.index).then(found => {
    latent = found
    return show(0)
  }).catch(app.fail)

  const noise = canvas(app, "The decoder’s answer to a random latent")
  const draw = () =>
    engine
      .random(BigInt(Math.floor(Math.random() * 2 ** 32)))
      .then(z => engine.decodeLatest("noise", [z]))
      .then(faces => faces && paint(noise, faces[0]))
      .catch(app.fail)
  void draw()
  const size = engine.imageSize
  const work = facts.decoderMacs ? ` It takes ${Math.round(facts.decoderMacs / 1e6)} million multiplications.` : ""
  const seen = facts.trainedFaces ? ` over ${facts.trainedFaces.toLocaleString("en")} pictures` : ""

  return {
    element: h(
      "section",
      { class: "prose", "aria-label": "How it works" },
      h("h2", {}, "How it works"),
      h("p", {}, `A picture of ${size} × ${size} pixels is ${(3 * size * size).toLocaleString("en")} numbers. An `, h("strong", {}, "encoder"), ` squeezes it into ${engine.latentSize}, the `, h("strong", {}, "latent"), ", and a ", h("strong", {}, "decoder"), ` makes a picture of them again. Both are small neural networks that learned together${seen}, to lose as little as they can.`),
      h(
        "div",
        { class: "flow" },
        h("figure", {}, original(app, entry), h("figcaption", {}, "a picture")),
        h("figure", {}, bars, h("figcaption", {}, "its latent")),
        h("figure", {}, made, h("figcaption", {}, "decoded")),
      ),
      slider("Move the latent", { least: -3, most: 3, step: 0.05, value: 0 }, by => void show(by).catch(app.fail)).element,
      h("h3", {}, "Faces in between"),
      h("p", {}, "Alike faces have latents that are near one another, so that a point between two faces is a face too. That is what the ", h("a", { href: link("map") }, "map"), " shows when you move over it, and what a ", h("a", { href: link("morph") }, "morph"), " goes along."),
      h("h3", {}, "Nobody’s faces"),
      h("p", {}, `${PRIORS[engine.prior] ?? "Faces are drawn from where latents of faces lie."} Each seed gives a face.`),
      h("div", { class: "flow" }, h("figure", {}, noise, h("figcaption", {}, "a random latent, decoded")), h("button", { onclick: draw }, "Another")),
      h("h3", {}, "Here, in this page"),
      h("p", {}, `The decoder is ${facts.decoderMegabytes} MB and runs in your browser (WebAssembly, one thread).${work} No server computes anything, and nothing you put in leaves the page.`),
      h("p", { class: "count" }, "Printed heads: the LDraw.org Parts Library and its authors, CC BY 4.0. LEGO is a trademark of the LEGO Group, which does not sponsor, authorize or endorse this."),
    ),
    close: () => scheme.removeEventListener("change", redraw),
  }
}

const PRIORS: Record<string, string> = {
  parts: "A third network makes a latent of the parts of a face: eyes, a mouth, a head's colour and a stage.",
  flow: "A third network carries noise to where latents of faces lie.",
  mixture: "A mixture of bell curves says where latents of faces lie, and from it they are drawn.",
}

function drawBars(target: HTMLCanvasElement, latent: Latent): void {
  const context = target.getContext("2d")!
  const { color } = getComputedStyle(target)
  context.clearRect(0, 0, target.width, target.height)
  context.fillStyle = color
  for (let i = 0; i < Math.min(BARS, latent.length); i++) {
    const height = Math.max(-31, Math.min(31, latent[i] * 10))
    context.fillRect(4 * i, 32 - Math.max(0, height), 3, Math.max(1, Math.abs(height)))
  }
}
