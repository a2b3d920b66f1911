// Where the site's files come from: beside the page, or, in the single-file edition, out of the page itself.

import { GARBLED } from "./types"

type OnBytes = (loaded: number) => void

/** Read files, compressed ones unpacked. `onBytes` hears of bytes as they are transferred. */
export interface Files {
  read(path: string, onBytes?: OnBytes): Promise<Uint8Array<ArrayBuffer>>
  /** A worker of the page's own script. */
  worker(): Worker
}

/** `base` is the data folder's address, with a slash at the end. */
export function openFiles(base: string): Files {
  return document.getElementById("files-index") ? new Embedded() : new Fetched(base)
}

class Fetched implements Files {
  constructor(private readonly base: string) {}

  async read(path: string, onBytes?: OnBytes): Promise<Uint8Array<ArrayBuffer>> {
    // Only site.bin keeps its name when its content changes.
    const cache = path === "site.bin" ? "no-cache" : "default"
    const response = await fetch(new URL(path, this.base), { cache }).catch(() => {
      const what = path.replace(/-[0-9a-f]{8}\.\w+$/, "").replace(/\d.*$/, "")
      const why = navigator.onLine ? "the server does not answer" : "you seem to be offline"
      throw new Error(`${path === "site.bin" ? "The faces" : `A part of the model (${what})`} could not be fetched: ${why}. Try again in a moment.`)
    })
    if (!response.ok || !response.body) throw new Error(`${path} could not be fetched: the server says ${response.status}. Reload the page, or tell who put it there.`)
    const chunks: Uint8Array<ArrayBuffer>[] = []
    const reader = response.body.getReader()
    let loaded = 0
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value)
      onBytes?.((loaded += part.value.length))
    }
    return unpacked(new Blob(chunks))
  }

  worker(): Worker {
    return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })
  }
}

/** What minifaces.explorer.output.single wrote: an index, and all files as one text of seven bits a character. */
class Embedded implements Files {
  private readonly index: Record<string, [number, number]>
  private readonly body: Uint8Array<ArrayBuffer>

  constructor() {
    this.index = JSON.parse(document.getElementById("files-index")!.textContent!)
    const body = document.getElementById("files-body")!
    this.body = fromText(body.textContent!)
    body.remove()
  }

  async read(path: string, onBytes?: OnBytes): Promise<Uint8Array<ArrayBuffer>> {
    const name = new URL(path, "site:/data/").pathname.slice(1)
    const bytes = this.bytes(name)
    onBytes?.(bytes.length)
    return unpacked(new Blob([bytes]))
  }

  worker(): Worker {
    const name = Object.keys(this.index).find(name => /(^|\/)worker-[^/]*\.js$/.test(name))!
    return new Worker(URL.createObjectURL(new Blob([this.bytes(name)], { type: "text/javascript" })))
  }

  private bytes(name: string): Uint8Array<ArrayBuffer> {
    const place = this.index[name]
    if (!place) throw new Error(`${name} is missing from this page: export it again.`)
    return this.body.subarray(place[0], place[0] + place[1])
  }
}

function fromText(text: string): Uint8Array<ArrayBuffer> {
  const escaped = [0x00, 0x0d, 0x3c]
  const bytes = new Uint8Array(Math.floor((text.length * 7) / 8))
  let [bits, have, at] = [0, 0, 0]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    bits = ((bits << 7) | (code < 0x80 ? code : escaped[code - 0x80])) & 0x7fff
    have += 7
    if (have >= 8) {
      have -= 8
      bytes[at++] = bits >> have
    }
  }
  return bytes
}

/** gzip is known by its first two bytes: a host may have unpacked it already. */
async function unpacked(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const start = new Uint8Array(await blob.slice(0, 2).arrayBuffer())
  if (start[0] !== 0x1f || start[1] !== 0x8b) return new Uint8Array(await blob.arrayBuffer())
  if (typeof DecompressionStream !== "function") throw new Error("Faces cannot be unpacked here: this browser has no DecompressionStream. A newer one has.")
  const stream = blob.stream().pipeThrough(new DecompressionStream("gzip"))
  return new Response(stream).arrayBuffer().then(
    bytes => new Uint8Array(bytes),
    () => Promise.reject(new Error(GARBLED)),
  )
}
