import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { Command, Option } from 'commander'
import { parseJson } from '../../lib/core/parse-json.ts'
import { CommandError, EXIT } from './io.ts'

/** A kind, as `GET /job-kinds` shows it. */
export interface Kind {
  kind: string
  summary: string
  input: Record<string, unknown>
}

interface Schema {
  type?: string
  description?: string
  enum?: unknown[]
  default?: unknown
  items?: Schema
  minimum?: number
  maximum?: number
}

/** The field of the input that a flag sets. */
type Fields = Map<string, string>

/** A command with an option for each field of the kind's input, by its JSON Schema, and the options of any submission. */
export const kindCommand = (kind: Kind, common: (command: Command) => void): { command: Command; fields: Fields } => {
  const command = new Command(kind.kind).description(kind.summary).optionsGroup('The input:')
  const ofAnyJob = new Command()
  common(ofAnyJob)
  const taken = new Set(ofAnyJob.options.map((option) => option.attributeName()))
  const fields: Fields = new Map()
  const properties = (kind.input['properties'] ?? {}) as Record<string, Schema>
  const needed = new Set((kind.input['required'] as string[] | undefined) ?? [])
  for (const [name, schema] of Object.entries(properties)) {
    const option = toOption(taken.has(name) ? `input-${name}` : name, schema, needed.has(name))
    fields.set(option.attributeName(), name)
    command.addOption(option)
  }
  common(command.optionsGroup('The job:'))
  return { command, fields }
}

/** Flags may also be spelled like the API's fields: `--stepMs`. */
export const asFlags = (command: Command, args: string[]): string[] => {
  const flags = new Map(command.options.map((option) => [`--${option.attributeName()}`, option.long ?? '']))
  return args.map((arg) => {
    const [name = '', ...value] = arg.split('=')
    return [flags.get(name) ?? name, ...value].join('=')
  })
}

/** The input of `--input`, with the flags' values over it. */
export const inputOf = (
  options: Record<string, unknown>,
  fields: Fields,
  base: Record<string, unknown>,
): Record<string, unknown> => {
  const given = [...fields].flatMap(([flag, name]) => (options[flag] === undefined ? [] : [[name, options[flag]]]))
  return { ...base, ...(Object.fromEntries(given) as Record<string, unknown>) }
}

/** `--input`: JSON, `@file`, or `-` for standard input. @throws {CommandError} unless it is a JSON object */
export const readInput = async (given: string | undefined): Promise<Record<string, unknown>> => {
  if (given === undefined) return {}
  const text =
    given === '-' ? await textOf(process.stdin) : given.startsWith('@') ? await readNamed(given.slice(1)) : given
  const parsed = parseJson(text)
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw new CommandError('--input: expected a JSON object, @file with one, or - to read one', EXIT.usage)
}

const readNamed = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: Error) => {
    throw new CommandError(`--input: ${path} cannot be read: ${cause.message}`, EXIT.usage, { cause })
  })

const toOption = (name: string, schema: Schema, needed: boolean): Option => {
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const option = new Option(
    schema.type === 'boolean' ? flag : `${flag} <${typeName(schema)}>`,
    describe(schema, needed),
  )
  if (schema.type === 'array') return option.argParser((text, before: unknown) => addItem(schema, text, before))
  if (schema.type === 'boolean') return option
  return option.argParser((text) => toValue(schema, text))
}

const typeName = ({ type, enum: choices }: Schema): string => (choices ? choices.join('|') : (type ?? 'json'))

const describe = (schema: Schema, needed: boolean): string => {
  const { description = '', default: fallback } = schema
  const notes = [
    ...(needed && fallback === undefined ? ['needed'] : []),
    ...boundsOf(schema),
    ...(fallback === undefined ? [] : [`default ${JSON.stringify(fallback)}`]),
  ]
  return [description, notes.length > 0 ? `(${notes.join(', ')})` : ''].filter(Boolean).join(' ')
}

/** The bounds that every integer has are not worth showing. */
const boundsOf = ({ minimum, maximum }: Schema): string[] => {
  const from = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum
  const to = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
  if (from === undefined) return to === undefined ? [] : [`at most ${to}`]
  return [to === undefined ? `at least ${from}` : `${from} to ${to}`]
}

/** What can't be parsed is sent as text: the API's answer names the field and says what it expects. */
const toValue = ({ type }: Schema, text: string): unknown => {
  if (type === 'string') return text
  if (type === 'integer' || type === 'number')
    return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
  return parseJson(text) ?? text
}

const addItem = (schema: Schema, text: string, before: unknown): unknown => {
  const whole = text.startsWith('[') ? parseJson(text) : undefined
  const more = Array.isArray(whole) ? whole : [toValue(schema.items ?? {}, text)]
  return [...(Array.isArray(before) ? before : []), ...more]
}
