import { expect, test } from 'vitest'
import { z } from 'zod'
import { kinds } from '../../functions/jobs/index.ts'
import { proseOf } from './markdown.ts'

test('docs/kinds.md has every kind with its summary, and no other', () => {
  const rows = [...proseOf('docs/kinds.md').matchAll(/^\| \[`(.*?)`\]\(kinds\/(.*?)\.md\) \| (.*?) \|$/gm)]
  expect(rows.map(([, kind, page, summary]) => ({ kind, page, summary })).toSorted(byKind)).toEqual(
    kinds.map(({ kind, summary }) => ({ kind, page: kind, summary })).toSorted(byKind),
  )
})

const byKind = (a: { kind?: string | undefined }, b: { kind?: string | undefined }): number =>
  (a.kind ?? '') < (b.kind ?? '') ? -1 : 1

test.for(kinds.map(({ kind, input }) => ({ kind, input })))(
  'the page of $kind names each field of its input',
  ({ kind, input }) => {
    const { properties = {} } = z.toJSONSchema(input, { io: 'input' })
    const [table = ''] = /^\| Input .*?\n\n/ms.exec(proseOf(`docs/kinds/${kind}.md`)) ?? []
    const named = [...table.matchAll(/`(\w+)`(?=[^|\n]*\|[^|\n]*\|[^|\n]*\|$)/gm)].map(([, name]) => name)
    expect([...new Set(named)].toSorted()).toEqual(Object.keys(properties).toSorted())
  },
)
