/** How deep JSON may be nested: code that recurses over it, here and in PostgreSQL, must not run out of stack. */
export const MAX_DEPTH = 200

/**
 * Whether JSON text is nested deeper than that. Each level needs an opening and a closing bracket, so that text that is short or
 * has few brackets need not be read.
 */
export const isTooDeep = (text: string): boolean => {
  if (text.length <= 2 * MAX_DEPTH || hasFewBrackets(text)) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === QUOTE) at = endOfString(text, at)
    else if (character === BRACE || character === BRACKET) {
      if (++depth > MAX_DEPTH) return true
    } else if (character === END_OF_BRACE || character === END_OF_BRACKET) depth--
  }
  return false
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const END_OF_BRACKET = 0x5d
const BRACE = 0x7b
const END_OF_BRACE = 0x7d

const hasFewBrackets = (text: string): boolean => {
  let left = MAX_DEPTH
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at + 1)) if (left-- === 0) return false
  for (let at = text.indexOf('['); at >= 0; at = text.indexOf('[', at + 1)) if (left-- === 0) return false
  return true
}

/** Where the string that begins at `start` ends: at a quote behind an even number of backslashes. */
const endOfString = (text: string, start: number): number => {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((at - before) % 2 === 1) return at
  }
  return text.length
}
