import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const DOCUMENTS = ['README.md', 'docs/performance.md'].map((path) =>
  fileURLToPath(new URL(`../${path}`, import.meta.url)),
)

/** Puts a table into the documents that quote it: between `<!-- NAME -->` and `<!-- /NAME -->`. */
export const publish = (name: string, table: string): void => {
  const place = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`)
  const quoting = DOCUMENTS.filter((path) => place.test(readFileSync(path, 'utf8')))
  if (quoting.length === 0) throw new Error(`no document has a place for ${name}`)
  for (const path of quoting) {
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      text.replace(place, (_, begin, end) => `${begin}\n${table.trim()}\n\n${end}`),
    )
  }
}

// `npm run -s coldstart | node bench/publish.ts coldstart` publishes what another command prints.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = ''] = process.argv.slice(2)
  publish(name, readFileSync(0, 'utf8'))
}
