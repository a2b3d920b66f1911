// The page's side of the engine: reads the site, keeps the worker busy with what matters most, and does what is quick.

import { openFiles, type Files } from "./files"
import { frame } from "./frame"
import { avatarSeed, normals } from "./generator"
import { LatentMap } from "./latents"
import {
  GARBLED,
  UNWANTED,
  type Asked,
  type Atlas,
  type Crop,
  type Direction,
  type Engine,
  type Entry,
  type Latent,
  type Layout,
  type Neighbour,
  type OpenEngine,
  type PathKind,
  type Progress,
  type Seed,
} from "./types"
import { readTensors } from "./unpack"
import type { Answers, Message, Requests } from "./worker"

interface PartFile {
  file: string
  bytes: number
}

/** site.bin, as minifaces.explorer.site writes it. */
interface Site {
  format: number
  imageSize: number
  latentSize: number
  /** how often the encoder looks at a picture */
  looks: number
  prior: string
  asks: Engine["asks"]
  parts: Record<string, PartFile>
  faces: {
    names: string[]
    descriptions: string[]
    attributes: Record<string, string>
    colours: Engine["colours"]
    colour: number[]
    split: number[]
    x: number[]
    y: number[]
    gridX: number[]
    gridY: number[]
  }
  gridSide: number
  atlas: { levels: { size: number; columns: number; rows: number; sheets: PartFile[] }[]; slots: number[] }
  directions: Direction[]
  vectors: string
  facts: { decoderMegabytes: number; decoderMacs: number | null; trainedFaces: number | null }
}

const SHEETS = 96 // kept, of 4 MB mostly: fewer would be decoded again and again while a large map is dragged about
const MIXTURE = "prior" // the part that holds the mixture: small, and no matter to anybody who waits
const SLICE = 4 // faces decoded between two looks at what is wanted most
// The smallest module with an instruction of WebAssembly's SIMD.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]

export const openEngine: OpenEngine = async (base, onProgress = () => {}) => {
  const files = openFiles(base)
  const worker = files.worker() // its script is on the way before anything is known
  const site = described(await files.read("site.bin"))
  if (site.format !== 1) throw new Error("This page is older than its data: reload it, or export it again.")
  return new Client(files, worker, site, onProgress)
}

function described(file: Uint8Array<ArrayBuffer>): Site {
  try {
    return JSON.parse(new TextDecoder().decode(file))
  } catch {
    throw new Error(GARBLED)
  }
}

interface Task {
  latents: Latent[]
  done: ImageData[]
  resolve: (pictures: ImageData[] | null) => void
  reject: (error: Error) => void
}

class Client implements Engine {
  readonly imageSize: number
  readonly latentSize: number
  readonly prior: string
  readonly gallery: Entry[]
  readonly atlas: Atlas
  readonly attributes: string[]
  readonly colours: Engine["colours"]
  readonly gridSide: number
  readonly directions: Direction[]
  readonly facts: Engine["facts"]
  readonly asks: Engine["asks"]
  readonly ready: Promise<void>
  readonly exact: Promise<void>

  private readonly vectors: Latent[]
  private halts = 0
  private readonly waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  private asked = 0
  private readonly once = new Map<string, Promise<unknown>>()
  /** those that were asked for last, in the order of the asking */
  private readonly sheets = new Map<string, Promise<ImageBitmap>>()
  /** the newest request of each lane that has not begun, and the long ones in the order of their coming */
  private readonly lanes = new Map<string, Task>()
  private readonly queue: Task[] = []
  private decoding = false
  /** settles once what the first face needs is fetched, or cannot be */
  private readonly begun: Promise<unknown>
  /** faces decoded before the decoder was exact; null from then on */
  private early: { latent: Latent; picture: WeakRef<ImageData> }[] | null = []

