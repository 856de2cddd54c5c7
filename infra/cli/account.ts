import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { changeCredentials, credentialsPath, readCredentials } from './credentials-file.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import type { JsonOption } from './options.ts'
import { harmless, print } from './print.ts'
import { anonymous, findUrl, signedIn } from './session.ts'

interface Given {
  email?: string
  name?: string
  passwordStdin?: boolean
  json?: boolean
}

/** `stint register`, `login`, `logout`, `whoami`. */
export const addAccount = (program: Command, { io }: Cli): void => {
  program
    .command('register')
    .description('create an account and sign in')
    .option('--email <email>')
    .option('--name <name>')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (given: Given) => {
      const email = given.email ?? (await ask(io, '--email', 'Email: '))
      const name = given.name ?? (await ask(io, '--name', 'Name: '))
      const password = await askPassword(io, given)
      await enter(io, given, (client) => client.call('POST /auth/register', { body: { email, name, password } }))
    })
  program
    .command('login')
    .description('sign in; the tokens are stored in a file that only you can read')
    .option('--email <email>')
    .option('--password-stdin', 'read the password from standard input')
    .action(async (given: Given) => {
      const email = given.email ?? (await ask(io, '--email', 'Email: '))
      const password = await askPassword(io, given)
      await enter(io, given, (client) => client.call('POST /auth/login', { body: { email, password } }))
    })
  program
    .command('logout')
    .description('sign out, and end the session at the API')
    .action(async (options: JsonOption) => {
      const url = await findUrl(io)
      const path = credentialsPath(io.env)
      const left = (await readCredentials(path)).sessions[url]
      if (!left) throw new CommandError(`Nobody is signed in at ${url}.`, EXIT.signIn)
      await anonymous(url).call('POST /auth/logout', { body: { refreshToken: left.refreshToken } })
      await changeCredentials(path, ({ sessions: { [url]: _, ...others }, ...kept }) => ({ ...kept, sessions: others }))
      print(io, options, { url }, () => `Signed out of ${url}.`)
    })
  program
    .command('whoami')
    .description('who is signed in, and where')
    .action(async (options: JsonOption) => {
      const { client, url } = await signedIn(io)
      const { user } = await client.call('GET /auth/me')
      print(
        io,
        options,
        { ...user, url },
        () => `${harmless(`${user.name} <${user.email}>`)} at ${url}${user.isAdmin ? ', admin' : ''}`,
      )
    })
}

interface SignedIn {
  user: { email: string; name: string }
  accessToken: string
  refreshToken: string
}

const enter = async (
  io: Io,
  given: Given,
  how: (client: ReturnType<typeof anonymous>) => Promise<SignedIn>,
): Promise<void> => {
  const url = await findUrl(io)
  const { user, accessToken, refreshToken } = await how(anonymous(url))
  const session = { email: user.email, accessToken, refreshToken }
  await changeCredentials(credentialsPath(io.env), (kept) => ({
    current: url,
    sessions: { ...kept.sessions, [url]: session },
  }))
  print(io, given, { user, url }, () => `Signed in as ${harmless(`${user.name} <${user.email}>`)} at ${url}.`)
}

const ask = async ({ terminal }: Io, flag: string, question: string, hidden = false): Promise<string> => {
  if (!terminal) throw new CommandError(`${flag} is needed where nobody can be asked.`, EXIT.usage)
  return terminal.ask(question, { hidden })
}

const askPassword = async (io: Io, { passwordStdin }: Given): Promise<string> =>
  passwordStdin ? (await text(process.stdin)).replace(/\r?\n$/, '') : ask(io, '--password-stdin', 'Password: ', true)
