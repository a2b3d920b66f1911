// A text has a face, always the same one; two have a way from one to the other.

import { type App, type Remember, short, type View } from "../app"
import { link } from "../address"
import { h } from "../ui/dom"
import { canvas, paint } from "../ui/face"
import { shareBar } from "../ui/share"

const EXAMPLES = ["hello", "Paul", "Kim"]

export function avatarView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const shown = canvas(app, "The face of the text", "face large")
  const facts = h("p", { class: "count" })
  const onward = h("div", {})
  const command = h("code", {})
  let latest: ImageData | null = null
  let version = 0
  const name = field("Your name, or any text", params.get("text") ?? "", () => void draw().catch(app.fail))
  const friend = field("A friend’s name", params.get("friend") ?? "", () => together())
  const examples = h(
    "p",
    { class: "examples" },
    "Try ",
    ...EXAMPLES.map(text => h("button", { onclick: () => ((name.value = text), void draw().catch(app.fail)) }, text)),
  )
  const both = h("a", { class: "button main", hidden: true }, "Play the way between you")
  const share = h("div", { hidden: true }, h("div", { class: "inline" }, app.favourites.heart(() => (name.value ? `avatar:${name.value}` : ""))),
    shareBar(app, { title: () => app.title(`avatar:${name.value}`), face: () => latest }))

  const remember = () => keepAddress([["text", name.value], ...(friend.value ? [["friend", friend.value] as [string, string]] : [])].filter(([, value]) => value) as [string, string][])

  function together() {
    remember()
    both.hidden = !(name.value && friend.value)
    both.href = link("morph", [["face", `avatar:${name.value}`], ["face", `avatar:${friend.value}`], ["t", "0"], ["play", "1"]])
  }

  async function draw() {
    const [mine, text] = [++version, name.value]
    together()
    examples.hidden = share.hidden = facts.hidden = command.hidden = onward.hidden = shown.hidden = false
    examples.hidden = text !== ""
    if (!text) share.hidden = facts.hidden = command.hidden = onward.hidden = shown.hidden = true
    if (!text) return app.entitle("")
    app.entitle(app.title(`avatar:${text}`))
    const { seed, latent } = await engine.avatar(text)
    const faces = mine === version ? await engine.decodeLatest("avatar", [latent]) : null
    if (!faces || mine !== version) return
    latest = faces[0]
    paint(shown, latest)
    shown.setAttribute("aria-label", `The face of ${text}`)
    facts.textContent = `Seed ${short(String(seed))}`
    command.textContent = `minifaces avatar -o avatar.png -- '${text.replaceAll("'", "'\\''")}'`
    onward.replaceChildren(app.onward(`avatar:${text}`))
    app.favourites.refresh()
  }
  draw().catch(app.fail)
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
        facts,
        share,
        onward,
      ),
      h(
        "div",
        { class: "side" },
        h("h2", {}, "You and a friend"),
        h("p", {}, "Two names, and the way from one face to the other, in one link."),
        labelled("A friend’s name", friend),
        h("p", {}, both),
        h("h2", {}, "Always the same"),
        h("p", {}, "The text’s SHA-256 is the seed of a random face. The same text gives the same face here, on the command line and in Python, on any machine."),
        h("p", {}, command),
      ),
    ),
    close: () => void version++,
  }
}

function field(placeholder: string, value: string, changed: () => void): HTMLInputElement {
  return h("input", { type: "text", value, placeholder, maxLength: 500, autocomplete: "off", spellcheck: false, oninput: changed })
}

const labelled = (text: string, input: HTMLInputElement) => h("label", { class: "field" }, h("span", {}, text), input)
