// Decoder and encoder on ONNX Runtime Web: WebAssembly with SIMD, one thread.

import * as ort from "onnxruntime-web/wasm"

export type Planes = Float32Array<ArrayBuffer>

export function startRuntime(wasm: Uint8Array<ArrayBuffer>): void {
  ort.env.wasm.numThreads = 1 // more need headers that static hosts do not send
  ort.env.wasm.proxy = false
  ort.env.wasm.wasmBinary = wasm
  ort.env.logLevel = "error"
}

/** A network with one input and one output of float32, whose rows have the shape `row`. */
export class Network {
  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly row: number[],
  ) {}

  static async load(file: Uint8Array, row: number[]): Promise<Network> {
    // Errors only: what it warns of, that a tensor is not used, is nothing that a visitor could mend.
    const options: ort.InferenceSession.SessionOptions = { executionProviders: ["wasm"], logSeverityLevel: 3 }
    return new Network(await ort.InferenceSession.create(file, options), row)
  }

  /** n rows one after the other -> n rows one after the other. */
  async run(rows: Planes): Promise<Planes> {
    const size = this.row.reduce((product, length) => product * length, 1)
    const input = new ort.Tensor("float32", rows, [rows.length / size, ...this.row])
    const results = await this.session.run({ [this.session.inputNames[0]]: input })
    const output = results[this.session.outputNames[0]]
    const copy = (output.data as Float32Array).slice() as Planes
    output.dispose()
    return copy
  }
}

/** (n, 3, s, s) in [0, 1] -> n opaque pictures of s * s * 4 bytes. */
export function toPixels(planes: Planes, size: number): Uint8ClampedArray<ArrayBuffer> {
  const area = size * size
  const pixels = new Uint8ClampedArray((planes.length / 3) * 4)
  for (let n = 0, face = 0; face < planes.length; face += 3 * area) {
    for (let i = face; i < face + area; i++, n += 4) {
      pixels[n] = planes[i] * 255 // clamped and rounded by the array
      pixels[n + 1] = planes[i + area] * 255
      pixels[n + 2] = planes[i + 2 * area] * 255
      pixels[n + 3] = 255
    }
  }
  return pixels
}

/** One picture of s * s * 4 bytes -> (3, s, s) in [0, 1]. */
export function toPlanes(pixels: Uint8ClampedArray): Planes {
  const area = pixels.length / 4
  const planes = new Float32Array(3 * area)
  for (let i = 0; i < area; i++) for (let c = 0; c < 3; c++) planes[c * area + i] = pixels[4 * i + c] / 255
  return planes
}
