// Small networks that make latents, of parts or of latents, a kind and a time, as minifaces.studio.latentnet, in double
// precision, so that after rounding Python's answers and these are the same.

import { type Kernel, kernels, START } from "./kernels"
import type { Tensor } from "./unpack"

const FREQUENCIES = Array.from({ length: 10 }, (_, k) => 0.3 * 2 ** k)
/** rows at once: what the kernel takes */
const LANES = 4

/** A matrix in the memory: addresses in bytes. `columns` is filled up to a multiple of 8. */
interface Layer {
  weight: number
  units: number
  bias: number
  rows: number
  columns: number
}

interface Block {
  scale: Float32Array
  shift: Float32Array
  expand: Layer
  contract: Layer
}

export class Layers {
  private readonly enter: Layer
  private readonly leave: Layer
  private readonly blocks: Block[] = []
  private readonly linear: Kernel
  private readonly memory: WebAssembly.Memory
  private used = START
  /** what goes into a matrix and what comes out of it: LANES rows of the longest length */
  private readonly source: Float64Array
  private readonly target: Float64Array
  private readonly longest: number

  constructor(tensors: Map<string, Tensor>) {
    // Filling up rows and the rows of faces take room too: twice the bytes and a page for each tensor are plenty.
    const bytes = [...tensors.values()].reduce((sum, { data }) => sum + 2 * data.byteLength, 0)
    this.memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) + tensors.size })
    this.linear = kernels(this.memory).linear
    const vector = (name: string) => tensors.get(name)!.data as Float32Array
    this.enter = this.keep(tensors, "enter")
    this.leave = this.keep(tensors, "leave")
    for (let i = 0; tensors.has(`contract.${i}.weight`); i++) {
      const [scale, shift] = [vector(`norms.${i}.weight`), vector(`norms.${i}.bias`)]
      const [expand, contract] = [this.keep(tensors, `expand.${i}`), this.keep(tensors, `contract.${i}`)]
      this.blocks.push({ scale, shift, expand, contract })
    }
    const layers = [this.enter, this.leave, ...this.blocks.flatMap(({ expand, contract }) => [expand, contract])]
    this.longest = Math.max(...layers.flatMap(({ rows, columns }) => [rows, columns]))
    ;[this.source, this.target] = [this.room(), this.room()]
  }

  /** Rows (n, e), what all layers are told of each (n, f), and what is added to the first's answers -> (n, d). */
  through(x: Float64Array[], told: ArrayLike<number>[], shift?: Float64Array[]): Float64Array[] {
    if (x.length > LANES) {
      const part = (from: number, to?: number) => this.through(x.slice(from, to), told.slice(from, to), shift?.slice(from, to))
      return [...part(0, LANES), ...part(LANES)]
    }
    let hidden = this.times(this.enter, x, told)
    if (shift) hidden = moved(hidden, shift, 1)
    for (const block of this.blocks) {
      const wide = this.times(block.expand, hidden.map(row => normalised(row, block)), told)
      for (const row of wide) for (let i = 0; i < row.length; i++) row[i] /= 1 + Math.exp(-row[i])
      hidden = moved(hidden, this.times(block.contract, wide), 1)
    }
    return this.times(this.leave, hidden)
  }

  /** A layer's answer to each of the rows, with what it is told behind it. */
  private times({ weight, units, bias, rows, columns }: Layer, x: Float64Array[], told?: ArrayLike<number>[]): Float64Array[] {
    const { source, target, longest } = this
    x.forEach((row, n) => {
      const length = row.length + (told?.[n].length ?? 0)
      source.set(row, n * longest)
      if (told) source.set(told[n], n * longest + row.length)
      source.fill(0, n * longest + length, n * longest + columns)
    })
    const step = 8 * longest
    this.linear(weight, units, bias, rows, columns, source.byteOffset, step, target.byteOffset, step)
    return x.map((_, n) => target.slice(n * longest, n * longest + rows))
  }

  /** Put a layer into the memory. */
  private keep(tensors: Map<string, Tensor>, name: string): Layer {
    const { shape, data } = tensors.get(`${name}.weight`)!
    const [rows, width] = shape
    const columns = Math.ceil(width / 8) * 8
    const weight = this.take(rows * columns)
    const numbers = new Int8Array(this.memory.buffer, weight, rows * columns)
    for (let i = 0; i < rows; i++) numbers.set(data.subarray(i * width, (i + 1) * width), i * columns)
    const [units, bias] = [`${name}.weight.units`, `${name}.bias`].map(key => {
      const at = this.take(4 * rows)
      new Float32Array(this.memory.buffer, at, rows).set(tensors.get(key)!.data)
      return at
    })
    return { weight, units, bias, rows, columns }
  }

  private room(): Float64Array {
    const size = LANES * this.longest
    return new Float64Array(this.memory.buffer, this.take(8 * size), size)
  }

  /** The address of so many bytes, a multiple of 16. */
  private take(bytes: number): number {
    const at = this.used
    this.used = Math.ceil((at + bytes) / 16) * 16
    return at
  }
}

/** A network of latents that knows kinds and a time. */
export class LatentNetwork extends Layers {
  private readonly kinds: Float64Array[]

  constructor(tensors: Map<string, Tensor>) {
    super(tensors)
    this.kinds = matrix(tensors, "kinds")
  }

  /** Latents (n, d), the kind of each and the time -> (n, d). */
  run(x: Float64Array[], kinds: number[], t: number): Float64Array[] {
    const angles = FREQUENCIES.map(frequency => t * frequency)
    const time = [t, ...angles.map(Math.sin), ...angles.map(Math.cos)]
    return this.through(x, x.map(() => time), kinds.map(kind => this.kinds[kind]))
  }
}

/** The rows of a matrix that is kept as whole numbers and a unit a row. */
export function matrix(tensors: Map<string, Tensor>, name: string): Float64Array[] {
  const { shape, data } = tensors.get(name)!
  const units = tensors.get(`${name}.units`)!.data
  return Array.from(units, (unit, i) => Float64Array.from(data.subarray(i * shape[1], (i + 1) * shape[1]), n => n * unit))
}

export function moved(x: Float64Array[], by: Float64Array[], share: number): Float64Array[] {
  return x.map((row, n) => row.map((value, i) => value + by[n][i] * share))
}

/** Layer normalisation (Ba, Kiros and Hinton 2016). */
function normalised(row: Float64Array, { scale, shift }: Block): Float64Array {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length
  const deviation = Math.sqrt(variance + 1e-5)
  return row.map((value, i) => ((value - mean) / deviation) * scale[i] + shift[i])
}
