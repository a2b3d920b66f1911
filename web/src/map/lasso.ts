// A ring drawn around faces.

export type Ring = [x: number, y: number][]

/** Whether a place lies inside a ring: a ray from it crosses the ring an odd number of times. */
export function within(ring: Ring, x: number, y: number): boolean {
  let inside = false
  ring.forEach(([ax, ay], i) => {
    const [bx, by] = ring[(i + 1) % ring.length]
    if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside
  })
  return inside
}

/** Draw a ring, or nothing but a clean canvas. */
export function drawRing(canvas: HTMLCanvasElement, ring: Ring): void {
  const context = canvas.getContext("2d")!
  context.clearRect(0, 0, canvas.width, canvas.height)
  if (!ring.length) return
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
  context.beginPath()
  ring.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)))
  context.closePath()
  context.strokeStyle = getComputedStyle(canvas).outlineColor
  context.lineWidth = 2
  context.setLineDash([6, 4])
  context.stroke()
  context.setTransform(1, 0, 0, 1, 0, 0)
}
