// The priors that random faces are drawn from: each is a module in priors/ that bears its name, as minifaces.studio.priors
// knows it, and is found by that.

import type { Asked, Seed } from "./types"
import type { Tensor } from "./unpack"

export interface Prior {
  /** The first faces of seeds, each (d,), as Python's `sample(n, seed, temperature, asked)` draws them. */
  sample(seeds: Seed[], temperature: number, asked?: Asked): Float64Array[]
  /** what is asked of avatars, if anything */
  avatars?(): Asked | undefined
}

type Maker = new (tensors: Map<string, Tensor>) => Prior
const modules = import.meta.glob<Maker>("./priors/*.ts", { eager: true, import: "default" })

/** The prior of a name, made of its file's tensors. */
export function openPrior(name: string, tensors: Map<string, Tensor>): Prior {
  const Maker = modules[`./priors/${name}.ts`]
  if (!Maker) throw new Error(`This page does not know the prior ${name}: reload it, or export it again.`)
  return new Maker(tensors)
}
