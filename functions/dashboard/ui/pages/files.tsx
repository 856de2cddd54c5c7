import { useLocation } from 'preact-iso'
import type { ItemOf } from '../../../../lib/client/api.ts'
import type { Api } from '../../../http/api.ts'
import { api } from '../data/client.ts'
import { downloadFile } from '../data/download.ts'
import { type Project, useTargetProject } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { uploadFile } from '../data/upload.ts'
import { Action } from '../parts/action.tsx'
import { Empty } from '../parts/empty.tsx'
import { bytes, quantity } from '../parts/format.ts'
import { say } from '../parts/notices.tsx'
import { Page } from '../parts/page.tsx'
import { Pager } from '../parts/pager.tsx'
import { Pending } from '../parts/pending.tsx'
import { isSure } from '../parts/question.tsx'
import { useTopOf } from '../parts/scroll.ts'
import { Skeleton } from '../parts/skeleton.tsx'
import { Time } from '../parts/time.tsx'

type StoredFile = ItemOf<Api['GET /files']>

const PAGE_SIZE = 50

/** The files of one project, newest first: what was uploaded, and what jobs made. */
export const FilesPage = () => {
  const project = useTargetProject()
  if (project) return <Files project={project} />
  return (
    <Page title="Files">
      <Skeleton lines={8} />
    </Page>
  )
}

const Files = ({ project }: { project: Project }) => {
  const { cursor } = useLocation().query
  const query = { projectId: project.id, cursor, limit: PAGE_SIZE }
  const { data, problem, reload } = useQuery(`files ${JSON.stringify(query)}`, (signal) =>
    api.call('GET /files', { query, signal }),
  )
  useTopOf(cursor)
  const mayChange = project.role !== 'viewer'
  const upload = async (): Promise<void> => {
    const chosen = await chooseFiles()
    for (const file of chosen) await uploadFile(file, project.id)
    if (chosen.length > 0) say(`Uploaded ${quantity(chosen.length, 'file')}.`)
    await reload()
  }
  return (
    <Page
      title="Files"
      lead={`What was uploaded to “${project.name}”, and what its jobs made.`}
      actions={
        mayChange && (
          <Action run={upload} kind="primary">
            Upload files
          </Action>
        )
      }
    >
      <Pending data={data} problem={problem} lines={8} />
      {data?.items.length === 0 && (
        <Empty title={cursor === undefined ? 'No files yet.' : 'No more files.'}>
          <p>Jobs read files such as pictures and tables, and make some: reports, charts, other sizes.</p>
        </Empty>
      )}
      {data && data.items.length > 0 && (
        <section class="card" aria-label="Files">
          <ul class="rows">
            {data.items.map((it) => (
              <Row key={it.id} file={it} mayChange={mayChange} reload={reload} />
            ))}
          </ul>
        </section>
      )}
      {data && <Pager nextCursor={data.nextCursor} />}
    </Page>
  )
}

const Row = ({ file, mayChange, reload }: { file: StoredFile; mayChange: boolean; reload: () => Promise<void> }) => {
  const { id, name, contentType, sizeBytes, jobId, createdAt } = file
  const remove = async (): Promise<void> => {
    if (!(await isSure(`Delete “${name}”?`, 'Nobody can download it any more.', 'Delete it'))) return
    await api.call('DELETE /files/{fileId}', { params: { fileId: id } })
    await reload()
  }
  return (
    <li>
      <div>
        <p>
          <bdi>{name}</bdi>
        </p>
        <small>
          {contentType}, {sizeBytes === null ? 'not here yet' : bytes(sizeBytes)}
        </small>
      </div>
      <small>
        {jobId === null ? 'uploaded ' : 'made '}
        <Time at={createdAt} />
        {jobId !== null && (
          <>
            {' by '}
            <a href={`/dashboard/jobs/${jobId}`}>…{jobId.slice(-6)}</a>
          </>
        )}
      </small>
      <div class="actions">
        <Action run={() => downloadFile(id)} disabled={sizeBytes === null} kind="quiet" label={`Download ${name}`}>
          Download
        </Action>
        {mayChange && (
          <Action run={remove} kind="quiet" label={`Delete ${name}`}>
            Delete
          </Action>
        )}
      </div>
    </li>
  )
}

/** Lets the person choose files. @returns none if they leave it */
const chooseFiles = (): Promise<File[]> =>
  new Promise((resolve) => {
    const input = document.createElement('input')
    input.type = 'file'
    input.multiple = true
    input.onchange = () => resolve([...(input.files ?? [])])
    input.oncancel = () => resolve([])
    input.click()
  })
