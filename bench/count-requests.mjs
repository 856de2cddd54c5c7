import { subscribe } from 'node:diagnostics_channel'
import { mkdirSync, writeFileSync } from 'node:fs'

// Loaded into the processes that the bench measures (NODE_OPTIONS=--import): counts the requests that they make to SQS
// and leaves the count in a file, so that it survives a kill of the process. It isn't TypeScript, because those processes
// would otherwise load nothing that strips types.

const folder = process.env.BENCH_COUNTS
/** The host is told it after its start. */
let host

if (folder) {
  mkdirSync(folder, { recursive: true })
  let count = 0
  let saved = 0
  subscribe('http.client.request.start', ({ request }) => {
    host ??= process.env.SQS_ENDPOINT && new URL(process.env.SQS_ENDPOINT).host
    if (host && request.getHeader('host') === host) count++
  })
  setInterval(() => {
    if (count === saved) return
    saved = count
    writeFileSync(`${folder}/${process.pid}`, String(count))
  }, 200).unref()
}
