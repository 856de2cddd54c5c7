import type { ComponentChildren } from 'preact'
import type { ItemOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { quantity } from '../format.ts'

export type Entry = ItemOf<Api['GET /audit']>

/** What somebody did: the rest of a sentence that begins with their name. */
export const sentenceOf = (entry: Entry, nameOf: (userId: string) => string | undefined): ComponentChildren =>
  sentences[entry.action](entry, personOf(nameOf(entry.target), entry.target))

const personOf = (name: string | undefined, id: string): ComponentChildren =>
  name === undefined ? <code>{shortId(id)}</code> : <bdi>{name}</bdi>

/** Each gets the entry, and the name of the person that it is about. */
const sentences: Record<Entry['action'], (entry: Entry, person: ComponentChildren) => ComponentChildren> = {
  'project.create': ({ data }) => <>created the project{named(data)}</>,
  'project.rename': ({ data }) => <>renamed the project to{named(data)}</>,
  'project.delete': () => 'deleted the project',
  'member.put': ({ data }, person) => (
    <>
      made {person} {data['role'] === 'owner' ? 'an owner' : `a ${data['role'] ?? 'member'}`}
    </>
  ),
  'member.remove': (_, person) => <>removed {person}</>,
  'api-key.create': ({ data }) => <>created the API key{named(data)}</>,
  'api-key.revoke': ({ data }) => <>revoked the API key{named(data)}</>,
  'schedule.create': ({ data }) => <>created the schedule{named(data)}</>,
  'schedule.change': ({ data }) => (
    <>
      changed the schedule{named(data)}: {changesOf(data)}
    </>
  ),
  'schedule.delete': ({ data }) => <>deleted the schedule{named(data)}</>,
  'file.delete': ({ data }) => <>deleted the file{named(data)}</>,
  'device-model.create': ({ data }) => <>created the device model{named(data)}</>,
  'device-model.change': ({ data }) => <>changed the device model{named(data)}</>,
  'device-model.delete': ({ data }) => <>deleted the device model{named(data)}</>,
  'job.change': (entry) => (
    <>
      changed {jobs(entry)}: {changesOf(entry.data)}
    </>
  ),
  'job.cancel': (entry) => <>cancelled {jobs(entry)}</>,
  'job.retry': (entry) => <>retried {jobs(entry)}</>,
  'job.delete': ({ data, target }) => (
    <>
      deleted a job of {typeof data['kind'] === 'string' ? data['kind'] : 'some kind'} <code>{shortId(target)}</code>
    </>
  ),
  'queue.pause': ({ target }) => `paused the queue ${target}`,
  'queue.resume': ({ target }) => `resumed the queue ${target}`,
  'queue.redrive': ({ data, target }) => {
    const redriven = Number(data['redriven'] ?? 0)
    return `redrove ${quantity(redriven, 'failed job')} of the queue ${target}`
  },
  'process.start': ({ target }) => `started the process ${target}`,
  'process.stop': ({ target }) => `stopped the process ${target}`,
  'process.restart': ({ target }) => `restarted the process ${target}`,
  'admin.add': (_, person) => <>made {person} an admin</>,
  'admin.remove': (_, person) => <>removed {person} from the admins</>,
  'account.take-over': () => 'took the account over with a new password, because its address had never been confirmed',
}

/** Names are isolated: one that reverses the direction of text would reverse the whole sentence. */
const named = ({ name }: Entry['data']): ComponentChildren =>
  typeof name === 'string' && (
    <>
      {' “'}
      <bdi>{name}</bdi>”
    </>
  )

const changesOf = ({ changed }: Entry['data']): string => (Array.isArray(changed) ? changed.join(', ') : '')

const shortId = (id: string): string => `…${id.slice(-6)}`

const jobs = ({ target }: Entry): ComponentChildren =>
  target.endsWith(' jobs') ? (
    target
  ) : (
    <>
      the job <a href={`/dashboard/jobs/${target}`}>{shortId(target)}</a>
    </>
  )
