import { createHash } from 'node:crypto'
import { Html, html } from '../lib/http/docs/html.ts'

// The pages to which the links in mails lead. Their token stands behind the #, so that no log and no other site gets it,
// and is sent when the person says so: programs that look at links in mails spend none.

const STYLE = new Html(`
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 90vh; margin: 1rem }
main { width: min(24rem, 100%) }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
label { margin: 1.5rem 0 .25rem }
input { padding: .6rem; border: 1px solid #8a9099; border-radius: 6px }
button { margin: 1rem 0; padding: .7rem; border: 0; border-radius: 6px; background: #1c5fd4; color: #fff; cursor: pointer }
button:disabled { opacity: .5; cursor: default }
output { display: block; min-height: 1.5em }
`)

const SCRIPT = new Html(`
const form = document.querySelector('form')
const button = form.querySelector('button')
const output = document.querySelector('output')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  button.disabled = true
  output.textContent = ''
  try {
    const body = JSON.stringify({ token: location.hash.slice(1), ...Object.fromEntries(new FormData(form)) })
    const answer = await fetch(location.pathname, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    if (answer.ok) {
      output.textContent = form.dataset.done
      form.hidden = true
      return
    }
    const problem = await answer.json()
    output.textContent = problem.errors?.[0]?.path === 'newPassword' ? problem.errors[0].message : problem.detail
  } catch {
    output.textContent = 'There is no connection. Try again.'
  }
  button.disabled = false
})
`)

const hashOf = ({ text }: Html): string => `sha256-${createHash('sha256').update(text).digest('base64')}`

/** What a browser may do on these pages: what they themselves say, known by its hash. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${hashOf(STYLE)}'`,
  `script-src '${hashOf(SCRIPT)}'`,
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const page = (title: string, form: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="referrer" content="no-referrer">
  <title>${title} · Stint</title>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    <h1>${title}</h1>
    ${form}
    <output role="status"></output>
    <noscript><p>This page needs JavaScript: it sends the token that stands in its address.</p></noscript>
  </main>
  <script type="module">${SCRIPT}</script>
</body>
</html>`.text

export const verifyPage = page(
  'Confirm your email address',
  html`<form data-done="Your address is confirmed. You can close this page.">
      <p>You made an account at Stint with this address.</p>
      <button>It is mine</button>
    </form>`,
)

export const resetPage = page(
  'Choose a new password',
  html`<form data-done="Your password is changed, and every session has ended. Sign in with the new one.">
      <label for="password">New password, of at least 10 characters</label>
      <input id="password" name="newPassword" type="password" autocomplete="new-password" minlength="10" required>
      <button>Change it</button>
    </form>`,
)
