// Sliders for what the model knows of faces, on any face.

import { type App, packed, type View } from "../app"
import type { Direction, Latent } from "../engine/types"
import { h, save, slider, type Slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { picker } from "../ui/picker"

type Amounts = Record<string, number>

export function editView(app: App, params: URLSearchParams): View {
  const { engine } = app
  let face = params.get("face") || app.reference(engine.gallery[0])
  let amounts: Amounts = {}
  for (const { name, least, most } of engine.directions) {
    const value = Number(params.get(name) ?? 0)
    if (value) amounts[name] = Math.min(most, Math.max(least, value))
  }
  const past: { face: string; amounts: Amounts }[] = []
  let latent: Latent | null = null

  const shown = canvas(app, "The edited face", "face large")
  const before = h("div", { class: "before" })
  const onward = h("div", {})
  const sliders = new Map<string, Slider>()

  const remember = () => {
    app.remember([["face", face], ...Object.entries(amounts).map(([name, value]): [string, string] => [name, value.toFixed(2)])])
    if (latent) onward.replaceChildren(app.onward(packed(engine.edit(latent, amounts)), ["edit"]))
  }
  function show() {
    if (!latent) return
    engine.decodeLatest("edit", [engine.edit(latent, amounts)]).then(faces => faces && paint(shown, faces[0]), app.fail)
  }
  async function start() {
    latent = null
    before.replaceChildren(decoded(app, face), h("p", {}, app.label(face)))
    const wanted = face
    const found = await app.latent(face)
    if (wanted !== face) return
    latent = found
    show()
    remember()
  }
  /** Note how things were, to be able to go back. */
  function note() {
    past.push({ face, amounts: { ...amounts } })
    undo.disabled = false
  }
  function restore(to: { face: string; amounts: Amounts }) {
    amounts = { ...to.amounts }
    for (const [name, one] of sliders) one.set(amounts[name] ?? 0)
    if (to.face === face) {
      show()
      remember()
    } else {
      face = to.face
      void start().catch(app.fail)
    }
  }

  const undo = h(
    "button",
    {
      disabled: true,
      onclick: () => {
        const last = past.pop()
        undo.disabled = past.length === 0
        if (last) restore(last)
      },
    },
    "Undo",
  )
  const reset = h(
    "button",
    {
      onclick: () => {
        note()
        restore({ face, amounts: {} })
      },
    },
    "Reset",
  )
  const keep = h("button", { onclick: () => shown.toBlob(file => file && save(file, "face.png")) }, "Save PNG")
  const knob = ({ name, label, least, most }: Direction) => {
    let moving = false
    const one = slider(
      label,
      { least, most, step: 0.05, value: amounts[name] ?? 0 },
      value => {
        if (!moving) note()
        moving = true
        if (value) amounts[name] = value
        else delete amounts[name]
        show()
      },
      () => {
        moving = false
        remember()
      },
    )
    sliders.set(name, one)
    return one.element
  }
  const kinds = (wanted: (direction: Direction) => boolean) => engine.directions.filter(wanted).map(knob)
  const undoKey = (event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z" && !undo.disabled && !/^(text|search)$/.test((event.target as HTMLInputElement).type ?? "")) {
      event.preventDefault()
      undo.click()
    }
  }
  document.addEventListener("keydown", undoKey)
  const pick = (picked: string) => {
    note()
    face = picked
    void start().catch(app.fail)
  }
  start().catch(app.fail)

  return {
    title: "Edit",
    element: h(
      "section",
      { class: "two", "aria-label": "Edit" },
      h("div", { class: "stage" }, shown, h("div", { class: "inline" }, undo, reset, keep), onward, before, h("details", {}, h("summary", {}, "Another face"), picker(app, pick))),
      h(
        "div",
        { class: "side" },
        h("h2", {}, "What it shows"),
        ...kinds(({ kind }) => kind !== "principal"),
        h("h2", {}, "Where faces differ most"),
        ...kinds(({ kind }) => kind === "principal"),
      ),
    ),
    close: () => document.removeEventListener("keydown", undoKey),
  }
}
