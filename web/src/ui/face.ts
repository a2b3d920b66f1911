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
  if (!performance.getEntriesByName("face").length) performance.mark("face")
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

/** What people say for what descriptions and attributes say. */
const SAID: [RegExp, string][] = [
  [/eye ?patch/, "pirate eyepatch"],
  [/skull|skeleton/, "skull skeleton bones"],
  [/moustach/, "mustache"],
  [/glasses|goggles|visor/, "glasses sunglasses specs"],
  [/fangs/, "vampire monster"],
  [/balaclava/, "ninja burglar"],
  [/wrinkle|crow's feet|\bold\b/, "old grandpa grandma"],
  [/\bgr[ea]y\b/, "grey gray"],
]
const KNOWN: Record<string, [has: string, lacks: string]> = {
  facial_hair: ["beard bearded moustache", "shaven"],
  eyewear: ["glasses sunglasses goggles", ""],
  female: ["woman women girl lady female", "man men boy guy male"],
  smile: ["smile smiling happy", ""],
  angry: ["angry cross furious evil", ""],
  scared: ["scared afraid sad worried", ""],
  lips: ["lips lipstick", ""],
  teeth: ["teeth grin", ""],
  printed_hair: ["hair fringe", ""],
  mask: ["mask masked", ""],
}

/** All words that an entry can be found by. */
function words({ name, description, attributes, colour }: Entry): string {
  const text = `${name} ${description} ${colour}`.toLowerCase()
  const said = SAID.filter(([told]) => told.test(text)).map(([, also]) => also)
  const known = Object.entries(attributes).map(([key, has]) => KNOWN[key]?.[has ? 0 : 1] ?? (has ? key.replaceAll("_", " ") : ""))
  return [text, ...said, ...known].join(" ")
}

/** Entries of which every word is told: a whole one, or its beginning; of names and descriptions any part. */
export function found(entries: Entry[], wanted: string): Entry[] {
  const asked = wanted.toLowerCase().split(/\s+/).filter(Boolean)
  if (!asked.length) return entries
  return entries.filter(entry => {
    const [own, all] = [`${entry.name} ${entry.description}`.toLowerCase(), ` ${words(entry)}`]
    return asked.every(word => own.includes(word) || all.includes(` ${word}`))
  })
}
