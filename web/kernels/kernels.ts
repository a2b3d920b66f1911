// What networks are computed with, in AssemblyScript: WebAssembly with SIMD. Pictures lie pixel by pixel, the channels
// of one after the other; all numbers are float32, all addresses are bytes. minifaces.explorer.program writes in which
// order src/engine/networks.ts calls these. The memory's first 4 kB are their own.

/** Rows of a matrix that lie in one panel: of each column their numbers side by side, filled up with zeros. */
const PANEL: usize = 8

/** y = x W' + bias: x (m, columns); W (rows, columns) in panels; bias as long as the panels' rows; y (m, rows). */
export function multiply(x: usize, w: usize, bias: usize, y: usize, m: usize, columns: usize, rows: usize): void {
  const xStep = columns << 2
  const yStep = rows << 2
  for (let row: usize = 0; row < rows; row += PANEL) {
    const whole = rows - row >= PANEL
    let at = x
    let to = y + (row << 2)
    let left = m
    while (left >= 4) {
      four(at, xStep, w, bias, to, yStep, columns, whole ? 0 : rows - row)
      at += xStep << 2
      to += yStep << 2
      left -= 4
    }
    while (left > 0) {
      one(at, w, bias, to, columns, whole ? 0 : rows - row)
      at += xStep
      to += yStep
      left--
    }
    w += columns * PANEL << 2
    bias += PANEL << 2
  }
}

// @ts-ignore: decorator
@inline
function fma(a: v128, b: v128, sum: v128): v128 {
  return f32x4.add(sum, f32x4.mul(a, b))
}

/** Four rows of x with one panel. */
// @ts-ignore: decorator
@inline
function four(x: usize, step: usize, w: usize, bias: usize, y: usize, yStep: usize, columns: usize, few: usize): void {
  const low = v128.load(bias)
  const high = v128.load(bias, 16)
  let a0 = low, a1 = high, b0 = low, b1 = high, c0 = low, c1 = high, d0 = low, d1 = high
  let x1 = x + step
  let x2 = x1 + step
  let x3 = x2 + step
  for (const end = x + (columns << 2); x < end; ) {
    const w0 = v128.load(w)
    const w1 = v128.load(w, 16)
    const p = v128.load_splat<f32>(x)
    a0 = fma(p, w0, a0)
    a1 = fma(p, w1, a1)
    const q = v128.load_splat<f32>(x1)
    b0 = fma(q, w0, b0)
    b1 = fma(q, w1, b1)
    const r = v128.load_splat<f32>(x2)
    c0 = fma(r, w0, c0)
    c1 = fma(r, w1, c1)
    const s = v128.load_splat<f32>(x3)
    d0 = fma(s, w0, d0)
    d1 = fma(s, w1, d1)
    w += PANEL << 2
    x += 4
    x1 += 4
    x2 += 4
    x3 += 4
  }
  put(y, a0, a1, few)
  put(y + yStep, b0, b1, few)
  put(y + yStep * 2, c0, c1, few)
  put(y + yStep * 3, d0, d1, few)
}

/** One row of x with one panel. */
// @ts-ignore: decorator
@inline
function one(x: usize, w: usize, bias: usize, y: usize, columns: usize, few: usize): void {
  let a0 = v128.load(bias)
  let a1 = v128.load(bias, 16)
  for (const end = x + (columns << 2); x < end; x += 4) {
    const p = v128.load_splat<f32>(x)
    a0 = fma(p, v128.load(w), a0)
    a1 = fma(p, v128.load(w, 16), a1)
    w += PANEL << 2
  }
  put(y, a0, a1, few)
}

/** Eight numbers, or the first `few` of them. */
// @ts-ignore: decorator
@inline
function put(to: usize, low: v128, high: v128, few: usize): void {
  if (!few) {
    v128.store(to, low)
    v128.store(to, high, 16)
  } else {
    v128.store(edge, low)
    v128.store(edge, high, 16)
    memory.copy(to, edge, few << 2)
  }
}
const edge = memory.data(32)

