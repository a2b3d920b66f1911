// Sliders for what the model knows of faces, on any face.

import { number } from "../address"
import { type App, packed, type Remember, type View } from "../app"
import type { Direction, Latent } from "../engine/types"
import { h, save, slider, type Slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { picker } from "../ui/picker"

type Amounts = Record<string, number>

export function editView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  let face = params.get("face") || app.reference(engine.gallery[0])
  let amounts: Amounts = {}
  for (const { name, least, most } of engine.directions) {
    const value = number(params.get(name), least, most, 0)
    if (value) amounts[name] = value
  }
  interface State {
    face: string
    amounts: Amounts
  }
  const past: State[] = []
  const future: State[] = []
  let latent: Latent | null = null
  /** edits asked for so far, and the newest that was answered: some take longer than others */
  let asked = 0
  let answered = 0
  let moving = false // a slider

  const shown = canvas(app, "The edited face", "face large")
  const before = h("div", { class: "before" })
  const onward = h("div", {})
  const sliders = new Map<string, Slider>()

  const remember = () =>
    keepAddress([["face", face], ...Object.entries(amounts).map(([name, value]): [string, string] => [name, value.toFixed(2)])])
  async function edit(from: Latent) {
    const mine = ++asked
    const edited = await engine.edit(from, amounts)
    if (mine < answered) return
    answered = mine
    onward.replaceChildren(app.onward(packed(edited), ["edit"]))
    // Answers of a lane come in the order of the asking: each may be painted, or a quick drag would show nothing.
    const faces = await engine.decodeLatest("edit", [edited])
    if (faces) paint(shown, faces[0])
  }
  const show = () => latent && void edit(latent).catch(app.fail)
  /** Nothing that was asked for so far counts any more. */
  const forget = () => (answered = ++asked)
  async function start() {
    const mine = forget()
    latent = null
    app.say("")
    before.replaceChildren(decoded(app, face), h("p", {}, app.label(face)))
    const found = await app.latent(face)
    if (mine !== answered) return
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
    undo.setAttribute("aria-disabled", String(past.length === 0))
    redo.setAttribute("aria-disabled", String(future.length === 0))
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
    moving = false // what is being dragged is a step of its own from here
    for (const [name, one] of sliders) one.set(amounts[name] ?? 0)
    if (to.face === face) {
      show()
      remember()
    } else {
      face = to.face
      void start().catch(app.fail)
    }
  }

  // Not `disabled`, which would take the focus away from whoever presses them by keys.
  const undo = h("button", { "aria-disabled": "true", onclick: () => go(past, future) }, "Undo")
  const redo = h("button", { "aria-disabled": "true", onclick: () => go(future, past) }, "Redo")
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
    close: () => {
      forget()
      document.removeEventListener("keydown", undoKey)
    },
  }
}
