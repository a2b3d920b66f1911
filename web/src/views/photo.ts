// A picture of one's own: framed, encoded, reconstructed. It stays in the page.

import { type App, packed, type Remember, type View } from "../app"
import { link } from "../address"
import type { Crop } from "../engine/types"
import { h, slider, type Slider } from "../ui/dom"
import { canvas, decoded, paint, thumbnail } from "../ui/face"

const NEIGHBOURS = 8

export function photoView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const framed = canvas(app, "Your picture, framed", "face large")
  const made = canvas(app, "Its reconstruction", "face large")
  const answer = h("div", { class: "side" })
  const knobs = h("div", { class: "knobs", hidden: true })
  const file = h("input", {
    type: "file",
    accept: "image/*",
    class: "hidden",
    tabIndex: -1,
    "aria-label": "A picture file",
    onclick: () => (file.value = ""), // so that the same file can be chosen again
    onchange: () => file.files?.[0] && app.take(file.files[0]),
  })
  const drop = h(
    "div",
    { class: "drop" },
    h("p", {}, "Drop a picture of a minifig's face here, paste one, or"),
    h("button", { class: "main", onclick: () => file.click() }, "choose a file"),
    file,
    h("p", { class: "count" }, "It is looked at in this page and sent nowhere."),
  )
  const pair = h(
    "div",
    { class: "pair", hidden: true },
    h("figure", {}, framed, h("figcaption", {}, "framed")),
    h("figure", {}, made, h("figcaption", {}, "reconstructed")),
  )
  let bitmap: ImageBitmap | null = null
  let first: Crop | null = null
  let version = 0
  let soon = 0

  function use(picture: ImageBitmap) {
    bitmap = picture
    first = engine.frame(picture).crop
    drop.classList.add("small")
    pair.hidden = knobs.hidden = false
    frame()
  }
  /** The square that the sliders say: nearer than the one that was found, and beside it. */
  function frame() {
    if (!bitmap || !first) return
    const size = first.size / nearer.input.valueAsNumber
    const middle = (start: number, by: Slider) => start + first!.size / 2 + (by.input.valueAsNumber * first!.size) / 2
    const crop = { left: middle(first.left, across) - size / 2, top: middle(first.top, down) - size / 2, size }
    const { image } = engine.frame(bitmap, crop)
    paint(framed, image)
    const mine = ++version
    clearTimeout(soon)
    soon = window.setTimeout(() => void encode(image, mine).catch(app.fail), 60)
  }
  async function encode(image: ImageData, mine: number) {
    const latent = await engine.encode(image)
    if (mine !== version) return
    const faces = await engine.decodeLatest("photo", [latent])
    if (!faces || mine !== version) return
    paint(made, faces[0])
    const reference = packed(latent)
    keepAddress([["face", reference]])
    await tell(reference, mine)
  }
  async function tell(reference: string, mine: number, ...first: HTMLElement[]) {
    const latent = await app.latent(reference)
    const near = await engine.neighbours(latent, Math.min(NEIGHBOURS, engine.gallery.length))
    if (mine !== version) return
    answer.replaceChildren(
      ...first,
      h("h2", {}, "Go on with it"),
      app.onward(reference),
      h("h2", {}, "Nearest designs"),
      h(
        "div",
        { class: "row" },
        ...near.map(({ index }) => {
          const entry = engine.gallery[index]
          return thumbnail(app, entry, () => (location.hash = link("map", [["face", app.reference(entry)]])))
        }),
      ),
    )
  }

  const nearer = slider("Nearer", { least: 0.5, most: 3, step: 0.01, value: 1 }, frame)
  const across = slider("Across", { least: -1, most: 1, step: 0.01, value: 0 }, frame)
  const down = slider("Down", { least: -1, most: 1, step: 0.01, value: 0 }, frame)
  knobs.append(nearer.element, across.element, down.element)
  if (app.photo) {
    use(app.photo)
    app.photo = null
  } else {
    const kept = params.get("face")
    if (kept) {
      const shown = decoded(app, kept, "The reconstruction of a picture")
      answer.append(h("h2", {}, "From a picture"), shown)
      tell(kept, version, shown).catch(app.fail)
    }
  }
  return {
    title: "Photo",
    element: h("section", { class: "two", "aria-label": "Photo" }, h("div", { class: "stage wide" }, drop, pair, knobs), answer),
    close: () => {
      version++
      clearTimeout(soon)
      bitmap?.close()
    },
  }
}
