// Show a face or a morph to somebody: its link, its picture, a file, or the system's own way to share.

import type { App } from "../app"
import { settle } from "../address"
import { h, save, select } from "./dom"
import { png, shaped, SIZES, type Shape } from "./picture"

export interface Shared {
  /** what it is called, for people */
  title: () => string
  /** where it is shown, without it the page's own address: #/view?... */
  link?: () => string
  /** one face, or the two ends of a way, where that is all there is to it: a server has a page for chats of those */
  faces?: () => string[]
  /** the picture, or null where there is none yet */
  face: () => Promise<ImageData> | ImageData | null
}

/** Buttons that share a face. How large the picture is, and what is behind it, is kept from face to face. */
export function shareBar(app: App, shared: Shared, more: HTMLElement[] = []): HTMLElement {
  const address = () => {
    settle()
    const faces = unfolding ? (shared.faces?.() ?? []) : []
    if (!faces.length) return new URL(shared.link?.() ?? location.href, location.href).href
    return new URL(`faces?${new URLSearchParams(faces.map(face => ["face", face]))}`, document.baseURI).href
  }
  const picture = async (): Promise<Blob> => {
    await app.engine.exact
    const face = await shared.face()
    if (!face) throw new Error("There is no face here yet.")
    return png(shaped(face, shape))
  }
  const attempt = (work: () => Promise<void>) => () => void work().catch(app.fail)
  const name = () => `${fileName(shared.title())}.png`
  const share = attempt(async () => {
    const files = [new File([await picture()], name(), { type: "image/png" })]
    const text = { title: `${shared.title()} · minifaces`, url: address() }
    await navigator.share(navigator.canShare?.({ files, ...text }) ? { files, ...text } : text).catch(error => {
      if ((error as Error).name !== "AbortError") throw error // whoever closes the sheet has not failed
    })
  })
  return h(
    "div",
    { class: "share" },
    h("div", { class: "inline" },
      "share" in navigator && h("button", { class: "main", onclick: share }, "Share"),
      h("button", { onclick: attempt(() => copyLink(app, address())) }, "Copy link"),
      h("button", { onclick: attempt(() => copyPicture(app, picture())) }, "Copy picture"),
      h("button", { onclick: attempt(async () => save(await picture(), name())) }, "Save PNG"),
      ...more,
    ),
    h("details", {}, h("summary", {}, "Size and ground"), shapes()),
  )
}

/** Whether who serves this has pages that unfold in chats: `minifaces serve` says so in the page's head. */
const unfolding = document.querySelector('meta[name="minifaces-unfolds"]') !== null

/** What pictures are kept as, from view to view. */
const shape: Shape = { size: 512, clear: false, round: false }

function shapes(): HTMLElement {
  const box = (key: "clear" | "round", text: string) => {
    const input = h("input", { type: "checkbox", checked: shape[key], onchange: () => (shape[key] = input.checked) })
    return h("label", { class: "check" }, input, text)
  }
  const sizes = SIZES.map((size): [string, string] => [String(size), `${size} × ${size}`])
  return h(
    "div",
    { class: "inline" },
    select("Pixels", sizes, String(shape.size), size => (shape.size = Number(size))),
    box("clear", "Clear ground"),
    box("round", "Round"),
  )
}

async function copyLink(app: App, address: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(address)
    app.tell("The link is copied.")
  } catch {
    throw new Error(`This browser does not let the page copy: the link is ${address}`)
  }
}

async function copyPicture(app: App, picture: Promise<Blob>): Promise<void> {
  try {
    // The promise itself, since Safari wants the press and the writing to be one.
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })])
    app.tell("The picture is copied.")
  } catch {
    await picture // if that is what failed, its own words tell
    throw new Error("This browser does not let the page copy pictures: save it instead.")
  }
}

/** A name for a file: letters, digits and hyphens of what people call it. */
export function fileName(title: string): string {
  const plain = title.normalize("NFKD").replace(/[^\p{Letter}\p{Number}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 40).toLowerCase()
  return plain || "face"
}
