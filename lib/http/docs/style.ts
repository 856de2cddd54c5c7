import { html } from './html.ts'

/** The page's style. Markup, because what stands in a style element must not be escaped: it has no values in it. */
export const STYLE = html`
:root {
  color-scheme: light dark;
  --ink: light-dark(#1c2430, #e3e8ef); --soft: light-dark(#5a6675, #9aa7b6); --paper: light-dark(#fff, #12161c);
  --raised: light-dark(#f5f7f9, #1a2028); --line: light-dark(#e1e6eb, #2a323d); --link: light-dark(#1257b8, #7db3ff);
  --mark: light-dark(#fff3c9, #3a3213);
  --get: light-dark(#1b6b3a, #7fd3a0); --post: light-dark(#1257b8, #7db3ff); --put: light-dark(#7a4b00, #f0b860);
  --patch: light-dark(#6a3fb0, #c3a5ff); --delete: light-dark(#b3261e, #ff9a92);
}
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; display: grid; grid-template-columns: 20rem minmax(0, 1fr); color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, sans-serif }
a { color: var(--link); text-decoration: none }
a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px }
.skip { position: absolute; left: -99rem }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); z-index: 1 }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 3rem 1.5rem; border-right: 1px solid var(--line);
  background: var(--raised); font-size: .8125rem }
nav h2 { margin: 1.25rem 0 .25rem; font-size: .8125rem; text-transform: uppercase; letter-spacing: .06em }
nav h2 a { color: var(--soft) }
nav ul { margin: 0; padding: 0; list-style: none }
nav li a { display: flex; align-items: baseline; gap: .5rem; padding: .2rem 0; color: var(--ink) }
.brand { margin: 0; font-size: 1.125rem; font-weight: 650 }
.brand small { color: var(--soft); font-weight: 400 }
main { max-width: 54rem; padding: 2rem clamp(1rem, 4vw, 3.5rem) 6rem }
h1 { margin: 0 0 .5rem; font-size: 2rem; line-height: 1.2 }
h2 { margin: 3.5rem 0 1rem; font-size: 1.375rem; line-height: 1.3 }
main h2 { text-transform: capitalize }
h3 { margin: 0 0 .5rem; font-size: 1.0625rem; overflow-wrap: anywhere }
h3 a { color: inherit }
h4 { margin: 1.25rem 0 .375rem; font-size: .8125rem; color: var(--soft); text-transform: uppercase; letter-spacing: .06em }
p { margin: .375rem 0 }
article { margin: 0 0 1.25rem; padding: 1.25rem 1.5rem; border: 1px solid var(--line); border-radius: 10px }
:target { background: var(--mark) }
code, pre { font: .875em/1.55 ui-monospace, Menlo, Consolas, monospace }
pre { margin: 0; padding: .75rem 1rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 8px }
.method { display: inline-block; min-width: 3.6em; font: 650 .75em/1.7 ui-monospace, Menlo, Consolas, monospace; flex: none }
.get { color: var(--get) } .post { color: var(--post) } .put { color: var(--put) } .patch { color: var(--patch) } .delete { color: var(--delete) }
.scope { margin-left: .5rem; font-size: .8125rem; color: var(--soft); white-space: nowrap }
.open { margin-left: .5rem; padding: .1rem .5rem; font-size: .75rem; color: var(--get); border: 1px solid; border-radius: 99px; white-space: nowrap }
dl { margin: .25rem 0 }
.fields > div { padding: .375rem 0; border-top: 1px solid var(--line) }
.fields > div:first-child { border-top: 0 }
dt em { font-size: .8125rem; color: var(--soft) }
.type { font-size: .875rem; color: var(--soft) }
dd { margin: 0; font-size: .9375rem }
dd .fields { margin-left: .25rem; padding-left: 1rem; border-left: 2px solid var(--line) }
.problems { margin-top: .75rem; font: .8125rem/1.9 ui-monospace, Menlo, Consolas, monospace }
.problems a { margin-right: .75rem; white-space: nowrap; color: var(--soft) }
.codes > div { padding: .625rem .75rem; border-top: 1px solid var(--line) }
.codes a { overflow-wrap: anywhere }
@media (max-width: 56rem) {
  body { display: block }
  nav { position: static; height: auto; max-height: 40vh; border: 0; border-bottom: 1px solid var(--line) }
}
`
