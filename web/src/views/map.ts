// All faces at their places: look around, search, choose one or many, and see what lies between.

import { link } from "../address"
import { type App, packed, type Remember, type View } from "../app"
import type { Entry, Latent, Layout } from "../engine/types"
import { Camera } from "../map/camera"
import { plain } from "../map/canvas"
import { type Region, regions } from "../map/regions"
import { inView, type Renderer, type Scene } from "../map/scene"
import { webgl } from "../map/webgl"
import { calm, h, save, select, slider } from "../ui/dom"
import { decoded, found, original, paint, thumbnail } from "../ui/face"
import { shareBar } from "../ui/share"

const LISTED = 24
const NEIGHBOURS = 8
const NAMED = 2000 // faces at most: of more, places are not named
const MOVING = 450 // milliseconds from one layout to the other

export function mapView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const { gallery, gridSide } = engine
  const readable = (name: string) => name.replaceAll("_", " ")
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
    face: params.get("face") ?? "",
  }
  const map = h("canvas", {
    class: "map",
    tabIndex: 0,
    role: "img",
    "aria-label": `A map of ${gallery.length} faces. Arrow keys move it, plus and minus zoom, Enter chooses the face in the middle.`,
  })
  const lasso = h("canvas", { class: "lasso", "aria-hidden": "true" })
  const tip = h("p", { class: "tip", hidden: true, "aria-hidden": "true" })
  const signs = h("div", { class: "signs", role: "group", "aria-label": "Places of the map" })
  const room = h("div", { class: "map-room" }, map, lasso, signs, tip)
  const panel = h("aside", { class: "panel", "aria-label": "Chosen face" })
  const view = h("section", { class: "map-view", "aria-label": "Map" })
  let pointed = -1 // the face under the pointer
  const listed = h("div", { class: "row", role: "group", "aria-label": "Found faces" })
  const count = h("p", { class: "count", role: "status" })

  const camera = new Camera({ width: 1, height: 1 }, Math.max(8, 5 * Math.sqrt(gallery.length)))
  camera.from(params.get("at"))
  const targets = { tsne: places(gallery, "tsne", gridSide), grid: places(gallery, "grid", gridSide) }
  const scene: Scene = {
    x: targets[state.layout].x.slice(),
    y: targets[state.layout].y.slice(),
    state: new Uint8Array(gallery.length).fill(1),
    side: 10,
    fresh: { places: true, states: true },
  }
  let chosen = new Set<number>()
  let choices = 0 // made so far: what is found later for an older one is not shown
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

  let moved: { from: { x: Float32Array; y: Float32Array }; start: number } | null = null
  function draw(time: number) {
    if (moved) {
      const share = Math.min(1, (time - moved.start) / MOVING)
      const eased = share * share * (3 - 2 * share)
      const to = targets[state.layout]
      for (let i = 0; i < scene.x.length; i++) {
        scene.x[i] = moved.from.x[i] + eased * (to.x[i] - moved.from.x[i])
        scene.y[i] = moved.from.y[i] + eased * (to.y[i] - moved.from.y[i])
      }
      scene.fresh.places = true
      if (share === 1) moved = null
      redraw()
    }
    scene.side = side()
    renderer.draw(scene, camera, devicePixelRatio)
    placeSigns()
  }

  /** Names of places, worked out once for each layout: pressed, they lead there. */
  const named = new Map<Layout, [Region, HTMLElement][]>()
  function placeSigns() {
    if (gallery.length > NAMED) return
    if (!named.has(state.layout)) {
      const found = regions(gallery, engine.attributes, targets[state.layout])
      named.set(state.layout, found.map(region => [region, h("button", { class: "sign", onclick: () => goTo(region) }, readable(region.name))]))
    }
    const here = named.get(state.layout)!
    if (signs.childElementCount !== here.length || signs.firstElementChild !== (here[0]?.[1] ?? null)) signs.replaceChildren(...here.map(([, sign]) => sign))
    signs.hidden = moved !== null
    for (const [{ x, y }, sign] of here) {
      const [left, top] = camera.toPixels(x, y)
      sign.style.transform = `translate(-50%, -50%) translate(${left}px, ${top}px)`
    }
  }

  function goTo({ x, y }: Region) {
    ;[camera.x, camera.y, camera.near] = [x, y, Math.max(camera.near, 3)]
    redraw()
    rememberSoon()
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
    pairs.push(["at", camera.near === 1 && camera.x === 0.5 && camera.y === 0.5 ? "" : String(camera)])
    keepAddress(pairs.filter(([, value]) => value))
  }
  let remembering = 0
  const rememberSoon = () => {
    clearTimeout(remembering)
    remembering = window.setTimeout(remember, 250)
  }

  function matching(): Entry[] {
    const wanted = !state.attribute.startsWith("-")
    const attribute = state.attribute.replace(/^-/, "")
    return found(gallery, state.words).filter(
      entry =>
        (!state.colour || entry.colour === state.colour) && (!attribute || entry.attributes[attribute] === wanted),
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
    if (!matches.length) listed.replaceChildren(h("p", {}, "No face is like that. "), h("button", { onclick: everything }, "Show all faces"))
    redraw()
  }

  /** Take all filters off. */
  function everything() {
    state.words = search.value = ""
    state.attribute = state.colour = ""
    for (const box of tools.querySelectorAll("select")) if (box.closest(".filters")) box.value = ""
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
      camera.x = targets[state.layout].x[entry.index]
      camera.y = targets[state.layout].y[entry.index]
      camera.near = Math.max(camera.near, Math.sqrt(gallery.length) / 4)
    }
    filter()
    remember()
    show(entry)
    // The thumbnail that was pressed is gone: go on from what it shows.
    if (!focused?.isConnected) panel.querySelector("h2")!.focus({ preventScroll: true })
  }

  function show(entry: Entry) {
    const near = h("div", { class: "row", role: "group", "aria-label": "Nearest faces" })
    const known = Object.entries(entry.attributes).filter(([, has]) => has)
    const reference = app.reference(entry)
    app.entitle(app.title(reference))
    view.classList.add("chosen")
    panel.replaceChildren(
      closeButton(),
      h("h2", { tabIndex: -1 }, app.title(reference)),
      h("p", { class: "count" }, entry.name),
      h(
        "div",
        { class: "pair" },
        h("figure", {}, original(app, entry), h("figcaption", {}, "as it is")),
        h("figure", {}, decoded(app, reference, `Reconstruction of ${entry.name}`), h("figcaption", {}, "reconstructed")),
      ),
      h(
        "p",
        { class: "tags" },
        ...[entry.colour, ...known.map(([name]) => readable(name))].map(text => h("span", {}, text)),
        entry.split === "train" ? null : h("span", {}, "never seen in training"),
      ),
      h("div", { class: "inline" }, app.favourites.heart(() => reference)),
      app.onward(reference),
      h("h3", {}, "Nearest"),
      near,
      shareBar(app, { title: () => app.title(reference), face: () => app.face(reference) }),
    )
    panel.scrollTop = 0
    engine
      .latentOf(entry.index)
      .then(latent => engine.neighbours(latent, Math.min(NEIGHBOURS, gallery.length - 1), entry.index))
      .then(found => near.replaceChildren(...found.map(({ index }) => thumbnail(app, gallery[index], () => choose(gallery[index], true)))))
      .catch(app.fail)
  }

  const closeButton = () => h("button", { class: "small close", "aria-label": "Close", onclick: () => unchoose() }, "×")

  /** A face that is not of the map: the mean of many, or what a link holds. */
  function showOther(reference: string, title: string, text: string, of: Entry[] = []) {
    app.entitle(title)
    view.classList.add("chosen")
    panel.replaceChildren(
      closeButton(),
      h("h2", {}, title),
      h("p", {}, text),
      h("div", { class: "pair" }, decoded(app, reference, title)),
      h("div", { class: "inline" }, app.favourites.heart(() => reference)),
      app.onward(reference),
      ...(of.length ? [
        h("h3", {}, "These faces"),
        h("div", { class: "row", role: "group", "aria-label": "Faces inside" }, ...of.slice(0, LISTED).map(entry => thumbnail(app, entry, () => choose(entry)))),
        h("div", { class: "inline" }, h("button", { onclick: () => save(new Blob([table(of)], { type: "text/csv" }), "faces.csv") }, `Save the list (${of.length})`)),
      ] : []),
      shareBar(app, { title: () => title, face: () => app.face(reference) }),
    )
    panel.scrollTop = 0
  }

  /** What is shown where no face is chosen, and how far it is changed by the slider below it. */
  const between = { latent: null as Latent | null, amount: 0, picture: null as HTMLCanvasElement | null }
  const knob = engine.directions.find(({ name }) => name === "turn") ?? engine.directions.find(({ learnt }) => learnt)

  /** A sentence on what this is, what lies at a place of the map, and a slider to try. */
  function showNothing(x?: number, y?: number) {
    const first = gallery.find(({ attributes }) => attributes.smile) ?? gallery[0]
    // Its sprite until it is decoded.
    between.picture = original(app, first, "face large")
    between.picture.setAttribute("aria-label", "What lies there")
    between.amount = 0
    app.entitle("")
    view.classList.remove("chosen")
    const change = (amount: number) => {
      between.amount = amount
      showBetween()
    }
    panel.replaceChildren(
      h("h2", {}, "A small network draws these faces, here in your browser"),
      between.picture,
      ...(knob ? [slider(knob.label, { least: Math.max(-1.5, knob.least), most: Math.min(1.5, knob.most), step: 0.05, value: 0 }, change).element] : []),
      h("p", {}, "Move over the map: what lies between the faces is drawn as you go. Choose a face to see more of it."),
      h("div", { class: "inline" }, h("a", { class: "button main", href: link("avatar") }, "Your name’s face"), h("a", { class: "button", href: link("invent") }, "New faces")),
    )
    if (x === undefined || y === undefined) {
      engine.latentOf(first.index).then(latent => {
        between.latent ??= latent
        showBetween()
      }, app.fail)
    } else hover(x, y)
  }

  function showBetween() {
    const { latent, amount, picture: target } = between
    if (!latent || !target || state.face) return
    const edited = knob && amount ? engine.edit(latent, { [knob.name]: amount }) : Promise.resolve(latent)
    edited
      .then(edited => engine.decodeLatest("hover", [edited]))
      .then(faces => faces && !state.face && paint(target, faces[0]))
      .catch(app.fail)
  }

  function hover(x: number, y: number) {
    if (!between.picture?.isConnected || state.face) return
    const at: [number, number] = state.layout === "grid" ? [x * gridSide - 0.5, y * gridSide - 0.5] : [x, y]
    engine
      .latentAt(state.layout, ...at)
      .then(latent => {
        between.latent = latent
        showBetween()
      })
      .catch(app.fail)
  }
  const hoverMiddle = () => hover(camera.x, camera.y)

  function under(px: number, py: number): Entry | null {
    const half = side() / 2
    const hits = inView(scene, camera, room.clientWidth, room.clientHeight)
      .filter(({ x, y }) => Math.abs(x - px) < half && Math.abs(y - py) < half)
      .sort((a, b) => b.depth - a.depth)
    return hits.length ? gallery[hits[0].index] : null
  }

  function unchoose(x = camera.x, y = camera.y) {
    choices++
    state.face = ""
    chosen = new Set()
    filter()
    remember()
    showNothing(x, y)
  }

  // Mouse, fingers and pen.
  const fingers = new Map<number, [number, number]>()
  let loop: [number, number][] | null = null
  let travelled = 0
  let lassoing = false
  const at = (event: PointerEvent | WheelEvent): [number, number] => {
    const { left, top } = room.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }
  room.addEventListener("pointerdown", event => {
    if (event.button || (event.target as Element).closest("button")) return
    room.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, at(event))
    // Two fingers zoom: they choose nothing and draw nothing.
    const one = fingers.size === 1
    travelled = one ? 0 : Infinity
    if (loop) drawLoop(lasso, []) // only then: a canvas that was never drawn on costs nothing
    loop = one && (lassoing || event.shiftKey) ? [at(event)] : null
  })
  room.addEventListener("pointermove", event => {
    const [px, py] = at(event)
    const before = fingers.get(event.pointerId)
    if (!before) {
      if (event.pointerType !== "mouse") return
      const entry = under(px, py)
      if (!entry) hover(...camera.toWorld(px, py))
      point(entry?.index ?? -1, px, py)
      map.classList.toggle("over", entry !== null)
      return
    }
    travelled += Math.hypot(px - before[0], py - before[1])
    if (loop) {
      loop.push([px, py])
      drawLoop(lasso, loop)
      return
    }
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place)
    if (others.length) {
      const [ox, oy] = others[0]
      const factor = Math.hypot(px - ox, py - oy) / Math.max(1, Math.hypot(before[0] - ox, before[1] - oy))
      camera.pan((px - before[0]) / 2, (py - before[1]) / 2)
      camera.zoom(factor, (px + ox) / 2, (py + oy) / 2)
    } else camera.pan(px - before[0], py - before[1])
    fingers.set(event.pointerId, [px, py])
    if (event.pointerType !== "mouse") hoverMiddle()
    redraw()
    rememberSoon()
  })
  room.addEventListener("pointerleave", () => point(-1))
  const lift = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return
    if (loop) {
      const ring = loop
      loop = null
      drawLoop(lasso, [])
      if (event.type === "pointerup" && travelled > 20) enclose(ring)
    } else if (event.type === "pointerup" && travelled < 6) {
      const entry = under(...at(event))
      if (entry) choose(entry)
      else unchoose(...camera.toWorld(...at(event)))
    }
  }
  room.addEventListener("pointerup", lift)
  room.addEventListener("pointercancel", lift)
  room.addEventListener(
    "wheel",
    event => {
      event.preventDefault()
      const lines = event.deltaMode === 1 ? 30 : 1
      camera.zoom(Math.exp(-event.deltaY * lines * 0.0015), ...at(event))
      redraw()
      rememberSoon()
    },
    { passive: false },
  )
  room.addEventListener("keydown", event => {
    const step = 60
    const moves: Record<string, () => void> = {
      ArrowLeft: () => camera.pan(step, 0),
      ArrowRight: () => camera.pan(-step, 0),
      ArrowUp: () => camera.pan(0, step),
      ArrowDown: () => camera.pan(0, -step),
      "+": () => camera.zoom(1.25),
      "=": () => camera.zoom(1.25),
      "-": () => camera.zoom(0.8),
      "0": () => camera.from("0.5,0.5,1"),
      Enter: () => chooseMiddle(),
      Escape: () => unchoose(),
    }
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key]
    if (!move) return
    event.preventDefault()
    move()
    hoverMiddle()
    redraw()
    rememberSoon()
  })

  function chooseMiddle() {
    const { x, y } = targets[state.layout]
    const far = (i: number) => (x[i] - camera.x) ** 2 + (y[i] - camera.y) ** 2
    choose(gallery.reduce((best, entry) => (far(entry.index) < far(best.index) ? entry : best)))
  }

  function enclose(ring: [number, number][]) {
    const faces = gallery.filter(({ index }) => {
      const [px, py] = camera.toPixels(scene.x[index], scene.y[index])
      return scene.state[index] > 0 && within(ring, px, py)
    })
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
        showOther(state.face, faces.length === 1 ? "One face" : `The mean of ${faces.length} faces`, faces.length === 1 ? "It is its own mean." : "Each counts the same.", faces)
      })
      .catch(app.fail)
  }

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
    placeholder: "beard, glasses, 3626bp01 …",
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
    if (!calm()) moved = { from: { x: scene.x.slice(), y: scene.y.slice() }, start: performance.now() }
    state.layout = value as Layout
    if (!moved) {
      scene.x.set(targets[state.layout].x)
      scene.y.set(targets[state.layout].y)
      scene.fresh.places = true
    }
    redraw()
    remember()
  })
  const lassoButton = h(
    "button",
    {
      "aria-pressed": "false",
      title: "Draw around faces to see their mean (or hold Shift)",
      onclick: () => {
        lassoing = !lassoing
        lassoButton.setAttribute("aria-pressed", String(lassoing))
      },
    },
    "Lasso",
  )
  const zoomed = (factor: number) => () => {
    camera.zoom(factor)
    redraw()
    rememberSoon()
  }
  let grown = 1 // how much larger faces are drawn than they are to begin with
  const sizeKnob = slider("Size", { least: 0.5, most: 2.5, step: 0.05, value: 1 }, value => {
    grown = value
    redraw()
  })
  const narrow = matchMedia("(max-width: 52rem)")
  const tools = h(
    "div",
    { class: "tools" },
    h("label", { class: "field grow" }, h("span", {}, "Search"), search),
    h(
      "details",
      { class: "filters", open: !narrow.matches || Boolean(state.attribute || state.colour) },
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
  filter()
  const start = state.face ? app.entry(state.face) : null
  if (start) {
    chosen = new Set([start.index])
    filter()
    show(start)
  } else if (state.face) {
    const [asked, mine] = [state.face, choices]
    const still = () => mine === choices
    app.latent(asked).then(
      () => still() && showOther(asked, "A face of the map", app.label(asked)),
      error => {
        if (!still()) return
        unchoose()
        app.fail(error)
      },
    )
  } else showNothing()

  view.append(tools, h("div", { class: "found" }, count, listed), room, panel)
  return {
    element: view,
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

/** Faces as a table: name, description, colour, attributes. */
function table(faces: Entry[]): string {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = faces.map(({ name, description, colour, attributes }) => {
    const has = Object.keys(attributes).filter(key => attributes[key]).join(" ")
    return [name, description, colour, has].map(quoted).join(",")
  })
  return ["name,description,colour,attributes", ...rows, ""].join("\n")
}

function places(gallery: Entry[], layout: Layout, gridSide: number): { x: Float32Array; y: Float32Array } {
  const cell = (place: number) => (place + 0.5) / gridSide
  const tsne = layout === "tsne"
  return {
    x: Float32Array.from(gallery, entry => (tsne ? entry.x : cell(entry.gridX))),
    y: Float32Array.from(gallery, entry => (tsne ? entry.y : cell(entry.gridY))),
  }
}

/** Whether a place lies inside a ring: a ray from it crosses the ring an odd number of times. */
function within(ring: [number, number][], x: number, y: number): boolean {
  let inside = false
  ring.forEach(([ax, ay], i) => {
    const [bx, by] = ring[(i + 1) % ring.length]
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside
  })
  return inside
}

function drawLoop(canvas: HTMLCanvasElement, ring: [number, number][]): void {
  const context = canvas.getContext("2d")!
  context.clearRect(0, 0, canvas.width, canvas.height)
  if (!ring.length) return
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
  context.beginPath()
  ring.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)))
  context.closePath()
  context.strokeStyle = getComputedStyle(canvas).outlineColor
  context.lineWidth = 2
  context.setLineDash([6, 4])
  context.stroke()
  context.setTransform(1, 0, 0, 1, 0, 0)
}
