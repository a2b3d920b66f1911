// The flow prior, as minifaces.studio.flow: noise is carried to latents by a learned velocity, in double precision,
// so that after rounding Python's latents and these are the same.

import type { Tensor } from "./unpack"

const FREQUENCIES = Array.from({ length: 10 }, (_, k) => 0.3 * 2 ** k)
const FEATURES = 1 + 2 * FREQUENCIES.length
const STEPS = 24

interface Layer {
  /** (rows, columns), row after row */
  weight: Float64Array
  bias: Float32Array
  rows: number
  columns: number
}

interface Block {
  scale: Float32Array
  shift: Float32Array
  expand: Layer
  contract: Layer
}

export class Flow {
  private readonly mean: Float32Array
  private readonly scale: Float32Array
  private readonly enter: Layer
  private readonly leave: Layer
  private readonly blocks: Block[] = []

  constructor(tensors: Map<string, Tensor>) {
    const vector = (name: string) => tensors.get(name)!.data as Float32Array
    const layer = (name: string): Layer => {
      const { shape, data } = tensors.get(`${name}.weight`)!
      const units = vector(`${name}.weight.units`)
      const weight = Float64Array.from(data, (number, i) => number * units[Math.floor(i / shape[1])])
      return { weight, bias: vector(`${name}.bias`), rows: shape[0], columns: shape[1] }
    }
    this.mean = vector("mean")
    this.scale = vector("scale")
    this.enter = layer("enter")
    this.leave = layer("leave")
    for (let i = 0; tensors.has(`contract.${i}.weight`); i++) {
      const [scale, shift] = [vector(`norms.${i}.weight`), vector(`norms.${i}.bias`)]
      this.blocks.push({ scale, shift, expand: layer(`expand.${i}`), contract: layer(`contract.${i}`) })
    }
  }

  /** Latents from noise that the temperature has scaled: each (d,). */
  carry(noise: Float64Array[]): Float64Array[] {
    let x = noise
    for (let step = 0; step < STEPS; step++) {
      const t = step / STEPS
      const half = moved(x, this.velocity(x, t), 0.5 / STEPS)
      x = moved(x, this.velocity(half, t + 0.5 / STEPS), 1 / STEPS)
    }
    return x.map(row => row.map((value, i) => this.mean[i] + this.scale[i] * value))
  }

  private velocity(x: Float64Array[], t: number): Float64Array[] {
    const angles = FREQUENCIES.map(frequency => t * frequency)
    const time = [t, ...angles.map(Math.sin), ...angles.map(Math.cos)]
    const withTime = (rows: Float64Array[]) =>
      rows.map(row => {
        const longer = new Float64Array(row.length + FEATURES)
        longer.set(row)
        longer.set(time, row.length)
        return longer
      })
    let hidden = linear(this.enter, withTime(x))
    for (const block of this.blocks) {
      const wide = linear(block.expand, withTime(hidden.map(row => normalised(row, block))))
      for (const row of wide) for (let i = 0; i < row.length; i++) row[i] /= 1 + Math.exp(-row[i])
      hidden = moved(hidden, linear(block.contract, wide), 1)
    }
    return linear(this.leave, hidden)
  }
}

function moved(x: Float64Array[], by: Float64Array[], share: number): Float64Array[] {
  return x.map((row, n) => row.map((value, i) => value + by[n][i] * share))
}

/** Layer normalisation (Ba, Kiros and Hinton 2016). */
function normalised(row: Float64Array, { scale, shift }: Block): Float64Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length
  const deviation = Math.sqrt(variance + 1e-5)
  return row.map((value, i) => ((value - mean) / deviation) * scale[i] + shift[i])
}

function linear({ weight, bias, rows, columns }: Layer, x: Float64Array[]): Float64Array[] {
  return x.map(row => {
    const result = new Float64Array(rows)
    for (let i = 0, at = 0; i < rows; i++) {
      // Four sums at once keep the processor busier than one.
      let [a, b, c, d] = [bias[i], 0, 0, 0]
      const end = at + columns
      let j = 0
      for (; at + 3 < end; at += 4, j += 4) {
        a += weight[at] * row[j]
        b += weight[at + 1] * row[j + 1]
        c += weight[at + 2] * row[j + 2]
        d += weight[at + 3] * row[j + 3]
      }
      for (; at < end; at++, j++) a += weight[at] * row[j]
      result[i] = a + b + (c + d)
    }
    return result
  })
}
