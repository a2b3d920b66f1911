import "./style.css"
import { App, type Remember, type View } from "./app"
import { arrived, forget, link, noteScroll, read, replace, settle } from "./address"
import { openEngine } from "./engine/open"
import type { Progress } from "./engine/types"
import { h } from "./ui/dom"
import "./offline"
import { repaint } from "./ui/face"
import { opened, refused } from "./ui/picker"
import { avatarView } from "./views/avatar"
import { editView } from "./views/edit"
import { howView } from "./views/how"
import { inventView } from "./views/invent"
import { mapView } from "./views/map"
import { mixView } from "./views/mix"
import { morphView } from "./views/morph"
import { photoView } from "./views/photo"

interface Room {
  name: string
  make: (app: App, params: URLSearchParams, remember: Remember) => View
  /** whether it has no tab: it is reached from other views */
  hidden?: boolean
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
  mix: { name: "Mix", make: mixView, hidden: true, title: "Three faces in one", lead: "Any share of each." },
}
const said = h("p", { class: "said", role: "status" })
const bar = h("progress", { max: 1, "aria-label": "Fetched" })
const amount = h("span", {})
const loading = h("p", { class: "loading", hidden: true }, bar, amount)
const main = h("main", { id: "main", tabIndex: -1 })
const tabs = Object.entries(VIEWS).filter(([, { hidden }]) => !hidden).map(([view, { name }]) => h("a", { href: link(view), "data-view": view }, name))
document.getElementById("app")!.append(
  h("a", { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) }, "To the content"),
  h("header", {}, h("h1", {}, "minifaces"), h("nav", { "aria-label": "Views" }, ...tabs)),
  loading,
  said,
  main,
)

/** What is being fetched, until it is there: one bar for all of it. */
const parts = new Map<string, Progress>()
function progress(one: Progress) {
  parts.set(one.part, one)
  const sum = (count: (part: Progress) => number) => [...parts.values()].reduce((bytes, part) => bytes + count(part), 0)
  const [loaded, total] = [sum(part => part.loaded), sum(part => part.total)]
  loading.hidden = loaded >= total
  bar.value = loaded / total
  amount.textContent = `${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB`
  if (loading.hidden) parts.clear()
}

try {
  const engine = await openEngine(new URL("data/", document.baseURI).href, progress)
  // For whoever opens the console, and for the tests.
  Object.assign(globalThis, { explorer: engine })
  const app = new App(engine, said, take)
  main.after(app.favourites.element)
  engine.exact.then(repaint).catch(error => {
    loading.hidden = true
    app.fail(error)
  })
  /** Counts views entered and pictures taken: a picture that is opened after something newer is not shown. */
  let latest = 0
  let leave = () => {}
  function enter() {
    const { view, params } = read()
    const known = Object.hasOwn(VIEWS, view) ? view : "map"
    forget()
    const down = arrived()
    leave()
    latest++
    app.say("")
    for (const tab of tabs) {
      if (tab.dataset.view === known) tab.setAttribute("aria-current", "page")
      else tab.removeAttribute("aria-current")
    }
    const { make, title, lead } = VIEWS[known]
    let here = true
    app.entitle = what => here && (document.title = what ? `${what} · ${VIEWS[known].name} · minifaces` : `${VIEWS[known].name} · minifaces`)
    app.entitle("")
    const current = make(app, params, state => here && replace(known, state))
    leave = () => {
      here = false
      current.close?.()
    }
    main.className = known
    const intro = title ? [h("div", { class: "intro" }, h("h2", {}, title), h("p", {}, lead))] : []
    const focused = main.contains(document.activeElement)
    main.replaceChildren(...intro, current.element)
    // What had the focus is gone: go on from here, not from the top of the page.
    if (focused) main.focus({ preventScroll: true })
    scrollTo(0, down)
  }
  history.scrollRestoration = "manual"
  addEventListener("hashchange", enter)
  addEventListener("scroll", noteScroll, { passive: true })
  // What is on its way to the address is there before a link is followed or the page left.
  addEventListener("click", settle, { capture: true })
  addEventListener("pagehide", settle)
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
  // A picture that is dropped or pasted anywhere is looked at; of a file without a kind its contents tell.
  const takeFrom = (data: DataTransfer | null): boolean => {
    const files = [...(data?.files ?? [])]
    const picture = files.find(({ type }) => type.startsWith("image/")) ?? files.find(({ type }) => !type)
    if (picture) take(picture)
    return picture !== undefined
  }
  const dropping = (over: boolean) => document.body.classList.toggle("dropping", over)
  addEventListener("dragover", event => {
    event.preventDefault()
    dropping(true)
  })
  addEventListener("dragleave", event => event.relatedTarget === null && dropping(false))
  addEventListener("drop", event => {
    event.preventDefault()
    dropping(false)
    if (!takeFrom(event.dataTransfer)) app.say(refused(event.dataTransfer))
  })
  addEventListener("paste", event => {
    // Office programs add a picture to the text that they copy.
    const typing = (event.target as Element).matches("input[type=text], input[type=search]")
    if (typing && event.clipboardData?.types.includes("text/plain")) return
    if (!takeFrom(event.clipboardData) && read().view === "photo") app.say(refused(event.clipboardData))
  })
  enter()
} catch (error) {
  said.textContent = error instanceof Error ? error.message : String(error)
}
