// The map without WebGL: the same picture, slower.

import type { Atlas } from "../engine/types"
import type { Camera } from "./camera"
import { inView, type Renderer, type Scene, Sheets } from "./scene"

export function plain(canvas: HTMLCanvasElement, atlas: Atlas, redraw: () => void): Renderer {
  const context = canvas.getContext("2d", { alpha: false })!
  const sheets = new Sheets<OffscreenCanvas>(atlas, copied, () => {}, redraw)
  return {
    draw(scene: Scene, camera: Camera, ratio: number) {
      const { backgroundColor, outlineColor } = getComputedStyle(canvas)
      context.globalAlpha = 1
      context.fillStyle = backgroundColor
      context.fillRect(0, 0, canvas.width, canvas.height)
      const level = sheets.level(scene.side * ratio)
      const used = new Set<number>()
      const sprites = inView(scene, camera, canvas.width / ratio, canvas.height / ratio)
      for (const { index, x, y } of sprites.sort((a, b) => a.depth - b.depth)) {
        const found = sheets.find(atlas.slots[index], level)
        if (!found) continue
        used.add(found.key)
        const { size } = atlas.levels[found.level]
        const [column, row] = sheets.cell(index, found.level)
        const side = scene.side * ratio * [1, 1, 1.12, 1.3][scene.state[index]]
        const [left, top] = [x * ratio - side / 2, y * ratio - side / 2]
        context.globalAlpha = scene.state[index] === 0 ? 0.12 : 1
        context.drawImage(found.picture, column * size, row * size, size, size, left, top, side, side)
        if (scene.state[index] === 2) {
          context.strokeStyle = outlineColor
          context.lineWidth = Math.max(2, side / 20)
          context.strokeRect(left, top, side, side)
        }
      }
      if (used.size && !performance.getEntriesByName("map-picture").length) performance.mark("map-picture")
      sheets.tidy(used)
    },
    close: () => sheets.close(),
  }
}

/** A sheet of one's own: the engine closes its. */
function copied(sheet: ImageBitmap): OffscreenCanvas {
  const copy = new OffscreenCanvas(sheet.width, sheet.height)
  copy.getContext("2d")!.drawImage(sheet, 0, 0)
  return copy
}
