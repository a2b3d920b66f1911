// The machine's own camera in the page: what it sees, until a picture is taken of it.

import { h } from "./dom"

export interface Camera {
  element: HTMLElement
  /** let the camera go */
  close(): void
}

/** Null where pages get no camera: without one, or where the page did not come over https or from this machine. */
export function camera(taken: (picture: Blob) => void, failed: (error: unknown) => void): Camera | null {
  if (!navigator.mediaDevices?.getUserMedia) return null
  const video = h("video", { class: "face large", muted: true, playsInline: true, autoplay: true, "aria-label": "What the camera sees" })
  const take = h("button", { class: "main", onclick: snap }, "Take the picture")
  const finder = h("div", { class: "finder", hidden: true }, video, h("div", { class: "inline" }, take, h("button", { onclick: close }, "Close the camera")))
  const start = h("button", { onclick: () => void open().catch(refused) }, "Use the camera")
  let stream: MediaStream | null = null
  let asked = 0

  async function open() {
    const mine = ++asked
    const found = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } })
    if (mine !== asked) return found.getTracks().forEach(track => track.stop()) // closed meanwhile
    video.srcObject = stream = found
    await video.play()
    finder.hidden = false
    start.hidden = true
    take.focus()
  }
  function snap() {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight })
    canvas.getContext("2d")!.drawImage(video, 0, 0)
    canvas.toBlob(picture => {
      close()
      if (picture) taken(picture)
      else failed(new Error("The camera gave no picture."))
    }, "image/png")
  }
  function close() {
    asked++
    for (const track of stream?.getTracks() ?? []) track.stop()
    video.srcObject = stream = null
    finder.hidden = true
    start.hidden = false
  }
  function refused(error: unknown) {
    close()
    const name = error instanceof DOMException ? error.name : ""
    const none = name === "NotFoundError" || name === "OverconstrainedError"
    failed(new Error(none ? "There is no camera here: choose a file." : "The camera may not be used here: allow it to this page, or choose a file."))
  }
  return { element: h("div", { class: "camera" }, start, finder), close }
}
