import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'

const run = promisify(execFile)

export const wordsCount = defineJob({
  kind: 'words.count',
  summary: 'Counts the words of texts',
  input: z.strictObject({
    texts: z.array(z.string().max(10_000)).min(1).max(100).meta({ description: 'What is counted.' }),
    to: z.email().optional().meta({ description: 'Who is sent the sum.' }),
  }),
  output: z.object({ words: z.array(z.int()) }),
  checkpoint: z.object({ words: z.array(z.int()) }),
  timeoutSeconds: 600,
  async *run({ input: { texts, to }, checkpoint, signal, log, submit }) {
    const words = checkpoint?.words ?? []
    for (const text of texts.slice(words.length)) {
      const counting = run('wc', ['-w'], { signal })
      counting.child.stdin?.end(text)
      words.push(Number((await counting).stdout))
      log.info('counted', { words: words.at(-1) })
      yield { checkpoint: { words }, progress: words.length / texts.length, partial: { words } }
    }
    const sum = words.reduce((all, it) => all + it, 0)
    if (to) await submit('mail', { kind: 'mail.send', input: { to: [to], subject: 'Words', text: `${sum} words.` } })
    return { words }
  },
})