  constructor(
    private readonly files: Files,
    private readonly worker: Worker,
    private readonly site: Site,
    private readonly onProgress: (progress: Progress) => void,
  ) {
    const { faces } = site
    this.imageSize = site.imageSize
    this.latentSize = site.latentSize
    this.prior = site.prior
    this.gridSide = site.gridSide
    this.directions = site.directions
    this.colours = faces.colours
    this.attributes = Object.keys(faces.attributes)
    this.gallery = faces.names.map((name, index) => ({
      index,
      name,
      description: faces.descriptions[index],
      attributes: Object.fromEntries(
        this.attributes.flatMap(key => {
          const known = faces.attributes[key][index]
          return known === "-" ? [] : [[key, known === "1"]]
        }),
      ),
      colour: faces.colours[faces.colour[index]].name,
      split: ["train", "validation", "test"][faces.split[index]],
      x: faces.x[index],
      y: faces.y[index],
      gridX: faces.gridX[index],
      gridY: faces.gridY[index],
    }))
    this.atlas = {
      levels: site.atlas.levels.map(({ size, columns, rows, sheets }) => ({ size, columns, rows, sheets: sheets.length })),
      slots: Uint32Array.from(site.atlas.slots),
      sheet: (level, sheet) => this.sheet(level, sheet),
    }
    const numbers = new Float32Array(Uint8Array.from(atob(site.vectors), c => c.charCodeAt(0)).buffer)
    this.vectors = this.directions.map((_, i) => numbers.slice(i * this.latentSize, (i + 1) * this.latentSize))
    this.facts = site.facts
    this.asks = site.asks
    this.listen()
    const decoder = this.fetchDecoder()
    this.begun = decoder.catch(() => {})
    this.ready = decoder.then(decoder => this.ask("start", { looks: site.looks, decoder })).then(() => this.arrived("decoder"))
    this.exact = this.ready.then(() => this.refine())
    this.exact.catch(() => {}) // whoever decodes hears of it
  }

  async latentOf(index: number): Promise<Latent> {
    return (await this.latents()).at(index)
  }

  async random(seed: Seed, temperature = 1): Promise<Latent> {
    return (await this.randomMany([seed], temperature))[0]
  }

  async randomMany(seeds: Seed[], temperature = 1, asked?: Asked | "avatars"): Promise<Latent[]> {
    await this.loadPrior(this.prior)
    const latents: Latent[] = []
    for (let i = 0; i < seeds.length; i += SLICE)
      latents.push(...(await this.ask("random", { seeds: seeds.slice(i, i + SLICE), temperature, prior: this.prior, asked })))
    return latents
  }

  avatarSeed(text: string): Seed {
    return avatarSeed(text)
  }

  noise(seed: Seed, size: number, stream = 0, face = 0): Float64Array {
    return normals(seed, size, stream, face)
  }

  async avatar(text: string): Promise<{ seed: Seed; latent: Latent }> {
    const seed = avatarSeed(text)
    return { seed, latent: (await this.randomMany([seed], 1, "avatars"))[0] }
  }

  async vary(latent: Latent, seed: Seed, share: number): Promise<Latent> {
    const [other, centre] = [await this.random(seed), (await this.latents()).centre]
    // On a circle about the mean face, so that what comes out is neither more nor less ordinary than both.
    const kept = Math.sqrt(1 - share * share)
    return latent.map((value, i) => centre[i] + kept * (value - centre[i]) + share * (other[i] - centre[i]))
  }

  async latentAt(layout: Layout, x: number, y: number): Promise<Latent> {
    return (await this.latents()).between(this.gallery, layout, x, y)
  }

  mean(latents: Latent[]): Latent {
    const sum = new Float64Array(this.latentSize)
    for (const latent of latents) for (let i = 0; i < sum.length; i++) sum[i] += latent[i]
    return Float32Array.from(sum, value => value / latents.length)
  }

  async decode(latents: Latent[]): Promise<ImageData[]> {
    await this.ready
    return (await this.enqueue(latents, task => this.queue.push(task)))!
  }

  async decodeLatest(lane: string, latents: Latent[]): Promise<ImageData[] | null> {
    await this.ready
    return this.enqueue(latents, task => {
      this.lanes.get(lane)?.resolve(null)
      this.lanes.set(lane, task)
    })
  }

