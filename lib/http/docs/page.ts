import { createHash } from 'node:crypto'
import { CATALOGUE, type ErrorCode } from '../../core/errors.ts'
import type { OpenApiDocument } from '../openapi.ts'
import { type Html, html, prose } from './html.ts'
import { badge, breakable, operationSection, operationsOf, problemsOf, type ShownOperation } from './operation.ts'
import { fields, typeOf } from './schema.ts'
import { STYLE } from './style.ts'

/**
 * The API's documentation as one HTML page without scripts: it loads nothing, so its policy allows nothing but its own
 * style. Each error code has an anchor of its name, which is where `type` of a problem document points.
 */
export const docsPage = (document: OpenApiDocument): string => {
  const operations = operationsOf(document)
  const { title, version, description } = document.info
  const page = html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  ${STYLE_ELEMENT}
</head>
<body>
  <a class="skip" href="#main">Skip to the content</a>
  <nav aria-label="Contents">
    <p class="brand">${title} <small>${version}</small></p>
    ${document.tags.map(({ name }) => tagLinks(name, operations))}
    <h2><a href="#errors">Errors</a></h2>
    <h2><a href="#schemas">Schemas</a></h2>
  </nav>
  <main id="main">
    <h1>${title}</h1>
    ${description && html`<p>${prose(description)}</p>`}
    <p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
    ${document.tags.map(({ name }) => tagSection(name, operations))}
    ${errorSection(operations)}
    ${schemaSection(document)}
  </main>
</body>
</html>`
  return page.text
}

const STYLE_ELEMENT = html`<style>${STYLE}</style>`

/** What a browser may load for the page: its own style, known by its hash. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE.text).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const tagged = (tag: string, operations: ShownOperation[]): ShownOperation[] =>
  operations.filter(({ operation }) => operation.tags.includes(tag))

const tagLinks = (tag: string, operations: ShownOperation[]): Html => html`<h2><a href="#tag-${tag}">${tag}</a></h2>
  <ul>${tagged(tag, operations).map(
    ({ method, path, operation }) =>
      html`<li><a href="#${operation.operationId}">${badge(method)} <span>${breakable(path)}</span></a></li>`,
  )}</ul>`

const tagSection = (tag: string, operations: ShownOperation[]): Html => html`<section id="tag-${tag}">
  <h2>${tag}</h2>
  ${tagged(tag, operations).map(operationSection)}
</section>`

/** With more routes than this, a list of them is of no use. */
const MANY = 6

const errorSection = (operations: ShownOperation[]): Html => html`<section id="errors">
  <h2>Errors</h2>
  <p>Every error is a problem document (RFC 9457), <code>application/problem+json</code>, a
    <a href="#schema-Problem">Problem</a>. Programs look at its <code>code</code>.</p>
  <dl class="codes">${(Object.keys(CATALOGUE) as ErrorCode[]).map((code) => {
    const [status, title] = CATALOGUE[code]
    const givers = operations.filter(({ operation }) => problemsOf(operation).some((it) => it.code === code))
    return html`<div id="${code}">
      <dt><a href="#${code}"><code>${code}</code></a> <span class="type">${status}</span></dt>
      <dd>${title}. ${givers.length > MANY ? 'Given by many routes.' : givers.map(({ method, path, operation }) => html`<a href="#${operation.operationId}">${method} ${path}</a> `)}</dd>
    </div>`
  })}</dl>
</section>`

const schemaSection = ({ components }: OpenApiDocument): Html => html`<section id="schemas">
  <h2>Schemas</h2>
  ${Object.entries(components.schemas).map(
    ([name, schema]) => html`<article id="schema-${name}">
      <h3><a href="#schema-${name}">${name}</a></h3>
      ${typeof schema['description'] === 'string' && html`<p>${prose(schema['description'])}</p>`}
      ${fields(schema) ?? html`<p>${typeOf(schema)}</p>`}
    </article>`,
  )}
</section>`
