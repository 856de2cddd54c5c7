import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type OpenApiDocument, openApiDocument, type Response } from '../../lib/http/openapi.ts'
import type { Resource } from '../../lib/http/resource.ts'
import type { Answer } from './http-client.ts'

interface Checker {
  document: OpenApiDocument
  validator: (pointer: string) => ValidateFunction
}

let known: { resources: readonly Resource[]; checker: Checker } | undefined

/**
 * Compares an answer with what the OpenAPI document says of its route.
 * @throws when the status, a header, the content type or the body is not documented so
 */
export const checkAnswer = (resources: readonly Resource[], method: string, path: string, answer: Answer): void => {
  const wrong = whatIsWrong(checkerOf(resources), method.toLowerCase(), path, answer)
  if (wrong) throw new Error(`${method} ${path} answered ${answer.status}: ${wrong}\n${shown(answer.body)}`)
}

const whatIsWrong = (checker: Checker, verb: string, path: string, answer: Answer): string | undefined => {
  const status = String(answer.status)
  const documented = checker.document.paths[path]?.[verb]?.responses[status]
  if (!documented) return 'the OpenAPI document does not have this status'
  const undocumented = Object.keys(answer.headers).filter((name) => !isKnown(name.toLowerCase(), documented))
  if (undocumented.length > 0) return `the OpenAPI document does not have the header ${undocumented.join(', ')}`
  const missing = Object.keys(documented.headers).find(
    (name) => documented.headers[name]?.required && !(name in answer.headers),
  )
  if (missing) return `it has no header ${missing}, which the OpenAPI document says is always there`
  const types = Object.keys(documented.content ?? {})
  if (answer.body === undefined) {
    const always = types.filter((type) => type !== 'application/problem+json')
    return always.length > 0 ? `it has no body, the OpenAPI document says ${always.join(' or ')}` : undefined
  }
  const given = answer.headers['content-type']?.split(';')[0]?.trim() ?? 'no content type'
  const type = types.find((it) => it === given || covers(it, given))
  if (type === undefined) return `the OpenAPI document does not have ${given} there`
  if (!given.endsWith('json')) return undefined
  const validate = checker.validator(pointer('paths', path, verb, 'responses', status, 'content', type, 'schema'))
  if (validate(answer.body)) return undefined
  const problems = (validate.errors ?? []).map((it) => `  ${it.instancePath} ${it.message} ${shown(it.params)}`)
  return `the body is not as the OpenAPI document says:\n${problems.join('\n')}`
}

const checkerOf = (resources: readonly Resource[]): Checker => {
  if (known?.resources === resources) return known.checker
  const document = openApiDocument(
    resources.flatMap((resource) => resource.routes),
    { title: 'Stint', version: 'test' },
  )
  known = { resources, checker: { document, validator: validatorsOf(document) } }
  return known.checker
}

/** What validates by the schema at a place of the document; each is made once. */
export const validatorsOf = (document: OpenApiDocument): Checker['validator'] => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'openapi')
  const validators = new Map<string, ValidateFunction>()
  return (at) => {
    const made = validators.get(at) ?? ajv.compile({ $ref: `openapi#${at}` })
    validators.set(at, made)
    return made
  }
}

/** Of HTTP itself and of browsers' guards, on whatever is answered. */
const UNREMARKABLE =
  /^(content-(type|length|encoding|security-policy)|cache-control|vary|strict-transport-security|referrer-policy|origin-agent-cluster|x-(?!request-id)[a-z-]+|cross-origin-[a-z-]+)$/

const isKnown = (name: string, { headers }: Response): boolean => UNREMARKABLE.test(name) || name in headers

/** A place of the document: a JSON pointer as a URI fragment. */
export const pointer = (...keys: string[]): string =>
  keys.map((key) => `/${encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))}`).join('')

const ANY = '*/*'

/** Whether a documented `image/*` covers `image/png`. */
const covers = (documented: string, given: string): boolean =>
  documented === ANY || (documented.endsWith('/*') && given.startsWith(documented.slice(0, -1)))

const shown = (value: unknown): string => (JSON.stringify(value) ?? '').slice(0, 1_000)
