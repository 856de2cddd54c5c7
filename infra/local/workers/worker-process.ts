import { pathToFileURL } from 'node:url'
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { createApp } from '../../../lib/app.ts'
import { readConfig } from '../../../lib/core/config.ts'
import { readHostConfig } from '../../../lib/core/host-config.ts'
import type { BatchHandler } from '../../../lib/queue/batch.ts'
import { withChaos } from '../chaos/with-chaos.ts'
import { createContext } from '../host/invocation.ts'
import { gatherDoorbells } from '../queues/gathered-doorbells.ts'
import { keepCompiled } from '../shared/compile-cache.ts'
import { ALIVE_MS, type FromWorker, type ToWorker } from './worker-protocol.ts'

// One sandbox of one queue function: a process that takes one invocation at a time, as Lambda has it.
// Arguments: the process's name, the function's, its handler's file and export, and which of its pool it is.

const [name = '', functionName = '', handlerFile = '', exportName = '', nth = ''] = process.argv.slice(2)
const stopping = new AbortController()
let saysCommitted = false

const say = (message: FromWorker): void => {
  if (process.connected) process.send?.(message, () => {})
}

/**
 * Commits come in bursts, a claim and the outcomes of the claimed jobs. The host is told once for a burst, and not while the job
 * needs the processor.
 */
const COMMITTED_MS = 10
const committed = (): void => {
  if (saysCommitted) return
  saysCommitted = true
  setTimeout(() => {
    saysCommitted = false
    say({ type: 'committed' })
  }, COMMITTED_MS)
}

// Without the host nobody would take this process's answers or end it: the next host starts workers of its own.
process.on('disconnect', () => process.exit(0))
// A Ctrl-C is meant for the process that will tell this one to stop.
process.on('SIGINT', () => {})

const made = await createApp(readConfig(process.env), name, { stopping: stopping.signal, committed })
const reliable = { ...made, queue: gatherDoorbells(made.queue, made.log) }
const { chaosSeed } = readHostConfig(process.env)
const app = chaosSeed === undefined ? reliable : withChaos(reliable, chaosSeed, `${functionName} ${nth}`)
const module = (await import(pathToFileURL(handlerFile).href)) as Record<string, BatchHandler>
const handler = module[exportName]
if (!handler) throw new Error(`${handlerFile} has no export ${exportName}`)

const invoke = async (id: string, event: SQSEvent, timeoutMs: number): Promise<void> => {
  const alive = setInterval(() => say({ type: 'alive' }), ALIVE_MS)
  try {
    const result: SQSBatchResponse = await handler(
      event,
      createContext(app, { functionName, requestId: id, timeoutMs }),
    )
    say({ type: 'result', id, result })
  } catch (error) {
    app.log.error({ err: error, requestId: id }, 'the function threw')
    say({ type: 'error', id, message: error instanceof Error ? error.message : String(error) })
  } finally {
    clearInterval(alive)
  }
}

process.on('message', (message: ToWorker) => {
  if (message.type === 'invoke') void invoke(message.id, message.event as SQSEvent, message.timeoutMs)
  if (message.type === 'stop') stopping.abort()
})
say({ type: 'ready', instance: app.instance })
keepCompiled()
