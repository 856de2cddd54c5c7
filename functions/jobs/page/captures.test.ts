import { expect, test } from 'vitest'
import { createCaptures } from './captures.ts'

/** Captures that note what they captured. */
const noting = () => {
  const captures = createCaptures()
  const captured: string[] = []
  const begin = (name: string) => captures.begin(name, (text) => captured.push(`${name}: ${text}`))
  return { ...captures, begin, captured }
}

test('an element in another gets its own text, and the outer one both', () => {
  const { begin, add, end, captured } = noting()
  begin('h1')
  add('  The ')
  begin('a')
  add('news\n ')
  end('a')
  add('of today')
  end('h1')
  expect(captured).toEqual(['a: news', 'h1: The news of today'])
})

test('what was never closed ends with what it stands in; an end without a beginning ends nothing', () => {
  const { begin, add, end, captured } = noting()
  end('a')
  begin('h1')
  begin('a')
  add('text')
  end('h1')
  end('a')
  expect(captured).toEqual(['h1: text', 'a: text'])
})

test('a text is cut, however it comes', () => {
  const { begin, add, end, captured } = noting()
  begin('a')
  for (let n = 0; n < 1_000; n++) add('x'.repeat(1_000))
  end('a')
  expect(captured).toEqual([`a: ${'x'.repeat(300)}`])
})
