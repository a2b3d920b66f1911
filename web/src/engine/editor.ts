// Edits that a network has learnt, as minifaces.studio.editor.

import { LatentNetwork } from "./latentnet"
import type { Numbers } from "./networks"
import type { Tensor } from "./unpack"

const RANGE = "range."

export class Editor {
  private readonly mean: Float32Array
  private readonly scale: Float32Array
  /** in the order of the network's kinds */
  private readonly names: string[]
  private readonly ranges: [least: number, most: number][]
  private readonly network: LatentNetwork

  constructor(tensors: Map<string, Tensor>) {
    const vector = (name: string) => tensors.get(name)!.data as Float32Array
    this.mean = vector("mean")
    this.scale = vector("scale")
    const ranges = [...tensors.keys()].filter(name => name.startsWith(RANGE)).sort()
    this.names = ranges.map(name => name.slice(RANGE.length))
    this.ranges = ranges.map(name => [vector(name)[0], vector(name)[1]])
    this.network = new LatentNetwork(tensors)
  }

  /** What to add to a latent, and how much of the amount is beyond what was learnt. */
  change(latent: Numbers, name: string, amount: number): { change: Numbers; left: number } {
    const kind = this.names.indexOf(name)
    const [least, most] = this.ranges[kind]
    const inside = Math.min(Math.max(amount, least), most)
    const standard = Float64Array.from(latent, (value, i) => (value - this.mean[i]) / this.scale[i])
    const [answer] = this.network.run([standard], [kind], (inside - least) / (most - least))
    return { change: Float32Array.from(answer, (value, i) => inside * this.scale[i] * value), left: amount - inside }
  }
}
