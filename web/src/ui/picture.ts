// A face as a picture to keep: larger, round, or with nothing behind the head.

export interface Shape {
  /** pixels a side */
  size: number
  /** whether the ground is taken away */
  clear: boolean
  round: boolean
}

export const SIZES = [128, 256, 512, 1024]
const [NEAR, FAR] = [10, 42] // of 441: colours so near the ground's are ground, so far they are head

/** A face as its shape says, on a canvas. */
export function shaped(face: ImageData, { size, clear, round }: Shape): HTMLCanvasElement {
  const whole = drawn(clear ? cleared(face) : face)
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = size
  const context = canvas.getContext("2d")!
  if (round) {
    context.arc(size / 2, size / 2, size / 2, 0, 2 * Math.PI)
    context.clip()
  }
  // Twice at a time: the browser's own way to sixteen times as large shows steps.
  context.imageSmoothingQuality = "high"
  context.drawImage(larger(whole, size), 0, 0, size, size)
  return canvas
}

export async function png(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(file => (file ? resolve(file) : reject(new Error("This browser cannot write the picture."))), "image/png")
  })
}

/** A frame of an animation, `size` pixels a side. */
export function sized(face: ImageData, size: number): ImageData {
  if (size === face.width) return face
  const canvas = shaped(face, { size, clear: false, round: false })
  return canvas.getContext("2d")!.getImageData(0, 0, size, size)
}

function drawn(face: ImageData): HTMLCanvasElement {
  const canvas = document.createElement("canvas")
  ;[canvas.width, canvas.height] = [face.width, face.height]
  canvas.getContext("2d")!.putImageData(face, 0, 0)
  return canvas
}

function larger(from: HTMLCanvasElement, size: number): HTMLCanvasElement {
  let canvas = from
  while (2 * canvas.width < size) {
    const next = document.createElement("canvas")
    next.width = next.height = 2 * canvas.width
    const context = next.getContext("2d")!
    context.imageSmoothingQuality = "high"
    context.drawImage(canvas, 0, 0, next.width, next.height)
    canvas = next
  }
  return canvas
}

/** The same face with nothing where its ground was: what hangs together with the border and has its colour. */
export function cleared(face: ImageData): ImageData {
  const { width, height } = face
  const data = face.data.slice()
  const ground = border(face)
  const far = (i: number) => Math.hypot(data[4 * i] - ground[0], data[4 * i + 1] - ground[1], data[4 * i + 2] - ground[2])
  const seen = new Uint8Array(width * height)
  const open: number[] = []
  const visit = (i: number) => {
    if (seen[i] || far(i) > FAR) return
    seen[i] = 1
    open.push(i)
  }
  for (let x = 0; x < width; x++) [x, (height - 1) * width + x].forEach(visit)
  for (let y = 0; y < height; y++) [y * width, y * width + width - 1].forEach(visit)
  for (let i = open.pop(); i !== undefined; i = open.pop()) {
    const x = i % width
    if (x > 0) visit(i - 1)
    if (x < width - 1) visit(i + 1)
    if (i >= width) visit(i - width)
    if (i < width * (height - 1)) visit(i + width)
  }
  for (let i = 0; i < seen.length; i++)
    if (seen[i]) data[4 * i + 3] = Math.round(255 * Math.min(1, Math.max(0, (far(i) - NEAR) / (FAR - NEAR))))
  return new ImageData(data, width, height)
}

/** The middle of the border's colours, channel by channel. */
function border({ data, width, height }: ImageData): number[] {
  const places = [...Array(width).keys()].flatMap(x => [x, (height - 1) * width + x])
  return [0, 1, 2].map(channel => {
    const values = places.map(i => data[4 * i + channel]).sort((a, b) => a - b)
    return values[values.length >> 1]
  })
}
