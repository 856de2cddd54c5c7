import { setImmediate as takeTurns } from 'node:timers/promises'
import sharp from 'sharp'

export interface Picture {
  name: string
  width: number
  height: number
  bytes: Buffer
}

const WIDTH = 3_840
const HEIGHT = 2_560
/** How many rows are computed before the event loop gets a turn. */
const ROWS = 32
const COLOURS = 2_048
const MAX_STEPS = 240
/** A point this far out never returns. It is also far enough for smooth colours. */
const ESCAPED = 400

/** A Julia set of 9.8 megapixels, as a JPEG that fits into one request. */
export const drawPicture = async (): Promise<Picture> => {
  const pixels = new Uint8Array(WIDTH * HEIGHT * 3)
  const palette = makePalette()
  // The set looks the same when it is turned by 180°, so only the upper half is computed.
  for (let row = 0; row < HEIGHT / 2; row++) {
    drawRow(pixels, palette, row)
    if (row % ROWS === 0) await takeTurns()
  }
  const raw = { width: WIDTH, height: HEIGHT, channels: 3 } as const
  const bytes = await sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer()
  return { name: 'julia.jpg', width: WIDTH, height: HEIGHT, bytes }
}

const drawRow = (pixels: Uint8Array, palette: Uint8Array, row: number): void => {
  for (let column = 0; column < WIDTH; column++) {
    const part = Math.sqrt(stepsFrom(column, row) / MAX_STEPS)
    const colour = Math.min(COLOURS - 1, Math.floor(part * COLOURS)) * 3
    for (const at of [row * WIDTH + column, (HEIGHT - 1 - row) * WIDTH + (WIDTH - 1 - column)]) {
      pixels[at * 3] = palette[colour] ?? 0
      pixels[at * 3 + 1] = palette[colour + 1] ?? 0
      pixels[at * 3 + 2] = palette[colour + 2] ?? 0
    }
  }
}

/** In how many steps z² + c leads away from a pixel, in fractions of a step; MAX_STEPS where it doesn't. */
const stepsFrom = (column: number, row: number): number => {
  const scale = 3.05 / WIDTH
  let x = (column + 0.5 - WIDTH / 2) * scale
  let y = (row + 0.5 - HEIGHT / 2) * scale
  for (let step = 1; step <= MAX_STEPS; step++) {
    const next = x * x - y * y - 0.7269
    y = 2 * x * y + 0.1889
    x = next
    const size = x * x + y * y
    if (size > ESCAPED) return Math.max(0, step + 1 - Math.log2(Math.log2(size) / 2))
  }
  return MAX_STEPS
}

/** From night blue over cream and amber to dark red, and nearly black where nothing escapes: place, red, green, blue. */
const STOPS = [
  [0, 6, 10, 34],
  [0.2, 18, 44, 110],
  [0.36, 32, 128, 168],
  [0.5, 240, 226, 190],
  [0.64, 236, 150, 36],
  [0.8, 128, 30, 40],
  [1, 12, 4, 16],
] as const

const makePalette = (): Uint8Array => {
  const palette = new Uint8Array(COLOURS * 3)
  for (const [index, [to, ...high]] of STOPS.entries()) {
    const [from, ...low] = STOPS[Math.max(0, index - 1)] ?? STOPS[0]
    for (let i = Math.floor(from * COLOURS); i < to * COLOURS; i++) {
      const part = (i / COLOURS - from) / (to - from)
      for (const c of [0, 1, 2] as const) palette[i * 3 + c] = low[c] * (1 - part) + high[c] * part
    }
  }
  return palette
}
