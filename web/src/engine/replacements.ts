// What an edit puts in place of what a face has, as minifaces.studio.replacements.

import type { Latent } from "./types"
import type { Tensor } from "./unpack"

export class Replacements {
  constructor(private readonly tensors: Map<string, Tensor>) {}

  /** Add to `edited` what the edit `name` changes in `latent` beside its direction's step. */
  add(edited: Latent, latent: Latent, name: string, amount: number): void {
    const share = Math.min(Math.max(amount, 0), 1)
    const [centre, reads, writes] = ["centre", `reads.${name}`, `writes.${name}`].map(key => this.tensors.get(key)!)
    const size = latent.length
    for (let row = 0; row < reads.shape[0]; row++) {
      let read = 0
      for (let i = 0; i < size; i++) read += (latent[i] - centre.data[i]) * reads.data[row * size + i]
      for (let i = 0; i < size; i++) edited[i] += share * read * writes.data[row * size + i]
    }
  }
}
