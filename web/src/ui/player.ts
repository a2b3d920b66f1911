// A way from face to face on a canvas: any place of it, or all of it back and forth, decoded as it is seen.

import type { Engine, Latent } from "../engine/types"
import { paint } from "./face"

export const STEPS = 90 // a leg, while it plays: 50 a second
const LEG = 1800 // milliseconds a leg takes

export class Player {
  points: readonly Latent[] = []
  /** their pictures so far */
  frames: (ImageData | undefined)[] = []
  /** the picture that is shown */
  latest: ImageData | null = null
  private frame = 0

  /** `moved` is told where it is while it plays, 0 to 1, and `changed` whether it plays. */
  constructor(
    private readonly engine: Engine,
    private readonly canvas: HTMLCanvasElement,
    private readonly failed: (error: unknown) => void,
    private readonly moved: (at: number) => void = () => {},
    private readonly changed: (playing: boolean) => void = () => {},
  ) {}

  get playing(): boolean {
    return this.frame !== 0
  }

  /** Another way; none while it is worked out. */
  set(points: readonly Latent[]): void {
    this.points = points
    this.frames = new Array(points.length)
  }

  async show(at: number): Promise<void> {
    const { points, frames } = this
    const place = Math.round(at * (points.length - 1))
    let face = frames[place]
    if (!face && points[place]) {
      const faces = await this.engine.decodeLatest("morph", [points[place]]).catch(this.failed)
      if (!faces || points !== this.points) return
      face = frames[place] = faces[0]
      performance.mark("morph-frame")
    }
    if (!face) return
    this.latest = face
    paint(this.canvas, face)
  }

  /** From a place on: back and forth, or round and round where the way closes. */
  play(from: number, legs: number, closed: boolean): void {
    if (!this.points.length) return
    this.stop()
    const start = performance.now()
    const step = (time: number) => {
      const went = from + (time - start) / (LEG * legs)
      const at = closed ? went % 1 : 1 - Math.abs(1 - (went % 2))
      this.moved(at)
      // Not waited for: the next frame is asked for while this one is decoded, and a late one is left out.
      void this.show(at)
      if (this.playing) this.frame = requestAnimationFrame(step)
    }
    this.frame = requestAnimationFrame(step)
    this.changed(true)
  }

  stop(): void {
    if (!this.playing) return
    cancelAnimationFrame(this.frame)
    this.frame = 0
    this.changed(false)
  }
}
