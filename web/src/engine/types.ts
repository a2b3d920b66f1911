// What the views may ask of the engine. Everything is computed in this page: no server answers any of it.
//
//   const engine = await openEngine(new URL("data/", document.baseURI).href, progress => ...)
//   const latent = await engine.latentOf(3)
//   const [face] = await engine.decode([latent])          // ImageData
//   const live = await engine.decodeLatest("edit", [latent])   // null when a newer request of the lane came

/** (d,) numbers: a face in the model's own coordinates. Treated as read-only by everybody. */
export type Latent = Float32Array

/** A face's seed, 0 to 2^128 - 1. In the address bar it is written in decimal digits. */
export type Seed = bigint

/** What a path fails with that was halted or gave way to a newer one. */
export const UNWANTED = "This path is no longer wanted."

/** What is said of files that are not what was exported. */
export const GARBLED = "The page’s data have come damaged: reload the page, or export it again."

export type PathKind = "linear" | "slerp" | "density" | "geodesic"
export type Layout = "tsne" | "grid"

/** A face of the map. `x`, `y` in [0, 1]: the t-SNE layout, y downwards; `gridX`, `gridY`: whole cells from 0. */
export interface Entry {
  /** its place in `engine.gallery`, by which latents and sprites are found */
  index: number
  /** for example `3626bp01/front`; not unique in data sets with many pictures of a design */
  name: string
  description: string
  /** what is known of it; an attribute that is not known is left out */
  attributes: Record<string, boolean>
  /** name of the head's colour, one of `engine.colours` */
  colour: string
  /** "train", "validation" or "test" */
  split: string
  x: number
  y: number
  gridX: number
  gridY: number
}

/** Square pictures of all entries, packed into sheets at several sizes; sizes ascend. */
export interface AtlasLevel {
  /** pixels a side of one picture */
  size: number
  /** pictures in a row of a sheet, and rows of a full sheet */
  columns: number
  rows: number
  /** sheets of this level */
  sheets: number
}

export interface Atlas {
  levels: AtlasLevel[]
  /** slots[i] is the place of entry i: sheet = floor(slot / (columns * rows)), then row by row.
   * Neighbours on the grid layout share sheets, so that a near view needs few. */
  slots: Uint32Array
  /** One sheet, decoded. The last sheet may be shorter. It is closed once many others were asked for since: to be
   * drawn or copied at once, and asked for again when it is needed again. */
  sheet(level: number, sheet: number): Promise<ImageBitmap>
}

/** Something that an edit changes. */
export interface Direction {
  /** key of `edit`'s amounts: "smile", "turn", ..., "pc1", "pc2", ... */
  name: string
  /** for people: "Smile", "Turn of the head", "Direction 1" */
  label: string
  kind: "attribute" | "measure" | "principal"
  /** sensible ends of a slider; 0 changes nothing */
  least: number
  most: number
  /** whether the model's editor has learnt it, beside the step along the direction */
  learnt?: boolean
}

export interface Neighbour {
  index: number
  /** Euclidean, between latents */
  distance: number
}

/** The square of a picture that is taken as the face, in pixels of the picture; it may reach outside. */
export interface Crop {
  left: number
  top: number
  size: number
}

export interface Framed {
  /** imageSize x imageSize, opaque, ready for `encode` */
  image: ImageData
  crop: Crop
}

/** What faces should have (true) or lack (false), the shares of heads' colours by name, the share whose eyes and mouth are
 * of two prints, and whether they look at one: of a prior that knows parts of faces. */
export interface Asked {
  having?: Record<string, boolean>
  heads?: Record<string, number>
  novelty?: number
  front?: boolean
}

/** How far a part of the page's data ("decoder", "flow", ...) has come: bytes as transferred. `loaded === total` once
 * it is ready. */
export interface Progress {
  part: string
  loaded: number
  total: number
}

