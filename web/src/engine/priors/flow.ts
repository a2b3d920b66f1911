// The flow prior, as minifaces.studio.flow: noise is carried to latents by a learned velocity, in double precision.

import { choice, normals } from "../generator"
import { LatentNetwork, moved } from "../latentnet"
import type { Prior } from "../priors"
import type { Seed } from "../types"
import type { Tensor } from "../unpack"

const [STEPS, GUIDANCE] = [10, 1.8]
const [RESTARTS, RESTART_AT, RESTART_STEPS] = [3, 0.6, 5]
const [CLUSTER_STREAM, RESTART_STREAM] = [3, 4]

export default class Flow implements Prior {
  private readonly mean: Float32Array
  private readonly scale: Float32Array
  /** of the clusters, of sum 1 */
  private readonly weights: Float64Array
  /** knows each cluster, and last any */
  private readonly velocity: LatentNetwork

  constructor(tensors: Map<string, Tensor>) {
    const vector = (name: string) => tensors.get(name)!.data as Float32Array
    this.mean = vector("mean")
    this.scale = vector("scale")
    const weights = Float64Array.from(vector("shares"))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.weights = weights.map(weight => weight / total)
    this.velocity = new LatentNetwork(tensors)
  }

  /** The first faces of seeds, each (d,). */
  sample(seeds: Seed[], temperature: number): Float64Array[] {
    const noise = (stream: number) =>
      seeds.map(seed => normals(seed, this.mean.length, stream).map(value => temperature * value))
    const clusters = seeds.map(seed => choice(this.weights, seed, CLUSTER_STREAM))
    let x = this.carry(noise(0), clusters, 0, STEPS, GUIDANCE)
    for (let i = 0; i < RESTARTS; i++) {
      const fresh = noise(RESTART_STREAM + i)
      const mixed = x.map((row, n) => row.map((value, j) => RESTART_AT * value + (1 - RESTART_AT) * fresh[n][j]))
      x = this.carry(mixed, clusters, RESTART_AT, RESTART_STEPS)
    }
    return x.map(row => row.map((value, i) => this.mean[i] + this.scale[i] * value))
  }

  private carry(from: Float64Array[], clusters: number[], start: number, steps: number, guidance = 1): Float64Array[] {
    const step = (1 - start) / steps
    let x = from
    for (let i = 0; i < steps; i++) {
      const t = start + i * step
      const half = moved(x, this.guided(x, clusters, t, guidance), 0.5 * step)
      x = moved(x, this.guided(half, clusters, t + 0.5 * step, guidance), step)
    }
    return x
  }

  private guided(x: Float64Array[], clusters: number[], t: number, guidance: number): Float64Array[] {
    if (guidance === 1) return this.velocity.run(x, clusters, t)
    const both = this.velocity.run([...x, ...x], [...clusters, ...clusters.map(() => this.weights.length)], t)
    const [own, any] = [both.slice(0, x.length), both.slice(x.length)]
    return any.map((row, n) => row.map((value, i) => value + guidance * (own[n][i] - value)))
  }
}
