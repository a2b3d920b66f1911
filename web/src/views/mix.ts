// Three faces with weights: a place in a triangle.

import { number } from "../address"
import { type App, packed, type Remember, type View } from "../app"
import type { Latent } from "../engine/types"
import { h } from "../ui/dom"
import { canvas, faceButton, paint } from "../ui/face"
import { freshSeed, picker } from "../ui/picker"
import { shareBar } from "../ui/share"

type Weights = [number, number, number]

export function mixView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const faces = params.getAll("face").slice(0, 3)
  while (faces.length < 3) faces.push(`random:${freshSeed()}`)
  let weights = told(params.get("at"))
  let latents: Latent[] = []
  let reference = ""
  let latest: ImageData | null = null
  let version = 0
  let changing = 0 // the corner whose face is exchanged
  const shown = canvas(app, "The mix", "face large")
  const knob = h("span", { class: "knob" })
  const corners = h("div", { class: "corners" })
  const onward = h("div", {})
  const triangle = h("div", {
    class: "triangle",
    tabIndex: 0,
    role: "application",
    "aria-label": "Where between the three faces: arrow keys move it",
  }, corners, knob)
  const chooser = h("details", {}, h("summary", {}, "Another face"), picker(app, face => {
    faces[changing] = face
    changing = (changing + 1) % 3
    void begin().catch(app.fail)
  }, "Take"))

  const remember = () =>
    keepAddress([...faces.map((face): [string, string] => ["face", face]), ["at", weights.slice(0, 2).map(w => w.toFixed(3)).join(",")]])

  async function begin() {
    const mine = ++version
    corners.replaceChildren(...faces.map((face, i) => faceButton(app, face, () => {
      changing = i
      chooser.open = true
      chooser.querySelector("input")!.focus()
    }, `Exchange face ${i + 1}: ${app.label(face)}`)))
    const found = await Promise.all(faces.map(face => app.latent(face)))
    if (mine !== version) return
    latents = found
    await show()
  }

  async function show() {
    const [a, b, c] = weights
    // The top, the left and the right corner of the box.
    knob.style.left = `${100 * (0.5 * a + 0 * b + 1 * c)}%`
    knob.style.top = `${100 * (1 - a)}%`
    triangle.setAttribute("aria-description", weights.map(w => `${Math.round(100 * w)} %`).join(", "))
    if (!latents.length) return
    const mixed = latents[0].map((_, i) => a * latents[0][i] + b * latents[1][i] + c * latents[2][i])
    reference = packed(mixed)
    const mine = version
    const decoded = await engine.decodeLatest("mix", [mixed])
    if (!decoded || mine !== version) return
    latest = decoded[0]
    paint(shown, latest)
    onward.replaceChildren(app.onward(reference))
    app.favourites.refresh()
    remember()
  }

  function place(event: PointerEvent) {
    const { left, top, width, height } = triangle.getBoundingClientRect()
    const a = 1 - (event.clientY - top) / height
    const c = (event.clientX - left) / width - 0.5 * a
    weights = inside([a, 1 - a - c, c])
    void show().catch(app.fail)
  }
  triangle.addEventListener("pointerdown", event => {
    if ((event.target as Element).closest("button")) return
    triangle.setPointerCapture(event.pointerId)
    place(event)
  })
  triangle.addEventListener("pointermove", event => triangle.hasPointerCapture(event.pointerId) && place(event))
  triangle.addEventListener("keydown", event => {
    const step = 0.04
    const moves: Record<string, Weights> = {
      ArrowUp: [step, -step / 2, -step / 2],
      ArrowDown: [-step, step / 2, step / 2],
      ArrowLeft: [0, step, -step],
      ArrowRight: [0, -step, step],
    }
    const move = moves[event.key]
    if (!move || event.target !== triangle) return
    event.preventDefault()
    weights = inside(weights.map((w, i) => w + move[i]) as Weights)
    void show().catch(app.fail)
  })
  app.entitle("Three faces mixed")
  begin().catch(app.fail)

  return {
    element: h(
      "section",
      { class: "two", "aria-label": "Mix" },
      h("div", { class: "stage" }, shown, h("div", { class: "inline" }, app.favourites.heart(() => reference)), shareBar(app, { title: () => "A mix of three faces", face: () => latest }), onward),
      h("div", { class: "side" }, h("h2", {}, "Three faces"), h("p", {}, "Move the point: the nearer to a face, the more of it."), triangle, chooser),
    ),
    close: () => void version++,
  }
}

function told(text: string | null): Weights {
  const [a, b] = (text ?? "").split(",").map(part => number(part, 0, 1, 1 / 3))
  return inside([a ?? 1 / 3, b ?? 1 / 3, 1 - (a ?? 1 / 3) - (b ?? 1 / 3)])
}

/** The nearest weights of at least 0 and of sum 1. */
function inside(weights: Weights): Weights {
  const some = weights.map(w => Math.max(0, w))
  const sum = some.reduce((total, w) => total + w, 0) || 1
  return some.map(w => w / sum) as Weights
}
