// Choose a face: by words, at random, by a name, or from a picture.

import { type App, packed } from "../app"
import type { Seed } from "../engine/types"
import { h } from "./dom"
import { thumbnail } from "./face"
import { doubtful } from "./likeness"
import { found } from "./words"

const SHOWN = 12
const LONGEST = 1024 // pixels a side: a found head has more of them than the encoder reads

export function freshSeed(): Seed {
  return BigInt(crypto.getRandomValues(new Uint32Array(1))[0])
}

/** `verb` is what is done with the face that is chosen. */
export function picker(app: App, picked: (face: string) => void, verb = "Add"): HTMLElement {
  const results = h("div", { class: "row", role: "group", "aria-label": "Found faces" })
  const search = h("input", { type: "search", placeholder: "beard, glasses, 3626bp01 …", oninput: show })
  const name = h("input", { type: "text", placeholder: "a name", maxLength: 200 })
  const file = pictureFile("A picture file", take)
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
    h("button", {}, verb),
  )
  let taken = 0
  function take(picture: File) {
    const mine = ++taken
    const still = () => mine === taken && chooser.isConnected // no newer one was taken, and the view is open
    fromPicture(app, picture).then(
      ({ face, doubt }) => {
        if (!still()) return
        picked(face)
        if (doubt) app.say(doubt)
      },
      error => still() && app.fail(error),
    )
  }
  function show() {
    const entries = search.value.trim() ? found(app.engine.gallery, search.value).slice(0, SHOWN) : []
    results.replaceChildren(...entries.map(entry => thumbnail(app, entry, () => picked(app.reference(entry)))))
  }
  const chooser = h(
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
  return chooser
}

/** An unseen field for a picture file: clicked, it asks for one. `capture` asks a phone's camera. */
export function pictureFile(label: string, chosen: (picture: File) => void, capture?: string): HTMLInputElement {
  const input = h("input", {
    type: "file",
    accept: "image/*",
    capture,
    class: "hidden",
    tabIndex: -1,
    "aria-label": label,
    onclick: () => (input.value = ""), // so that the same file can be chosen again
    onchange: () => input.files?.[0] && chosen(input.files[0]),
  })
  return input
}

/** The reference of a picture's face, and what there is to say where it does not look like one. */
export async function fromPicture(app: App, picture: Blob): Promise<{ face: string; doubt: string }> {
  const { image } = app.engine.frame(await opened(picture))
  const face = packed(await app.engine.encode(image))
  const unlike = doubtful(image, await app.face(face))
  return { face, doubt: unlike ? "The picture does not look like a bare head: frame the face alone in Photo first." : "" }
}

/** A picture file, upright as its camera held it, and no larger than framing needs: it is framed at every move. */
export async function opened(picture: Blob): Promise<ImageBitmap> {
  try {
    const whole = await createImageBitmap(picture)
    const shrink = LONGEST / Math.max(whole.width, whole.height)
    if (shrink >= 1) return whole
    const side = (length: number) => Math.max(1, Math.round(length * shrink))
    const [resizeWidth, resizeHeight] = [side(whole.width), side(whole.height)]
    const small = await createImageBitmap(whole, { resizeWidth, resizeHeight, resizeQuality: "high" })
    whole.close()
    return small
  } catch {
    throw new Error(await unreadable(picture))
  }
}

const KINDS = "Take a JPEG, PNG, WebP, AVIF or GIF."

/** Why a file is no picture, as far as its name and kind tell. */
async function unreadable(picture: Blob): Promise<string> {
  const start = new TextDecoder("latin1").decode(await picture.slice(0, 32).arrayBuffer().catch(() => new ArrayBuffer(0)))
  if (!picture.size) return `That file is empty. ${KINDS}`
  if (/^....ftyp(heic|heix|mif1|msf1)/s.test(start)) return `That is an HEIC picture, which this browser cannot read. ${KINDS}`
  if (picture.type === "image/svg+xml") return `That is a drawing (SVG), not a photograph. ${KINDS}`
  return `That is no picture that this browser can read. ${KINDS}`
}

/** Why nothing of what was dropped or pasted can be looked at. */
export function refused(data: DataTransfer | null): string {
  const [file] = data?.files ?? []
  if (file) return `${file.name} is no picture. ${KINDS}`
  if (data?.types.includes("text/uri-list")) return "Pictures of other pages cannot be read from here: save it first, then drop the file."
  return `That is text, not a picture. ${KINDS}`
}
