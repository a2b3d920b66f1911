// The parts prior, as minifaces.studio.parts: a face is drawn as eyes, a mouth, a head's colour, a stage and a few
// measures, and a network makes a latent of them, in double precision.

import { normals, uniforms } from "../generator"
import { Layers, matrix } from "../latentnet"
import type { Prior } from "../priors"
import type { Asked, Seed } from "../types"
import type { Tensor } from "../unpack"

const [PARTS_STREAM, MEASURES_STREAM] = [7, 8]
const [DRAWN, MEASURES] = [6, 8]
const [TINT, TINT_EACH, BRIGHTEST, NOVELTY] = [0.05, 0.03, 0.97, 0.5]
const HEAD = "head."

/** Of each print: how often it is of which colour; the other mouths that its eyes may have, and how often they
 * have one of them; how often it is drawn, added up. */
interface Choice {
  heads: Float64Array[]
  partners: number[][]
  joined: number[]
  reached: Float64Array
}

export default class Parts implements Prior {
  private readonly mean: Float32Array
  private readonly scale: Float32Array
  private readonly eyes: Float64Array[]
  private readonly mouths: Float64Array[]
  private readonly stages: Float64Array[]
  /** how often each print comes in which colour */
  private readonly heads: Float64Array[]
  /** linear, in the order of their names */
  private readonly colours: Float32Array[]
  /** bits, which other mouths the eyes of a print may have: turned as they are, then the other way */
  private readonly joins: Uint8Array[]
  private readonly tensors: Map<string, Tensor>
  private readonly network: Layers
  private usual?: Choice

  constructor(tensors: Map<string, Tensor>) {
    const vector = (name: string) => tensors.get(name)!.data as Float32Array
    this.mean = vector("mean")
    this.scale = vector("scale")
    ;[this.eyes, this.mouths, this.stages, this.heads] = ["eyes", "mouths", "stages", "heads"].map(name =>
      matrix(tensors, name),
    )
    this.colours = [...tensors.keys()].filter(name => name.startsWith(HEAD)).sort().map(vector)
    const { shape, data } = tensors.get("joins")!
    this.joins = this.heads.map((_, i) => Uint8Array.from(data.subarray(i * shape[1], (i + 1) * shape[1])))
    this.tensors = tensors
    this.network = new Layers(tensors)
  }

  /** The first faces of seeds, each (d,). */
  sample(seeds: Seed[], temperature: number, asked?: Asked): Float64Array[] {
    const choice = asked ? this.choice(asked) : (this.usual ??= this.choice({}))
    const drawn = seeds.map(seed => this.drawn(seed, temperature, choice))
    const made = this.network.through(
      drawn.map(({ codes }) => codes),
      drawn.map(({ told }) => told),
    )
    return made.map(row => row.map((value, i) => this.mean[i] + this.scale[i] * value))
  }

  /** What may be drawn for what is asked. */
  private choice({ having = {}, head, novelty = NOVELTY }: Asked): Choice {
    const k = this.heads.length
    const halves = Object.entries(having).map(([name, has]) => this.tensors.get(`${has ? "with" : "without"}.${name}`)!.data)
    const may = (half: number) => Array.from({ length: k }, (_, i) => halves.every(known => known[half * k + i] > 0))
    const [upper, lower] = [may(0), may(1)]
    const names = [...this.tensors.keys()].filter(name => name.startsWith(HEAD)).sort()
    const heads = this.heads.map(row => row.map((weight, i) => (head && names[i] !== HEAD + head ? 0 : weight)))
    const partners = this.joins.map(bits =>
      Array.from({ length: 2 * k }, (_, i) => i).filter(i => (bits[i >> 3] << (i & 7)) & 128 && lower[i % k]),
    )
    const alone = upper.map((has, i) => has && lower[i])
    const weights = heads.map((row, i) => (upper[i] && (alone[i] || partners[i].length) ? added(row).at(-1)! : 0))
    if (!weights.some(weight => weight > 0)) throw new Error("No face has all that is asked for: ask for less.")
    const joined = alone.map((whole, i) => (!whole ? 1 : partners[i].length ? novelty : 0))
    return { heads, partners, joined, reached: added(weights) }
  }

  private drawn(seed: Seed, temperature: number, { heads, partners, joined, reached }: Choice) {
    const k = this.heads.length
    const share = uniforms(seed, DRAWN, PARTS_STREAM)
    const noise = normals(seed, 4 + MEASURES, MEASURES_STREAM).map(value => temperature * value)
    const upper = picked(reached, share[0])
    const mirrored = share[1] >= 0.5 ? 1 : 0
    const mouths = partners[upper]
    const other = share[2] < joined[upper] ? mouths[Math.floor(share[3] * mouths.length)] : upper
    const either = heads[upper].map((weight, i) => (this.heads[other % k][i] > 0 ? weight : 0)) // in which both come out
    const colours = either.some(weight => weight > 0) ? either : heads[upper]
    const colour = this.colours[picked(added(colours), share[4])]
    const head = Array.from(colour, (value, i) =>
      Math.sqrt(Math.min(value * Math.exp(TINT * noise[0] + TINT_EACH * noise[1 + i]), BRIGHTEST)),
    )
    const codes = [
      this.eyes[2 * upper + mirrored],
      this.mouths[2 * (other % k) + (mirrored ^ (other >= k ? 1 : 0))],
      this.stages[Math.floor(share[5] * this.stages.length)],
    ]
    return { codes: Float64Array.from(codes.flatMap(code => [...code])), told: [...head, ...noise.subarray(4)] }
  }
}

/** The sums of the first, the first two, ... numbers. */
function added(values: ArrayLike<number>): Float64Array {
  const sums = Float64Array.from(values)
  for (let i = 1; i < sums.length; i++) sums[i] += sums[i - 1]
  return sums
}

/** Of weights that add up to `reached`, a number for a share in [0, 1). */
function picked(reached: Float64Array, share: number): number {
  const wanted = share * reached.at(-1)!
  return reached.findIndex(sum => sum > wanted)
}
