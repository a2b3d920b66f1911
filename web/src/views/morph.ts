// From one face to the next: a slider, a loop that plays, a strip of steps, and files to keep.

import { number } from "../address"
import { type App, type Remember, type View } from "../app"
import type { Latent, PathKind } from "../engine/types"
import { animated, films, type Kind } from "../ui/animation"
import { calm, fullScreen, h, save, select, slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { freshSeed, picker } from "../ui/picker"
import { Player, STEPS } from "../ui/player"
import { fileName, shareBar } from "../ui/share"

const STRIP = 9

export function morphView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const state = {
    faces: params.getAll("face"),
    path: (["linear", "slerp", "density", "geodesic"].includes(params.get("path") ?? "") ? params.get("path") : "linear") as PathKind,
    loop: params.get("loop") === "1",
    at: number(params.get("t"), 0, 1, 0.5),
  }
  while (state.faces.length < 2) state.faces.push(app.reference(engine.gallery[Number(freshSeed()) % engine.gallery.length]))

  const shown = canvas(app, "The morph", "face large")
  const strip = h("div", { class: "strip", role: "group", "aria-label": "The morph in steps" })
  const stops = h("ol", { class: "stops", "aria-label": "Faces of the morph" })
  const status = h("p", { class: "count", role: "status" })
  const player = new Player(
    engine,
    shown,
    app.fail,
    at => {
      state.at = at
      place.set(at)
    },
    playing => {
      playButton.textContent = playing ? "Pause" : "Play"
      if (!playing) remember()
    },
  )
  let size = 256 // of what is kept
  let version = 0 // of the path

  const title = () => `${app.title(state.faces[0])} to ${app.title(state.faces[state.faces.length - 1])}`
  const remember = () =>
    keepAddress([
      ...state.faces.map((face): [string, string] => ["face", face]),
      ["path", state.path],
      ...(state.loop ? [["loop", "1"] as [string, string]] : []),
      ["t", state.at.toFixed(3)],
    ])

  /** Do what takes a while. What goes wrong is told, unless the morph has become another one meanwhile. */
  function attempt(work: Promise<unknown>) {
    const mine = version
    work.catch(error => {
      if (mine !== version) return
      status.textContent = ""
      app.fail(error)
    })
  }

  function setPath(found: Latent[]) {
    player.set(found)
    for (const button of keepButtons) button.setAttribute("aria-disabled", String(!found.length))
  }

  /** Work the path out anew; whether it is still the newest. */
  async function lay(): Promise<boolean> {
    const mine = ++version
    remember()
    showStops()
    setPath([])
    app.say("")
    app.entitle(title())
    status.textContent = state.path === "geodesic" ? "Looking for the way of least change …" : "Working …"
    const latents = await Promise.all(state.faces.map(face => app.latent(face)))
    if (mine !== version) return false
    const found = await way(latents, mine)
    if (mine !== version) return false
    setPath(found)
    status.textContent = ""
    void player.show(state.at)
    const places = stripPlaces()
    const pictures = places.map((_, i) => {
      const picture = canvas(app, `Step ${i + 1} of ${STRIP}`)
      picture.setAttribute("aria-hidden", "true")
      picture.removeAttribute("role")
      return h("button", { class: "thumbnail", "aria-label": `Step ${i + 1} of ${STRIP}`, onclick: () => (player.stop(), move(i / (STRIP - 1))) }, picture)
    })
    strip.replaceChildren(...pictures)
    const faces = await engine.decodeLatest("strip", places.map(place => player.points[place]))
    if (mine !== version || !faces) return false
    faces.forEach((face, i) => paint(pictures[i].firstChild as HTMLCanvasElement, face))
    return true
  }

  /** The path through the faces. The way of least change is looked for leg by leg, so that one can tell how far it is. */
  async function way(latents: Latent[], mine: number): Promise<Latent[]> {
    if (state.path !== "geodesic") return engine.path(state.path, latents, STEPS, state.loop)
    const ends = state.loop ? [...latents, latents[0]] : latents
    const whole: Latent[] = []
    for (let leg = 1; leg < ends.length; leg++) {
      if (mine !== version) return []
      status.textContent = `Looking for the way of least change: ${leg} of ${ends.length - 1} …`
      const points = await engine.path("geodesic", [ends[leg - 1], ends[leg]], STEPS)
      whole.push(...(whole.length ? points.slice(1) : points))
    }
    return state.loop ? whole.slice(0, -1) : whole
  }

  const stripPlaces = () => Array.from({ length: STRIP }, (_, i) => Math.round((i / (STRIP - 1)) * (player.points.length - 1)))

  function move(at: number) {
    state.at = at
    place.set(at)
    void player.show(at)
    remember()
  }

  const play = () => player.play(state.at, state.faces.length - (state.loop ? 0 : 1), state.loop)

  function showStops() {
    const buttons = () => [...stops.querySelectorAll("button")]
    const pressed = buttons().indexOf(document.activeElement as HTMLButtonElement)
    stops.replaceChildren(
      ...state.faces.map((face, i) => {
        const swap = (by: number) => () => {
          const other = (i + by + state.faces.length) % state.faces.length
          ;[state.faces[i], state.faces[other]] = [state.faces[other], state.faces[i]]
          attempt(lay())
        }
        const remove = () => {
          if (state.faces.length < 3) return
          state.faces.splice(i, 1)
          attempt(lay())
        }
        return h(
          "li",
          {},
          decoded(app, face),
          h(
            "div",
            { class: "inline" },
            h("button", { class: "small", "aria-label": `Move face ${i + 1} forward`, onclick: swap(-1) }, "←"),
            h("button", { class: "small", "aria-label": `Remove face ${i + 1}`, "aria-disabled": String(state.faces.length < 3), onclick: remove }, "×"),
            h("button", { class: "small", "aria-label": `Move face ${i + 1} back`, onclick: swap(1) }, "→"),
          ),
        )
      }),
    )
    // Whoever pressed one of them by keys goes on from the same place.
    if (pressed >= 0) buttons()[Math.min(pressed, buttons().length - 1)].focus()
  }

  async function keep(kind: Kind) {
    if (!player.points.length) return
    player.stop()
    const [mine, path, held] = [version, player.points, player.frames]
    const places = kind === "png" ? stripPlaces() : [...path.keys()]
    const missing = places.filter(place => !held[place])
    status.textContent = "Decoding …"
    await engine.exact
    const faces = await engine.decode(missing.map(place => path[place]))
    missing.forEach((place, i) => (held[place] = faces[i]))
    if (mine !== version) return
    const wanted = places.map(place => held[place]!)
    // A path that does not close is played back again.
    if (kind !== "png" && !state.loop) wanted.push(...wanted.slice(1, -1).reverse())
    const { file, suffix } = await animated(kind, wanted, size, done => {
      if (mine === version) status.textContent = `Writing … ${Math.round(100 * done)} %`
    })
    if (mine !== version) return
    const name = `${fileName(title())}.${suffix}`
    save(file, name)
    status.textContent = `${name}: ${Math.ceil(file.size / 1000)} kB`
  }

  const place = slider("Place", { least: 0, most: 1, step: 0.001, value: state.at }, at => {
    player.stop()
    state.at = at
    void player.show(at)
  }, remember)
  const playButton = h("button", { class: "main", onclick: () => (player.playing ? player.stop() : play()) }, "Play")
  const loopBox = h("input", {
    type: "checkbox",
    checked: state.loop,
    onchange: () => {
      player.stop()
      state.loop = loopBox.checked
      attempt(lay())
    },
  })
  const kinds: [Kind, string][] = [["gif", "GIF"], ["webp", "WebP"], ["video", "Video"], ["png", "Strip"]]
  const keepButtons = kinds
    .filter(([kind]) => kind !== "video" || films())
    .map(([kind, name]) => h("button", { onclick: () => attempt(keep(kind)) }, name))
  const ways: [PathKind, string][] = [
    ["linear", "straight"],
    ["slerp", "about the mean face"],
    ["density", "where faces are likely"],
    ["geodesic", "of least change"],
  ]
  const add = (face: string) => {
    state.faces.push(face)
    attempt(lay())
  }
  // The space bar plays, unless it presses or writes something.
  const space = (event: KeyboardEvent) => {
    if (event.key !== " " || (event.target as Element).closest("button, input, select, summary, a")) return
    event.preventDefault()
    if (player.playing) player.stop()
    else play()
  }
  document.addEventListener("keydown", space)
  attempt(lay().then(newest => newest && params.get("play") === "1" && !calm() && play()))

  return {
    element: h(
      "section",
      { class: "two", "aria-label": "Morph" },
      h(
        "div",
        { class: "stage" },
        shown,
        h("div", { class: "inline" }, playButton, place.element, fullScreen(shown)),
        strip,
        status,
      ),
      h(
        "div",
        { class: "side" },
        h("h2", {}, "Faces"),
        stops,
        h("details", { open: false }, h("summary", {}, "Add a face"), picker(app, add)),
        h("h2", {}, "Way"),
        h(
          "div",
          { class: "inline" },
          select("Path", ways, state.path, value => {
            player.stop()
            state.path = value as PathKind
            attempt(lay())
          }),
          h("label", { class: "check" }, loopBox, "Loop"),
        ),
        h("h2", {}, "Keep and share"),
        h("div", { class: "inline" }, ...keepButtons, select("Pixels", [["256", "256 × 256"], ["512", "512 × 512"]], "256", value => (size = Number(value)))),
        shareBar(app, { title, face: () => player.latest, faces: () => (state.faces.length === 2 ? state.faces : []) }),
      ),
    ),
    close: () => {
      document.removeEventListener("keydown", space)
      player.stop()
      version++
      engine.halt().catch(() => {}) // a worker that stopped is told where its faces are asked for
    },
  }
}
