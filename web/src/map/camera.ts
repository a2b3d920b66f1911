// Where the map is looked at from. The world is the unit square, for both layouts; where a square would leave much of the
// room empty it is drawn longer than it is.

export interface Size {
  width: number
  height: number
}

const MARGIN = 0.12
const LONGEST = 1.5 // times one side that the world is drawn longer than the other, at most

export class Camera {
  x = 0.5
  y = 0.5
  /** times nearer than when the whole map fits */
  near = 1
  /** how far the world takes the room's shape: 0 a square, 1 as long as it may be */
  shape = 1

  constructor(
    private size: Size,
    private readonly nearest: number,
  ) {}

  resize(size: Size): void {
    this.size = size
  }

  /** pixels a unit of the world, along the shorter side */
  get scale(): number {
    return this.fit * this.near
  }

  /** pixels a unit of the world, across and down */
  get scales(): [number, number] {
    const { width, height } = this.size
    const longer = (a: number, b: number) => 1 + this.shape * (clamp(a / b, 1, LONGEST) - 1)
    return [this.scale * longer(width, height), this.scale * longer(height, width)]
  }

  get fit(): number {
    return Math.max(1, Math.min(this.size.width, this.size.height)) * (1 - MARGIN)
  }

  toWorld(px: number, py: number): [number, number] {
    const [across, down] = this.scales
    return [this.x + (px - this.size.width / 2) / across, this.y + (py - this.size.height / 2) / down]
  }

  toPixels(x: number, y: number): [number, number] {
    const [across, down] = this.scales
    return [(x - this.x) * across + this.size.width / 2, (y - this.y) * down + this.size.height / 2]
  }

  pan(dx: number, dy: number): void {
    const [across, down] = this.scales
    this.x = clamp(this.x - dx / across, 0, 1)
    this.y = clamp(this.y - dy / down, 0, 1)
  }

  /** Come nearer by a factor; what is at the pixel stays there. */
  zoom(factor: number, px = this.size.width / 2, py = this.size.height / 2): void {
    const [x, y] = this.toWorld(px, py)
    this.near = clamp(this.near * factor, 0.7, this.nearest)
    const [across, down] = this.scales
    this.x = clamp(x - (px - this.size.width / 2) / across, 0, 1)
    this.y = clamp(y - (py - this.size.height / 2) / down, 0, 1)
  }

  /** As it stands in the address: x, y, near. */
  toString(): string {
    return [this.x.toFixed(4), this.y.toFixed(4), this.near.toFixed(3)].join(",")
  }

  from(text: string | null): void {
    const numbers = (text ?? "").split(",").map(Number)
    if (numbers.length !== 3 || !numbers.every(Number.isFinite)) return
    this.x = clamp(numbers[0], 0, 1)
    this.y = clamp(numbers[1], 0, 1)
    this.near = clamp(numbers[2], 0.7, this.nearest)
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
