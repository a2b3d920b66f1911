// A wall of faces that are nobody's. Each has a seed and so a link.

import { type App, packed, type Remember, short, type View } from "../app"
import { link, number, push } from "../address"
import type { Asked, Latent, Seed } from "../engine/types"
import { h, select, slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { freshSeed } from "../ui/picker"
import { shareBar } from "../ui/share"

const FACES = 24
const SEEDS = 1n << 128n // there are as many
const LIKENESS = 0.4 // how far a variation goes towards another face
const ASKED = ["with", "without", "head"] as const
const FIRST = 2 // faces drawn and decoded at once: few at first, so that something is there soon

export function inventView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const given = params.get("seed") ?? ""
  const state = {
    seed: /^\d{1,39}$/.test(given) && BigInt(given) < SEEDS ? BigInt(given) : freshSeed(),
    temperature: number(params.get("temperature"), 0, 2, 1),
    /** faces of which each was like the one before: the last is what the wall is like */
    trail: params.getAll("like"),
    face: params.get("face") ?? "",
    /** what all faces have, what none has, and the colour of their heads; "" for any */
    with: among(engine.asks?.having, params.get("with")),
    without: among(engine.asks?.having, params.get("without")),
    head: among(engine.asks?.heads, params.get("head")),
  }
  const like = () => state.trail[state.trail.length - 1] ?? ""
  let version = 0
  let drawing: Promise<unknown> = Promise.resolve()
  const pictures = Array.from({ length: FACES }, () => {
    const picture = canvas(app, "")
    picture.setAttribute("aria-hidden", "true")
    picture.removeAttribute("role")
    return picture
  })
  let references: (string | null)[] = new Array(FACES).fill(null)
  const tiles = pictures.map((picture, i) =>
    h("button", { class: "thumbnail", "aria-pressed": "false", onclick: () => references[i] && choose(references[i]!) }, picture),
  )
  const wall = h("div", { class: "wall", role: "group", "aria-label": "Random faces" }, ...tiles)
  const panel = h("div", { class: "side", "aria-live": "polite" })
  const title = h("h2", { tabIndex: -1 }, "")
  const trail = h("nav", { class: "trail", "aria-label": "Came from" })

  const address = (): [string, string][] => [
    ["seed", String(state.seed)],
    ...(state.temperature === 1 ? [] : [["temperature", state.temperature.toFixed(2)] as [string, string]]),
    ...ASKED.filter(key => state[key]).map((key): [string, string] => [key, state[key]]),
    ...state.trail.map((face): [string, string] => ["like", face]),
    ...(state.face ? [["face", state.face] as [string, string]] : []),
  ]
  const remember = () => keepAddress(address())

  /** What is asked of the faces, if anything. */
  function asked(): Asked | undefined {
    if (!ASKED.some(key => state[key])) return undefined
    const having: Record<string, boolean> = {}
    if (state.without) having[state.without] = false
    if (state.with) having[state.with] = true
    return { having, heads: state.head ? { [state.head]: 1 } : undefined }
  }

  /** The wall's faces: seeds one after the other, or variations of one face. */
  async function draw(seeds: Seed[]): Promise<Latent[]> {
    if (!like()) return engine.randomMany(seeds, state.temperature, asked())
    const base = await app.latent(like())
    return Promise.all(seeds.map(seed => engine.vary(base, seed, Math.min(1, LIKENESS * state.temperature))))
  }

  async function fill() {
    const mine = ++version
    remember()
    away.hidden = !like()
    title.textContent = like() ? `Like ${app.title(like())}` : `Seeds from ${short(String(state.seed))}`
    trail.hidden = state.trail.length < 2
    trail.replaceChildren(
      ...state.trail.map((face, i) => h("button", { class: "thumbnail", title: app.label(face), "aria-label": `Back to faces like ${app.label(face)}`, onclick: () => back(i) }, decoded(app, face))),
    )
    // One wall at a time: of those that were asked for meanwhile only the newest is drawn.
    const before = drawing
    drawing = before.then(() => fillTiles(mine), () => fillTiles(mine))
    await drawing
  }

  async function fillTiles(mine: number) {
    const seeds = Array.from({ length: FACES }, (_, i) => (state.seed + BigInt(i)) % SEEDS)
    for (let i = 0, many = FIRST; i < FACES; i += many, many = 4) {
      if (mine !== version) return
      const latents = await draw(seeds.slice(i, i + many))
      if (mine !== version) return
      const faces = await engine.decodeLatest("wall", latents)
      if (mine !== version || !faces) return
      faces.forEach((face, n) => {
        const seed = seeds[i + n]
        // At temperature 1, of any faces, the seed says it all; otherwise the latent is the reference.
        const plain = !like() && state.temperature === 1 && !asked()
        references[i + n] = plain ? `random:${seed}` : packed(latents[n])
        tiles[i + n].setAttribute("aria-label", `Face of seed ${seed}`)
        paint(pictures[i + n], face)
      })
      mark()
    }
  }

  function mark() {
    tiles.forEach((tile, i) => tile.setAttribute("aria-pressed", String(references[i] !== null && references[i] === state.face)))
  }

  function choose(reference: string) {
    state.face = reference
    remember()
    mark()
    show(reference)
  }

  function show(reference: string) {
    const seed = reference.startsWith("random:") ? reference.slice(7) : ""
    app.entitle(app.title(reference))
    panel.replaceChildren(
      h("h2", {}, seed ? `Seed ${short(seed)}` : "This face"),
      decoded(app, reference, app.label(reference), "face large"),
      h("div", { class: "inline" }, app.favourites.heart(() => reference), h("button", { class: "main", onclick: () => alike(reference) }, "More like this one")),
      shareBar(app, { title: () => app.title(reference), link: () => link("edit", [["face", reference]]), face: () => app.face(reference), faces: () => [reference] }),
      app.onward(reference, ["invent"]),
      seed && h("p", { class: "count" }, "On the command line: ", h("code", {}, `minifaces sample -n 1 --seed ${seed}`)),
    )
  }

  /** Another wall, from which Back leads to the one before. */
  function turn(change: () => void) {
    change()
    state.face = ""
    references = new Array(FACES).fill(null)
    mark()
    push("invent", address())
    void fill().catch(app.fail)
  }
  const alike = (reference: string) =>
    turn(() => {
      state.trail = [...state.trail, reference].slice(-6)
      state.seed = freshSeed()
    })
  const back = (to: number) => turn(() => (state.trail = state.trail.slice(0, to + 1)))
  const again = () => turn(() => (state.seed = freshSeed()))
  const plain = () => {
    turn(() => {
      state.trail = []
      state.seed = freshSeed()
    })
    title.focus({ preventScroll: true }) // the button that was pressed is hidden now
  }
  const away = h("button", { onclick: plain }, "Any faces again")
  let soon = 0
  const heat = slider("Temperature", { least: 0, most: 2, step: 0.05, value: state.temperature }, value => {
    state.temperature = value
    clearTimeout(soon)
    soon = window.setTimeout(() => void fill().catch(app.fail), 120)
  })
  const asks = engine.asks
  const choice = (text: string, key: (typeof ASKED)[number], options: [string, string][]) =>
    select(text, [["", "any"], ...options], state[key], value => turn(() => (state[key] = value)))
  const attributes = asks ? asks.having.map((name, i): [string, string] => [name, asks.labels[i]]) : []
  const wishes =
    asks &&
    h(
      "div",
      { class: "inline" },
      choice("All with", "with", attributes),
      choice("None with", "without", attributes),
      choice("Heads", "head", asks.heads.map((name): [string, string] => [name, name])),
    )
  if (state.face) show(state.face)
  else
    panel.replaceChildren(
      h("h2", {}, "How they come about"),
      h("p", {}, "A seed decides what a face is made of, and a network draws it. A low temperature gives ordinary faces, a high one odd ones. Choose one to see more of it."),
    )
  fill().catch(app.fail)

  return {
    element: h(
      "section",
      { class: "two", "aria-label": "Invent" },
      h(
        "div",
        { class: "stage wide" },
        h("div", { class: "inline" }, title),
        h("div", { class: "inline" }, h("button", { class: "main", onclick: again }, "New faces"), away, heat.element),
        wishes,
        trail,
        wall,
        h("p", { class: "count" }, h("a", { href: link("how") }, "How it works")),
      ),
      panel,
    ),
    close: () => {
      version++
      clearTimeout(soon)
    },
  }
}

/** What the address says, if it is one of those that there are. */
const among = (known: string[] | undefined, given: string | null) => known?.find(name => name === given) ?? ""
