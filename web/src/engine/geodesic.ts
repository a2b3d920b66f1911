// Morphs that change the picture as little as possible on the way, as minifaces.studio.geodesic: the encoder, an
// approximate inverse of the decoder, pulls each knot towards the mean of its neighbours' pictures.

import type { Numbers } from "./networks"
import { linear, type Row } from "./paths"

export type Run = (rows: Numbers[]) => Promise<Numbers[]>

const KNOTS = 6
const ROUNDS = 3
const SHARES = [1, 0.5, 0.25]
const FINE = 33

export async function geodesic(a: Row, b: Row, t: number[], decode: Run, encode: Run): Promise<Row[]> {
  const draw = (points: Row[]) => decode(points.map(point => Float32Array.from(point)))
  const knots = await relax(a, b, draw, encode)
  const fine = Array.from({ length: FINE }, (_, i) => i / (FINE - 1))
  const curve = spline(knots)
  const ways = [(share: number) => curve(share), (share: number) => linear(a, b, [share])[0]]
  const lengths: number[][] = []
  for (const way of ways) lengths.push(squares(await draw(fine.map(way))).map(Math.sqrt))
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  const best = sum(lengths[0]) <= sum(lengths[1]) ? 0 : 1
  const travelled = lengths[best].reduce((reached, step) => [...reached, reached[reached.length - 1] + step], [0])
  const whole = travelled[FINE - 1]
  if (whole === 0) return linear(a, b, t)
  return t.map(share => {
    if (share === 0 || share === 1) return share ? b : a
    let right = 1
    while (right < FINE - 1 && travelled[right] < share * whole) right++
    const step = travelled[right] - travelled[right - 1]
    const part = step > 0 ? (share * whole - travelled[right - 1]) / step : 0
    return ways[best]((right - 1 + part) / (FINE - 1))
  })
}

/** Knots with both ends, moved from the straight line only where the sum of squared changes falls. */
async function relax(a: Row, b: Row, draw: (points: Row[]) => Promise<Numbers[]>, encode: Run): Promise<Row[]> {
  let knots = linear(a, b, Array.from({ length: KNOTS + 2 }, (_, i) => i / (KNOTS + 1)))
  let faces = await draw(knots)
  let energy = squares(faces).reduce((sum, square) => sum + square, 0)
  for (let round = 0; round < ROUNDS; round++) {
    const [before, descent] = [knots, await towards(faces, encode)]
    for (const share of SHARES) {
      const tried = before.map((row, n) =>
        n === 0 || n > KNOTS ? row : row.map((value, i) => value + share * descent[n - 1][i]),
      )
      const seen = [faces[0], ...(await draw(tried.slice(1, -1))), faces[KNOTS + 1]]
      const value = squares(seen).reduce((sum, square) => sum + square, 0)
      if (value < energy) [knots, faces, energy] = [tried, seen, value]
    }
  }
  return knots
}

/** Where to move the inner knots: the chain's matrix (1 and -1/2 beside it) solved for the encoder's pulls. */
async function towards(faces: Numbers[], encode: Run): Promise<Row[]> {
  const middles = faces.slice(1, -1).map((_, n) => faces[n].map((value, i) => (value + faces[n + 2][i]) / 2) as Numbers)
  const coded = await encode([...middles, ...faces.slice(1, -1)])
  const pulls = middles.map((_, n) => Float64Array.from(coded[n], (value, i) => value - coded[KNOTS + n][i]))
  const factors: number[] = []
  for (let n = 0; n < KNOTS; n++) {
    const pivot = 1 + (n ? 0.5 * factors[n - 1] : 0)
    factors.push(-0.5 / pivot)
    pulls[n] = pulls[n].map((value, i) => (value + (n ? 0.5 * pulls[n - 1][i] : 0)) / pivot)
  }
  for (let n = KNOTS - 2; n >= 0; n--) pulls[n] = pulls[n].map((value, i) => value - factors[n] * pulls[n + 1][i])
  return pulls
}

/** The natural cubic spline through evenly spaced knots, as a function of [0, 1]. */
function spline(knots: Row[]): (share: number) => Row {
  const last = knots.length - 1
  // Second derivatives m, with m = 0 at both ends: m[n-1] + 4 m[n] + m[n+1] = 6 (k[n-1] - 2 k[n] + k[n+1])
  const bends = knots.map((row, n) =>
    n === 0 || n === last ? row.map(() => 0) : row.map((value, i) => 6 * (knots[n - 1][i] - 2 * value + knots[n + 1][i])),
  )
  const factors = [0]
  for (let n = 1; n < last; n++) {
    const pivot = 4 - factors[n - 1]
    factors.push(1 / pivot)
    bends[n] = bends[n].map((value, i) => (value - bends[n - 1][i]) / pivot)
  }
  for (let n = last - 1; n > 0; n--) bends[n] = bends[n].map((value, i) => value - factors[n] * bends[n + 1][i])
  return share => {
    const n = Math.min(last - 1, Math.floor(share * last))
    const [right, left] = [share * last - n, 1 - (share * last - n)]
    return knots[n].map(
      (value, i) =>
        left * value +
        right * knots[n + 1][i] +
        ((left ** 3 - left) * bends[n][i] + (right ** 3 - right) * bends[n + 1][i]) / 6,
    )
  }
}

/** Squared distances of neighbouring pictures. */
function squares(faces: Numbers[]): number[] {
  return faces.slice(1).map((face, n) => {
    let sum = 0
    for (let i = 0; i < face.length; i++) sum += (face[i] - faces[n][i]) ** 2
    return sum
  })
}
