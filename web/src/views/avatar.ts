// A text has a face, always the same one; two have a way from one to the other, which plays.

import { type App, type Remember, short, type View } from "../app"
import { link } from "../address"
import { calm, fullScreen, h } from "../ui/dom"
import { canvas } from "../ui/face"
import { Player, STEPS } from "../ui/player"
import { shareBar } from "../ui/share"

const EXAMPLES = ["Kim", "Emma", "Max"]

export function avatarView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const shown = canvas(app, "The face of the text", "face large")
  const facts = h("p", { class: "count" })
  const onward = h("div", {})
  const command = h("code", {})
  const name = field("Your name, or any text", params.get("text") ?? "", () => draw())
  const friend = field("A friend’s name", params.get("friend") ?? "", () => draw())
  const player = new Player(engine, shown, app.fail, undefined, playing => (playButton.textContent = playing ? "Pause" : "Play"))
  const playButton = h("button", { class: "main", hidden: true, onclick: () => (player.playing ? player.stop() : play()) }, "Play")
  const film = h("a", { class: "button", hidden: true }, "Keep it as a film")
  const examples = h(
    "p",
    { class: "examples" },
    "Try ",
    ...EXAMPLES.map(text => h("button", { onclick: () => ((name.value = text), draw()) }, text)),
  )
  const title = () => app.title(`avatar:${name.value}`) + (friend.value ? ` and ${app.title(`avatar:${friend.value}`).replace("The face", "that")}` : "")
  const found = h(
    "div",
    { hidden: true },
    h("div", { class: "inline" }, app.favourites.heart(() => (name.value ? `avatar:${name.value}` : ""))),
    shareBar(app, {
      title,
      face: () => player.latest,
      faces: () => [name.value, friend.value].filter(Boolean).map(text => `avatar:${text}`),
    }),
  )
  let version = 0

  const play = () => player.play(0, 1, false)
  const draw = () => void show().catch(app.fail)

  /** The face of the first text; with a second one the way between both, back and forth. */
  async function show() {
    const [mine, text, other] = [++version, name.value, friend.value]
    keepAddress([["text", text], ["friend", other]].filter(([, value]) => value) as [string, string][])
    player.stop()
    for (const part of [found, facts, command, onward, shown]) part.hidden = !text
    for (const part of [playButton, film]) part.hidden = !(text && other)
    examples.hidden = text !== ""
    if (!text) return app.entitle("")
    app.entitle(title())
    const { seed, latent } = await engine.avatar(text)
    const ends = other ? [latent, (await engine.avatar(other)).latent] : [latent]
    const points = other ? await engine.path("linear", ends, STEPS) : ends
    if (mine !== version) return
    player.set(points)
    await player.show(0)
    if (mine !== version) return
    shown.setAttribute("aria-label", other ? `From the face of ${text} to the face of ${other}` : `The face of ${text}`)
    facts.textContent = `Seed ${short(String(seed))}`
    command.textContent = `minifaces avatar -o avatar.png -- '${text.replaceAll("'", "'\\''")}'`
    onward.replaceChildren(app.onward(`avatar:${text}`))
    film.href = link("morph", [["face", `avatar:${text}`], ["face", `avatar:${other}`], ["t", "0"]])
    app.favourites.refresh()
    if (other && !calm()) play()
  }
  draw()
  // Not from under the fingers of whoever came by keys.
  const keyed = document.activeElement?.matches("a:focus-visible")
  if (!name.value && !keyed) setTimeout(() => name.isConnected && name.focus({ preventScroll: true }))

  return {
    element: h(
      "section",
      { class: "two", "aria-label": "Avatar" },
      h(
        "div",
        { class: "stage" },
        labelled("Your name, or any text", name),
        examples,
        shown,
        h("div", { class: "inline" }, playButton, film, fullScreen(shown)),
        facts,
        found,
        onward,
      ),
      h(
        "div",
        { class: "side" },
        h("h2", {}, "You and a friend"),
        h("p", {}, "Two names, and your face becomes your friend’s, in one link."),
        labelled("A friend’s name", friend),
        h("h2", {}, "Always the same"),
        h("p", {}, "The text’s SHA-256 is the seed of a random face, of those that one is glad to be given. The same text gives the same face here, on the command line and in Python, on any machine."),
        h("p", {}, command),
      ),
    ),
    close: () => {
      version++
      player.stop()
    },
  }
}

function field(placeholder: string, value: string, changed: () => void): HTMLInputElement {
  return h("input", { type: "text", value, placeholder, maxLength: 500, autocomplete: "off", spellcheck: false, oninput: changed })
}

const labelled = (text: string, input: HTMLInputElement) => h("label", { class: "field" }, h("span", {}, text), input)
