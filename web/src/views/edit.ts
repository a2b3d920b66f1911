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
  interface State {
    face: string
    amounts: Amounts
  }
  const past: State[] = []
  const future: State[] = []
  let latent: Latent | null = null

  const shown = canvas(app, "The edited face", "face large")
  const before = h("div", { class: "before" })
  const onward = h("div", {})
  const sliders = new Map<string, Slider>()

  const remember = () => {
    app.remember([["face", face], ...Object.entries(amounts).map(([name, value]): [string, string] => [name, value.toFixed(2)])])
    if (latent) engine.edit(latent, amounts).then(edited => onward.replaceChildren(app.onward(packed(edited), ["edit"])), app.fail)
  }
  function show() {
    if (!latent) return
    engine
      .edit(latent, amounts)
      .then(edited => engine.decodeLatest("edit", [edited]))
      .then(faces => faces && paint(shown, faces[0]), app.fail)
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
    past.push(now())
    future.length = 0
    buttons()
  }
  const now = (): State => ({ face, amounts: { ...amounts } })
  function buttons() {
    undo.disabled = past.length === 0
    redo.disabled = future.length === 0
  }
  /** Go one step back or forth: what is left behind can be gone to again. */
  function go(from: State[], to: State[]) {
    const state = from.pop()
    if (!state) return
    to.push(now())
    restore(state)
    buttons()
  }
  function restore(to: State) {
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

  const undo = h("button", { disabled: true, onclick: () => go(past, future) }, "Undo")
  const redo = h("button", { disabled: true, onclick: () => go(future, past) }, "Redo")
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
    const typing = /^(text|search)$/.test((event.target as HTMLInputElement).type ?? "")
    const key = event.key.toLowerCase()
    if (!(event.ctrlKey || event.metaKey) || typing || (key !== "z" && key !== "y")) return
    event.preventDefault()
    if (key === "y" || event.shiftKey) go(future, past)
    else go(past, future)
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
      h("div", { class: "stage" }, shown, h("div", { class: "inline" }, undo, redo, reset, keep), onward, before, h("details", {}, h("summary", {}, "Another face"), picker(app, pick))),
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
