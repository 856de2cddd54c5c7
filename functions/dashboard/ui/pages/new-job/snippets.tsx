import { useSignal } from '@preact/signals'
import { Tabs } from '../../parts/tabs.tsx'
import { CopyButton } from '../../parts/values/json.tsx'

const LANGUAGES = [
  ['curl', 'curl'],
  ['typescript', 'TypeScript'],
] as const

/** The same submission as a command and as code. */
export const Snippets = ({ body }: { body: object }) => {
  const language = useSignal<(typeof LANGUAGES)[number][0]>('curl')
  const text = language.value === 'curl' ? curlOf(body) : typeScriptOf(body)
  return (
    <section class="card snippets" aria-label="As code">
      <div class="card-head">
        <Tabs label="Language" tabs={LANGUAGES} chosen={language} />
        <CopyButton text={text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre class="code" tabIndex={0}>
        {text}
      </pre>
    </section>
  )
}

/** For a POSIX shell: within single quotes only the single quote must be escaped. */
const curlOf = (body: object): string => {
  const json = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`)
  return [
    `curl -s ${location.origin}/jobs \\`,
    `  -H "authorization: Bearer $TOKEN" \\`,
    "  -H 'content-type: application/json' \\",
    `  -d '${json}'`,
  ].join('\n')
}

const typeScriptOf = (body: object): string => {
  const value = JSON.stringify(body, null, 2).replaceAll(/^( *)"([A-Za-z_]\w*)":/gm, '$1$2:')
  return [
    '// In the folder of Stint: TOKEN=… npx node example.ts',
    "import type { Api } from './functions/http/api.ts'",
    "import { createClient } from './lib/client/client.ts'",
    "import { fixed } from './lib/client/credentials.ts'",
    '',
    'const client = createClient<Api>({',
    `  baseUrl: '${location.origin}',`,
    "  credentials: fixed(process.env['TOKEN'] ?? ''),",
    '})',
    `const { job } = await client.call('POST /jobs', {`,
    `  body: ${value.replaceAll('\n', '\n  ')},`,
    '})',
  ].join('\n')
}
