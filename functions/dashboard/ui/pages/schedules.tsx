import { useSignal } from '@preact/signals'
import { allOf } from '../data/all-of.ts'
import { api } from '../data/client.ts'
import { projectQuery } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { Action } from '../parts/action.tsx'
import { Empty } from '../parts/empty.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { ScheduleDialog } from './schedules/dialog.tsx'
import { ScheduleCard } from './schedules/schedule.tsx'

/** The schedules, which submit jobs at set times. */
export const SchedulesPage = () => {
  const query = projectQuery.value
  const { data, problem, reload } = useQuery(`schedules ${JSON.stringify(query)}`, (signal) =>
    allOf(api.each('GET /schedules', { query, signal })),
  )
  const isNew = useSignal(false)
  const open = async (): Promise<void> => {
    isNew.value = true
  }
  const add = (
    <Action run={open} kind="primary">
      New schedule
    </Action>
  )
  return (
    <Page title="Schedules" actions={add}>
      <Pending data={data} problem={problem} lines={4} />
      {data?.items.length === 0 && (
        <Empty title="No schedules yet.">
          <p>A schedule submits a job at set times: every night, every Monday, every five minutes.</p>
          {add}
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <ul class="cards">
          {data.items.map((it) => (
            <ScheduleCard key={it.id} schedule={it} reload={reload} />
          ))}
        </ul>
      )}
      {isNew.value && (
        <ScheduleDialog
          close={() => {
            isNew.value = false
            void reload()
          }}
        />
      )}
    </Page>
  )
}
