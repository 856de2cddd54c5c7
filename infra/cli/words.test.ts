import { expect, test } from 'vitest'
import { wordsOf } from './words.ts'

test.for<[line: string, words: string[]]>([
  ['', []],
  ['   ', []],
  ['jobs', ['jobs']],
  ['  task  math.pi\t--digits 5 ', ['task', 'math.pi', '--digits', '5']],
  [`task x --name "my job" --echo '{"a": "b c"}'`, ['task', 'x', '--name', 'my job', '--echo', '{"a": "b c"}']],
  [`a"b c"d ''`, ['ab cd', '']],
  [String.raw`a\ b "say \"hi\"" 'c\d'`, ['a b', 'say "hi"', 'c\\d']],
])('%s', ([line, words]) => {
  expect(wordsOf(line)).toEqual(words)
})

test('an open quote is said', () => {
  expect(() => wordsOf('task "my job')).toThrow('A quote is open: "')
})
