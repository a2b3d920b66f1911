// Mouse, fingers, pen and keys on the map.

import type { Camera } from "./camera"
import { drawRing, type Ring } from "./lasso"

/** What the map does when it is touched; places are pixels in its room. */
export interface Touched {
  /** whether one finger or the mouse draws a ring rather than moves the map */
  lassoing(): boolean
  /** the camera was moved; by fingers or keys its middle is what is looked at */
  moved(middle: boolean): void
  /** the mouse is over a place, or over none any more */
  over(place: [x: number, y: number] | null): void
  pressed(x: number, y: number): void
  ringed(ring: Ring): void
  /** the face in the middle is wanted, or none */
  enter(): void
  escape(): void
}

const TAP = 6 // pixels that a pressing finger may slip
const RING = 20 // pixels of a ring at least
const STEP = 60 // pixels an arrow key moves the map

export function handle(room: HTMLElement, lasso: HTMLCanvasElement, camera: Camera, touched: Touched): void {
  const fingers = new Map<number, [number, number]>()
  let ring: Ring | null = null
  let travelled = 0
  const at = (event: PointerEvent | WheelEvent): [number, number] => {
    const { left, top } = room.getBoundingClientRect()
    return [event.clientX - left, event.clientY - top]
  }
  room.addEventListener("pointerdown", event => {
    if (event.button || (event.target as Element).closest("button")) return
    room.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, at(event))
    // Two fingers zoom: they choose nothing and draw nothing.
    const one = fingers.size === 1
    travelled = one ? 0 : Infinity
    if (ring) drawRing(lasso, []) // only then: a canvas that was never drawn on costs nothing
    ring = one && (touched.lassoing() || event.shiftKey) ? [at(event)] : null
  })
  room.addEventListener("pointermove", event => {
    const [px, py] = at(event)
    const before = fingers.get(event.pointerId)
    if (!before) {
      if (event.pointerType === "mouse") touched.over([px, py])
      return
    }
    travelled += Math.hypot(px - before[0], py - before[1])
    if (ring) {
      ring.push([px, py])
      drawRing(lasso, ring)
      return
    }
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place)
    if (others.length) {
      const [ox, oy] = others[0]
      const factor = Math.hypot(px - ox, py - oy) / Math.max(1, Math.hypot(before[0] - ox, before[1] - oy))
      camera.pan((px - before[0]) / 2, (py - before[1]) / 2)
      camera.zoom(factor, (px + ox) / 2, (py + oy) / 2)
    } else camera.pan(px - before[0], py - before[1])
    fingers.set(event.pointerId, [px, py])
    touched.moved(event.pointerType !== "mouse")
  })
  room.addEventListener("pointerleave", () => touched.over(null))
  const lift = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return
    const up = event.type === "pointerup"
    if (ring) {
      const drawn = ring
      ring = null
      drawRing(lasso, [])
      if (up && travelled > RING) touched.ringed(drawn)
    } else if (up && travelled < TAP) touched.pressed(...at(event))
  }
  room.addEventListener("pointerup", lift)
  room.addEventListener("pointercancel", lift)
  room.addEventListener(
    "wheel",
    event => {
      event.preventDefault()
      const lines = event.deltaMode === 1 ? 30 : 1
      camera.zoom(Math.exp(-event.deltaY * lines * 0.0015), ...at(event))
      touched.moved(false)
    },
    { passive: false },
  )
  const keys: Record<string, () => void> = {
    ArrowLeft: () => camera.pan(STEP, 0),
    ArrowRight: () => camera.pan(-STEP, 0),
    ArrowUp: () => camera.pan(0, STEP),
    ArrowDown: () => camera.pan(0, -STEP),
    "+": () => camera.zoom(1.25),
    "=": () => camera.zoom(1.25),
    "-": () => camera.zoom(0.8),
    "0": () => camera.from("0.5,0.5,1"),
    Enter: touched.enter,
    Escape: touched.escape,
  }
  room.addEventListener("keydown", event => {
    const done = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
    if (!done) return
    event.preventDefault()
    done()
    touched.moved(true)
  })
}
