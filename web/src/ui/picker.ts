// Choose a face: by words, at random, by a name, or from a picture.

import { type App, packed } from "../app"
import type { Seed } from "../engine/types"
import { h } from "./dom"
import { found, thumbnail } from "./face"

const SHOWN = 12

export function freshSeed(): Seed {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0])
}

export function picker(app: App, picked: (face: string) => void): HTMLElement {
  const results = h("div", { class: "row", role: "group", "aria-label": "Found faces" })
  const search = h("input", { type: "search", placeholder: "beard, glasses, 3626bp01 …", oninput: show })
  const name = h("input", { type: "text", placeholder: "a name", maxLength: 200 })
  const file = h("input", {
    type: "file",
    accept: "image/*",
    class: "hidden",
    tabIndex: -1,
    "aria-label": "A picture file",
    onchange: () => file.files?.[0] && void fromPicture(app, file.files[0]).then(picked, app.fail),
  })
  const form = h(
    "form",
    {
      class: "inline",
      onsubmit: (event: Event) => {
        event.preventDefault()
        picked(`avatar:${name.value}`)
      },
    },
    h("label", { class: "field" }, h("span", {}, "Face of a name"), name),
    h("button", {}, "Add"),
  )
  function show() {
    const entries = search.value.trim() ? found(app.engine.gallery, search.value).slice(0, SHOWN) : []
    results.replaceChildren(...entries.map(entry => thumbnail(app, entry, () => picked(app.reference(entry)))))
  }
  return h(
    "div",
    { class: "picker" },
    h("label", { class: "field" }, h("span", {}, "Search faces"), search),
    results,
    h(
      "div",
      { class: "inline" },
      h("button", { onclick: () => picked(`random:${freshSeed()}`) }, "Random face"),
      h("button", { onclick: () => file.click() }, "From a picture"),
      file,
      form,
    ),
  )
}

/** The reference of a picture's face. */
export async function fromPicture(app: App, picture: Blob): Promise<string> {
  const { image } = app.engine.frame(await opened(picture))
  return packed(await app.engine.encode(image))
}

/** A picture file, upright as its camera held it. */
export async function opened(picture: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(picture)
  } catch {
    throw new Error("That is no picture that this browser can read.")
  }
}
