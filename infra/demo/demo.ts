import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { createScreen, type Screen } from '../cli/screen.ts'
import { logFolder } from '../local/shared/log-file.ts'
import type { Stack } from '../local/stack.ts'
import { waitForLeftovers } from '../local/supervisor/leftovers.ts'
import { readRunFile } from '../local/supervisor/run-file.ts'
import { goOnUnheard } from '../local/supervisor/terminal.ts'
import { createBars } from './bars.ts'
import { killItsWorker } from './kill.ts'
import { type Listener, listen } from './listener.ts'
import { register } from './person.ts'
import { drawPicture } from './picture.ts'
import { fact, showEvents, showResults, waitForEvents } from './results.ts'
import { FUNCTION_SECONDS, kafkaOf, startShown } from './stack.ts'
import { createStory, type Story } from './story.ts'
import { submitWork } from './submit.ts'
import { watchUntilDone } from './watch.ts'

// `npm run demo`: starts the whole stack, runs real jobs on it, kills a worker, and shows what happens.

/** Many times what a slow machine needs. If it takes longer, something hangs. */
const DEADLINE_MS = 300_000
/** The terminal sends Ctrl-C to all processes, and npm passes it on again. A second one within this time is the same one. */
const SAME_SIGNAL_MS = 1_000

interface Demo {
  screen: Screen
  story: Story
  /** The folder of the results, which is kept. */
  folder: string
  dataDir: string
  /** What must be stopped in the end, whatever happens. */
  running: { stack?: Promise<Stack>; listener?: Listener }
  /** Aborts when it makes no sense to go on. */
  over: AbortController
}

const run = async (demo: Demo): Promise<void> => {
  const { screen, story, folder } = demo
  const { signal } = demo.over

  story.title('Stint starts on this machine')
  const drawing = drawPicture()
  const { stack, listener } = await start(demo)
  const startSeconds = story.seconds()

  story.title(`Ada submits four jobs. A function may take ${FUNCTION_SECONDS} s; π takes longer`)
  const ada = await register(stack.url, signal)
  const { ids, jobs } = await submitWork(ada, await drawing, story)
  const showBars = createBars(screen)
  const watching = watchUntilDone(ada, jobs, signal, (bars) => {
    const { events, progressed } = listener.count()
    const heard = `Kafka gave ${events} events, ${progressed} of them job.progressed`
    showBars(bars, styleText('dim', `  ${story.seconds().toFixed(1)} s · ${heard}`))
  })
  const [killed] = await Promise.all([killItsWorker({ ada, jobId: ids.leibniz, stack, story, signal }), watching])
  const jobSeconds = story.seconds() - startSeconds
  await waitForEvents(listener, ada, jobs.keys())

  screen.close()
  story.title(`Results, in ${folder}`)
  await showResults(screen, { ada, ids, folder, killed })
  showEvents(screen, listener)
  await stop(demo)
  await rm(demo.dataDir, { recursive: true, force: true })
  const seconds = [startSeconds, jobSeconds, story.seconds()].map((it) => it.toFixed(1))
  fact(screen, 'time', `${seconds[0]} s to start, ${seconds[1]} s for the jobs, ${seconds[2]} s in all`)
}

/** Starts the stack and a consumer of its Kafka: the broker takes some seconds to admit one to a group. */
const start = async ({ screen, story, dataDir, running, over }: Demo) => {
  running.stack = startShown(screen, dataDir)
  const listening = kafkaOf(dataDir, running.stack).then((address) => listen(address, story.event))
  const [stack, listener] = await Promise.all([running.stack, listening])
  running.listener = listener
  over.signal.throwIfAborted()
  void stack.exited.then(() => over.abort(new Error(`the stack ended:\n${stack.printed().slice(-2_000)}`)))
  return { stack, listener }
}

/** Stops everything and waits until it has ended, also a stack that is still starting. */
const stop = async ({ running, dataDir }: Demo): Promise<void> => {
  try {
    await running.listener?.stop()
  } finally {
    // A stack that could not be started is down already.
    const stack = await running.stack?.catch(() => undefined)
    await stack?.stop()
    await waitForLeftovers(readRunFile(dataDir))
  }
}

const stopOnSignals = (over: AbortController): (() => boolean) => {
  let interruptedAt: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The parts of the stack see that this process is gone, and end by themselves.
      if (interruptedAt !== undefined && performance.now() - interruptedAt > SAME_SIGNAL_MS) process.exit(130)
      interruptedAt ??= performance.now()
      over.abort(new Error('interrupted'))
    })
  }
  return () => interruptedAt !== undefined
}

const main = async (): Promise<number> => {
  goOnUnheard()
  const screen = createScreen(process.stdout)
  const folder = await mkdtemp(join(tmpdir(), 'stint-demo-'))
  const dataDir = join(folder, 'data')
  await mkdir(dataDir)
  // If we are root, Postgres runs as another user, who must be able to enter.
  for (const path of [folder, dataDir]) await chmod(path, 0o711)
  const over = new AbortController()
  const isInterrupted = stopOnSignals(over)
  const demo: Demo = { screen, story: createStory(screen), folder, dataDir, running: {}, over }
  const deadline = setTimeout(() => over.abort(new Error(`not done after ${DEADLINE_MS / 1_000} s`)), DEADLINE_MS)
  try {
    await run(demo)
    return 0
  } catch (error) {
    const cause = over.signal.aborted ? over.signal.reason : error
    over.abort(cause)
    screen.close()
    screen.say(isInterrupted() ? '\nStopping.' : `\n${styleText('red', 'The demo failed.')} ${cause}`)
    await stop(demo)
    if (isInterrupted()) {
      await rm(folder, { recursive: true, force: true })
      return 130
    }
    if (existsSync(logFolder(dataDir))) screen.say(`\nThe logs of its processes are in ${logFolder(dataDir)}`)
    return 1
  } finally {
    clearTimeout(deadline)
  }
}

process.exit(await main())
