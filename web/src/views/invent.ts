// A wall of faces that are nobody's. Each has a seed and so a link.

import { type App, packed, type Remember, short, type View } from "../app"
import { link, number } from "../address"
import type { Latent, Seed } from "../engine/types"
import { h, slider } from "../ui/dom"
import { canvas, decoded, paint } from "../ui/face"
import { freshSeed } from "../ui/picker"

const FACES = 24
const SEEDS = 1n << 128n // there are as many
const LIKENESS = 0.4 // how far a variation goes towards another face

export function inventView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const given = params.get("seed") ?? ""
  const state = {
    seed: /^\d{1,39}$/.test(given) && BigInt(given) < SEEDS ? BigInt(given) : freshSeed(),
    temperature: number(params.get("temperature"), 0, 2, 1),
    like: params.get("like") ?? "",
    face: params.get("face") ?? "",
  }
  let version = 0
  const wall = h("div", { class: "wall", role: "group", "aria-label": "Random faces" })
  const panel = h("div", { class: "side", "aria-live": "polite" })
  const title = h("h2", { tabIndex: -1 }, "")

  const remember = () =>
    keepAddress(
      Object.entries({
        seed: String(state.seed),
        temperature: state.temperature === 1 ? "" : state.temperature.toFixed(2),
        like: state.like,
        face: state.face,
      }).filter(([, value]) => value),
    )

  /** The wall's faces: seeds one after the other, or variations of one face. */
  async function draw(seeds: Seed[]): Promise<Latent[]> {
    if (!state.like) return engine.randomMany(seeds, state.temperature)
    const base = await app.latent(state.like)
    return Promise.all(seeds.map(seed => engine.vary(base, seed, Math.min(1, LIKENESS * state.temperature))))
  }

  async function fill() {
    const mine = ++version
    remember()
    away.hidden = !state.like
    title.textContent = state.like ? `Like ${app.label(state.like)}` : `Seeds from ${short(String(state.seed))}`
    const seeds = Array.from({ length: FACES }, (_, i) => (state.seed + BigInt(i)) % SEEDS)
    const tiles = seeds.map(seed => {
      const picture = canvas(app, "")
      picture.setAttribute("aria-hidden", "true")
      picture.removeAttribute("role")
      return h("button", { class: "thumbnail", "aria-label": `Face of seed ${seed}` }, picture)
    })
    wall.replaceChildren(...tiles)
    for (let i = 0; i < FACES; i += 4) {
      const latents = await draw(seeds.slice(i, i + 4))
      if (mine !== version) return
      const faces = await engine.decodeLatest(`wall ${i}`, latents)
      if (mine !== version || !faces) return
      faces.forEach((face, n) => {
        const seed = seeds[i + n]
        // At temperature 1 the seed says it all; otherwise the latent is the reference.
        const plain = !state.like && state.temperature === 1
        const reference = plain ? `random:${seed}` : packed(latents[n])
        paint(tiles[i + n].firstChild as HTMLCanvasElement, face)
        tiles[i + n].addEventListener("click", () => choose(reference))
      })
    }
  }

  function choose(reference: string) {
    state.face = reference
    remember()
    const seed = reference.startsWith("random:") ? reference.slice(7) : ""
    const like = h("button", { onclick: () => alike(reference) }, "More like this one")
    panel.replaceChildren(
      h("h2", {}, seed ? `Seed ${short(seed)}` : "This face"),
      decoded(app, reference),
      seed && h("p", {}, "On the command line: ", h("code", {}, `minifaces sample -n 1 --seed ${seed}`)),
      h("p", { class: "onward" }, like),
      app.onward(reference, ["invent"]),
    )
  }

  function alike(reference: string) {
    state.like = reference
    state.seed = freshSeed()
    void fill().catch(app.fail)
  }

  const again = () => {
    state.seed = freshSeed()
    void fill().catch(app.fail)
  }
  const plain = () => {
    state.like = ""
    again()
    title.focus({ preventScroll: true }) // the button that was pressed is hidden now
  }
  const away = h("button", { onclick: plain }, "Not like it")
  let soon = 0
  const heat = slider("Temperature", { least: 0, most: 2, step: 0.05, value: state.temperature }, value => {
    state.temperature = value
    clearTimeout(soon)
    soon = window.setTimeout(() => void fill().catch(app.fail), 120)
  })
  if (state.face) choose(state.face)
  else
    panel.replaceChildren(
      h("h2", {}, "How they come about"),
      h("p", {}, "Noise is drawn from a seed and carried to where faces are. A low temperature gives ordinary faces, a high one odd ones. Choose one to see more of it."),
    )
  fill().catch(app.fail)

  return {
    title: "Invent",
    element: h(
      "section",
      { class: "two", "aria-label": "Invent" },
      h(
        "div",
        { class: "stage wide" },
        h("div", { class: "inline" }, title),
        h("div", { class: "inline" }, h("button", { class: "main", onclick: again }, "New faces"), away, heat.element),
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