  async encode(image: ImageData): Promise<Latent> {
    await this.exact
    await this.load("encoder")
    return this.ask("encode", { pixels: image.data })
  }

  frame(picture: ImageBitmap, crop?: Crop): { image: ImageData; crop: Crop } {
    return frame(picture, this.imageSize, crop)
  }

  async path(kind: PathKind, stops: Latent[], steps: number, loop = false, eased = false): Promise<Latent[]> {
    if (stops.length < 2 || steps < 2) throw new Error("A morph needs two faces and two steps at least.")
    const mine = this.halts
    if (kind === "slerp" || kind === "density") await this.loadPrior("mixture")
    if (kind === "geodesic") {
      await this.exact
      await this.load("encoder")
    }
    if (mine !== this.halts) throw new Error(UNWANTED)
    return this.ask("path", { kind, stops: stops.map(stop => Float32Array.from(stop)), steps, loop, eased })
  }

  async halt(): Promise<void> {
    this.halts++ // paths that still wait for a part of the model end there
    await this.ask("halt", null)
  }

  async edit(latent: Latent, amounts: Record<string, number>): Promise<Latent> {
    const edited = Float32Array.from(latent)
    const wanted = { ...amounts } // the caller's may change meanwhile
    for (const name of Object.keys(wanted).sort()) {
      const which = this.directions.findIndex(direction => direction.name === name)
      if (which < 0) throw new Error(`There is no direction called ${name}.`)
      let amount = wanted[name]
      if (this.directions[which].learnt) {
        await this.ready
        await this.load("editor")
        const { change, left } = await this.ask("edit", { latent: edited, name, amount })
        for (let i = 0; i < edited.length; i++) edited[i] += change[i]
        amount = left
      }
      for (let i = 0; i < edited.length; i++) edited[i] += Math.fround(amount) * this.vectors[which][i]
    }
    return edited
  }

  async neighbours(latent: Latent, k: number, without = -1): Promise<Neighbour[]> {
    return (await this.latents()).nearest(latent, k, without)
  }

  /** Run `begin` once for a key, however often it is asked for; again if it failed. */
  private only<T>(key: string, begin: () => Promise<T>): Promise<T> {
    const begun = this.once.get(key)
    if (begun) return begun as Promise<T>
    const fresh = begin()
    this.once.set(key, fresh)
    fresh.catch(() => this.once.delete(key))
    return fresh
  }

  private async fetchDecoder(): Promise<Uint8Array<ArrayBuffer>> {
    if (typeof WebAssembly !== "object" || !WebAssembly.validate(Uint8Array.from(SIMD)))
      throw new Error("Faces cannot be decoded here: this browser has no WebAssembly SIMD. A newer one has.")
    this.tell("details", 0) // will follow
    return this.fetchPart("decoder")
  }

  /** Make the decoder exact, and then what was decoded before. */
  private async refine(): Promise<void> {
    await Promise.allSettled(this.sheets.values()) // what is to be seen goes first
    const rest = await this.fetchPart("details")
    const refined = this.ask("refine", { rest })
    const early = this.early!
    this.early = null
    await refined // and all that was asked before
    const held = early.flatMap(({ latent, picture }) => {
      const still = picture.deref() // what nobody looks at any more is let be
      return still ? [{ latent, still }] : []
    })
    const pictures = await this.enqueue(held.map(({ latent }) => latent), task => this.queue.push(task))
    held.forEach(({ still }, i) => still.data.set(pictures![i].data))
    this.arrived("details")
  }

  /** Have the worker take in one of the parts that are not always needed. */
  private load(part: "encoder" | "editor"): Promise<void> {
    return this.only(part, async () => {
      await this.ask(part, { file: await this.fetchPart(part) })
      this.arrived(part)
    })
  }

  private loadPrior(name: string): Promise<void> {
    return this.only(`prior ${name}`, async () => {
      const part = name === "mixture" ? MIXTURE : name
      await this.ask("prior", { name, file: await this.fetchPart(part) })
      this.arrived(part)
    })
  }