/** Numbers on their way from one order into another: `spec` holds for each of `rank` loops, the outermost first, how
 * often it goes round and by how many bytes source and target move on. They are added to what is there if `add`. */
export function copy(x: usize, y: usize, spec: usize, rank: u32, add: bool): void {
  const count = load<u32>(spec)
  const from = load<i32>(spec, 4)
  const to = load<i32>(spec, 8)
  if (rank > 1) {
    for (let i: u32 = 0; i < count; i++) {
      copy(x, y, spec + 12, rank - 1, add)
      x += from
      y += to
    }
  } else if (add) {
    for (let i: u32 = 0; i < count; i++) {
      store<f32>(y, load<f32>(y) + load<f32>(x))
      x += from
      y += to
    }
  } else if (from == 4 && to == 4) {
    memory.copy(y, x, count << 2)
  } else {
    for (let i: u32 = 0; i < count; i++) {
      store<f32>(y, load<f32>(x))
      x += from
      y += to
    }
  }
}

export function fill(y: usize, n: usize): void {
  memory.fill(y, 0, n << 2)
}

// What works number by number takes four at once: buffers are as long as that needs.

export function add(x: usize, y: usize, n: usize, x2: usize): void {
  for (const end = y + (n << 2); y < end; y += 16, x += 16, x2 += 16) v128.store(y, f32x4.add(v128.load(x), v128.load(x2)))
}

export function times(x: usize, y: usize, n: usize, x2: usize): void {
  for (const end = y + (n << 2); y < end; y += 16, x += 16, x2 += 16) v128.store(y, f32x4.mul(v128.load(x), v128.load(x2)))
}

/** y = x * scale + shift, each of `period` numbers, a multiple of four, again and again. */
export function scale(x: usize, y: usize, n: usize, scales: usize, shifts: usize, period: usize): void {
  const end = y + (n << 2)
  while (y < end) {
    for (let i: usize = 0; i < period << 2 && y < end; i += 16, x += 16, y += 16)
      v128.store(y, f32x4.add(f32x4.mul(v128.load(x), v128.load(scales + i)), v128.load(shifts + i)))
  }
}

/** Numbers below zero times `slope`, then nothing below `least` or above `most`. */
export function bend(x: usize, y: usize, n: usize, slope: f32, least: f32, most: f32): void {
  const zero = f32x4.splat(0)
  for (const end = y + (n << 2); y < end; y += 16, x += 16) {
    const v = v128.load(x)
    const bent = v128.bitselect(f32x4.mul(v, f32x4.splat(slope)), v, f32x4.lt(v, zero))
    v128.store(y, f32x4.pmin(f32x4.splat(most), f32x4.pmax(f32x4.splat(least), bent)))
  }
}

export function sigmoid(x: usize, y: usize, n: usize): void {
  for (const end = y + (n << 2); y < end; y += 16, x += 16) v128.store(y, f32x4.div(f32x4.splat(1), grown(v128.load(x))))
}

/** x * sigmoid(x) */
export function silu(x: usize, y: usize, n: usize): void {
  for (const end = y + (n << 2); y < end; y += 16, x += 16) {
    const v = v128.load(x)
    v128.store(y, f32x4.div(v, grown(v)))
  }
}

/** 1 + exp(-x), by Cody and Waite's reduction to half of log 2 at most, and a polynomial (Cephes' expf). */
// @ts-ignore: decorator
@inline
function grown(x: v128): v128 {
  const v = f32x4.pmin(f32x4.splat(87), f32x4.pmax(f32x4.splat(-87), f32x4.neg(x)))
  // Beside 1.5 * 2^23 there is no room for fractions, and the whole number is in the lowest bits.
  const whole = f32x4.add(f32x4.mul(v, f32x4.splat(1.44269504)), f32x4.splat(12582912))
  const n = f32x4.sub(whole, f32x4.splat(12582912))
  const r = f32x4.sub(f32x4.sub(v, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1))
  const power = i32x4.add(i32x4.shl(whole, 23), i32x4.splat(127 << 23))
  return f32x4.add(f32x4.splat(1), f32x4.mul(p, power))
}

