import { expect, test } from 'vitest'
import { barOf, isCut, lineOf, type Watched } from './job-line.ts'
import { width } from './print.ts'

const io = { env: { NO_COLOR: '1' }, out: () => {}, err: () => {} }

const job: Watched = {
  id: '01a20610-c462-7693-9270-2c83469d56d3',
  label: 'A name that is longer than its room',
  state: 'succeeded',
  progress: 1,
  stint: 10,
  error: null,
}

test.for([38, 40, 55, 60, 80, 91, 92, 200])(
  'in %i columns a job fits, with how far it is, its state and stint',
  (columns) => {
    const bar = barOf(io, job, columns)
    expect(bar).toMatch(/ 100 % succeeded stint 10$/)
    expect(width(bar)).toBeLessThanOrEqual(columns)
    expect(isCut(io, job, columns)).toBe(false)
  },
)

test('where there is room there are a bar, the label, and the whole id', () => {
  expect(barOf(io, job, 80)).toMatch(/^2c83469d56d3 A name that is l █{25}(?!█)/u)
  expect(barOf(io, job, 120)).toMatch(/^01a20610-c462-7693-9270-2c83469d56d3 A name that is l █{40}(?!█)/u)
})

test('an error that does not fit is known to be cut, and stands in the line without a bar', () => {
  const error = { code: 'FILE_NOT_FOUND', message: 'there is no file of this id in the project' }
  const failed: Watched = { ...job, state: 'failed', error }
  expect(isCut(io, failed, 80)).toBe(true)
  expect(isCut(io, failed, 200)).toBe(false)
  expect(lineOf(io, failed)).toMatch(/ failed {4}FILE_NOT_FOUND: there is no file of this id in the project$/)
})

test('a label is cut between characters, and what stands behind it stays in its column', () => {
  const said = (label: string): string => lineOf(io, { ...job, label })
  expect(said(`${'x'.repeat(15)}👩 and more`)).toContain(` ${'x'.repeat(15)}👩 100 %`)
  expect(said('👩')).toContain(` 👩${' '.repeat(15)} 100 %`)
})
