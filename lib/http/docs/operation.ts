import { STATUS_CODES } from 'node:http'
import {
  jsonBodyOf,
  type MediaType,
  type OpenApiDocument,
  type Operation,
  type Parameter,
  type Response,
} from '../openapi.ts'
import { type Html, html, prose } from './html.ts'
import { fields, typeOf } from './schema.ts'

export interface ShownOperation {
  method: string
  path: string
  operation: Operation
}

/** Every operation of a document, in its order. */
export const operationsOf = (document: OpenApiDocument): ShownOperation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )

/** The codes of the problems that an operation can answer with, with their statuses. */
export const problemsOf = ({ responses }: Operation): { status: string; code: string; title: string }[] =>
  Object.entries(responses).flatMap(([status, { content }]) =>
    Object.entries(content?.['application/problem+json']?.examples ?? {}).map(([code, { summary }]) => ({
      status,
      code,
      title: summary,
    })),
  )

/** One operation: what it is for, what it takes, what it gives. */
export const operationSection = (shown: ShownOperation): Html => {
  const { method, path, operation } = shown
  return html`<article id="${operation.operationId}">
    <h3><a href="#${operation.operationId}">${badge(method)} <code>${path}</code></a></h3>
    <p>${prose(operation.summary)}${operation.security.length === 0 && html` <span class="open">open to anyone</span>`}${scopeOf(operation)}</p>
    ${operation.description && html`<p>${prose(operation.description)}</p>`}
    ${parameterTable(operation.parameters ?? [])}
    ${bodySection(operation)}
    <h4>Call</h4>
    <pre tabindex="0"><code>${curl(shown)}</code></pre>
    <h4>Answers</h4>
    ${Object.entries(operation.responses).map(([status, response]) => reply(status, response))}
    <p class="problems">${problemsOf(operation).map(({ status, code, title }) => html`<a href="#${code}" title="${title}">${status} ${code}</a> `)}</p>
  </article>`
}

/** What an API key needs for it. */
const scopeOf = ({ security }: Operation): Html | undefined => {
  if (security.length === 0) return undefined
  const scope = security.flatMap(({ apiKey }) => apiKey ?? [])[0]
  return scope === undefined
    ? html` <span class="scope">no API key</span>`
    : html` <span class="scope">API key: <code>${scope}</code></span>`
}

/** A path that may break after its slashes. */
export const breakable = (path: string): Html =>
  html`${path.split('/').map((segment, index) => (index < 2 ? (index === 0 ? '' : `/${segment}`) : [html`/<wbr>`, segment]))}`

export const badge = (method: string): Html => html`<span class="method ${method.toLowerCase()}">${method}</span>`

const parameterTable = (parameters: Parameter[]): Html | undefined => {
  if (parameters.length === 0) return undefined
  return html`<h4>Parameters</h4><dl class="fields">${parameters.map(
    ({ name, in: where, required, description, schema }) => html`<div>
      <dt><code>${name}</code> <span class="type">${typeOf(schema)}</span>${where === 'path' ? html` <em>in the path</em>` : !required && html` <em>optional</em>`}</dt>
      <dd>${description && prose(description)}${'default' in schema && html` Default: <code>${JSON.stringify(schema['default'])}</code>.`}</dd>
    </div>`,
  )}</dl>`
}

const bodySection = (operation: Operation): Html | undefined => {
  if (!operation.requestBody) return undefined
  const { description, content } = operation.requestBody
  const json = jsonBodyOf(operation)
  return html`<h4>Body</h4>
    <p>${Object.keys(content).map((type) => html`<code>${type}</code> `)}${json && shape(json)} ${description}</p>
    ${json && fields(json.schema)}`
}

const reply = (status: string, { description, content }: Response): Html | undefined => {
  const declared = Object.entries(content ?? {}).find(([type]) => type !== 'application/problem+json')
  if (!declared && content) return undefined
  const [type, media] = declared ?? []
  return html`<p><strong>${status}</strong> ${STATUS_CODES[status] === description ? description : prose(description)}${type && html` · <code>${type}</code>`} ${media && shape(media)}</p>
    ${media && fields(media.schema)}`
}

const shape = ({ schema }: MediaType): Html | undefined => (schema['$ref'] ? typeOf(schema) : undefined)

/** A command that makes the request. */
const curl = ({ method, path, operation }: ShownOperation): string => {
  const json = jsonBodyOf(operation)
  const needed = operation.parameters?.filter((it) => it.in === 'query' && it.required) ?? []
  const query = needed.map(({ name }, index) => `${index === 0 ? '?' : '&'}${name}=$${name}`).join('')
  const [raw] = json ? [] : Object.keys(operation.requestBody?.content ?? {})
  return [
    `curl ${method === 'GET' ? '' : `-X ${method} `}"$STINT_URL${path.replaceAll(/\{(\w+)\}/g, '$$$1')}${query}"`,
    operation.security.length > 0 && `-H "Authorization: Bearer $TOKEN"`,
    json && `-H 'Content-Type: application/json'`,
    json && `-d '${JSON.stringify(json.example).replaceAll("'", "'\\''")}'`,
    raw && `-H 'Content-Type: ${raw.replace('/*', '/png')}' --data-binary @file`,
  ]
    .filter(Boolean)
    .join(' \\\n  ')
}
