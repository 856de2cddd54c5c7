import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { STATES } from '../../../../lib/jobs/states.ts'

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8')
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }] as const,
  ),
)

/** WCAG 2: (L1 + 0.05) / (L2 + 0.05). */
const contrast = (one: string, other: string): number => {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

const luminance = (hex: string): number => {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

describe('the colours', () => {
  test('are those of the states that a job can be in, and no others but greys', () => {
    const named = [...colours.keys()].filter((name) => name.startsWith('state-'))
    expect(named.toSorted()).toEqual(STATES.map((state) => `state-${state}`).toSorted())
    for (const state of STATES) expect(css).toContain(`[data-state="${state}"] {\n  --state: var(--state-${state});`)
    for (const [name, { light, dark }] of colours) {
      if (name.startsWith('state-')) continue
      for (const hex of [light, dark]) {
        const parts = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
        expect([name, Math.max(...parts) - Math.min(...parts) <= 20]).toEqual([name, true])
      }
    }
  })

  test.for(['light', 'dark'] as const)('of text can be read on every paper, %s', (theme) => {
    const papers = [...colours].filter(([name]) => name.startsWith('paper'))
    const texts = [...colours].filter(([name]) => /^(ink|state-)/.test(name))
    expect([papers.length, texts.length]).toEqual([4, 9])
    const faint = papers.flatMap(([paper, on]) =>
      texts.flatMap(([text, of]) => (contrast(on[theme], of[theme]) < 4.5 ? [`${text} on ${paper}`] : [])),
    )
    expect(faint).toEqual([])
  })
})
