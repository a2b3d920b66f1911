// Faces on the page.

import type { App } from "../app"
import type { Entry } from "../engine/types"
import { h } from "./dom"

/** An empty picture of a face; `paint` fills it. */
export function canvas(app: App, label: string, kind = "face"): HTMLCanvasElement {
  const { imageSize } = app.engine
  return h("canvas", { class: kind, width: imageSize, height: imageSize, role: "img", "aria-label": label })
}

export function paint(target: HTMLCanvasElement, face: ImageData): void {
  target.getContext("2d")!.putImageData(face, 0, 0)
  painted.add(target)
  early?.set(target, face)
  if (!performance.getEntriesByName("face").length) performance.mark("face")
}

/** What shows a decoded face, which nothing comes over. */
const painted = new WeakSet<HTMLCanvasElement>()

/** What was painted before faces were exact. */
let early: Map<HTMLCanvasElement, ImageData> | null = new Map()

/** Paint it again, now that they are. */
export function repaint(): void {
  const again = early
  early = null
  again?.forEach((face, target) => paint(target, face))
}

/** The decoded face of a reference, painted when it is there. */
export function decoded(app: App, reference: string, label = app.label(reference), kind = "face"): HTMLCanvasElement {
  const target = canvas(app, label, kind)
  app.face(reference).then(face => paint(target, face), app.fail)
  return target
}

/** A face of the map as it was given, from the largest sprites. */
export function original(app: App, entry: Entry, kind = "face"): HTMLCanvasElement {
  const target = canvas(app, app.label(app.reference(entry)), kind)
  const { levels, slots, sheet } = app.engine.atlas
  const { size, columns, rows } = levels[levels.length - 1]
  const slot = slots[entry.index]
  const place = slot % (columns * rows)
  sheet(levels.length - 1, Math.floor(slot / (columns * rows))).then(picture => {
    if (painted.has(target)) return // it was decoded meanwhile
    const [x, y] = [(place % columns) * size, Math.floor(place / columns) * size]
    const context = target.getContext("2d")!
    context.fillStyle = "#fff" // behind the head, as decoded faces have it
    context.fillRect(0, 0, target.width, target.height)
    context.drawImage(picture, x, y, size, size, 0, 0, target.width, target.height)
  }, app.fail)
  return target
}

/** A face to press, small. */
export function thumbnail(app: App, entry: Entry, pressed: () => void): HTMLButtonElement {
  return faceButton(app, app.reference(entry), pressed)
}

/** Any face to press, small. */
export function faceButton(app: App, reference: string, pressed: () => void, label = app.label(reference)): HTMLButtonElement {
  const entry = app.entry(reference)
  const picture = entry ? original(app, entry) : decoded(app, reference)
  picture.setAttribute("aria-hidden", "true")
  picture.removeAttribute("role")
  return h("button", { class: "thumbnail", title: label, "aria-label": label, onclick: pressed }, picture)
}
