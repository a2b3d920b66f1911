// Elements in one expression each. Text is always text: nothing here reads HTML.

type Child = Node | string | number | null | undefined | false
type Properties = Record<string, unknown>

/** h("button", { class: "small", onclick: go, "aria-pressed": "true" }, "Go") */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value as EventListener)
    else if (name === "class") element.className = String(value)
    else if (name in element && !name.includes("-") && name !== "list" && name !== "role")
      (element as unknown as Properties)[name] = value
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value))
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== false).map(node))
  return element
}

function node(child: Child): Node | string {
  return typeof child === "number" ? String(child) : (child as Node | string)
}

export interface Slider {
  element: HTMLElement
  input: HTMLInputElement
  set(value: number): void
}

const LONG = 20 // letters of a label: it does not stand beside its slider

/** A labelled slider with its value beside it. `changed` is told while it moves, `settled` once it rests. */
export function slider(
  label: string,
  { least, most, step, value, typed = false }: { least: number; most: number; step: number; value: number; typed?: boolean },
  changed: (value: number) => void,
  settled: (value: number) => void = () => {},
): Slider {
  const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2
  // Where it may be typed, the value is a field of its own, which takes any number between the ends.
  const output = typed
    ? h("input", { type: "text", class: "value", inputMode: "decimal", "aria-label": `${label}, a number`, onchange: take })
    : h("output", {})
  const say = (value: number) => {
    const text = value.toFixed(digits)
    if (output instanceof HTMLInputElement) output.value = text
    else output.textContent = text
  }
  function take() {
    const wanted = parseFloat((output as HTMLInputElement).value.replace(",", "."))
    if (!Number.isNaN(wanted)) input.value = String(wanted)
    say(input.valueAsNumber)
    changed(input.valueAsNumber)
    settled(input.valueAsNumber)
  }
  const input = h("input", {
    type: "range",
    min: String(least),
    max: String(most),
    step: String(step),
    oninput: () => {
      say(input.valueAsNumber)
      changed(input.valueAsNumber)
    },
    onchange: () => settled(input.valueAsNumber),
  })
  const set = (to: number) => {
    input.value = String(to)
    say(to)
  }
  set(value)
  // Where nothing is changed, if that is not an end.
  const zero = least < 0 && most > 0 ? h("span", { class: "zero", "aria-hidden": "true" }) : null
  zero?.style.setProperty("--at", String(-least / (most - least)))
  const track = h("span", { class: "track" }, zero, input)
  // A label has one control: the field of the value stands beside it.
  const named = h("label", {}, h("span", {}, label), track)
  return { element: h("div", { class: label.length > LONG ? "slider long" : "slider" }, named, output), input, set }
}

export function select(
  label: string,
  options: [value: string, text: string][],
  value: string,
  changed: (value: string) => void,
): HTMLElement {
  const box = h(
    "select",
    { onchange: () => changed(box.value) },
    ...options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  )
  return h("label", { class: "field" }, h("span", {}, label), box)
}

/** A button that shows something on the whole screen, where browsers can. */
export function fullScreen(shown: HTMLElement): HTMLElement | null {
  if (!document.fullscreenEnabled) return null
  return h("button", { onclick: () => void shown.requestFullscreen().catch(() => {}) }, "Full screen")
}

/** Whether the visitor asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches

/** Offer bytes as a file to save. */
export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  h("a", { href: address, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
