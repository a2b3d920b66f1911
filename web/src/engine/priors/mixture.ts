// The mixture prior, as minifaces.studio.mixture: a Gaussian mixture over leading directions, to draw from and to bend
// paths by.

import { choice, normals } from "../generator"
import type { Prior } from "../priors"
import type { Seed } from "../types"
import type { Tensor } from "../unpack"

export default class Mixture implements Prior {
  readonly mean: Float64Array
  readonly threshold: number
  private readonly basis: Float64Array
  private readonly residual: Float64Array
  private readonly weights: Float64Array
  private readonly means: Float64Array
  private readonly cholesky: Float64Array
  private readonly whiteners: Float64Array
  private readonly constants: Float64Array
  /** dimensions of a latent, of the mixture, and how many components */
  private readonly d: number
  private readonly k: number
  private readonly c: number

  constructor(tensors: Map<string, Tensor>) {
    const read = (name: string) => Float64Array.from(tensors.get(name)!.data as Float32Array)
    this.mean = read("mean")
    this.basis = read("basis")
    this.residual = read("residual")
    this.means = read("means")
    this.cholesky = read("cholesky")
    this.threshold = read("threshold")[0]
    const weights = read("weights")
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    this.weights = weights.map(weight => weight / total)
    ;[this.d, this.c] = [this.mean.length, weights.length]
    this.k = this.basis.length / this.d
    this.whiteners = this.inverses()
    this.constants = this.weights.map((weight, c) => {
      let determinant = 0
      for (let i = 0; i < this.k; i++) determinant += Math.log(this.cholesky[(c * this.k + i) * this.k + i])
      return Math.log(weight) - determinant - 0.5 * this.k * Math.log(2 * Math.PI)
    })
  }

  /** The first faces of seeds, each (d,). */
  sample(seeds: Seed[], temperature: number): Float64Array[] {
    return seeds.map(seed => this.first(seed, temperature))
  }

  private first(seed: Seed, temperature: number): Float64Array {
    const { d, k, basis } = this
    const component = choice(this.weights, seed, 2)
    const noise = normals(seed, k)
    const beside = normals(seed, d, 1)
    const rest = this.residual.map((scale, i) => temperature * scale * beside[i])
    const latent = this.mean.map((mean, i) => mean + rest[i])
    for (let i = 0; i < k; i++) {
      const row = (component * k + i) * k
      let deviation = 0
      for (let j = 0; j <= i; j++) deviation += this.cholesky[row + j] * noise[j]
      let along = this.means[component * k + i] + temperature * deviation
      for (let j = 0; j < d; j++) along -= rest[j] * basis[i * d + j]
      for (let j = 0; j < d; j++) latent[j] += along * basis[i * d + j]
    }
    return latent
  }

  /** The logarithm of the density per dimension, and its slope (d,) there. */
  gradient(latent: Float64Array): [number, Float64Array] {
    const { d, k, c, basis, whiteners } = this
    const y = new Float64Array(k)
    for (let i = 0; i < k; i++) for (let j = 0; j < d; j++) y[i] += (latent[j] - this.mean[j]) * basis[i * d + j]
    const whitened = new Float64Array(c * k)
    const terms = this.constants.slice()
    for (let n = 0; n < c; n++) {
      for (let i = 0; i < k; i++) {
        let sum = 0
        for (let j = 0; j <= i; j++) sum += whiteners[(n * k + i) * k + j] * (y[j] - this.means[n * k + j])
        whitened[n * k + i] = sum
        terms[n] -= 0.5 * sum * sum
      }
    }
    const top = terms.reduce((most, term) => Math.max(most, term), -Infinity)
    const total = top + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - top), 0))
    const slope = new Float64Array(k)
    for (let n = 0; n < c; n++) {
      const share = Math.exp(terms[n] - total)
      if (share < 1e-12) continue
      for (let i = 0; i < k; i++)
        for (let j = 0; j <= i; j++) slope[j] -= share * whitened[n * k + i] * whiteners[(n * k + i) * k + j]
    }
    const gradient = new Float64Array(d)
    for (let i = 0; i < k; i++) for (let j = 0; j < d; j++) gradient[j] += (slope[i] / k) * basis[i * d + j]
    return [total / k, gradient]
  }

  /** Of the lower triangular Cholesky factors, by forward substitution. */
  private inverses(): Float64Array {
    const { k, c, cholesky } = this
    const inverse = new Float64Array(cholesky.length)
    for (let n = 0; n < c; n++) {
      const at = (i: number, j: number) => (n * k + i) * k + j
      for (let j = 0; j < k; j++) {
        for (let i = j; i < k; i++) {
          let sum = i === j ? 1 : 0
          for (let m = j; m < i; m++) sum -= cholesky[at(i, m)] * inverse[at(m, j)]
          inverse[at(i, j)] = sum / cholesky[at(i, i)]
        }
      }
    }
    return inverse
  }
}
