// The address bar holds the state: #/view?key=value. Whoever opens the link sees the same face, morph or place.

export interface Place {
  view: string
  params: URLSearchParams
}

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

/** Change the address without leaving a step to go back to. */
export function replace(view: string, params: Iterable<[string, string]>): void {
  history.replaceState(null, "", link(view, params))
}
