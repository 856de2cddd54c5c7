import { fileURLToPath, pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { attempt } from '../core/attempt.ts'
import { storable } from '../core/storable.ts'

/** Of a stack as it is kept, in UTF-8. */
export const MAX_STACK_BYTES = 8 * 1024

/** Of the errors that hang together, and of one's message and lines, in characters. */
const MAX_ERRORS = 10
const MAX_MESSAGE = 500
const MAX_LINE = 600

/**
 * The stack of what a job threw, with its causes, for people: at most 8 KiB, storable in Postgres, with paths from the
 * application's root. Undefined if it isn't an error or has no stack.
 */
export const stackOf = (thrown: unknown): string | undefined => {
  const text = textsOf(thrown, new Set()).join('\n')
  return FRAME.test(text) ? cut(storable(text)) : undefined
}

const FRAME = /^\s+at /m

/** The stacks of an error, of those that it gathers, and of its cause. */
const textsOf = (thrown: unknown, seen: Set<unknown>): string[] => {
  if (seen.size === MAX_ERRORS || seen.has(thrown) || !attempt(() => thrown instanceof Error)) return []
  seen.add(thrown)
  const read = (key: string): unknown => attempt(() => (thrown as Record<string, unknown>)[key])
  const [stack, message, errors, cause] = [read('stack'), read('message'), read('errors'), read('cause')]
  const gathered = attempt(() => (Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : [])) ?? []
  const under = (why: string, it: unknown) =>
    textsOf(it, seen).map((text, nth) => (nth === 0 ? `${why}: ${text}` : text))
  return [
    ...(typeof stack === 'string' ? [tidy(shortened(stack, message))] : []),
    ...gathered.flatMap((it) => under('one of them', it)),
    ...under('caused by', cause),
  ]
}

/** A long message would leave no room for what stands below it. */
const shortened = (stack: string, message: unknown): string =>
  typeof message === 'string' && message.length > MAX_MESSAGE
    ? stack.replace(message, () => `${message.slice(0, MAX_MESSAGE)}…`)
    : stack

const tidy = (stack: string): string =>
  stripVTControlCharacters(stack.slice(0, 4 * MAX_STACK_BYTES))
    .split(/\r?\n/)
    .map((line) => relative(line.replaceAll(/\p{Cc}/gu, ' ').slice(0, MAX_LINE)))
    .join('\n')

/** `at name (file:///app/lib/a.ts:1:2)`: what stands before the path, the path, and its line with the rest. */
const PLACE = /^(\s+at (?:.*?\()?(?:async )?)((?:file:\/\/)?\/.*?)(:\d+:\d+\b.*)$/

const relative = (line: string): string =>
  line.replace(PLACE, (_, before: string, path: string, after: string) => before + fromRoot(path) + after)

/** A path from the application's root, from the packages, or the file's name alone: where things lie is the machine's own. */
const fromRoot = (path: string): string => {
  roots ??= findRoots()
  const root = roots.find((it) => path.startsWith(it))
  if (root !== undefined) return path.slice(root.length)
  const packages = path.indexOf('/node_modules/')
  return path.slice((packages < 0 ? path.lastIndexOf('/') : packages) + 1)
}

let roots: string[] | undefined

/** The folder of the process, and where this file has the others, as stacks tell: with source maps, where they were built. */
const findRoots = (): string[] => {
  const [, own] = /(?:\(|at )((?:file:\/\/)?\/.*)lib\/jobs\/stack\.\w+:\d+:\d+/.exec(`${new Error().stack}`) ?? []
  const folders = [
    ...(own === undefined ? [] : [own.startsWith('file:') ? fileURLToPath(own) : own]),
    `${process.cwd()}/`,
  ]
  return folders.filter((it) => it !== '//' && it !== '/').flatMap((it) => [it, pathToFileURL(it).href])
}

const CUT = '\n… cut'

/** In whole characters. */
const cut = (text: string): string => {
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_STACK_BYTES) return text
  const kept = bytes.subarray(0, MAX_STACK_BYTES - Buffer.byteLength(CUT))
  return new TextDecoder().decode(kept, { stream: true }) + CUT
}
