// Frames as files: GIF, WebP, a video where the browser can, or a strip.

import { applyPalette, GIFEncoder, quantize } from "gifenc"
import { sized } from "./picture"

export type Kind = "gif" | "webp" | "video" | "png"
type Told = (done: number) => void

const FPS = 25

/** A file of frames, `size` pixels a side but for the strip, and the suffix that its name should have. */
export async function animated(kind: Kind, frames: ImageData[], size: number, told: Told): Promise<{ file: Blob; suffix: string }> {
  if (kind === "gif") return { file: await gif(frames, size, told), suffix: "gif" }
  if (kind === "webp") return { file: await webp(frames, size, told), suffix: "webp" }
  if (kind === "png") return { file: await strip(frames), suffix: "png" }
  return video(frames, size, told)
}

/** Whether this browser can make a video at all. */
export const films = () => typeof MediaRecorder === "function" && videoKind() !== undefined

async function gif(frames: ImageData[], size: number, told: Told): Promise<Blob> {
  const encoder = GIFEncoder()
  for (const [i, frame] of frames.entries()) {
    const { data, width, height } = sized(frame, size)
    const palette = quantize(data, 256)
    encoder.writeFrame(applyPalette(data, palette), width, height, { palette, delay: 1000 / FPS })
    told((i + 1) / frames.length)
    if (i % 8 === 7) await new Promise(resolve => setTimeout(resolve))
  }
  encoder.finish()
  return new Blob([encoder.bytes()], { type: "image/gif" })
}

/** The browser makes a WebP of each frame; put together they are an animation (the RIFF container of WebP's
 * specification: VP8X, ANIM, and an ANMF around each frame's own chunk). */
async function webp(frames: ImageData[], size: number, told: Told): Promise<Blob> {
  const [width, height] = [size, size]
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext("2d")!
  const chunks: Uint8Array<ArrayBuffer>[] = []
  for (const [i, frame] of frames.entries()) {
    context.putImageData(sized(frame, size), 0, 0)
    const file = await canvas.convertToBlob({ type: "image/webp", quality: 0.92 })
    if (file.type !== "image/webp") throw new Error("This browser cannot write WebP: take GIF.")
    const picture = bitstream(new Uint8Array(await file.arrayBuffer()))
    const head = new Uint8Array(16)
    put24(head, 6, width - 1)
    put24(head, 9, height - 1)
    put24(head, 12, Math.round(1000 / FPS))
    chunks.push(chunk("ANMF", join([head, picture])))
    told((i + 1) / frames.length)
  }
  const head = new Uint8Array(10)
  head[0] = 0x02 // an animation
  put24(head, 4, width - 1)
  put24(head, 7, height - 1)
  const body = join([text("WEBP"), chunk("VP8X", head), chunk("ANIM", new Uint8Array(6)), ...chunks])
  return new Blob([chunk("RIFF", body)], { type: "image/webp" })
}

/** The chunk of a still WebP that holds its picture. */
function bitstream(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(file.buffer)
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true)
    const end = at + 8 + size + (size % 2)
    if (String.fromCharCode(...file.subarray(at, at + 3)) === "VP8" && file[at + 3] !== 0x58) return file.slice(at, end)
    at = end
  }
  throw new Error("This browser's WebP is not as expected: take GIF.")
}

function chunk(name: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(8 + body.length + (body.length % 2))
  whole.set(text(name))
  new DataView(whole.buffer).setUint32(4, body.length, true)
  whole.set(body, 8)
  return whole
}

const text = (letters: string) => Uint8Array.from(letters, letter => letter.charCodeAt(0))

function put24(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 3; i++) bytes[at + i] = (value >> (8 * i)) & 255
}

function join(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0)
  return whole
}

function videoKind(): [mime: string, suffix: string] | undefined {
  const kinds: [string, string][] = [["video/mp4;codecs=avc1.42E01E", "mp4"], ["video/webm;codecs=vp9", "webm"], ["video/webm;codecs=vp8", "webm"]]
  return kinds.find(([mime]) => MediaRecorder.isTypeSupported(mime))
}

/** Recorded as it plays. */
async function video(frames: ImageData[], size: number, told: Told): Promise<{ file: Blob; suffix: string }> {
  const [mimeType, suffix] = videoKind()!
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = size
  const context = canvas.getContext("2d")!
  const recorder = new MediaRecorder(canvas.captureStream(FPS), { mimeType, videoBitsPerSecond: 4_000_000 })
  const parts: Blob[] = []
  recorder.ondataavailable = ({ data }) => parts.push(data)
  const ended = new Promise(resolve => (recorder.onstop = resolve))
  recorder.start()
  for (const [i, frame] of frames.entries()) {
    context.putImageData(sized(frame, size), 0, 0)
    told((i + 1) / frames.length)
    await new Promise(resolve => setTimeout(resolve, 1000 / FPS))
  }
  recorder.stop()
  await ended
  return { file: new Blob(parts, { type: mimeType }), suffix }
}

async function strip(frames: ImageData[]): Promise<Blob> {
  const { width, height } = frames[0]
  const canvas = new OffscreenCanvas(width * frames.length, height)
  const context = canvas.getContext("2d")!
  frames.forEach((frame, i) => context.putImageData(frame, i * width, 0))
  return canvas.convertToBlob({ type: "image/png" })
}