/** Rows of n numbers with mean 0 and variance 1, times a scale and shifted, one of each a row. */
export function normalise(x: usize, y: usize, rows: usize, n: usize, scales: usize, shifts: usize, epsilon: f32): void {
  const size = n << 2
  for (let row: usize = 0; row < rows; row++) {
    let sum: f64 = 0
    let squares: f64 = 0
    for (let i: usize = 0; i < size; i += 4) sum += load<f32>(x + i)
    const mean = sum / f64(n)
    for (let i: usize = 0; i < size; i += 4) {
      const apart = f64(load<f32>(x + i)) - mean
      squares += apart * apart
    }
    const factor = f64(load<f32>(scales + (row << 2))) / Math.sqrt(squares / f64(n) + epsilon)
    const shift = f64(load<f32>(shifts + (row << 2)))
    for (let i: usize = 0; i < size; i += 4) store<f32>(y + i, f32((f64(load<f32>(x + i)) - mean) * factor + shift))
    x += size
    y += size
  }
}

// Winograd's minimal filtering, F(4 x 4, 3 x 3) of Lavin and Gray (2016, https://arxiv.org/abs/1509.09308): with d the
// 6 x 6 pixels of a tile of 4 x 4 and its rim and g the filter, the tile is A' [(G g G') * (B' d B)] A, where * multiplies
// number by number. Over all channels and tiles that is one product of matrices for each of the 36 places.

/** A tile's numbers between the two halves of a transform: 36 of four. */
const half = memory.data(36 * 16)

/** Pictures with a rim of one pixel, (side + 2)^2 of so many channels, a multiple of four -> 36 of (tiles, channels). */
export function tile(x: usize, y: usize, side: usize, channels: usize): void {
  const pixel = channels << 2
  const line = (side + 2) * pixel
  const tiles = side >> 2
  const place = tiles * tiles * pixel
  for (let top: usize = 0; top < tiles; top++) {
    for (let left: usize = 0; left < tiles; left++) {
      const corner = x + (top << 2) * line + (left << 2) * pixel
      for (let channel: usize = 0; channel < pixel; channel += 16) {
        for (let i: usize = 0; i < 6; i++) patch(corner + channel + i * pixel, line, half + (i << 4), 96)
        for (let i: usize = 0; i < 6; i++) patch(half + i * 96, 16, y + channel + i * 6 * place, place)
      }
      y += pixel
    }
  }
}

/** B' d of six numbers `from` bytes apart. */
// @ts-ignore: decorator
@inline
function patch(x: usize, from: usize, y: usize, to: usize): void {
  const d0 = v128.load(x)
  const d1 = v128.load(x + from)
  const d2 = v128.load(x + from * 2)
  const d3 = v128.load(x + from * 3)
  const d4 = v128.load(x + from * 4)
  const d5 = v128.load(x + from * 5)
  const two = f32x4.splat(2)
  const four = f32x4.splat(4)
  const five = f32x4.splat(5)
  v128.store(y, f32x4.add(f32x4.sub(f32x4.mul(four, d0), f32x4.mul(five, d2)), d4))
  let even = f32x4.sub(d4, f32x4.mul(four, d2))
  let odd = f32x4.sub(d3, f32x4.mul(four, d1))
  v128.store(y + to, f32x4.add(even, odd))
  v128.store(y + to * 2, f32x4.sub(even, odd))
  even = f32x4.sub(d4, d2)
  odd = f32x4.mul(two, f32x4.sub(d3, d1))
  v128.store(y + to * 3, f32x4.add(even, odd))
  v128.store(y + to * 4, f32x4.sub(even, odd))
  v128.store(y + to * 5, f32x4.add(f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3)), d5))
}

