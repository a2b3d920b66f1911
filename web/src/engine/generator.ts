// What a seed means: the same noise as minifaces.studio.generator in Python (docs/reference/architecture.md defines it,
// tests/data/generator.json has examples that both are tested with).

import { sha256 } from "@noble/hashes/sha2.js"
import type { Seed } from "./types"

const MASK = (1n << 64n) - 1n
const LARGEST = (1n << 128n) - 1n

/** The seed of a text: the first 16 bytes of the SHA-256 of its UTF-8 in normal form C, the first byte highest. */
export function avatarSeed(text: string): Seed {
  const digest = sha256(utf8(text.normalize("NFC")))
  return digest.subarray(0, 16).reduce((seed, byte) => (seed << 8n) | BigInt(byte), 0n)
}

/** UTF-8 as Python's: a lone surrogate, which TextEncoder would replace, is written as its three bytes. */
function utf8(text: string): Uint8Array {
  const bytes: number[] = []
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (code >= 0xd800 && code <= 0xdfff) bytes.push(0xed, 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
    else bytes.push(...new TextEncoder().encode(character))
  }
  return Uint8Array.from(bytes)
}

/** Standard normal noise of one face of a seed, multiples of 2^-16. */
export function normals(seed: Seed, size: number, stream = 0, face = 0): Float64Array {
  const words = mantissas(seed, size + (size % 2), stream, face)
  const noise = new Float64Array(words.length)
  for (let i = 0; i < words.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((words[i] + 1) * 2 ** -53))
    const angle = 2 * Math.PI * (words[i + 1] * 2 ** -53)
    noise[i] = rounded(radius * Math.cos(angle), 2 ** -16)
    noise[i + 1] = rounded(radius * Math.sin(angle), 2 ** -16)
  }
  return noise.subarray(0, size)
}

/** Numbers in [0, 1). */
export function uniforms(seed: Seed, size: number, stream: number, face = 0): Float64Array {
  return mantissas(seed, size, stream, face).map(mantissa => mantissa * 2 ** -53)
}

/** Of weights of sum 1, a number below their count. */
export function choice(weights: Float64Array, seed: Seed, stream: number): number {
  const [wanted] = uniforms(seed, 1, stream)
  let [chosen, reached] = [0, weights[0]]
  while (chosen < weights.length - 1 && reached <= wanted) reached += weights[++chosen]
  return chosen
}

/** To the nearest multiple of `grain`, halves upwards. Latents that are drawn are multiples of 2^-10. */
export function rounded(value: number, grain = 2 ** -10): number {
  return Math.floor(value / grain + 0.5) * grain
}

/** The upper 53 bits of the first `count` words of Philox4x64-10. */
function mantissas(seed: Seed, count: number, stream: number, face: number): Float64Array {
  if (seed < 0n || seed > LARGEST) throw new Error("A seed is a whole number from 0 to 2^128 - 1.")
  const found = new Float64Array(count)
  for (let block = 1, at = 0; at < count; block++) {
    for (const word of philox([BigInt(block), BigInt(face), BigInt(stream), 0n], seed)) {
      if (at < count) found[at++] = Number(word >> 11n)
    }
  }
  return found
}

/** Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011: ten rounds over four words. */
function philox(counter: [bigint, bigint, bigint, bigint], key: bigint): bigint[] {
  let [a, b, c, d] = counter
  let [low, high] = [key & MASK, key >> 64n]
  for (let round = 0; round < 10; round++) {
    const first = a * 0xd2e7470ee14c6c93n
    const second = c * 0xca5a826395121157n
    ;[a, b, c, d] = [(second >> 64n) ^ b ^ low, second & MASK, (first >> 64n) ^ d ^ high, first & MASK]
    low = (low + 0x9e3779b97f4a7c15n) & MASK
    high = (high + 0xbb67ae8584caa73bn) & MASK
  }
  return [a, b, c, d]
}
