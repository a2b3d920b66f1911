// Reads what safetensors writes, and half-precision numbers.

import { GARBLED } from "./types"

export interface Tensor {
  shape: number[]
  data: Float32Array | Int8Array
}

/** The JSON header after its length (8 bytes, low first), and where the body starts. */
export function header(file: Uint8Array): [unknown, number] {
  try {
    const length = new DataView(file.buffer, file.byteOffset).getUint32(0, true)
    return [JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))), 8 + length]
  } catch {
    throw new Error(GARBLED)
  }
}

/** The tensors of a safetensors file; half precision is widened. */
export function readTensors(file: Uint8Array): Map<string, Tensor> {
  const [entries, start] = header(file) as [
    Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
    number,
  ]
  const tensors = new Map<string, Tensor>()
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(entries)) {
    if (name === "__metadata__") continue
    const bytes = file.slice(start + offsets[0], start + offsets[1]).buffer
    if (dtype === "F32") tensors.set(name, { shape, data: new Float32Array(bytes) })
    else if (dtype === "I8") tensors.set(name, { shape, data: new Int8Array(bytes) })
    else if (dtype === "F16") tensors.set(name, { shape, data: Float32Array.from(new Uint16Array(bytes), fromHalf) })
    else throw new Error(`The tensor ${name} is of a kind that this page does not know: ${dtype}.`)
  }
  return tensors
}

export function fromHalf(code: number): number {
  const [sign, exponent, fraction] = [code >> 15 ? -1 : 1, (code >> 10) & 31, code & 1023]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** The nearest half-precision number, to even where two are as near. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= 65520) return sign | 0x7c00
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 1)))
  const scaled = size * 2 ** (10 - exponent)
  let whole = Math.floor(scaled)
  const rest = scaled - whole
  if (rest > 0.5 || (rest === 0.5 && whole % 2 === 1)) whole++
  // A subnormal has the exponent 0 and no hidden 1; rounding up runs over into the exponent by itself.
  return sign | (size < 2 ** -14 ? whole : ((exponent + 14) << 10) + whole)
}