/** 36 of (tiles, channels) -> pictures of side^2 pixels, with a bias a channel. */
export function untile(x: usize, bias: usize, y: usize, side: usize, channels: usize): void {
  const pixel = channels << 2
  const line = side * pixel
  const tiles = side >> 2
  const place = tiles * tiles * pixel
  const zero = f32x4.splat(0)
  for (let top: usize = 0; top < tiles; top++) {
    for (let left: usize = 0; left < tiles; left++) {
      const corner = y + (top << 2) * line + (left << 2) * pixel
      for (let channel: usize = 0; channel < pixel; channel += 16) {
        const shift = v128.load(bias + channel)
        for (let i: usize = 0; i < 6; i++) picture(x + channel + i * place, 6 * place, half + (i << 4), 96, zero)
        for (let i: usize = 0; i < 4; i++) picture(half + i * 96, 16, corner + channel + i * line, pixel, shift)
      }
      x += pixel
    }
  }
}

/** A' m of six numbers, and a shift. */
// @ts-ignore: decorator
@inline
function picture(x: usize, from: usize, y: usize, to: usize, shift: v128): void {
  const m1 = v128.load(x + from)
  const m2 = v128.load(x + from * 2)
  const m3 = v128.load(x + from * 3)
  const m4 = v128.load(x + from * 4)
  const near = f32x4.add(f32x4.add(m1, m2), shift)
  const far = f32x4.add(m3, m4)
  v128.store(y, f32x4.add(f32x4.add(v128.load(x), near), far))
  v128.store(y + to * 2, f32x4.add(near, f32x4.mul(f32x4.splat(4), far)))
  const across = f32x4.add(f32x4.sub(m1, m2), shift)
  const beyond = f32x4.sub(m3, m4)
  v128.store(y + to, f32x4.add(across, f32x4.mul(f32x4.splat(2), beyond)))
  v128.store(y + to * 3, f32x4.add(f32x4.add(across, f32x4.mul(f32x4.splat(8), beyond)), v128.load(x + from * 5)))
}

// Matrices as they are stored: rows of whole numbers of one byte with a unit each.

/** Rows times their units. */
export function widen(numbers: usize, units: usize, y: usize, rows: usize, columns: usize): void {
  for (const end = units + (rows << 2); units < end; units += 4) {
    const unit = load<f32>(units)
    for (const last = y + (columns << 2); y < last; y += 4, numbers++) store<f32>(y, f32(load<i8>(numbers)) * unit)
  }
}

/** What half-precision numbers, in the order of their size, have beyond what `widen` gives: n low and n high bytes of
 * whole numbers, 2 d for d from 0 up and -2 d - 1 below. minifaces.explorer.pack writes them. */
export function refine(y: usize, low: usize, high: usize): void {
  for (const end = high + (high - low); high < end; low++, high++, y += 4) {
    const code = i32(load<u8>(low)) | (i32(load<u8>(high)) << 8)
    store<f32>(y, fromPlace(toPlace(load<f32>(y)) + ((code >> 1) ^ -(code & 1))))
  }
}

/** The place of the next half-precision number towards zero, counted from zero. */
// @ts-ignore: decorator
@inline
function toPlace(value: f32): i32 {
  const bits = reinterpret<i32>(value)
  const size = max(((bits & 0x7fffffff) >> 13) - (112 << 10), 0)
  return bits < 0 ? -size : size
}

// @ts-ignore: decorator
@inline
function fromPlace(place: i32): f32 {
  const size = abs(place)
  const value = size < 1024 ? f32(size) * f32(5.9604644775390625e-8) : reinterpret<f32>((size + (112 << 10)) << 13)
  return place < 0 ? -value : value
}

/** (rows, columns) -> panels. */
export function lay(x: usize, y: usize, rows: usize, columns: usize): void {
  for (let row: usize = 0; row < rows; row++) {
    let to = y + (row & ~(PANEL - 1)) * (columns << 2) + ((row & (PANEL - 1)) << 2)
    for (const end = x + (columns << 2); x < end; x += 4, to += PANEL << 2) store<f32>(to, load<f32>(x))
  }
}

