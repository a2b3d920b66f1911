// What networks are computed with, as WebAssembly.

import wasm from "../../kernels/kernels.ts?kernels"

export type Kernel = (...numbers: number[]) => void

/** where a memory is not the kernels' own */
export const START = 4096

let module: WebAssembly.Module | undefined

/** The kernels by their names, on a memory. */
export function kernels(memory: WebAssembly.Memory): Record<string, Kernel> {
  module ??= new WebAssembly.Module(wasm)
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Record<string, Kernel>
}
