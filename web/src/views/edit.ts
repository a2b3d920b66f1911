// Sliders for what the model knows of faces, on any face.

import { number } from "../address"
import { type App, packed, type Remember, type View } from "../app"
import type { Direction, Latent } from "../engine/types"
import { h, slider, type Slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { freshSeed, picker } from "../ui/picker"
import { shareBar } from "../ui/share"

type Amounts = Record<string, number>

/** Sets of amounts by the names of the model's own edits: those that it does not know are left out. */
const PRESETS: Record<string, Amounts> = {
  Villain: { facial_hair: 1, angry: 1 },
  Professor: { facial_hair: 1, eyewear: 1 },
  "Film star": { lips: 1, eyewear: 1, turn: 0.6 },
  Punk: { printed_hair: 1, angry: 1 },
  Grump: { angry: 1, smile: -1 },
  Beaming: { smile: 1, teeth: 1 },
}

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
  let latest: ImageData | null = null // what is shown
  let reference = "" // of what is shown
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
    reference = Object.keys(amounts).length ? packed(edited) : face
    onward.replaceChildren(app.onward(reference, ["edit"]))
    app.favourites.refresh()
    // Answers of a lane come in the order of the asking: each may be painted, or a quick drag would show nothing.
    const faces = await engine.decodeLatest("edit", [edited])
    if (!faces) return
    latest = faces[0]
    paint(shown, latest)
  }
  const show = () => latent && void edit(latent).catch(app.fail)
  /** Nothing that was asked for so far counts any more. */
  const forget = () => (answered = ++asked)
  async function start() {
    const mine = forget()
    latent = latest = null
    reference = ""
    app.say("")
    app.entitle(app.title(face))
    before.replaceChildren(decoded(app, face), h("p", {}, app.title(face)))
    const found = await app.latent(face).catch(error => {
      if (mine === answered) unusable()
      throw error
    })
    if (mine !== answered) return
    latent = found
    for (const part of [tools, after, side]) part.inert = false
    show()
    remember()
  }
  /** There is no such face: nothing here does anything until another one is chosen. */
  function unusable() {
    for (const part of [tools, after, side]) part.inert = true
    before.replaceChildren(h("p", {}, "There is no face to edit here."))
    chooser.open = true
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
  const dice = h(
    "button",
    {
      onclick: () => {
        const random: Amounts = {}
        for (const { name, kind, least, most } of engine.directions)
          if (kind !== "principal" && Math.random() < 0.3) random[name] = Math.max(least, Math.min(most, Math.round(20 * (2.4 * Math.random() - 0.9)) / 20))
        apply(random)
      },
    },
    "Dice",
  )
  const presets = Object.entries(PRESETS)
    .map(([name, wanted]): [string, Amounts] => [name, Object.fromEntries(Object.entries(wanted).filter(([key]) => engine.directions.some(({ name, learnt }) => name === key && learnt)))])
    .filter(([, wanted]) => Object.keys(wanted).length > 1)
    .map(([name, wanted]) => h("button", { onclick: () => apply(wanted) }, name))
  function apply(wanted: Amounts) {
    note()
    restore({ face, amounts: wanted })
  }
  // The face before, for as long as it is pressed.
  const press = (on: boolean) => () => {
    if (on && latent) app.face(face).then(before => holding && paint(shown, before), app.fail)
    holding = on
    if (!on && latest) paint(shown, latest)
  }
  let holding = false
  const compare = h("button", { onpointerdown: press(true), onpointerup: press(false), onpointerleave: press(false), onkeydown: (event: KeyboardEvent) => event.key === " " && press(true)(), onkeyup: press(false), onblur: press(false) }, "Hold to compare")
  const knob = ({ name, label, least, most }: Direction) => {
    const one = slider(
      label,
      { least, most, step: 0.05, value: amounts[name] ?? 0, typed: true },
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
  const chooser = h("details", {}, h("summary", {}, "Another face"), picker(app, pick, "Take"))
  const share = shareBar(app, { title: () => `${app.title(face)}, edited`, face: () => latest, faces: () => (reference ? [reference] : []) })
  const random = h("button", { onclick: () => pick(`random:${freshSeed()}`) }, "Random face")
  const tools = h(
    "div",
    { class: "stage-tools" },
    h("div", { class: "inline" }, undo, redo, reset, dice, compare),
    h("div", { class: "inline presets", role: "group", "aria-label": "Ready-made" }, ...presets),
  )
  const after = h("div", { class: "stage-tools after" }, h("div", { class: "inline" }, app.favourites.heart(() => reference)), share, onward)
  const side = h(
    "div",
    { class: "side" },
    h("h2", {}, "What it shows"),
    ...kinds(({ kind }) => kind !== "principal"),
    h("h2", {}, "Where faces differ most"),
    ...kinds(({ kind }) => kind === "principal"),
  )
  start().catch(app.fail)

  return {
    element: h(
      "section",
      { class: "two", "aria-label": "Edit" },
      h(
        "div",
        { class: "stage" },
        h("div", { class: "bar" }, shown),
        tools,
        after,
        h("div", { class: "after" }, before, h("div", { class: "inline" }, random), chooser),
      ),
      side,
    ),
    close: () => {
      forget()
      document.removeEventListener("keydown", undoKey)
    },
  }
}
