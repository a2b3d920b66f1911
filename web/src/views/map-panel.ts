// Beside the map: the chosen face, the faces inside a ring, what a picture is like, or what lies under the pointer.

import { link } from "../address"
import type { App } from "../app"
import type { Entry, Latent } from "../engine/types"
import { h, save, slider } from "../ui/dom"
import { decoded, original, paint, thumbnail } from "../ui/face"
import { shareBar } from "../ui/share"
import { readable } from "../ui/words"

const NEIGHBOURS = 8
const LISTED = 24

export interface Panel {
  element: HTMLElement
  /** a face of the map, with its nearest */
  entry(entry: Entry): void
  /** a face that is not of the map, and those it was made of */
  other(reference: string, title: string, text: string, of?: Entry[]): void
  /** what this is, and a slider under the finger; `between` is shown there */
  nothing(): void
  /** a face between those of the map, where nothing is chosen */
  between(latent: Latent): void
}

export function mapPanel(app: App, choose: (entry: Entry, goThere?: boolean) => void, close: () => void): Panel {
  const { engine } = app
  const { gallery } = engine
  const element = h("aside", { class: "panel", "aria-label": "Chosen face" })
  const knob = engine.directions.find(({ name }) => name === "turn") ?? engine.directions.find(({ learnt }) => learnt)
  /** what is shown where no face is chosen, and how far the slider below it changes it */
  const shown = { latent: null as Latent | null, amount: 0, picture: null as HTMLCanvasElement | null }

  function fill(chosen: boolean, ...children: (Node | null)[]) {
    if (chosen) shown.picture = null
    element.classList.toggle("chosen", chosen)
    const closeButton = chosen && h("button", { class: "small close", "aria-label": "Close", onclick: close }, "×")
    element.replaceChildren(...[closeButton, ...children].filter(child => child instanceof Node))
    element.scrollTop = 0
  }

  function entry(chosen: Entry) {
    const near = h("div", { class: "row", role: "group", "aria-label": "Nearest faces" })
    const known = Object.keys(chosen.attributes).filter(name => chosen.attributes[name])
    const reference = app.reference(chosen)
    const title = app.title(reference)
    app.entitle(title)
    fill(
      true,
      h("h2", { tabIndex: -1 }, title),
      h("p", { class: "count" }, chosen.name),
      h(
        "div",
        { class: "pair" },
        h("figure", {}, original(app, chosen), h("figcaption", {}, "as it is")),
        h("figure", {}, decoded(app, reference, `Reconstruction of ${chosen.name}`), h("figcaption", {}, "reconstructed")),
      ),
      h(
        "p",
        { class: "tags" },
        ...[chosen.colour, ...known.map(readable)].map(text => h("span", {}, text)),
        chosen.split === "train" ? null : h("span", {}, "never seen in training"),
      ),
      h("div", { class: "inline" }, app.favourites.heart(() => reference)),
      app.onward(reference),
      h("h3", {}, "Nearest"),
      near,
      shareBar(app, { title: () => title, face: () => app.face(reference) }),
    )
    engine
      .latentOf(chosen.index)
      .then(latent => engine.neighbours(latent, Math.min(NEIGHBOURS, gallery.length - 1), chosen.index))
      .then(found => near.replaceChildren(...found.map(({ index }) => thumbnail(app, gallery[index], () => choose(gallery[index], true)))))
      .catch(app.fail)
  }

  function other(reference: string, title: string, text: string, of: Entry[] = []) {
    app.entitle(title)
    const list = () => save(new Blob([table(of)], { type: "text/csv" }), "faces.csv")
    const faces = of.slice(0, LISTED).map(one => thumbnail(app, one, () => choose(one)))
    fill(
      true,
      h("h2", { tabIndex: -1 }, title),
      h("p", {}, text),
      h("div", { class: "pair" }, decoded(app, reference, title)),
      h("div", { class: "inline" }, app.favourites.heart(() => reference)),
      app.onward(reference),
      ...(of.length
        ? [
            h("h3", {}, "These faces"),
            h("div", { class: "row", role: "group", "aria-label": "Faces inside" }, ...faces),
            h("div", { class: "inline" }, h("button", { onclick: list }, `Save the list (${of.length})`)),
          ]
        : []),
      shareBar(app, { title: () => title, face: () => app.face(reference) }),
    )
  }

  function nothing() {
    const first = gallery.find(({ attributes }) => attributes.smile) ?? gallery[0]
    const picture = original(app, first, "face large") // its sprite until it is decoded
    picture.setAttribute("aria-label", "What lies there")
    const change = (amount: number) => {
      shown.amount = amount
      show()
    }
    app.entitle("")
    fill(
      false,
      h("h2", {}, "A small network draws these faces, here in your browser"),
      picture,
      knob ? slider(knob.label, { least: Math.max(-1.5, knob.least), most: Math.min(1.5, knob.most), step: 0.05, value: 0 }, change).element : null,
      h("p", {}, "Move over the map: what lies between the faces is drawn as you go. Choose a face to see more of it."),
      h(
        "div",
        { class: "inline" },
        h("a", { class: "button main", href: link("avatar") }, "Your name’s face"),
        h("a", { class: "button", href: link("invent") }, "New faces"),
      ),
    )
    Object.assign(shown, { latent: null, amount: 0, picture })
    engine.latentOf(first.index).then(latent => shown.latent === null && between(latent), app.fail)
  }

  function between(latent: Latent) {
    shown.latent = latent
    show()
  }

  function show() {
    const { latent, amount, picture } = shown
    if (!latent || !picture) return
    const edited = knob && amount ? engine.edit(latent, { [knob.name]: amount }) : Promise.resolve(latent)
    edited
      .then(edited => engine.decodeLatest("hover", [edited]))
      .then(faces => faces && shown.picture === picture && paint(picture, faces[0]))
      .catch(app.fail)
  }

  return { element, entry, other, nothing, between }
}

/** Faces as a table: name, description, colour, attributes. */
function table(faces: Entry[]): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = faces.map(({ name, description, colour, attributes }) => {
    const has = Object.keys(attributes).filter(key => attributes[key]).join(" ")
    return [name, description, colour, has].map(quoted).join(",")
  })
  return ["name,description,colour,attributes", ...rows, ""].join("\n")
}
