// Where every face lies, and how faces go from one layout of the map to the other.

import type { Entry, Layout } from "../engine/types"
import type { Scene } from "./scene"

export interface Places {
  x: Float32Array
  y: Float32Array
}

const MOVING = 450 // milliseconds from one layout to the other

/** The middle of every face in the world, on either layout. */
export function layouts(gallery: Entry[], gridSide: number): Record<Layout, Places> {
  const cell = (place: number) => (place + 0.5) / gridSide
  return {
    tsne: { x: Float32Array.from(gallery, ({ x }) => x), y: Float32Array.from(gallery, ({ y }) => y) },
    grid: { x: Float32Array.from(gallery, ({ gridX }) => cell(gridX)), y: Float32Array.from(gallery, ({ gridY }) => cell(gridY)) },
  }
}

/** A scene's faces on their way to other places. */
export class Move {
  private readonly from: Places
  private readonly start = performance.now()

  constructor(
    private readonly scene: Scene,
    private readonly to: Places,
    private readonly lasting = MOVING,
  ) {
    this.from = { x: scene.x.slice(), y: scene.y.slice() }
  }

  /** Bring the scene to where it is at a time; how much of the way that is, 1 once it has arrived. */
  at(time: number): number {
    const share = this.lasting ? Math.min(1, (time - this.start) / this.lasting) : 1
    const eased = share * share * (3 - 2 * share)
    const { scene, from, to } = this
    for (let i = 0; i < scene.x.length; i++) {
      scene.x[i] = from.x[i] + eased * (to.x[i] - from.x[i])
      scene.y[i] = from.y[i] + eased * (to.y[i] - from.y[i])
    }
    scene.fresh.places = true
    return eased
  }
}
