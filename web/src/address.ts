// The address bar holds the state: #/view?key=value. Whoever opens the link sees the same face, morph or place.

export interface Place {
  view: string
  params: URLSearchParams
}

/** Browsers refuse to have the address changed more often: Safari 100 times in 30 seconds. */
const PAUSE = 350

export function read(): Place {
  const [view, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2)
  return { view, params: new URLSearchParams(query) }
}

/** A number of the address, between its ends; the usual one where none is written. */
export function number(text: string | null, least: number, most: number, usual: number): number {
  const value = parseFloat(text ?? "")
  return Number.isNaN(value) ? usual : Math.min(most, Math.max(least, value))
}

export function link(view: string, params: Iterable<[string, string]> = []): string {
  const query = new URLSearchParams([...params]).toString()
  return `#/${view}${query ? `?${query}` : ""}`
}

/** What the address is to be, once it may be changed again. */
let wanted: string | null = null
let changed = -Infinity
let later = 0

/** Change the address without leaving a step to go back to: at once, or a moment later while it changes often. */
export function replace(view: string, params: Iterable<[string, string]>): void {
  wanted = link(view, params)
  const wait = changed + PAUSE - performance.now()
  if (wait <= 0) settle()
  else later ||= window.setTimeout(settle, wait)
}

/** Change the address now, if it is to be changed. */
export function settle(): void {
  clearTimeout(later)
  later = 0
  if (wanted === null) return
  const address = wanted
  wanted = null
  changed = performance.now()
  try {
    history.replaceState(history.state, "", address)
  } catch {
    // Refused all the same: the next change brings it.
  }
}

/** Forget what the address was to be: the view that wanted it was left. */
export function forget(): void {
  wanted = null
}

/** Leave a step to go back to, and go on from it with the same view. */
export function push(view: string, params: Iterable<[string, string]>): void {
  settle()
  try {
    history.pushState({ entry: entries + 1 }, "", link(view, params))
    entries++
  } catch {
    replace(view, params) // refused where it comes too often
  }
}

/** Steps of the history so far, each with how far down it was scrolled. */
let entries = 0
const scrolled = new Map<number, number>()

/** The step that is being shown, numbered if it is new, and how far down it was when it was left. */
export function arrived(): number {
  const known = (history.state as { entry?: number } | null)?.entry
  if (known === undefined) numbered()
  else entries = Math.max(entries, known)
  return scrolled.get(known ?? -1) ?? 0
}

function numbered(): void {
  try {
    history.replaceState({ entry: ++entries }, "", location.href)
  } catch {
    // Refused where it comes too often: this step's place is not kept.
  }
}

/** Note how far down the step that is being shown is scrolled. */
export function noteScroll(): void {
  const known = (history.state as { entry?: number } | null)?.entry
  if (known !== undefined) scrolled.set(known, scrollY)
}