  private latents(): Promise<LatentMap> {
    return this.only("latents", async () => {
      const tensors = readTensors(await this.fetchPart("latents"))
      this.arrived("latents")
      return new LatentMap(tensors.get("latents")!.data as Float32Array, this.latentSize)
    })
  }

  private fetchPart(part: string): Promise<Uint8Array<ArrayBuffer>> {
    const { file, bytes } = this.site.parts[part]
    // The last byte is told of when the part is ready.
    return this.files.read(file, loaded => this.tell(part, Math.min(loaded, bytes - 1)))
  }

  private tell(part: string, loaded: number): void {
    if (part !== MIXTURE) this.onProgress({ part, loaded, total: this.site.parts[part].bytes })
  }

  private arrived(part: string): void {
    this.tell(part, this.site.parts[part].bytes)
  }

  private sheet(level: number, sheet: number): Promise<ImageBitmap> {
    const key = `${level} ${sheet}`
    const held = this.sheets.get(key) ?? this.readSheet(level, sheet)
    this.sheets.delete(key)
    this.sheets.set(key, held)
    held.catch(() => this.sheets.delete(key))
    if (this.sheets.size > SHEETS) {
      const [oldest, picture] = this.sheets.entries().next().value!
      this.sheets.delete(oldest)
      picture.then(
        bitmap => bitmap.close(),
        () => {},
      )
    }
    return held
  }

  private async readSheet(level: number, sheet: number): Promise<ImageBitmap> {
    if (level) await this.begun // the map is seen with the smallest
    const bytes = await this.files.read(this.site.atlas.levels[level].sheets[sheet].file)
    return createImageBitmap(new Blob([bytes], { type: "image/webp" }), { premultiplyAlpha: "premultiply" })
  }

  private ask<K extends keyof Requests>(kind: K, request: Requests[K]): Promise<Answers[K]> {
    const id = ++this.asked
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: never) => void, reject })
      this.worker.postMessage({ id, kind, request } as Message)
    })
  }

  private listen(): void {
    this.worker.onmessage = ({ data }: MessageEvent<{ id: number; result: never; error?: string }>) => {
      const { resolve, reject } = this.waiting.get(data.id)!
      this.waiting.delete(data.id)
      if (data.error === undefined) resolve(data.result)
      else reject(new Error(data.error))
    }
    this.worker.onerror = event => {
      for (const { reject } of this.waiting.values()) reject(new Error(`The decoder stopped: ${event.message || "it did not start"}.`))
      this.waiting.clear()
    }
  }

  private enqueue(latents: Latent[], add: (task: Task) => void): Promise<ImageData[] | null> {
    return new Promise((resolve, reject) => {
      add({ latents, done: [], resolve, reject })
      void this.drain()
    })
  }

  /** Decode slice by slice: what is dragged or played goes first, between the slices of longer requests. */
  private async drain(): Promise<void> {
    if (this.decoding) return
    this.decoding = true
    for (;;) {
      const lane = this.lanes.entries().next().value
      if (lane) this.lanes.delete(lane[0])
      const task = lane?.[1] ?? this.queue[0]
      if (!task) break
      const end = lane ? task.latents.length : task.done.length + SLICE
      try {
        const latents = task.latents.slice(task.done.length, end).map(latent => Float32Array.from(latent))
        const { early } = this // as it is when they are asked for
        const pictures = latents.length ? await this.ask("decode", { latents }) : []
        pictures.forEach((pixels, i) => {
          const picture = new ImageData(pixels, this.imageSize, this.imageSize)
          early?.push({ latent: latents[i], picture: new WeakRef(picture) })
          task.done.push(picture)
        })
      } catch (error) {
        task.reject(error as Error)
        if (!lane) this.queue.shift()
        continue
      }
      if (task.done.length >= task.latents.length) {
        if (!lane) this.queue.shift()
        task.resolve(task.done)
      }
    }
    this.decoding = false
  }
}
