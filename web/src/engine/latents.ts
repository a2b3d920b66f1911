// The latents of all faces of the map: neighbours, and what lies between them.

import type { Entry, Latent, Layout, Neighbour } from "./types"

const AROUND = 6

export class LatentMap {
  /** the mean of all */
  readonly centre: Latent

  /** `numbers`: n latents of d numbers, one after the other */
  constructor(
    private readonly numbers: Float32Array,
    private readonly d: number,
  ) {
    const sum = new Float64Array(d)
    for (let i = 0; i < numbers.length; i++) sum[i % d] += numbers[i]
    this.centre = Float32Array.from(sum, value => (value * d) / numbers.length)
  }

  at(index: number): Latent {
    return this.numbers.slice(index * this.d, (index + 1) * this.d)
  }

  /** The k nearest, nearest first. */
  nearest(latent: Latent, k: number, without: number): Neighbour[] {
    const { numbers, d } = this
    const found: Neighbour[] = []
    for (let index = 0; index * d < numbers.length; index++) {
      if (index === without) continue
      let square = 0
      for (let i = 0, at = index * d; i < d; i++, at++) square += (numbers[at] - latent[i]) ** 2
      keep(found, { index, distance: square }, k)
    }
    return found.map(({ index, distance }) => ({ index, distance: Math.sqrt(distance) }))
  }

  /** The mean of the faces around a place, weighted by how near they lie: at a face, that face. */
  between(entries: Entry[], layout: Layout, x: number, y: number): Latent {
    const near: Neighbour[] = []
    for (const entry of entries) {
      const [dx, dy] = layout === "tsne" ? [entry.x - x, entry.y - y] : [entry.gridX - x, entry.gridY - y]
      keep(near, { index: entry.index, distance: dx * dx + dy * dy }, AROUND)
    }
    // Weights fall to nothing at the furthest of them, so that nothing jumps where another takes its place.
    const reach = Math.sqrt(near[near.length - 1].distance) * 1.0001 + 1e-12
    const weights = near.map(({ distance }) => ((reach - Math.sqrt(distance)) / (reach * (Math.sqrt(distance) + 1e-9))) ** 2)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const latent = new Float32Array(this.d)
    near.forEach(({ index }, n) => {
      const share = total > 0 ? weights[n] / total : 1 / near.length
      for (let i = 0, at = index * this.d; i < this.d; i++, at++) latent[i] += share * this.numbers[at]
    })
    return latent
  }
}

/** Insert into the k nearest so far, sorted. */
function keep(found: Neighbour[], one: Neighbour, k: number): void {
  if (found.length === k && one.distance >= found[k - 1]?.distance) return
  let at = found.length
  while (at > 0 && found[at - 1].distance > one.distance) at--
  found.splice(at, 0, one)
  if (found.length > k) found.pop()
}
