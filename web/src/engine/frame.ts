// Frame a picture as the encoder knows them: a head before a plain background, filling most of a square.

import type { Crop, Framed } from "./types"

const FILL = 0.9 // of the square's height, as composed faces have it on average
const SEEN = 256 // pixels a side at which the head is looked for
const APART = 34 // in 0 to 255, the largest difference of a channel: less is background

/** The head found before a plain background, or `crop`; what lies outside of the picture gets its border's colour. */
export function frame(picture: ImageBitmap, size: number, crop?: Crop): Framed {
  const small = shrunk(picture)
  const border = borderColour(small)
  const square = crop ?? (findHead(small, border, picture) || whole(picture))
  const canvas = new OffscreenCanvas(size, size)
  const context = canvas.getContext("2d", { willReadFrequently: true })!
  context.fillStyle = `rgb(${border.join(" ")})`
  context.fillRect(0, 0, size, size)
  context.imageSmoothingQuality = "high"
  // Shrunk by halves first, since a browser's smoothing looks at few pixels only.
  const [source, scale] = halved(picture, square.size / size)
  const { left, top } = square
  context.drawImage(
    source,
    (-left * size) / square.size,
    (-top * size) / square.size,
    (source.width * scale * size) / square.size,
    (source.height * scale * size) / square.size,
  )
  return { image: context.getImageData(0, 0, size, size), crop: square }
}

/** The whole picture, as Python's `square` takes it. */
function whole({ width, height }: ImageBitmap): Crop {
  const size = Math.max(width, height)
  return { left: (width - size) / 2, top: (height - size) / 2, size }
}

/** The picture small, on white. */
function shrunk(picture: ImageBitmap): ImageData {
  const { width, height } = picture
  const scale = Math.min(1, SEEN / Math.max(width, height))
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)))
  const context = canvas.getContext("2d", { willReadFrequently: true })!
  context.fillStyle = "white"
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = "high"
  context.drawImage(picture, 0, 0, canvas.width, canvas.height)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

/** The median of the outermost pixels, channel by channel. */
function borderColour({ data, width, height }: ImageData): number[] {
  const channels: number[][] = [[], [], []]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (x === 0 || y === 0 || x === width - 1 || y === height - 1)
        for (let c = 0; c < 3; c++) channels[c].push(data[4 * (y * width + x) + c])
  return channels.map(values => values.sort((a, b) => a - b)[values.length >> 1])
}

/** The square around what differs from the background, or null where that touches three sides: no plain ground. */
function findHead({ data, width, height }: ImageData, ground: number[], picture: ImageBitmap): Crop | null {
  const columns = new Uint32Array(width)
  const rows = new Uint32Array(height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x)
      const far = Math.max(...ground.map((value, c) => Math.abs(data[at + c] - value)))
      if (far > APART) {
        columns[x]++
        rows[y]++
      }
    }
  }
  // A line counts where more than a speck differs.
  const span = (counts: Uint32Array, across: number): [number, number] => {
    const held = (n: number) => n > Math.max(1, 0.02 * across)
    return [counts.findIndex(held), counts.findLastIndex(held)]
  }
  const [left, right] = span(columns, height)
  const [top, bottom] = span(rows, width)
  if (left < 0 || top < 0) return null
  const sides = [left <= 1, top <= 1, right >= width - 2, bottom >= height - 2].filter(Boolean).length
  if (sides > 1 || right - left < 0.15 * width || bottom - top < 0.15 * height) return null
  const scale = picture.width / width
  const size = (Math.max(right - left, bottom - top) + 1) * scale / FILL
  return {
    left: ((left + right + 1) / 2) * scale - size / 2,
    top: ((top + bottom + 1) / 2) * scale - size / 2,
    size,
  }
}

/** A picture on white, halved until it is less than twice too large; and how much larger the original is. */
function halved(picture: ImageBitmap, surplus: number): [OffscreenCanvas, number] {
  let [source, scale] = [onWhite(picture, 1), 1]
  while (surplus / scale >= 2 && source.width > 1 && source.height > 1) {
    ;[source, scale] = [onWhite(source, 2), scale * 2]
  }
  return [source, scale]
}

function onWhite(picture: ImageBitmap | OffscreenCanvas, shrink: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(Math.ceil(picture.width / shrink), Math.ceil(picture.height / shrink))
  const context = canvas.getContext("2d")!
  context.imageSmoothingQuality = "high"
  context.fillStyle = "white"
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.drawImage(picture, 0, 0, picture.width / shrink, picture.height / shrink)
  return canvas
}
