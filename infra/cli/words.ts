import { CommandError, EXIT } from './io.ts'

/** Splits a line into words as a shell does: by spaces outside of quotes; a backslash quotes the next character. */
export const wordsOf = (line: string): string[] => {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at++) {
    const sign = line[at] ?? ''
    if (sign === '\\' && quote !== "'" && at + 1 < line.length) word = (word ?? '') + line[++at]
    else if (sign === quote) quote = ''
    else if (quote === '' && (sign === "'" || sign === '"')) [quote, word] = [sign, word ?? '']
    else if (quote === '' && /\s/.test(sign)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + sign
  }
  if (quote !== '') throw new CommandError(`A quote is open: ${quote}`, EXIT.usage)
  return word === undefined ? words : [...words, word]
}
