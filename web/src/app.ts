// What all views share: the engine, faces by reference, and the way from one view to another.
//
// A face is referred to as on the command line, `3626bp01/front`, `random:7`, `avatar:Ada`; by `@12`, its number on
// the map, where names are not unique; or by `z:...`, the latent itself in half precision: photos, edits, means.

import { link } from "./address"
import type { Engine, Entry, Latent } from "./engine/types"
import { fromHalf, toHalf } from "./engine/unpack"
import { h } from "./ui/dom"
import { Favourites } from "./ui/favourites"
import { Kept } from "./ui/kept"

export interface View {
  element: HTMLElement
  close?: () => void
}

/** Keep a view's state in the address bar. Once the view was left this does nothing. */
export type Remember = (params: Iterable<[string, string]>) => void

export class App {
  private readonly byName = new Map<string, number>()
  private readonly latents = new Kept<Latent>(face => this.find(face), 1024)
  private readonly faces = new Kept<ImageData>(async face => (await this.engine.decode([await this.latent(face)]))[0], 256)
  readonly favourites: Favourites
  /** a photo on its way to the view that frames it */
  photo: ImageBitmap | null = null
  /** Name what is shown, in the title of the page. */
  entitle: (what: string) => void = () => {}

  constructor(
    readonly engine: Engine,
    private readonly said: HTMLElement,
    /** Open a picture in the view that frames it. */
    readonly take: (picture: Blob) => void,
  ) {
    const names = engine.gallery.map(({ name }) => name.toLowerCase())
    const unique = new Set(names).size === names.length
    if (unique) names.forEach((name, index) => this.byName.set(name, index))
    this.favourites = new Favourites(this)
  }

  /** Show a sentence, and read it out, until there is another or a view is entered. */
  say(text: string): void {
    clearTimeout(this.soon)
    this.said.textContent = text
    this.said.classList.remove("good")
  }
  private soon = 0

  /** Say that something was done, for a moment. */
  tell(text: string): void {
    this.say(text)
    this.said.classList.add("good")
    this.soon = window.setTimeout(() => this.say(""), 4000)
  }

  /** Say what went wrong in one sentence. */
  readonly fail = (error: unknown): void => this.say(error instanceof Error ? error.message : String(error))

  reference({ index, name }: Entry): string {
    return this.byName.has(name.toLowerCase()) ? name : `@${index}`
  }

  /** Which entry of the map a reference means, if any. */
  entry(face: string): Entry | null {
    const key = face.toLowerCase()
    const named = this.byName.get(key) ?? this.byName.get(`${key}/front`)
    const index = named ?? (/^@\d+$/.test(face) ? Number(face.slice(1)) : -1)
    return this.engine.gallery[index] ?? null
  }

  label(face: string): string {
    const entry = this.entry(face)
    if (entry) return entry.description ? `${entry.name}: ${entry.description}` : entry.name
    return this.title(face)
  }

  /** What a person would call a face. */
  title(face: string): string {
    const entry = this.entry(face)
    if (entry) return entry.description ? cut(entry.description) : entry.name
    if (face.startsWith("random:")) return `Random face ${short(face.slice(7))}`
    if (face.startsWith("avatar:")) return `The face of ${cut(face.slice(7)) || "nobody"}`
    return "A face of your own"
  }

  /** The latent of a reference, worked out once. */
  latent(face: string): Promise<Latent> {
    return this.latents.get(face)
  }

  /** The decoded face of a reference, decoded once. */
  face(reference: string): Promise<ImageData> {
    return this.faces.get(reference)
  }

  private async find(face: string): Promise<Latent> {
    const entry = this.entry(face)
    if (entry) return this.engine.latentOf(entry.index)
    if (/^random:\d{1,39}$/.test(face)) return this.engine.random(BigInt(face.slice(7)))
    if (face.startsWith("avatar:")) return (await this.engine.avatar(face.slice(7))).latent
    if (face.startsWith("z:")) return unpacked(face.slice(2), this.engine.latentSize)
    throw new Error(`There is no face called ${face.slice(0, 60)}.`)
  }

  /** Links that lead on with a face. */
  onward(face: string, besides: string[] = []): HTMLElement {
    const ways: [string, string, string][] = [
      ["morph", "Morph", "face"],
      ["edit", "Edit", "face"],
      ["invent", "More like this", "like"],
    ]
    return h(
      "p",
      { class: "onward" },
      ...ways
        .filter(([view]) => !besides.includes(view))
        .map(([view, text, key]) => h("a", { class: "button", href: link(view, [[key, face]]) }, text)),
    )
  }
}

/** A latent as a reference of its own. */
export function packed(latent: Latent): string {
  const halves = Uint16Array.from(latent, toHalf)
  const text = btoa(String.fromCharCode(...new Uint8Array(halves.buffer)))
  return `z:${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`
}

function unpacked(text: string, size: number): Latent {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0))
    const latent = Float32Array.from(new Uint16Array(bytes.buffer), fromHalf)
    if (latent.length === size && latent.every(Number.isFinite)) return latent
  } catch {
    // the same sentence
  }
  throw new Error("This link's face is incomplete, or of another model.")
}

/** A description or a name in one line of a heading. */
function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57).replace(/[\s,]+\S*$/, "")} …` : text
}

export function short(seed: string): string {
  return seed.length > 12 ? `${seed.slice(0, 5)}…${seed.slice(-4)}` : seed
}
