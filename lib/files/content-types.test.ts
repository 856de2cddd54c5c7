import { expect, test } from 'vitest'
import { contentTypeOf } from './content-types.ts'

test.for([
  [{ name: 'numbers.csv', type: 'text/csv' }, 'text/csv'],
  [{ name: 'numbers.CSV', type: 'application/vnd.ms-excel' }, 'text/csv'],
  [{ name: 'all.zip', type: 'application/x-zip-compressed' }, 'application/zip'],
  [{ name: 'pasted', type: 'image/png' }, 'image/png'],
  [{ name: 'photo.jpg' }, 'image/jpeg'],
  [{ name: 'notes.constructor', type: '' }, 'application/octet-stream'],
  [{ name: 'script.py', type: 'text/x-python' }, 'application/octet-stream'],
] as const)('%o is uploaded as %s', ([file, type]) => {
  expect(contentTypeOf(file)).toBe(type)
})
