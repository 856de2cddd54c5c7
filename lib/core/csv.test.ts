import { expect, test } from 'vitest'
import { csvField, csvLine } from './csv.ts'

test.for([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
  ['a,b', '"a,b"'],
  ['a\r\nb', '"a\r\nb"'],
  [-5, '-5'],
])('a spreadsheet takes %j for what it is', ([value, written]) => {
  expect(csvField(value as string | number)).toBe(written)
})

test('a line ends as those of CSV do', () => {
  expect(csvLine(['a', 1, 'b"c'])).toBe('a,1,"b""c"\r\n')
})
