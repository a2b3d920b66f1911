// Places of the map where faces have something in common, by name: computed from what is known of the faces.

import type { Entry } from "../engine/types"

export interface Region {
  /** the attribute */
  name: string
  x: number
  y: number
  /** share of the faces there that has it, and how far they reach */
  share: number
  spread: number
}

const NEAR = 8 // faces that make a place what it is
const PURE = 0.75 // share of them that has the attribute
const COMMON = 0.4 // share of all faces from which on an attribute names no place
const APART = 0.1 // between two names: of nearer ones the clearer place keeps its name

/** For each attribute that is not common, the place where most of the nearest faces have it, if there is one. */
export function regions(gallery: Entry[], attributes: string[], { x, y }: { x: Float32Array; y: Float32Array }): Region[] {
  const found: Region[] = []
  for (const name of attributes) {
    const has = gallery.filter(({ attributes }) => attributes[name]).map(({ index }) => index)
    if (has.length < NEAR || has.length > COMMON * gallery.length) continue
    let best = { share: 0, spread: Infinity, near: [] as number[] }
    for (const middle of has) {
      const far = (i: number) => (x[i] - x[middle]) ** 2 + (y[i] - y[middle]) ** 2
      const near = gallery.map(({ index }) => index).sort((a, b) => far(a) - far(b)).slice(0, NEAR)
      const share = near.filter(i => gallery[i].attributes[name]).length / NEAR
      const spread = far(near[NEAR - 1])
      if (share > best.share || (share === best.share && spread < best.spread)) best = { share, spread, near }
    }
    if (best.share < PURE) continue
    const mean = (of: Float32Array) => best.near.reduce((sum, i) => sum + of[i], 0) / NEAR
    found.push({ name, x: mean(x), y: mean(y), share: best.share, spread: best.spread })
  }
  found.sort((a, b) => b.share - a.share || a.spread - b.spread)
  const kept: Region[] = []
  for (const region of found) if (kept.every(({ x, y }) => Math.hypot(x - region.x, y - region.y) > APART)) kept.push(region)
  return kept
}
