// What is drawn: every face's place, and whether it is chosen, ordinary or faint.

import type { Atlas } from "../engine/types"
import type { Camera } from "./camera"

export interface Scene {
  /** places in the world, in the order of the gallery */
  x: Float32Array
  y: Float32Array
  /** 0 faint, 1 ordinary, 2 chosen, 3 pointed at */
  state: Uint8Array
  /** pixels a side of a face, as style sheets count them */
  side: number
  /** what has changed since the last drawing */
  fresh: { places: boolean; states: boolean }
}

/** A face that is in view: its middle in pixels, and how far forward it lies, 0 to 1. */
export interface Sprite {
  index: number
  x: number
  y: number
  depth: number
}

export interface Renderer {
  draw(scene: Scene, camera: Camera, ratio: number): void
  close(): void
}

/** Visit every face in view. */
export function eachInView(
  { x, y, side }: Scene,
  camera: Camera,
  width: number,
  height: number,
  visit: (index: number) => void,
): void {
  const [left, top] = camera.toWorld(-side / 2, -side / 2)
  const [right, bottom] = camera.toWorld(width + side / 2, height + side / 2)
  for (let index = 0; index < x.length; index++) {
    if (x[index] >= left && x[index] <= right && y[index] >= top && y[index] <= bottom) visit(index)
  }
}

/** How far forward a face lies, 0 to 1: what is pointed at before what is chosen, faint ones behind. */
export function depth({ state, x }: Scene, index: number): number {
  return (state[index] + (index + 1) / (x.length + 1)) / 4
}

/** Faces in view, with their middles in pixels. */
export function inView(scene: Scene, camera: Camera, width: number, height: number): Sprite[] {
  const sprites: Sprite[] = []
  eachInView(scene, camera, width, height, index => {
    const [x, y] = camera.toPixels(scene.x[index], scene.y[index])
    sprites.push({ index, x, y, depth: depth(scene, index) })
  })
  return sprites
}

/** Sheets that are there, and those that are on their way. Far ones are let go when there are too many. */
export class Sheets<Picture> {
  private readonly held = new Map<number, Picture | null>()

  constructor(
    private readonly atlas: Atlas,
    private readonly take: (bitmap: ImageBitmap, level: number) => Picture,
    private readonly drop: (picture: Picture) => void,
    private readonly arrived: () => void,
    private readonly most = 40,
  ) {}

  /** The level whose pictures are as large as they are drawn, or the next larger. */
  level(pixels: number): number {
    const wanted = this.atlas.levels.findIndex(({ size }) => size >= 0.8 * pixels)
    return wanted < 0 ? this.atlas.levels.length - 1 : wanted
  }

  /** The best sheet that is there for a place on the sheets, its level and key, or null: the wanted one is sent for. */
  find(slot: number, level: number): { picture: Picture; level: number; key: number } | null {
    for (let at = level; at >= 0; at--) {
      const { columns, rows } = this.atlas.levels[at]
      const key = at * 4096 + Math.floor(slot / (columns * rows))
      const picture = this.held.get(key)
      if (picture) return { picture, level: at, key }
      if (picture === undefined && (at === level || at === 0)) this.fetch(key)
    }
    return null
  }

  /** Where a face lies on its sheet: column and row. */
  cell(index: number, level: number): [number, number] {
    const { columns, rows } = this.atlas.levels[level]
    const place = this.atlas.slots[index] % (columns * rows)
    return [place % columns, Math.floor(place / columns)]
  }

  /** Forget the sheets that were not used in the last drawing, if there are too many. */
  tidy(used: Set<number>): void {
    for (const [key, picture] of this.held) {
      if (this.held.size <= this.most) return
      if (!picture || used.has(key) || key < 4096) continue
      this.drop(picture)
      this.held.delete(key)
    }
  }

  close(): void {
    for (const picture of this.held.values()) if (picture) this.drop(picture)
    this.held.clear()
  }

  private fetch(key: number): void {
    this.held.set(key, null)
    const level = Math.floor(key / 4096)
    this.atlas.sheet(level, key % 4096).then(
      bitmap => {
        this.held.set(key, this.take(bitmap, level))
        this.arrived()
      },
      () => this.held.delete(key),
    )
  }
}
