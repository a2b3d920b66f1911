// Names of places on the map: where they lie they can be pressed, and lead nearer.

import type { Entry, Layout } from "../engine/types"
import { h } from "../ui/dom"
import type { Camera } from "./camera"
import type { Places } from "./layout"
import { type Region, regions } from "./regions"

const MOST = 2000 // faces: of more, places are not named

export class Signs {
  readonly element = h("div", { class: "signs", role: "group", "aria-label": "Places of the map" })
  /** worked out once for each layout */
  private readonly named = new Map<Layout, [Region, HTMLElement][]>()

  constructor(
    private readonly gallery: Entry[],
    private readonly places: Record<Layout, Places>,
    private readonly pressed: (region: Region) => void,
  ) {}

  /** Put those of a layout where the camera sees them. */
  place(layout: Layout, camera: Camera): void {
    if (this.gallery.length > MOST) return
    if (!this.named.has(layout)) {
      const sign = (region: Region) => h("button", { class: "sign", onclick: () => this.pressed(region) }, region.name)
      this.named.set(layout, regions(this.gallery, this.places[layout]).map(region => [region, sign(region)]))
    }
    const here = this.named.get(layout)!
    if (this.element.firstElementChild !== (here[0]?.[1] ?? null)) this.element.replaceChildren(...here.map(([, sign]) => sign))
    for (const [{ x, y }, sign] of here) {
      const [left, top] = camera.toPixels(x, y)
      sign.style.transform = `translate(-50%, -50%) translate(${left}px, ${top}px)`
    }
  }
}
