import "./style.css"
import { App, type Remember, type View } from "./app"
import { link, read, replace } from "./address"
import { openEngine } from "./engine/open"
import type { Progress } from "./engine/types"
import { h } from "./ui/dom"
import { opened } from "./ui/picker"
import { avatarView } from "./views/avatar"
import { editView } from "./views/edit"
import { howView } from "./views/how"
import { inventView } from "./views/invent"
import { mapView } from "./views/map"
import { morphView } from "./views/morph"
import { photoView } from "./views/photo"

interface Room {
  name: string
  make: (app: App, params: URLSearchParams, remember: Remember) => View
  /** what it is called and what one does there, above it */
  title?: string
  lead?: string
}
const VIEWS: Record<string, Room> = {
  map: { name: "Map", make: mapView },
  morph: { name: "Morph", make: morphView, title: "From one face to another", lead: "Every picture on the way is decoded as you see it." },
  invent: { name: "Invent", make: inventView, title: "Faces that nobody designed", lead: "Each has a seed, and a link by which anybody sees the same face." },
  edit: { name: "Edit", make: editView, title: "A smile more, a beard less", lead: "Move any face along what the model has learned about faces." },
  photo: { name: "Photo", make: photoView, title: "A face of your own", lead: "A picture of a minifig becomes a face to morph and edit. It stays in this page." },
  avatar: { name: "Avatar", make: avatarView, title: "Every name has a face", lead: "Always the same one, here and in Python." },
  how: { name: "How it works", make: howView },
}
const said = h("p", { class: "said", role: "status" })
const loading = h("p", { class: "loading", role: "status" })
const main = h("main", { id: "main", tabIndex: -1 })
const tabs = Object.entries(VIEWS).map(([view, { name }]) => h("a", { href: link(view), "data-view": view }, name))
document.getElementById("app")!.append(
  h("a", { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) }, "To the content"),
  h("header", {}, h("h1", {}, "minifaces"), h("nav", { "aria-label": "Views" }, ...tabs)),
  loading,
  said,
  main,
)

/** What is being fetched, until it is there. */
const parts = new Map<string, Progress>()
function progress(one: Progress) {
  parts.set(one.part, one)
  const open = [...parts.values()].filter(({ loaded, total }) => loaded < total)
  const percent = ({ loaded, total }: Progress) => Math.floor((100 * loaded) / total)
  loading.textContent = open.length ? `Fetching ${open.map(part => `the ${part.part} (${percent(part)} %)`).join(", ")}` : ""
}

try {
  const engine = await openEngine(new URL("data/", document.baseURI).href, progress)
  // For whoever opens the console, and for the tests.
  Object.assign(globalThis, { explorer: engine })
  const app = new App(engine, said, take)
  engine.ready.catch(error => {
    loading.textContent = ""
    app.fail(error)
  })
  /** Counts views entered and pictures taken: a picture that is opened after something newer is not shown. */
  let latest = 0
  let leave = () => {}
  function enter() {
    const { view, params } = read()
    const known = Object.hasOwn(VIEWS, view) ? view : "map"
    leave()
    latest++
    said.textContent = ""
    for (const tab of tabs) {
      if (tab.dataset.view === known) tab.setAttribute("aria-current", "page")
      else tab.removeAttribute("aria-current")
    }
    const { make, title, lead } = VIEWS[known]
    let here = true
    const current = make(app, params, state => here && replace(known, state))
    leave = () => {
      here = false
      current.close?.()
    }
    document.title = `${current.title} · minifaces`
    main.className = known
    const intro = title ? [h("div", { class: "intro" }, h("h2", {}, title), h("p", {}, lead))] : []
    const focused = main.contains(document.activeElement)
    main.replaceChildren(...intro, current.element)
    // What had the focus is gone: go on from here, not from the top of the page.
    if (focused) main.focus({ preventScroll: true })
  }
  addEventListener("hashchange", enter)
  function take(picture: Blob) {
    const mine = ++latest
    opened(picture).then(
      bitmap => {
        if (mine !== latest) return bitmap.close()
        app.photo = bitmap
        if (read().view === "photo") enter()
        else location.hash = link("photo")
      },
      error => mine === latest && app.fail(error),
    )
  }
  // A picture that is dropped or pasted anywhere is looked at.
  const takeFrom = (data: DataTransfer | null) => {
    const picture = [...(data?.files ?? [])].find(({ type }) => type.startsWith("image/"))
    if (picture) take(picture)
  }
  addEventListener("dragover", event => event.preventDefault())
  addEventListener("drop", event => {
    event.preventDefault()
    takeFrom(event.dataTransfer)
  })
  addEventListener("paste", event => {
    // Office programs add a picture to the text that they copy.
    const typing = (event.target as Element).matches("input[type=text], input[type=search]")
    if (!typing || !event.clipboardData?.types.includes("text/plain")) takeFrom(event.clipboardData)
  })
  enter()
} catch (error) {
  said.textContent = error instanceof Error ? error.message : String(error)
}
