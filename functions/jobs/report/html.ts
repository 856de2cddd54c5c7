import { Html, html } from '../../../lib/http/docs/html.ts'
import { toSvg } from '../chart/svg.ts'
import { type Figures, figuresOf, type Report, type Table } from './figures.ts'

/** The report as one page that needs nothing else: no scripts, nothing to load, in the reader's light or dark. */
export const toHtml = (report: Report): string => {
  const { title } = report
  const figures = figuresOf(report)
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
  <title>${title}</title>
  <style>${STYLE}</style>
</head>
<body>
  <header>
    <h1>${title}</h1>
    <p>${figures.when}</p>
  </header>
  <dl>${figures.facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  ${figures.kinds.rows.length === 0 ? html`<p>No job was submitted in this time.</p>` : sections(report, figures)}
</body>
</html>
`.text
}

const sections = ({ period }: Report, figures: Figures): Html => html`
  <section>
    <h2>By ${period.unit}</h2>
    <ul>${figures.legend.map(([state, colour]) => html`<li><svg viewBox="0 0 10 10"><rect width="10" height="10" fill="${colour}"/></svg>${state}</li>`)}</ul>
    ${toSvg(figures.overTime)}
  </section>
  <section>
    <h2>By kind</h2>
    ${toSvg(figures.ofKinds)}
    ${table(figures.kinds)}
  </section>
  <section class="pair">
    <div><h2>Waiting, until the first stint</h2>${toSvg(figures.waiting)}</div>
    <div><h2>Running</h2>${toSvg(figures.running)}</div>
  </section>
  ${figures.errors.rows.length > 0 && html`<section><h2>Errors</h2>${table(figures.errors)}</section>`}
  ${figures.longest.rows.length > 0 && html`<section><h2>Longest</h2>${table(figures.longest)}</section>`}`

const table = ({ head, rows, words }: Table): Html => html`
    <div class="table"><table>
      <thead><tr>${head.map((it, column) => html`<th scope="col"${column >= words && NUMBER}>${it}</th>`)}</tr></thead>
      <tbody>${rows.map((row) => html`<tr>${row.map((it, column) => html`<td${column >= words && NUMBER}>${it}</td>`)}</tr>`)}</tbody>
    </table></div>`

const NUMBER = html` class="number"`

const STYLE = new Html(`
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2.5rem auto; padding: 0 1.25rem }
header p { margin: 0; opacity: .65 }
h1 { font-size: 1.75rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .75rem }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.5rem 0 }
dl div { border: 1px solid color-mix(in srgb, currentColor 15%, transparent); border-radius: 8px; padding: .75rem 1rem }
dt { font-size: .85rem; opacity: .65 }
dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums }
ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: 0 0 .5rem; list-style: none; font-size: .85rem }
li svg { width: .7em; height: .7em; margin-right: .4em }
svg { width: 100%; height: auto }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; font-size: .9rem; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600; white-space: nowrap }
th, td { padding: .35rem 0 .35rem 1.25rem; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
th:first-child, td:first-child { padding-left: 0; overflow-wrap: break-word; max-width: 24rem }
.number { text-align: right; white-space: nowrap }
@media print { section { break-inside: avoid } }
`)
