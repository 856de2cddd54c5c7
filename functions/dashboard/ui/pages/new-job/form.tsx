import { useRef } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { api } from '../../data/client.ts'
import { dropDraft } from '../../data/drafts.ts'
import type { Job, JobKind } from '../../data/job.ts'
import { useTargetProject } from '../../data/projects.ts'
import { useDraft } from '../../forms/draft.ts'
import { FileProject } from '../../forms/file-project.ts'
import { isPlaced } from '../../forms/placed.ts'
import { resolved } from '../../forms/resolve.ts'
import { emptyOf, type Schema } from '../../forms/schema.ts'
import { SchemaFields } from '../../forms/schema-form.tsx'
import { useSubmission } from '../../forms/submission.ts'
import { Problem } from '../../parts/problem.tsx'
import { OPTIONS } from './options.ts'
import { Snippets } from './snippets.tsx'

type Values = Record<string, unknown>
interface Draft {
  input: Values
  options: Values
  /** What was sent last. It may have arrived although there was no answer. */
  sent?: { text: string; idempotencyKey: string }
}

/** The form of a kind: the fields of its input, and the options of any job. */
export const JobForm = ({ kind, model }: { kind: JobKind; model: Job | undefined }) => {
  const schema = resolved(kind.input as Schema)
  const project = useTargetProject()
  const { route } = useLocation()
  const form = useRef<HTMLFormElement>(null)
  const draft = useDraft<Draft>(`${kind.kind} ${model?.id ?? ''}`, () => ({
    input: (model?.input as Values | undefined) ?? emptyOf(schema),
    options: model ? optionsOf(model) : {},
  }))
  const { input, options } = draft.value
  const body = { kind: kind.kind, input, ...options, ...(project && { projectId: project.id }) }
  const { submit, busy, errors, problem } = useSubmission(async () => {
    const text = JSON.stringify(body)
    const before = draft.value.sent
    // If somebody presses again because no answer came, even after a reload, it is still one job.
    const sent = before?.text === text ? before : { text, idempotencyKey: newKey() }
    draft.value = { ...draft.value, sent }
    const { job } = await api.call('POST /jobs', { body, idempotencyKey: sent.idempotencyKey })
    // Cleared now: the address changes before the form is gone, and a reload in between would fill the form again.
    dropDraft()
    route(`/dashboard/jobs/${job.id}`)
  })

  return (
    <FileProject.Provider value={project?.id}>
      <form class="card job-form" onSubmit={submit} ref={form} noValidate aria-label={kind.kind}>
        <div class="card-head">
          <h2>{kind.kind}</h2>
          <small>
            queue {kind.queue}
            {project && (
              <>
                {' · project '}
                <bdi>{project.name}</bdi>
              </>
            )}
          </small>
        </div>
        <SchemaFields
          schema={schema}
          path="input"
          values={input}
          errors={errors}
          onChange={(values) => {
            draft.value = { ...draft.value, input: values }
          }}
        />
        <details open={Object.keys(options).length > 0}>
          <summary>Name, tags and timing</summary>
          <div class="details">
            <SchemaFields
              schema={OPTIONS}
              path=""
              values={options}
              errors={errors}
              onChange={(values) => {
                draft.value = { ...draft.value, options: values }
              }}
            />
          </div>
        </details>
        {!isPlaced(form.current, errors) && <Problem problem={problem} />}
        <div class="actions">
          <button class="button primary" type="submit" disabled={busy} aria-busy={busy}>
            Submit
          </button>
        </div>
      </form>
      <Snippets body={body} />
    </FileProject.Provider>
  )
}

/** `crypto.randomUUID` exists only with TLS. */
const newKey = (): string => crypto.getRandomValues(new Uint8Array(16)).join('-')

const optionsOf = ({ name, tags, priority }: Job): Values => ({
  ...(name !== null && { name }),
  ...(tags.length > 0 && { tags }),
  ...(priority !== 0 && { priority }),
})
