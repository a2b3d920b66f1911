// Whether a picture is a head that the model knows how to draw.

/** Decibels between a picture and its reconstruction below which it is taken for something else (docs/guide/explorer.md). */
export const LEAST = 22.5

/** The peak signal to noise ratio of two pictures of one size, in decibels. */
export function psnr(a: ImageData, b: ImageData): number {
  let sum = 0
  for (let i = 0; i < a.data.length; i += 4) for (let c = 0; c < 3; c++) sum += (a.data[i + c] - b.data[i + c]) ** 2
  return 10 * Math.log10(255 ** 2 / Math.max(1e-9, sum / (0.75 * a.data.length)))
}

export const doubtful = (framed: ImageData, made: ImageData): boolean => psnr(framed, made) < LEAST
