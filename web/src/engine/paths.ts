// Ways from one latent to another, as minifaces.studio.paths. Every path starts exactly at a and ends exactly at b.

import type Mixture from "./priors/mixture"

export type Row = Float64Array
/** two latents and fractions in [0, 1] -> as many latents */
export type Way = (a: Row, b: Row, t: number[]) => Row[] | Promise<Row[]>

const KNOTS = 33
const WEIGHT = 20
const ROUNDS = 300

export function linear(a: Row, b: Row, t: number[]): Row[] {
  return t.map(share => a.map((value, i) => (1 - share) * value + share * b[i]))
}

/** Turn about `centre` at an even pace, the distance going evenly from a's to b's (Shoemake 1985; White 2016). */
export function slerp(a: Row, b: Row, t: number[], centre: Row): Row[] {
  const [u, v] = [a.map((value, i) => value - centre[i]), b.map((value, i) => value - centre[i])]
  const [lengthU, lengthV] = [length(u), length(v)]
  if (lengthU * lengthV === 0) return linear(a, b, t)
  const cosine = u.reduce((sum, value, i) => sum + value * v[i], 0) / lengthU / lengthV
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)))
  const sine = Math.sin(angle)
  if (sine < 1e-4) return linear(a, b, t)
  return t.map(share => {
    if (share === 0) return a
    if (share === 1) return b
    const far = (1 - share) * lengthU + share * lengthV
    const fromU = (Math.sin((1 - share) * angle) / sine / lengthU) * far
    const fromV = (Math.sin(share * angle) / sine / lengthV) * far
    return u.map((value, i) => centre[i] + fromU * value + fromV * v[i])
  })
}

/** Bend the line to where faces are likely: an elastic band that is pushed where it is less likely than its ends. */
export function density(a: Row, b: Row, t: number[], mixture: Mixture): Row[] {
  if (a.every((value, i) => value === b[i])) return linear(a, b, t)
  const level = Math.max(mixture.threshold, Math.min(mixture.gradient(a)[0], mixture.gradient(b)[0]))
  return evenly(relax(a, b, mixture, level), t)
}

/** Semi-implicit gradient steps of the band's energy, as minifaces.studio.paths._relax. */
function relax(a: Row, b: Row, mixture: Mixture, level: number): Row[] {
  const gaps = KNOTS - 1
  let band = linear(a, b, Array.from({ length: KNOTS }, (_, i) => i / gaps))
  const square = squared(a, b)
  const scale = gaps ** 2 / square
  const energy = (points: Row[]): [number, Row[]] => {
    let value = 0
    for (let i = 0; i < gaps; i++) value += (0.5 * scale * squared(points[i], points[i + 1])) / gaps
    const push = points.slice(1, -1).map(point => {
      const [likely, slope] = mixture.gradient(point)
      const lack = Math.max(0, level - likely)
      value += (0.5 * WEIGHT * lack ** 2) / gaps
      return slope.map(part => WEIGHT * lack * part)
    })
    return [value, push]
  }
  let [value, push] = energy(band)
  let rate = square
  for (let round = 0; round < ROUNDS; round++) {
    const moved = [a, ...solve(band.slice(1, -1), push, a, b, rate, scale), b]
    const [movedValue, movedPush] = energy(moved)
    if (movedValue > value) {
      rate /= 2
      continue
    }
    const settled = value - movedValue <= 1e-7 * value
    ;[band, value, push] = [moved, movedValue, movedPush]
    if (settled) break
    rate *= 1.2
  }
  return band
}

/** (I + rate E) x = inner + rate (push + ends), E tridiagonal with 2 scale and -scale: Thomas's algorithm. */
function solve(inner: Row[], push: Row[], a: Row, b: Row, rate: number, scale: number): Row[] {
  const last = inner.length - 1
  const [middle, side] = [1 + 2 * rate * scale, -rate * scale]
  const factors: number[] = []
  const right = inner.map((row, n) =>
    row.map((value, i) => {
      const end = (n === 0 ? a[i] : 0) + (n === last ? b[i] : 0)
      return value + rate * (push[n][i] + scale * end)
    }),
  )
  for (let n = 0; n <= last; n++) {
    const pivot = middle - (n ? side * factors[n - 1] : 0)
    factors.push(side / pivot)
    right[n] = right[n].map((value, i) => (value - (n ? side * right[n - 1][i] : 0)) / pivot)
  }
  for (let n = last - 1; n >= 0; n--) right[n] = right[n].map((value, i) => value - factors[n] * right[n + 1][i])
  return right
}

/** The points at fractions t of the length of a polyline. */
function evenly(band: Row[], t: number[]): Row[] {
  const reached = [0]
  for (let i = 1; i < band.length; i++) reached.push(reached[i - 1] + Math.sqrt(squared(band[i - 1], band[i])))
  const whole = reached[reached.length - 1]
  return t.map(share => {
    if (share === 0) return band[0]
    if (share === 1) return band[band.length - 1]
    let right = 1
    while (right < band.length - 1 && reached[right] <= share * whole) right++
    const part = (share * whole - reached[right - 1]) / Math.max(reached[right] - reached[right - 1], 1e-300)
    return band[right - 1].map((value, i) => value + part * (band[right][i] - value))
  })
}

/** Walk through two or more latents, `steps` points a leg with both ends, shared ends once; a loop leaves the last
 * point, which is the first, out. `eased` sets off and arrives gently at each. */
export async function through(stops: Row[], way: Way, steps: number, loop: boolean, eased: boolean): Promise<Row[]> {
  let t = Array.from({ length: steps }, (_, i) => i / (steps - 1))
  if (eased) t = t.map(share => share * share * (3 - 2 * share))
  const ends = loop ? [...stops, stops[0]] : stops
  const points: Row[] = []
  for (let i = 0; i + 1 < ends.length; i++) points.push(...(await way(ends[i], ends[i + 1], t)).slice(0, -1))
  return loop ? points : [...points, ends[ends.length - 1]]
}

function squared(a: Row, b: Row): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0)
}

function length(row: Row): number {
  return Math.sqrt(row.reduce((sum, value) => sum + value * value, 0))
}
