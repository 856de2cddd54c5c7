import type { Job } from '../../data/job.ts'
import { Digits } from './digits.tsx'
import { FileView } from './file.tsx'
import { CopyButton, Json } from './json.tsx'
import { isScalar, Scalar, UUID } from './scalar.tsx'
import { isRows, Table } from './table.tsx'

/** What a job has made, or has made so far: pictures as pictures, tables as tables, digits as digits. */
export const ResultCard = ({ job, value, isPartial }: { job: Job; value: unknown; isPartial: boolean }) => (
  <section class="card" aria-label={isPartial ? 'Partial result' : 'Result'}>
    <div class="card-head">
      <h2>{isPartial ? (job.state === 'running' ? 'Result so far' : 'Partial result') : 'Result'}</h2>
      <CopyButton text={JSON.stringify(value, null, 2)} />
    </div>
    <Value value={value} />
  </section>
)

/** A long run of digits, with a point perhaps. */
const DIGITS = /^-?\d+(\.\d+)?$/
const LONG = 40

const Value = ({ value }: { value: unknown }) => {
  if (typeof value === 'string')
    return DIGITS.test(value) && value.length >= LONG ? <Digits text={value} /> : <Text text={value} />
  if (isRows(value)) return <Table rows={value} />
  if (Array.isArray(value) && value.every(isScalar)) return <List values={value} />
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return <Json value={value} />
  const entries = Object.entries(value)
  const files = entries.flatMap(([name, it]) => filesIn(name, it))
  const rest = entries.filter(([name, it]) => filesIn(name, it).length === 0)
  const small = rest.filter(([, it]) => isSmall(it))
  const large = rest.filter(([, it]) => !isSmall(it))
  return (
    <div class="value">
      {files.length > 0 && (
        <div class="files">
          {files.map((file) => (
            <FileView key={file.fileId} {...file} />
          ))}
        </div>
      )}
      {large.map(([name, it]) => (
        <div key={name} class="value-part">
          <h3>{name}</h3>
          <Value value={it} />
        </div>
      ))}
      {small.length > 0 && (
        <dl class="facts">
          {small.map(([name, it]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{it === null ? '–' : <Scalar name={name} value={it} />}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  )
}

const Text = ({ text }: { text: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
  <p class="text" tabIndex={0}>
    {text}
  </p>
)

const MAX_LISTED = 200

const List = ({ values }: { values: unknown[] }) => {
  if (values.length === 0) return <p class="soft">None.</p>
  return (
    <ul class="listed">
      {values.slice(0, MAX_LISTED).map((it, nth) => (
        <li key={nth}>
          <Scalar name="" value={it} />
        </li>
      ))}
      {values.length > MAX_LISTED && <li class="soft">{values.length - MAX_LISTED} more: a copy has them all.</li>}
    </ul>
  )
}

const isSmall = (value: unknown): boolean =>
  value === null ||
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  (typeof value === 'string' && value.length < LONG)

interface FileReference {
  fileId: string
  label: string
}

/** The files that a value refers to: its `fileId`, and those of lists of objects. */
const filesIn = (name: string, value: unknown): FileReference[] => {
  if (typeof value === 'string' && UUID.test(value) && /fileId$/i.test(name))
    return [{ fileId: value, label: labelOf(name) }]
  if (!Array.isArray(value)) return isReference(value) ? [toReference(value, labelOf(name))] : []
  return value.length > 0 && value.every(isReference) ? value.map((it) => toReference(it, labelOf(name))) : []
}

const isReference = (value: unknown): value is { fileId: string } =>
  typeof value === 'object' && value !== null && 'fileId' in value && UUID.test(String(value.fileId))

const toReference = (value: { fileId: string; width?: unknown; height?: unknown }, name: string): FileReference => ({
  fileId: value.fileId,
  label: value.width && value.height ? `${value.width} × ${value.height}` : name,
})

const labelOf = (name: string): string => name.replace(/FileId$/i, '')
