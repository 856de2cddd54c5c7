import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attachment } from './content-disposition.ts'

test('a plain name stands there as it is', () => {
  expect(attachment('report.pdf')).toBe(`attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`)
})

test('other alphabets come through percent-encoded, with an ASCII rendition for old clients', () => {
  expect(attachment('Übersicht (1).csv')).toBe(
    `attachment; filename="_bersicht (1).csv"; filename*=UTF-8''%C3%9Cbersicht%20%281%29.csv`,
  )
})

test('no name leaves its place in the header, whatever it holds', () => {
  // Of all characters there are, a hundred names would hardly have one that could.
  const unit = fc.oneof(
    fc.constantFrom(...`"%\\/;='()*\r\n\0`),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  fc.assert(
    fc.property(fc.string({ unit }), (name) => {
      expect(attachment(name)).toMatch(/^attachment; filename="[ !#$&-.0-[\]-~]*"; filename\*=UTF-8''[\w.!~%-]*$/)
    }),
  )
})

test('a path becomes a name', () => {
  expect(attachment('../../etc/passwd\r\nset-cookie: a=b')).toBe(
    `attachment; filename=".._.._etc_passwd__set-cookie: a=b"; filename*=UTF-8''.._.._etc_passwd__set-cookie%3A%20a%3Db`,
  )
})
