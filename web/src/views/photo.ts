// A picture of one's own: framed, encoded, reconstructed. It stays in the page.

import { type App, packed, type Remember, type View } from "../app"
import { link } from "../address"
import type { Crop, Latent } from "../engine/types"
import { camera } from "../ui/camera"
import { h, slider, type Slider } from "../ui/dom"
import { canvas, decoded, original, paint, thumbnail } from "../ui/face"
import { doubtful } from "../ui/likeness"
import { pictureFile } from "../ui/picker"
import { shareBar } from "../ui/share"

const NEIGHBOURS = 8

/** The last picture, and how it was framed: it is there again when one comes back. */
interface Kept {
  bitmap: ImageBitmap
  nearer: number
  across: number
  down: number
  /** of what the model makes of it */
  reference: string
}
let last: Kept | null = null

export function photoView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const framed = canvas(app, "Your picture, framed: drag it, or use the sliders", "face large grab")
  const made = canvas(app, "Its reconstruction", "face large")
  const answer = h("div", { class: "side" })
  const doubt = h("p", { class: "doubt", role: "status" })
  const knobs = h("div", { class: "knobs", hidden: true })
  const file = pictureFile("A picture file", app.take)
  // A phone's own camera knows its light and its focus better than a page does.
  const phone = matchMedia("(pointer: coarse)").matches ? pictureFile("A picture from the camera", app.take, "environment") : null
  const live = phone ? null : camera(app.take, app.fail)
  const drop = h(
    "div",
    { class: "drop" },
    h("p", {}, "Drop a picture of a minifig’s head here, paste one, or"),
    h("div", { class: "inline" }, h("button", { class: "main", onclick: () => file.click() }, "choose a file"), phone && h("button", { onclick: () => phone.click() }, "take a photo")),
    file,
    phone,
    live?.element,
    h("p", { class: "count" }, "A bare head from the front, on a plain ground, works best. It is looked at in this page and sent nowhere."),
  )
  const pair = h(
    "div",
    { class: "pair", hidden: true },
    h("figure", {}, framed, h("figcaption", {}, "framed")),
    h("figure", {}, made, h("figcaption", {}, "reconstructed")),
  )
  let first: Crop | null = null
  let latest: ImageData | null = null
  let reference = ""
  let version = 0
  let soon = 0

  function use(kept: Kept) {
    if (last && last.bitmap !== kept.bitmap) last.bitmap.close()
    last = kept
    first = engine.frame(kept.bitmap).crop
    for (const [knob, value] of [[nearer, kept.nearer], [across, kept.across], [down, kept.down]] as [Slider, number][]) knob.set(value)
    drop.classList.add("small")
    example.hidden = true
    pair.hidden = knobs.hidden = false
    frame()
  }
  /** The square that the sliders say: nearer than the one that was found, and beside it. */
  function frame() {
    if (!last || !first) return
    Object.assign(last, { nearer: nearer.input.valueAsNumber, across: across.input.valueAsNumber, down: down.input.valueAsNumber })
    const size = first.size / last.nearer
    const middle = (start: number, by: number) => start + first!.size / 2 + (by * first!.size) / 2
    const crop = { left: middle(first.left, last.across) - size / 2, top: middle(first.top, last.down) - size / 2, size }
    const { image } = engine.frame(last.bitmap, crop)
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
    latest = faces[0]
    paint(made, latest)
    reference = packed(latent)
    if (last) last.reference = reference
    keepAddress([["face", reference]])
    const unlike = doubtful(image, latest)
    doubt.textContent = unlike ? "This does not look like a bare head: frame the face alone, or begin with the nearest design." : ""
    await tell(latent, mine, unlike)
  }
  async function tell(latent: Latent, mine: number, unlike: boolean, ...first: HTMLElement[]) {
    const near = await engine.neighbours(latent, Math.min(NEIGHBOURS, engine.gallery.length))
    if (mine !== version) return
    const nearest = near.map(({ index }) => engine.gallery[index])
    const designs = [
      h("h2", {}, "Nearest designs"),
      h("div", { class: "row" }, ...nearest.map(entry => thumbnail(app, entry, () => (location.hash = link("map", [["face", app.reference(entry)]]))))),
      h("p", {}, h("a", { class: "button", href: link("map", [["near", packed(latent)]]) }, "See them on the map")),
    ]
    const begin = h("p", {}, h("a", { class: "button main", href: link("edit", [["face", app.reference(nearest[0])]]) }, "Begin with the nearest design"))
    answer.replaceChildren(
      ...first,
      ...(unlike ? [...designs, begin] : []),
      h("h2", {}, unlike ? "Or go on all the same" : "Go on with it"),
      h("div", { class: "inline" }, app.favourites.heart(() => reference)),
      app.onward(reference),
      ...(unlike ? [] : designs),
      ...(latest ? [shareBar(app, { title: () => "A face of my own", face: () => latest })] : []),
    )
  }

  const nearer = slider("Nearer", { least: 0.5, most: 3, step: 0.01, value: 1 }, frame)
  const across = slider("Across", { least: -1, most: 1, step: 0.01, value: 0 }, frame)
  const down = slider("Down", { least: -1, most: 1, step: 0.01, value: 0 }, frame)
  knobs.append(nearer.element, across.element, down.element, doubt)
  dragged(framed, (x, y, factor) => {
    if (!last || !first) return
    // The picture goes with the finger: the square goes the other way.
    const share = first.size / last.nearer / framed.clientWidth / (first.size / 2)
    nearer.set(Math.min(3, Math.max(0.5, last.nearer * factor)))
    across.set(across.input.valueAsNumber - x * share)
    down.set(down.input.valueAsNumber - y * share)
    frame()
  })
  const good = engine.gallery.find(({ attributes }) => attributes.smile) ?? engine.gallery[0]
  const example = h("figure", { class: "example" }, original(app, good), h("figcaption", {}, "a picture that works"))
  if (app.photo) {
    use({ bitmap: app.photo, nearer: 1, across: 0, down: 0, reference: "" })
    app.photo = null
  } else if (last && [null, last.reference].includes(params.get("face"))) {
    use(last)
  } else {
    const kept = params.get("face")
    if (kept) {
      reference = kept
      const shown = decoded(app, kept, "The reconstruction of a picture")
      answer.append(h("h2", {}, "From a picture"), shown)
      example.hidden = true
      const mine = version
      app.latent(kept).then(latent => tell(latent, mine, false, shown)).catch(app.fail)
    }
  }
  return {
    element: h("section", { class: "two", "aria-label": "Photo" }, h("div", { class: "stage wide" }, drop, example, pair, knobs), answer),
    close: () => {
      version++
      clearTimeout(soon)
      live?.close()
    },
  }
}

/** Tell by how many pixels a picture is dragged, and how many times larger it is pinched or wheeled. */
function dragged(target: HTMLElement, moved: (x: number, y: number, factor: number) => void): void {
  const fingers = new Map<number, [number, number]>()
  target.addEventListener("pointerdown", event => {
    target.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, [event.clientX, event.clientY])
  })
  target.addEventListener("pointermove", event => {
    const before = fingers.get(event.pointerId)
    if (!before) return
    const [x, y] = [event.clientX, event.clientY]
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1]
    const factor = other ? Math.hypot(x - other[0], y - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1])) : 1
    fingers.set(event.pointerId, [x, y])
    moved((x - before[0]) / fingers.size, (y - before[1]) / fingers.size, factor)
  })
  for (const end of ["pointerup", "pointercancel"] as const) target.addEventListener(end, event => fingers.delete(event.pointerId))
  target.addEventListener("wheel", event => {
    event.preventDefault()
    moved(0, 0, Math.exp(-event.deltaY * (event.deltaMode === 1 ? 30 : 1) * 0.0015))
  }, { passive: false })
}
