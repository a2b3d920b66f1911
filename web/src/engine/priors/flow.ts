// The flow prior, as minifaces.studio.flow: noise is carried to latents by a learned velocity, in double precision.

import { choice, normals } from "../generator"
import { LatentNetwork, moved } from "../latentnet"
import type { Prior } from "../priors"
import type { Seed } from "../types"
import type { Tensor } from "../unpack"

const [STEPS, GUIDANCE] = [4, 1.8]
const CLUSTER_STREAM = 3

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
    const clusters = seeds.map(seed => choice(this.weights, seed, CLUSTER_STREAM))
    let x: Float64Array[] = seeds.map(seed => normals(seed, this.mean.length).map(value => temperature * value))
    for (let i = 0; i < STEPS; i++) {
      const half = moved(x, this.guided(x, clusters, i / STEPS), 0.5 / STEPS)
      x = moved(x, this.guided(half, clusters, (i + 0.5) / STEPS), 1 / STEPS)
    }
    return x.map(row => row.map((value, i) => this.mean[i] + this.scale[i] * value))
  }

  private guided(x: Float64Array[], clusters: number[], t: number): Float64Array[] {
    const both = this.velocity.run([...x, ...x], [...clusters, ...clusters.map(() => this.weights.length)], t)
    const [own, any] = [both.slice(0, x.length), both.slice(x.length)]
    return any.map((row, n) => row.map((value, i) => value + GUIDANCE * (own[n][i] - value)))
  }
}
