// Faces that are kept on this device, across views and visits.

import { type App } from "../app"
import { link } from "../address"
import { h } from "./dom"
import { faceButton } from "./face"

const KEY = "minifaces-kept"
const MOST = 24

export class Favourites {
  private faces: string[]
  readonly element = h("aside", { class: "tray", "aria-label": "Kept faces", hidden: true })
  private readonly hearts = new Set<{ face: () => string; button: HTMLButtonElement }>()

  constructor(private readonly app: App) {
    this.faces = stored()
    addEventListener("storage", event => {
      if (event.key !== KEY) return
      this.faces = stored() // another tab has kept one
      this.show()
    })
    this.show()
  }

  /** A button that keeps a face, or lets it go. */
  heart(face: () => string): HTMLButtonElement {
    const button = h("button", { "aria-pressed": "false", onclick: () => this.toggle(face()) }, "Keep")
    for (const heart of this.hearts) if (!heart.button.isConnected && this.hearts.size > 40) this.hearts.delete(heart)
    this.hearts.add({ face, button })
    this.press(button, face())
    return button
  }

  /** The faces that the hearts are of may have changed. */
  refresh(): void {
    for (const { face, button } of this.hearts) this.press(button, face())
  }

  private press(button: HTMLButtonElement, face: string) {
    const kept = this.faces.includes(face)
    button.setAttribute("aria-pressed", String(kept))
    button.textContent = kept ? "Kept" : "Keep"
  }

  private toggle(face: string) {
    if (!face) return
    if (this.faces.includes(face)) this.faces = this.faces.filter(one => one !== face)
    else this.faces = [face, ...this.faces].slice(0, MOST)
    try {
      localStorage.setItem(KEY, JSON.stringify(this.faces))
    } catch {
      // Where nothing may be stored they are kept until the page is left.
    }
    this.show()
  }

  private show() {
    const { app, faces } = this
    this.element.hidden = !faces.length
    document.body.classList.toggle("keeps", faces.length > 0)
    this.element.replaceChildren(
      h("h2", {}, `Kept (${faces.length})`),
      h("div", { class: "row" }, ...faces.map(face => faceButton(app, face, () => (location.hash = link("edit", [["face", face]]))))),
      h(
        "div",
        { class: "inline" },
        faces.length > 1 && h("a", { class: "button", href: link("morph", [...faces.slice(0, 8).reverse().map((face): [string, string] => ["face", face]), ["play", "1"]]) }, "Morph them"),
        faces.length > 2 && h("a", { class: "button", href: link("mix", faces.slice(0, 3).map((face): [string, string] => ["face", face])) }, "Mix three"),
        h("button", { onclick: () => (this.faces = [], this.forget()) }, "Let all go"),
      ),
    )
    this.refresh()
  }

  private forget() {
    try {
      localStorage.removeItem(KEY)
    } catch {
      // nothing was stored
    }
    this.show()
  }
}

function stored(): string[] {
  try {
    const faces: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]")
    return Array.isArray(faces) ? faces.filter((face): face is string => typeof face === "string").slice(0, MOST) : []
  } catch {
    return []
  }
}
