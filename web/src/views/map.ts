// All faces at their places: look around, search, choose one or many, and see what lies between.

import { type App, packed, type Remember, type View } from "../app"
import type { Entry, Layout } from "../engine/types"
import { Camera } from "../map/camera"
import { plain } from "../map/canvas"
import { handle } from "../map/hand"
import { type Ring, within } from "../map/lasso"
import { layouts, Move } from "../map/layout"
import { inView, type Renderer, type Scene } from "../map/scene"
import { Signs } from "../map/signs"
import { webgl } from "../map/webgl"
import { calm, h, select, slider } from "../ui/dom"
import { thumbnail } from "../ui/face"
import { fromPicture, pictureFile } from "../ui/picker"
import { found, readable } from "../ui/words"
import { mapPanel } from "./map-panel"

const LISTED = 24

export function mapView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const { gallery, gridSide } = engine
  const having = (name: string, has: boolean) => gallery.filter(({ attributes }) => attributes[name] === has).length
  const attributes: [string, string][] = [
    ["", "anything"],
    ...engine.attributes.flatMap((name): [string, string][] => [
      [name, `${readable(name)} (${having(name, true)})`],
      [`-${name}`, `not: ${readable(name)} (${having(name, false)})`],
    ]),
  ]
  const colours: [string, string][] = [["", "any"], ...engine.colours.map(({ name, count }): [string, string] => [name, `${name} (${count})`])]
  /** What the address says, if it is one of the options: what cannot be seen could not be taken off either. */
  const among = (key: string, options: [string, string][]) => options.find(([value]) => value === params.get(key))?.[0] ?? ""
  const state = {
    layout: (params.get("layout") === "grid" ? "grid" : "tsne") as Layout,
    words: params.get("q") ?? "",
    attribute: among("has", attributes),
    colour: among("colour", colours),
    /** the face that is shown: one of the map, or one that a ring or a picture made */
    face: params.get("face") ?? "",
    /** the picture that is searched by, as the model sees it */
    near: params.get("near") ?? "",
  }
  let nearest: Entry[] | null = null // the faces most like that picture
  let chosen = new Set<number>()
  let pointed = -1 // the face under the pointer
  let choices = 0 // made so far: what is found later for an older one is not shown
  let grown = 1 // how much larger faces are drawn than they are to begin with

  const map = h("canvas", {
    class: "map",
    tabIndex: 0,
    role: "img",
    "aria-label": `A map of ${gallery.length} faces. Arrow keys move it, plus and minus zoom, Enter chooses the face in the middle.`,
  })
  const lasso = h("canvas", { class: "lasso", "aria-hidden": "true" })
  const tip = h("p", { class: "tip", hidden: true, "aria-hidden": "true" })
  const listed = h("div", { class: "row", role: "group", "aria-label": "Found faces" })
  const count = h("p", { class: "count", role: "status" })

  const camera = new Camera({ width: 1, height: 1 }, Math.max(8, 5 * Math.sqrt(gallery.length)))
  camera.from(params.get("at"))
  camera.shape = state.layout === "grid" ? 0 : 1
  const places = layouts(gallery, gridSide)
  const signs = new Signs(gallery, places, ({ x, y }) => {
    ;[camera.x, camera.y, camera.near] = [x, y, Math.max(camera.near, 3)]
    seen()
  })
  const room = h("div", { class: "map-room" }, map, lasso, signs.element, tip)
  const panel = mapPanel(app, choose, () => unchoose())
  const scene: Scene = {
    x: places[state.layout].x.slice(),
    y: places[state.layout].y.slice(),
    state: new Uint8Array(gallery.length).fill(1),
    side: 10,
    fresh: { places: true, states: true },
  }

  let frame = 0
  const redraw = () => {
    frame ||= requestAnimationFrame(time => {
      frame = 0
      draw(time)
    })
  }
  let renderer: Renderer = webgl(map, engine.atlas, redraw) ?? plain(map, engine.atlas, redraw)
  const lost = () => {
    // A canvas that had one kind of context can have no other: without WebGL a new one takes its place.
    const fresh = map.cloneNode() as HTMLCanvasElement
    fresh.width = map.width
    fresh.height = map.height
    const focused = document.activeElement === map
    map.hidden = true
    fresh.classList.add("stand-in")
    map.after(fresh)
    if (focused) fresh.focus()
    renderer = plain(fresh, engine.atlas, redraw)
    redraw()
  }
  map.addEventListener("webglcontextlost", lost)

  let move: Move | null = null
  function draw(time: number) {
    if (move) {
      const gone = move.at(time)
      camera.shape = state.layout === "grid" ? 1 - gone : gone // cells of the grid stay square
      if (gone === 1) move = null
      else redraw()
    }
    scene.side = side()
    renderer.draw(scene, camera, devicePixelRatio)
    signs.element.hidden = move !== null
    signs.place(state.layout, camera)
  }

  /** On the grid a cell; else growing slower than distances do, so that faces come apart. */
  function side(): number {
    const full = engine.imageSize * 1.5 * grown
    if (state.layout === "grid") return Math.min(full, (0.95 * camera.scale) / gridSide)
    return Math.min(full, ((1.05 * grown * camera.fit) / Math.sqrt(Math.max(9, gallery.length))) * camera.near ** 0.65)
  }

  function remember() {
    const pairs: [string, string][] = [["layout", state.layout === "grid" ? "grid" : ""]]
    pairs.push(["q", state.words], ["has", state.attribute], ["colour", state.colour], ["face", state.face])
    pairs.push(["near", state.near])
    pairs.push(["at", camera.near === 1 && camera.x === 0.5 && camera.y === 0.5 ? "" : String(camera)])
    keepAddress(pairs.filter(([, value]) => value))
  }
  let remembering = 0
  const rememberSoon = () => {
    clearTimeout(remembering)
    remembering = window.setTimeout(remember, 250)
  }
  /** The camera was moved. */
  const seen = () => {
    redraw()
    rememberSoon()
  }

  function matching(): Entry[] {
    const wanted = !state.attribute.startsWith("-")
    const attribute = state.attribute.replace(/^-/, "")
    return found(nearest ?? gallery, state.words).filter(
      entry => (!state.colour || entry.colour === state.colour) && (!attribute || entry.attributes[attribute] === wanted),
    )
  }

  function filter() {
    const matches = matching()
    const narrowed = matches.length < gallery.length
    scene.state.fill(narrowed ? 0 : 1)
    for (const { index } of matches) scene.state[index] = 1
    for (const index of chosen) scene.state[index] = 2
    scene.fresh.states = true
    pointed = -1
    tip.hidden = true
    count.textContent = narrowed ? `${matches.length} of ${gallery.length} faces` : `${gallery.length} faces`
    const shown = narrowed ? matches.slice(0, LISTED) : []
    listed.replaceChildren(...shown.map(entry => thumbnail(app, entry, () => choose(entry, true))))
    const all = h("button", { onclick: everything }, "Show all faces")
    if (!matches.length) listed.replaceChildren(h("p", {}, "No face is like that. "), all)
    else if (nearest) {
      count.textContent = `The ${matches.length} faces most like your picture`
      listed.append(all)
    }
    redraw()
  }

  /** Take all filters off. */
  function everything() {
    state.words = search.value = ""
    state.attribute = state.colour = ""
    for (const box of tools.querySelectorAll("select")) if (box.closest(".filters")) box.value = ""
    state.near = ""
    nearest = null
    if (state.face && !app.entry(state.face)) unchoose()
    filter()
    remember()
    search.focus()
  }

  /** Bring the face under the pointer to the front, with its name; none without one. */
  function point(index: number, px = 0, py = 0) {
    if (index !== pointed) {
      if (pointed >= 0) scene.state[pointed] = chosen.has(pointed) ? 2 : 1
      pointed = index
      if (index >= 0) scene.state[index] = 3
      scene.fresh.states = true
      redraw()
    }
    tip.hidden = index < 0
    if (index < 0) return
    tip.textContent = app.title(app.reference(gallery[index]))
    tip.style.left = `${Math.min(px + 14, room.clientWidth - 180)}px`
    tip.style.top = `${py + 18}px`
  }

  function choose(entry: Entry, goThere = false) {
    choices++
    const focused = document.activeElement
    state.face = app.reference(entry)
    chosen = new Set([entry.index])
    if (goThere) {
      camera.x = places[state.layout].x[entry.index]
      camera.y = places[state.layout].y[entry.index]
      camera.near = Math.max(camera.near, Math.sqrt(gallery.length) / 4)
    }
    filter()
    remember()
    panel.entry(entry)
    // On a phone it comes up over the lower half of the page: the map is shown above it.
    if (getComputedStyle(panel.element).position === "fixed") room.scrollIntoView({ block: "start", behavior: calm() ? "auto" : "smooth" })
    // The thumbnail that was pressed is gone: go on from what it shows.
    if (!focused?.isConnected) panel.element.querySelector("h2")!.focus({ preventScroll: true })
  }

  function unchoose(x = camera.x, y = camera.y) {
    choices++
    state.face = ""
    chosen = new Set()
    filter()
    remember()
    panel.nothing()
    hover(x, y)
  }

  /** Show what lies at a place of the world. */
  function hover(x: number, y: number) {
    if (state.face) return
    const at: [number, number] = state.layout === "grid" ? [x * gridSide - 0.5, y * gridSide - 0.5] : [x, y]
    engine.latentAt(state.layout, ...at).then(panel.between, app.fail)
  }
  const hoverMiddle = () => hover(camera.x, camera.y)

  function under(px: number, py: number): Entry | null {
    const half = side() / 2
    const hits = inView(scene, camera, room.clientWidth, room.clientHeight)
      .filter(({ x, y }) => Math.abs(x - px) < half && Math.abs(y - py) < half)
      .sort((a, b) => b.depth - a.depth)
    return hits.length ? gallery[hits[0].index] : null
  }

  handle(room, lasso, camera, {
    lassoing: () => lassoButton.getAttribute("aria-pressed") === "true",
    moved(middle) {
      if (middle) hoverMiddle()
      seen()
    },
    over(place) {
      const entry = place && under(...place)
      if (place && !entry) hover(...camera.toWorld(...place))
      point(entry?.index ?? -1, ...(place ?? []))
      map.classList.toggle("over", entry !== null)
    },
    pressed(x, y) {
      const entry = under(x, y)
      if (entry) choose(entry)
      else unchoose(...camera.toWorld(x, y))
    },
    ringed: enclose,
    enter: chooseMiddle,
    escape: () => unchoose(),
  })

  function chooseMiddle() {
    const { x, y } = places[state.layout]
    const far = (i: number) => (x[i] - camera.x) ** 2 + (y[i] - camera.y) ** 2
    choose(gallery.reduce((best, entry) => (far(entry.index) < far(best.index) ? entry : best)))
  }

  function enclose(ring: Ring) {
    const faces = gallery.filter(({ index }) => scene.state[index] > 0 && within(ring, ...camera.toPixels(scene.x[index], scene.y[index])))
    if (!faces.length) {
      app.say("There is no face inside.")
      return
    }
    const mine = ++choices
    Promise.all(faces.map(({ index }) => engine.latentOf(index)))
      .then(latents => {
        if (mine !== choices) return
        chosen = new Set(faces.map(({ index }) => index))
        state.face = packed(engine.mean(latents))
        filter()
        remember()
        const one = faces.length === 1
        panel.other(state.face, one ? "One face" : `The mean of ${faces.length} faces`, one ? "It is its own mean." : "Each counts the same.", faces)
      })
      .catch(app.fail)
  }

  /** Find the faces that are most like a picture, unless something else is chosen meanwhile: whether they are shown. */
  async function searchBy(picture: string | Blob): Promise<boolean> {
    const mine = ++choices
    const { face: reference, doubt } = typeof picture === "string" ? { face: picture, doubt: "" } : await fromPicture(app, picture)
    const latent = await app.latent(reference)
    const found = await engine.neighbours(latent, Math.min(LISTED, gallery.length))
    if (mine !== choices) return false
    nearest = found.map(({ index }) => gallery[index])
    state.near = state.face = reference
    chosen = new Set()
    const { x, y } = places[state.layout]
    const [{ index }] = found
    ;[camera.x, camera.y, camera.near] = [x[index], y[index], Math.max(camera.near, 2)]
    filter()
    remember()
    panel.other(reference, "Your picture", "So the model sees it. The faces most like it stand out on the map.")
    app.say(doubt)
    return true
  }
  const file = pictureFile("A picture to search by", picture => void searchBy(picture).catch(app.fail))

  let pixels = matchMedia("")
  const resize = () => {
    // On another screen a pixel may be another one, though the size is the same.
    pixels.removeEventListener("change", resize)
    pixels = matchMedia(`(resolution: ${devicePixelRatio}dppx)`)
    pixels.addEventListener("change", resize)
    const { clientWidth: width, clientHeight: height } = room
    for (const one of room.querySelectorAll("canvas")) {
      one.width = Math.max(1, Math.round(width * devicePixelRatio))
      one.height = Math.max(1, Math.round(height * devicePixelRatio))
    }
    camera.resize({ width, height })
    draw(performance.now())
  }
  const sized = new ResizeObserver(resize)
  sized.observe(room)
  const scheme = matchMedia("(prefers-color-scheme: dark)")
  scheme.addEventListener("change", redraw)

  const search = h("input", {
    type: "search",
    value: state.words,
    placeholder: "beard, glasses, pirate …",
    oninput: () => {
      state.words = search.value
      filter()
      rememberSoon()
    },
  })
  const set = (key: "attribute" | "colour") => (value: string) => {
    state[key] = value
    filter()
    remember()
  }
  const layoutBox = select("Layout", [["tsne", "by likeness"], ["grid", "on a grid"]], state.layout, value => {
    state.layout = value as Layout
    move = new Move(scene, places[state.layout], calm() ? 0 : undefined)
    redraw()
    remember()
  })
  const sizeKnob = slider("Size", { least: 0.5, most: 2.5, step: 0.05, value: 1 }, value => {
    grown = value
    redraw()
  })
  const lassoButton = h(
    "button",
    {
      "aria-pressed": "false",
      title: "Draw around faces to see their mean (or hold Shift)",
      onclick: () => lassoButton.setAttribute("aria-pressed", String(lassoButton.getAttribute("aria-pressed") === "false")),
    },
    "Lasso",
  )
  const zoomed = (factor: number) => () => {
    camera.zoom(factor)
    seen()
  }
  const narrow = matchMedia("(max-width: 52rem)").matches
  const tools = h(
    "div",
    { class: "tools" },
    h("label", { class: "field grow" }, h("span", {}, "Search"), search),
    h("button", { title: "Find the faces that are most like a picture", onclick: () => file.click() }, "By picture"),
    file,
    h(
      "details",
      { class: "filters", open: !narrow || Boolean(state.attribute || state.colour) },
      h("summary", {}, "Filters"),
      h(
        "div",
        { class: "inline" },
        engine.attributes.length > 0 && select("With", attributes, state.attribute, set("attribute")),
        select("Colour", colours, state.colour, set("colour")),
        layoutBox,
        sizeKnob.element,
      ),
    ),
    h(
      "div",
      { class: "inline" },
      lassoButton,
      h("button", { "aria-label": "Nearer", onclick: zoomed(1.5) }, "+"),
      h("button", { "aria-label": "Farther", onclick: zoomed(1 / 1.5) }, "−"),
      h("button", { onclick: () => (camera.from("0.5,0.5,1"), hoverMiddle(), redraw(), remember()) }, "All"),
    ),
  )

  /** Show what the address says. */
  async function begin({ face, near } = state) {
    const entry = face ? app.entry(face) : null
    if (near && !(await searchBy(near))) return
    if (entry) choose(entry)
    else if (face && face !== near) {
      const mine = ++choices
      await app.latent(face)
      if (mine === choices) panel.other(face, "A face of the map", app.label(face))
    } else if (!near) panel.nothing()
  }
  const begun = choices
  filter()
  begin({ ...state }).catch(error => {
    if (choices > begun + 1) return
    state.near = ""
    unchoose()
    app.fail(error)
  })

  return {
    element: h("section", { class: "map-view", "aria-label": "Map" }, tools, h("div", { class: "found" }, count, listed), room, panel.element),
    close() {
      cancelAnimationFrame(frame)
      clearTimeout(remembering)
      choices++
      sized.disconnect()
      pixels.removeEventListener("change", resize)
      scheme.removeEventListener("change", redraw)
      map.removeEventListener("webglcontextlost", lost)
      renderer.close()
    },
  }
}
