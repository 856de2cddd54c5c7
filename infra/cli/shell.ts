import type { Command } from 'commander'
import type { Following, LiveEvent, LiveState } from '../../lib/client/live.ts'
import { ProblemError } from '../../lib/client/problem-error.ts'
import type { Cli } from './cli.ts'
import { explain } from './explain.ts'
import { followSession } from './following.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { createNews } from './news.ts'
import { harmless, paint } from './print.ts'
import { ownProject } from './projects.ts'
import { type Session, signedIn } from './session.ts'
import type { Prompt } from './terminal.ts'
import { wordsOf } from './words.ts'

/** Runs one command, as it would run outside of the shell. */
type Run = (args: string[], io: Io, onSubmitted: (jobId: string) => void) => Promise<number>

/** `stint shell`: a prompt for commands, which also shows what happens to the person's jobs. */
export const addShell = (program: Command, { io, exit }: Cli, run: Run): void => {
  program
    .command('shell')
    .description('an interactive shell that reports on your jobs while you type')
    .action(async () => {
      const prompt = io.terminal as Prompt | undefined
      if (!prompt?.line)
        throw new CommandError('The shell needs a terminal. In scripts: stint watch --json', EXIT.usage)
      exit(await converse({ ...io, out: prompt.say, err: prompt.say }, prompt, run))
    })
}

const HELP = `task KIND …       submit a job; task KIND --help lists the kind's fields; submit KIND … is the same
login, register   sign in; logout signs out, whoami says as whom one is
jobs, job ID, watch ID, logs ID, change ID, cancel ID, retry ID, delete ID
counts, kinds, files, device-models, queues, schedules, projects, keys, system
cls               clear the screen
exit              leave`

const converse = async (io: Io, prompt: Prompt, run: Run): Promise<number> => {
  /** What happens while a command uses the screen is shown when the command has ended. */
  let held: string[] | undefined
  const listener = createListener(io, (text) => (held ? void held.push(text) : prompt.say(text)))
  prompt.say(paint(io, 'dim', 'help lists the commands; Ctrl-D leaves.'))
  await listener.begin()
  try {
    for (;;) {
      const line = await prompt.line(`${listener.who()}> `)
      if (line === undefined) return EXIT.ok
      held = []
      const interrupted = new AbortController()
      prompt.onInterrupt = () => interrupted.abort()
      const verdict = await obey(line, io, prompt, (args) =>
        run(args, { ...io, signal: interrupted.signal }, listener.own),
      )
      if (verdict === 'leave') return EXIT.ok
      if (verdict === 'signed in or out') await listener.begin()
      for (const text of held) prompt.say(text)
      held = undefined
    }
  } finally {
    listener.stop()
    prompt.close()
  }
}

type Verdict = 'leave' | 'signed in or out' | 'go on'

const obey = async (
  line: string,
  io: Io,
  prompt: Prompt,
  run: (args: string[]) => Promise<number>,
): Promise<Verdict> => {
  try {
    const [name = '', ...rest] = wordsOf(line)
    switch (name) {
      case '':
        return 'go on'
      case 'exit':
      case 'quit':
        return 'leave'
      case 'help':
        prompt.say(HELP)
        return 'go on'
      case 'cls':
      case 'clear':
        prompt.screen.write('\x1b[2J\x1b[3J\x1b[H')
        return 'go on'
      case 'shell':
        throw new CommandError('This is the shell.', EXIT.usage)
      case 'task':
        await run(['submit', ...rest])
        return 'go on'
      default:
        await run([name, ...rest])
        return ['login', 'register', 'logout'].includes(name) ? 'signed in or out' : 'go on'
    }
  } catch (error) {
    const explained = explain(error, io.env)
    if (!explained) throw error
    if (explained.message) io.err(explained.message)
    return 'go on'
  }
}

interface Listener {
  /** Follows the jobs of the person who is signed in now, if anybody is. */
  begin(): Promise<void>
  /** The account, for the prompt. */
  who(): string
  /** This job was submitted here. */
  own(jobId: string): void
  stop(): void
}

const STATES: Partial<Record<LiveState, string>> = {
  polling: 'no WebSocket can be had: asking each two seconds',
  offline: 'the API cannot be reached; trying again',
  ended: 'the session has ended: login signs in again',
}

/** The credentials are valid, but don't allow this. */
const forbidden = (error: unknown): string | undefined =>
  error instanceof ProblemError && error.status !== 401
    ? `what happens to the jobs isn't said: ${error.message}`
    : undefined

const createListener = (io: Io, say: (text: string) => void): Listener => {
  let following: Following | undefined
  let email = ''
  let wasLive = false
  const own = new Set<string>()

  const stop = (): void => {
    const left = following
    // Cleared first, or its end would be reported as an unexpected one.
    following = undefined
    left?.stop()
  }

  const begin = async (): Promise<void> => {
    stop()
    const session = await signedIn(io).catch((error: unknown) => {
      if (error instanceof CommandError) return undefined
      throw error
    })
    email = session?.email ?? (session ? 'signed in' : '')
    if (session) listen(session)
  }

  const listen = (session: Session): void => {
    const news = createNews(io, session)
    // Until the account is known, only jobs that were submitted here count as the person's own.
    let personal = ''
    void ownProject(session).then(
      (projectId) => {
        personal = projectId
      },
      () => {},
    )
    let saying = Promise.resolve()
    /** Handled one after the other, since a name may have to be asked for. */
    const tell = (event: LiveEvent): void => {
      saying = saying.then(async () => {
        const text = await news(event)
        if (text && following === started) say(text)
      })
    }
    const mine = (event: LiveEvent) => own.has(event.jobId) || event.projectId === personal
    const started = followSession(session, {
      onEvents: (events) => {
        for (const event of events.filter(mine)) tell(event)
      },
      onReset: () => say(paint(io, 'dim', 'away for over an hour: jobs shows how things are')),
      onState: (state, error) => {
        if (following !== started) return
        const text = state === 'live' && wasLive ? 'connected again' : (forbidden(error) ?? STATES[state])
        wasLive ||= state === 'live'
        if (text) say(paint(io, 'dim', text))
      },
    })
    started.ready.catch(() => {})
    following = started
    wasLive = false
  }

  return { begin, who: () => harmless(email || 'stint'), own: (jobId) => void own.add(jobId), stop }
}
