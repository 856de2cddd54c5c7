import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

// Stands in for curl on machines that have none: the options that README.md uses, as curl understands them.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    location: { type: 'boolean', short: 'L' },
    header: { type: 'string', short: 'H', multiple: true },
    data: { type: 'string', short: 'd' },
    'data-binary': { type: 'string' },
    output: { type: 'string', short: 'o' },
  },
})
const file = values['data-binary']?.startsWith('@') ? values['data-binary'].slice(1) : undefined
const body = file === undefined ? (values.data ?? values['data-binary']) : readFileSync(file)
const given = (values.header ?? []).map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
const headers = new Headers(given)
if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded')
const [address = ''] = positionals
const answer = await fetch(address.includes('://') ? address : `http://${address}`, {
  method: body === undefined ? 'GET' : 'POST',
  headers,
  redirect: values.location ? 'follow' : 'manual',
  ...(body !== undefined && { body }),
})
const bytes = await answer.bytes()
if (values.output) writeFileSync(values.output, bytes)
else process.stdout.write(bytes)
