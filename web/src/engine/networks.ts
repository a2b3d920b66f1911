// Decoder and encoder: programs of minifaces.explorer.program, run on one thread by kernels/kernels.ts.

import { type Kernel, kernels } from "./kernels"
import { GARBLED } from "./types"
import { header } from "./unpack"

/** Numbers pixel by pixel, or those of a latent. */
export type Numbers = Float32Array<ArrayBuffer>

type Loop = [count: number, from: number, to: number]
type Step =
  | ["copy", x: number, i: number, y: number, j: number, add: number, loops: Loop[]]
  | [kind: "multiply" | "tiles", x: number, matrix: number, bias: number, y: number, m: number]
  | [kind: "fill" | "tile" | "untile" | "scale" | "add" | "times" | "bend" | "sigmoid" | "silu" | "normalise", ...numbers: number[]]

/** The header that minifaces.explorer.pack writes; places in the memory and lengths are in bytes. */
interface Program {
  end: number
  vectors: [place: number, bytes: number]
  given: [place: number, bytes: number]
  made: [place: number, bytes: number]
  matrices: [rows: number, columns: number, tiled: number, kind: number][]
  steps: Step[]
}

/** A matrix in the memory: in panels, `parts` times of so many bytes. */
interface Matrix {
  at: number
  bytes: number
  parts: number
  rows: number
  columns: number
}

const PANEL = 8 // rows
const PLACES = 36 // of a tile, each with a matrix of its own
const PAGE = 65536

export class Network {
  private readonly program: Program
  private readonly matrices: Matrix[] = []
  private readonly memory: WebAssembly.Memory
  private readonly calls: (() => void)[]
  private readonly kernels: Record<string, Kernel>
  /** where matrices are made ready */
  private readonly bench: number
  private readonly body: number
  /** the file, as long as it is to be refined */
  private packed: Uint8Array | null

  /** `packed` is the first part of a network; `refined` tells whether the rest will come. */
  constructor(packed: Uint8Array, refined = false) {
    const [program, body] = header(packed) as [Program, number]
    ;[this.program, this.body, this.packed] = [program, body, packed]
    let at = program.end
    const room = (bytes: number) => (at += Math.ceil(bytes / 16) * 16) - Math.ceil(bytes / 16) * 16
    for (const [rows, width, tiled] of program.matrices) {
      const [columns, parts] = tiled ? [width / 9, PLACES] : [width, 1]
      const bytes = 4 * PANEL * Math.ceil(rows / PANEL) * columns
      this.matrices.push({ at: room(parts * bytes), bytes, parts, rows, columns })
    }
    const loops = program.steps.map(step => (step[0] === "copy" ? room(12 * step[6].length) : 0))
    this.bench = at
    const largest = Math.max(0, ...program.matrices.map(([rows, columns]) => 4 * rows * (columns + 1) + 3 * rows * columns + 64))
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((at + largest) / PAGE) })
    this.kernels = kernels(this.memory)
    this.bytes(...program.vectors).set(packed.subarray(body, body + program.vectors[1]))
    program.steps.forEach((step, i) => {
      if (step[0] === "copy") new Int32Array(this.memory.buffer, loops[i], 3 * step[6].length).set(step[6].flat())
    })
    this.calls = program.steps.map((step, i) => this.call(step, loops[i]))
    this.load()
    if (!refined) this.packed = null
  }

  /** Take in the rest, with which everything is as exact as in Python. */
  refine(rest: Uint8Array): void {
    this.load(rest)
    this.packed = null
  }

  /** n rows one after the other -> n rows one after the other. */
  run(rows: Numbers): Numbers {
    const { given, made } = this.program
    const count = (4 * rows.length) / given[1]
    const results = new Float32Array((count * made[1]) / 4)
    const [source, target] = [this.floats(...given), this.floats(...made)]
    for (let i = 0; i < count; i++) {
      source.set(rows.subarray(i * source.length, (i + 1) * source.length))
      for (const call of this.calls) call()
      results.set(target, i * target.length)
    }
    return results
  }

  private call(step: Step, loops: number): () => void {
    const kernel = this.kernels
    if (step[0] === "copy") {
      const [, x, i, y, j, add, { length }] = step
      return () => kernel.copy(x + i, y + j, loops, length, add)
    }
    if (step[0] === "multiply" || step[0] === "tiles") {
      const [, x, matrix, bias, y, m] = step
      const { at, bytes, parts, rows, columns } = this.matrices[matrix]
      return () => {
        for (let i = 0; i < parts; i++) kernel.multiply(x + 4 * i * m * columns, at + i * bytes, bias, y + 4 * i * m * rows, m, columns, rows)
      }
    }
    const [kind, ...numbers] = step
    return () => kernel[kind](...numbers)
  }

  /** Lay all matrices into their places, with what the rest says of them if it is there. */
  private load(rest?: Uint8Array): void {
    const { packed, kernels } = this
    let [from, refined] = [this.body + this.program.vectors[1], 0]
    const take = (bytes: number, to: number) => {
      if (from + bytes > packed!.length) throw new Error(GARBLED)
      this.bytes(to, bytes).set(packed!.subarray(from, (from += bytes)))
    }
    this.program.matrices.forEach(([rows, columns, tiled, kind], i) => {
      const [count, values] = [rows * columns, this.bench]
      if (kind === 0) take(4 * count, values)
      else {
        const [units, numbers] = [values + 4 * count, values + 4 * (count + rows)]
        take(4 * rows, units)
        take(count, numbers)
        kernels.widen(numbers, units, values, rows, columns)
        if (rest) {
          const planes = numbers + count
          if (rest.length < refined + 2 * count) throw new Error(GARBLED)
          this.bytes(planes, 2 * count).set(rest.subarray(refined, (refined += 2 * count)))
          kernels.refine(values, planes, planes + count)
        }
      }
      const { at, columns: width } = this.matrices[i]
      if (tiled) kernels.layTiled(values, at, rows, width)
      else kernels.lay(values, at, rows, columns)
    })
  }

  private bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length)
  }

  private floats(at: number, bytes: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, bytes / 4)
  }
}

/** (s, s, 3) in [0, 1] -> an opaque picture of s * s * 4 bytes. */
export function toPixels(face: Numbers): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray((face.length / 3) * 4)
  for (let i = 0, n = 0; i < face.length; n += 4) {
    pixels[n] = face[i++] * 255 // clamped and rounded by the array
    pixels[n + 1] = face[i++] * 255
    pixels[n + 2] = face[i++] * 255
    pixels[n + 3] = 255
  }
  return pixels
}

/** A picture of s * s * 4 bytes -> (s, s, 3) in [0, 1]. */
export function fromPixels(pixels: Uint8ClampedArray): Numbers {
  const face = new Float32Array((pixels.length / 4) * 3)
  for (let i = 0, n = 0; i < face.length; n += 4) {
    face[i++] = pixels[n] / 255
    face[i++] = pixels[n + 1] / 255
    face[i++] = pixels[n + 2] / 255
  }
  return face
}