export interface Engine {
  imageSize: number
  latentSize: number
  /** what is drawn from, by the name of its module in priors/ */
  prior: string
  gallery: Entry[]
  atlas: Atlas
  /** attribute names that some entry knows, sorted */
  attributes: string[]
  /** head colours of the gallery, most frequent first */
  colours: { name: string; count: number }[]
  /** columns and rows of the grid layout */
  gridSide: number
  directions: Direction[]
  /** facts for the "how it works" panel */
  facts: { decoderMegabytes: number; decoderMacs: number | null; trainedFaces: number | null }

  /** Resolves once faces can be decoded; rejects with an Error of one clear sentence where they cannot
   * (no WebAssembly SIMD, a file that is missing). Requests made before simply wait. */
  ready: Promise<void>
  /** Resolves once faces are as exact as Python's. Until then they are as good as alike to the eye, and what was decoded
   * meanwhile has been put right, in place, when this resolves: whoever keeps, copies or compares a face waits for it. */
  exact: Promise<void>

  latentOf(index: number): Promise<Latent>
  /** The first face of a seed, as Python's `sample_latents(1, seed)`. Fetches the prior when first called. */
  random(seed: Seed, temperature?: number): Promise<Latent>
  /** what can be asked of random faces, if anything: attributes with their labels, and the colours of heads */
  asks: { having: string[]; labels: string[]; heads: string[] } | null
  /** Several at once, quicker than one by one; in the order of the seeds. Only a prior of parts can be asked. */
  randomMany(seeds: Seed[], temperature?: number, asked?: Asked): Promise<Latent[]>
  /** The face of a text, and its seed: with pleasant faces alone where parts of faces are known. Any text, "" included. */
  avatar(text: string): Promise<{ seed: Seed; latent: Latent }>
  avatarSeed(text: string): Seed
  /** The noise that a seed means (docs/reference/architecture.md): what random faces start from. */
  noise(seed: Seed, size: number, stream?: number, face?: number): Float64Array
  /** A face `share` (0 to 1) of the way from `latent` to the random face of `seed`, as unusual as both:
   * "more like this one" with 0.3 to 0.5. */
  vary(latent: Latent, seed: Seed, share: number): Promise<Latent>
  /** What lies at a place of the map (x, y in the layout's own units: [0, 1], or cells): a weighted mean of
   * the faces around it. */
  latentAt(layout: Layout, x: number, y: number): Promise<Latent>
  mean(latents: Latent[]): Latent

  /** Opaque pictures of imageSize x imageSize, in order. Long requests do not hold up `decodeLatest`. */
  decode(latents: Latent[]): Promise<ImageData[]>
  /** For what is dragged or played: a newer request of the same lane replaces one that has not begun,
   * which then gives null. Never queues more than one request a lane. */
  decodeLatest(lane: string, latents: Latent[]): Promise<ImageData[] | null>
  /** imageSize x imageSize -> latent. Fetches the encoder when first called. */
  encode(image: ImageData): Promise<Latent>
  /** Find the head before a plain background, or take `crop`; what lies outside gets the border's colour. */
  frame(picture: ImageBitmap, crop?: Crop): Framed

  /** The latents of a morph: `steps` a leg with both ends, shared ends once; a loop leaves the repeated
   * last one out. As Python's `morph_latents`. A newer request stops one that is under way, which then fails. */
  path(kind: PathKind, stops: Latent[], steps: number, loop?: boolean, eased?: boolean): Promise<Latent[]>
  /** Stop a path that is under way, which then fails. */
  halt(): Promise<void>
  /** One after the other in the order of their names; unknown ones throw. Fetches the editor when it is first needed. */
  edit(latent: Latent, amounts: Record<string, number>): Promise<Latent>
  neighbours(latent: Latent, k: number, without?: number): Promise<Neighbour[]>
}

/** Read the site's description and start to load what decoding needs. Resolves as soon as the map can be
 * drawn; `base` ends with a slash. */
export type OpenEngine = (base: string, onProgress?: (progress: Progress) => void) => Promise<Engine>
