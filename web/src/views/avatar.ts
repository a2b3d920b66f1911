// A text has a face, always the same one.

import { type App, type Remember, short, type View } from "../app"
import { h, save } from "../ui/dom"
import { canvas, paint } from "../ui/face"

export function avatarView(app: App, params: URLSearchParams, keepAddress: Remember): View {
  const { engine } = app
  const shown = canvas(app, "The face of the text", "face large")
  const facts = h("p", { class: "count" })
  const onward = h("div", {})
  const command = h("code", {})
  let version = 0
  const name = h("input", {
    type: "text",
    value: params.get("text") ?? "alice@example.com",
    maxLength: 500,
    autocomplete: "off",
    spellcheck: false,
    oninput: () => void draw().catch(app.fail),
  })

  async function draw() {
    const [mine, text] = [++version, name.value]
    keepAddress([["text", text]])
    const { seed, latent } = await engine.avatar(text)
    const faces = mine === version ? await engine.decodeLatest("avatar", [latent]) : null
    if (!faces || mine !== version) return
    paint(shown, faces[0])
    shown.setAttribute("aria-label", `The face of ${text || "nothing"}`)
    facts.textContent = `Seed ${short(String(seed))}`
    command.textContent = `minifaces avatar -o avatar.png -- '${text.replaceAll("'", "'\\''")}'`
    onward.replaceChildren(app.onward(`avatar:${text}`))
  }
  draw().catch(app.fail)

  return {
    title: "Avatar",
    element: h(
      "section",
      { class: "two", "aria-label": "Avatar" },
      h(
        "div",
        { class: "stage" },
        h("label", { class: "field" }, h("span", {}, "A name, an address, any text"), name),
        shown,
        facts,
        h("div", { class: "inline" }, h("button", { onclick: () => shown.toBlob(file => file && save(file, "avatar.png")) }, "Save PNG")),
        onward,
      ),
      h(
        "div",
        { class: "side" },
        h("h2", {}, "Always the same"),
        h("p", {}, "The text’s SHA-256 is the seed of a random face. The same text gives the same face here, on the command line and in Python, on any machine."),
        h("p", {}, command),
      ),
    ),
    close: () => void version++,
  }
}
