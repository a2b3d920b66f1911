// Places of the map where faces have something in common, by name: computed from what is known of the faces.

import type { Entry } from "../engine/types"
import { kinds } from "../ui/words"
import type { Places } from "./layout"

export interface Region {
  /** what its faces are called */
  name: string
  x: number
  y: number
  /** share of the faces there that has it, and how far they reach */
  share: number
  spread: number
}

const NEAR = 6 // faces that make a place what it is
const PURE = 0.75 // share of them that has the attribute
const COMMON = 0.4 // share of all faces from which on an attribute names no place
const APART = 0.1 // between two names: of nearer ones the clearer place keeps its name

/** For each kind of faces that is not common, the place where most of the nearest faces are of it, if there is one. */
export function regions(gallery: Entry[], { x, y }: Places): Region[] {
  const found: Region[] = []
  for (const [name, has] of kinds(gallery)) {
    const those = new Set(gallery.filter(has).map(({ index }) => index))
    if (those.size < NEAR || those.size > COMMON * gallery.length) continue
    let best = { share: 0, spread: Infinity, near: [] as number[] }
    for (const middle of those) {
      const far = (i: number) => (x[i] - x[middle]) ** 2 + (y[i] - y[middle]) ** 2
      const near = gallery.map(({ index }) => index).sort((a, b) => far(a) - far(b)).slice(0, NEAR)
      const share = near.filter(i => those.has(i)).length / NEAR
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