/** Filters (rows, 3 x 3, channels) -> 36 times panels of (rows, channels): G g G'. */
export function layTiled(x: usize, y: usize, rows: usize, channels: usize): void {
  const pixel = channels << 2
  const place = (rows + PANEL - 1 & ~(PANEL - 1)) * pixel
  for (let row: usize = 0; row < rows; row++) {
    let to = y + (row & ~(PANEL - 1)) * pixel + ((row & (PANEL - 1)) << 2)
    for (const end = x + pixel; x < end; x += 4, to += PANEL << 2) {
      for (let i: usize = 0; i < 3; i++) filter(x + i * pixel, 3 * pixel, half + (i << 2), 12)
      for (let i: usize = 0; i < 6; i++) filter(half + i * 12, 4, to + i * 6 * place, place)
    }
    x += 8 * pixel
  }
}

/** G g of three numbers. */
// @ts-ignore: decorator
@inline
function filter(x: usize, from: usize, y: usize, to: usize): void {
  const g0: f64 = load<f32>(x)
  const g1: f64 = load<f32>(x + from)
  const g2: f64 = load<f32>(x + from * 2)
  store<f32>(y, f32(g0 / 4))
  store<f32>(y + to, f32((-g0 - g1 - g2) / 6))
  store<f32>(y + to * 2, f32((-g0 + g1 - g2) / 6))
  store<f32>(y + to * 3, f32((g0 + 2 * g1 + 4 * g2) / 24))
  store<f32>(y + to * 4, f32((g0 - 2 * g1 + 4 * g2) / 24))
  store<f32>(y + to * 5, f32(g2))
}

// For networks from latents to latents (src/engine/latentnet.ts), in double precision.

/** y = bias + unit * (W x) for four rows x at once. W: whole numbers of one byte, row after row, columns a multiple of 8;
 * units and biases: float32, one a row of W; x, y: four rows of float64 each, xStep and yStep bytes apart. */
export function linear(w: usize, units: usize, biases: usize, rows: usize, columns: usize, x: usize, xStep: usize, y: usize, yStep: usize): void {
  for (const end = units + (rows << 2); units < end; units += 4, biases += 4, y += 8) {
    let x0 = x
    let x1 = x + xStep
    let x2 = x1 + xStep
    let x3 = x2 + xStep
    let sum0 = f64x2.splat(0)
    let sum1 = sum0
    let sum2 = sum0
    let sum3 = sum0
    for (const last = w + columns; w < last; w += 8) {
      const eight = v128.load_ext<i8>(w)
      const low = i32x4.extend_low_i16x8_s(eight)
      const high = i32x4.extend_high_i16x8_s(eight)
      const a = f64x2.convert_low_i32x4_s(low)
      const b = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(low, low, 1, 0))
      const c = f64x2.convert_low_i32x4_s(high)
      const d = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(high, high, 1, 0))
      sum0 = f64x2.add(sum0, eightTimes(x0, a, b, c, d))
      sum1 = f64x2.add(sum1, eightTimes(x1, a, b, c, d))
      sum2 = f64x2.add(sum2, eightTimes(x2, a, b, c, d))
      sum3 = f64x2.add(sum3, eightTimes(x3, a, b, c, d))
      x0 += 64
      x1 += 64
      x2 += 64
      x3 += 64
    }
    const unit = f64(load<f32>(units))
    const bias = f64(load<f32>(biases))
    store<f64>(y, bias + unit * together(sum0))
    store<f64>(y + yStep, bias + unit * together(sum1))
    store<f64>(y + yStep * 2, bias + unit * together(sum2))
    store<f64>(y + yStep * 3, bias + unit * together(sum3))
  }
}

// @ts-ignore: decorator
@inline
function eightTimes(x: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return f64x2.add(
    f64x2.add(f64x2.mul(a, v128.load(x)), f64x2.mul(b, v128.load(x, 16))),
    f64x2.add(f64x2.mul(c, v128.load(x, 32)), f64x2.mul(d, v128.load(x, 48))),
  )
}

// @ts-ignore: decorator
@inline
function together(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1)
}
