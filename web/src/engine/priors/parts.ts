// The parts prior, as minifaces.studio.parts: a face is drawn as eyes, a mouth, a head's colour, a stage and a few
// measures, and a network makes a latent of them, in double precision.

import { normals, uniforms } from "../generator"
import { Layers, matrix } from "../latentnet"
import type { Prior } from "../priors"
import type { Asked, Seed } from "../types"
import type { Tensor } from "../unpack"

const [PARTS_STREAM, MEASURES_STREAM] = [7, 8]
const [DRAWN, MEASURES] = [6, 8]
const [TINT, TINT_EACH, BRIGHTEST, NOVELTY, MADE] = [0.05, 0.03, 0.97, 0.5, 0.5]
const HEAD = "head."
const PLEASANT = "pleasant"
const AVATAR_HEADS: Record<string, number> = {
  yellow: 0.38,
  "light nougat": 0.14,
  nougat: 0.14,
  "medium nougat": 0.12,
  "reddish brown": 0.12,
  "light brown": 0.06,
  tan: 0.04,
}

/** How often heads are of each colour, added up; for each colour, how often the eyes of each print are drawn, added up,
 * how often these have a mouth of another print, and which prints' mouths may be that. */
interface Choice {
  colours: Float64Array
  reached: Float64Array[]
  joined: number[][]
  mouths: boolean[][]
  made: number
  /** by colour and eyes: the weights of other mouths, added up */
  partners: Map<string, Float64Array>
  /** rows of the stages' codes */
  stages: number[]
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
  /** which prints nobody designed */
  private readonly made: boolean[]
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
    this.tensors = tensors
    this.colours = this.names().map(name => vector(HEAD + name))
    const { shape, data } = tensors.get("joins")!
    this.joins = this.heads.map((_, i) => Uint8Array.from(data.subarray(i * shape[1], (i + 1) * shape[1])))
    this.made = Array.from(tensors.get("made")!.data, value => value > 0)
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

  /** What is asked of avatars: pleasant faces, heads of a palette; nothing where no print is known to be pleasant. */
  avatars(): Asked | undefined {
    const [pleasant, k] = [this.tensors.get(`with.${PLEASANT}`)?.data, this.heads.length]
    const palette = this.names().map(name => name in AVATAR_HEADS)
    const some = pleasant && this.heads.some((row, i) => pleasant[i] && pleasant[k + i] && row.some((weight, c) => palette[c] && weight > 0))
    return some ? { having: { [PLEASANT]: true }, heads: AVATAR_HEADS, novelty: 1, front: true } : undefined
  }

  private names(): string[] {
    return [...this.tensors.keys()].filter(name => name.startsWith(HEAD)).sort().map(name => name.slice(HEAD.length))
  }

  /** What may be drawn for what is asked. */
  private choice({ having = {}, heads: shares, novelty = NOVELTY, front }: Asked): Choice {
    const k = this.heads.length
    const halves = Object.entries(having).map(([name, has]) => this.tensors.get(`${has ? "with" : "without"}.${name}`)!.data)
    const may = (half: number) => Array.from({ length: k }, (_, i) => halves.every(known => known[half * k + i] > 0))
    const [upper, lower] = [may(0), may(1)]
    const mouths = this.colours.map((_, c) => lower.map((has, i) => has && this.heads[i][c] > 0)) // that come out in a colour
    const partnered = this.colours.map(() => new Array<boolean>(k).fill(false))
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++)
        if (lower[j] && (this.may(i, j) || this.may(i, k + j))) partnered.forEach((row, c) => (row[i] ||= mouths[c][j]))
    const alone = upper.map((has, i) => has && lower[i])
    const heads = partnered.map((row, c) => row.map((some, i) => (upper[i] && (alone[i] || some) ? this.heads[i][c] : 0)))
    const often = heads.map(row => added(row).at(-1)!)
    const colours = shares ? this.names().map((name, c) => (often[c] > 0 ? (shares[name] ?? 0) : 0)) : often
    if (!colours.some(weight => weight > 0)) throw new Error("No face has all that is asked for: ask for less.")
    const made = novelty * MADE
    return {
      colours: added(colours),
      reached: heads.map(row => added(sharedOut(row, this.made, made))),
      joined: partnered.map(row => row.map((some, i) => (!alone[i] ? 1 : some ? novelty : 0))),
      mouths,
      made,
      partners: new Map(),
      stages: [...this.stages.keys()].filter(i => !front || this.tensors.get("front")!.data[i] > 0),
    }
  }

  /** Whether the eyes of a print may have a mouth: those turned as the eyes are, then the other way. */
  private may(eyes: number, mouth: number): boolean {
    return ((this.joins[eyes][mouth >> 3] << (mouth & 7)) & 128) > 0
  }

  /** The weights, added up, of the other mouths that a print's eyes may have on a head of a colour. */
  private partners(eyes: number, colour: number, { mouths, made, partners }: Choice): Float64Array {
    const [k, key] = [this.heads.length, `${colour} ${eyes}`]
    let known = partners.get(key)
    if (!known) {
      const weights = Array.from({ length: 2 * k }, (_, i) => (this.may(eyes, i) && mouths[colour][i % k] ? 1 : 0))
      known = added(sharedOut(weights, [...this.made, ...this.made], made))
      partners.set(key, known)
    }
    return known
  }

  private drawn(seed: Seed, temperature: number, choice: Choice) {
    const k = this.heads.length
    const share = uniforms(seed, DRAWN, PARTS_STREAM)
    const noise = normals(seed, 4 + MEASURES, MEASURES_STREAM).map(value => temperature * value)
    const colour = picked(choice.colours, share[4])
    const upper = picked(choice.reached[colour], share[0])
    const mirrored = share[1] >= 0.5 ? 1 : 0
    const other = share[2] < choice.joined[colour][upper] ? picked(this.partners(upper, colour, choice), share[3]) : upper
    const head = Array.from(this.colours[colour], (value, i) =>
      Math.sqrt(Math.min(value * Math.exp(TINT * noise[0] + TINT_EACH * noise[1 + i]), BRIGHTEST)),
    )
    const codes = [
      this.eyes[2 * upper + mirrored],
      this.mouths[2 * (other % k) + (mirrored ^ (other >= k ? 1 : 0))],
      this.stages[choice.stages[Math.floor(share[5] * choice.stages.length)]],
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

/** Weights of which those of `which` make a `share`, and the others the rest, if there are both. */
function sharedOut(weights: number[], which: boolean[], share: number): number[] {
  let [those, others] = [0, 0]
  weights.forEach((weight, i) => (which[i] ? (those += weight) : (others += weight)))
  if (!(those > 0 && others > 0)) return weights
  const [factor, other] = [share / those, (1 - share) / others]
  return weights.map((weight, i) => weight * (which[i] ? factor : other))
}

/** Of weights that add up to `reached`, a number for a share in [0, 1). */
function picked(reached: Float64Array, share: number): number {
  const wanted = share * reached.at(-1)!
  return reached.findIndex(sum => sum > wanted)
}
