// The engine's own thread: networks, flow, paths. It is told everything and fetches nothing.

import { Editor } from "./editor"
import { rounded } from "./generator"
import { geodesic, type Run } from "./geodesic"
import { fromPixels, Network, type Numbers, toPixels } from "./networks"
import { density, linear, type Row, slerp, through, type Way } from "./paths"
import { openPrior, type Prior } from "./priors"
import Mixture from "./priors/mixture"
import { UNWANTED, type Asked, type PathKind, type Seed } from "./types"
import { readTensors } from "./unpack"

export interface Requests {
  start: { looks: number; decoder: Uint8Array<ArrayBuffer> }
  refine: { rest: Uint8Array<ArrayBuffer> }
  encoder: { file: Uint8Array<ArrayBuffer> }
  editor: { file: Uint8Array<ArrayBuffer> }
  prior: { name: string; file: Uint8Array<ArrayBuffer> }
  decode: { latents: Numbers[] }
  encode: { pixels: Uint8ClampedArray }
  edit: { latent: Numbers; name: string; amount: number }
  random: { seeds: Seed[]; temperature: number; prior: string; asked?: Asked | "avatars" }
  path: { kind: PathKind; stops: Numbers[]; steps: number; loop: boolean; eased: boolean }
  halt: null
}
export interface Answers {
  start: null
  refine: null
  encoder: null
  editor: null
  prior: null
  decode: Uint8ClampedArray<ArrayBuffer>[]
  encode: Numbers
  edit: { change: Numbers; left: number }
  random: Numbers[]
  path: Numbers[]
  halt: null
}
export type Message = { [K in keyof Requests]: { id: number; kind: K; request: Requests[K] } }[keyof Requests]

let looks = 1
let decoder: Network
let encoder: Network
let editor: Editor
const priors = new Map<string, Prior>()
let paths = 0 // asked for so far

const work: { [K in keyof Requests]: (request: Requests[K]) => Answers[K] | Promise<Answers[K]> } = {
  start(request) {
    looks = request.looks
    decoder = new Network(request.decoder, true)
    return null
  },
  refine({ rest }) {
    decoder.refine(rest)
    return null
  },
  encoder({ file }) {
    encoder = new Network(file)
    return null
  },
  editor({ file }) {
    editor = new Editor(readTensors(file))
    return null
  },
  prior({ name, file }) {
    priors.set(name, openPrior(name, readTensors(file)))
    return null
  },
  decode({ latents }) {
    return latents.map(latent => toPixels(decoder.run(latent)))
  },
  // Each look after the first reads what the decoder makes of the latent so far, as minifaces.studio.looks.
  encode({ pixels }) {
    const first = encoder.run(fromPixels(pixels))
    let latent = first
    for (let looked = 1; looked < looks; looked++) {
      const read = encoder.run(decoder.run(latent))
      latent = latent.map((value, i) => value + first[i] - read[i])
    }
    return latent
  },
  edit({ latent, name, amount }) {
    return editor.change(latent, name, amount)
  },
  random({ seeds, temperature, prior, asked }) {
    const source = priors.get(prior)!
    const drawn = source.sample(seeds, temperature, asked === "avatars" ? source.avatars?.() : asked)
    return drawn.map(latent => Float32Array.from(latent, value => rounded(value)))
  },
  async path({ kind, stops, steps, loop, eased }) {
    const mine = ++paths
    const mixture = () => priors.get("mixture") as Mixture
    const ways: Record<PathKind, Way> = {
      linear,
      slerp: (a, b, t) => slerp(a, b, t, mixture().mean),
      density: (a, b, t) => density(a, b, t, mixture()),
      geodesic: (a, b, t) => geodesic(a, b, t, running(decoder, mine), running(encoder, mine)),
    }
    const rows: Row[] = stops.map(stop => Float64Array.from(stop))
    return (await through(rows, ways[kind], steps, loop, eased)).map(row => Float32Array.from(row))
  },
  halt() {
    paths++
    return null
  },
}

/** Rows through a network for a path, until a newer one is asked for or none is wanted. One by one: a batch is no quicker on one thread,
 * and memory stays small. */
const running =
  (network: Network, path: number): Run =>
  async rows => {
    const results = []
    for (const row of rows) {
      results.push(network.run(row))
      await breath()
      if (path !== paths) throw new Error(UNWANTED)
    }
    return results
  }

/** Let other requests in, so that a geodesic of seconds does not hold up what is dragged meanwhile. */
const breath = () =>
  new Promise<void>(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })

self.onmessage = ({ data }: MessageEvent<Message>) => void answer(data)

async function answer({ id, kind, request }: Message): Promise<void> {
  try {
    const result = await (work[kind] as (request: unknown) => unknown)(request)
    const buffers = kind === "decode" ? (result as Uint8ClampedArray<ArrayBuffer>[]).map(pixels => pixels.buffer) : []
    self.postMessage({ id, result }, { transfer: buffers })
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) })
  }
}
