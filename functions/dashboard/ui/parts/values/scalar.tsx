import { api } from '../../data/client.ts'
import { Action } from '../action.tsx'
import { cut } from '../format.ts'

export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const MAX_CELL = 120

export const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || typeof value !== 'object'

/** A value in a line or a cell. Addresses become links; of a list only the length is shown. */
export const Scalar = ({ name, value }: { name: string; value: unknown }) => {
  if (value === undefined || value === null) return null
  if (Array.isArray(value))
    return <span class="faint">{value.length === 1 ? '1 entry' : `${value.length} entries`}</span>
  if (typeof value === 'object') return <code>{cut(JSON.stringify(value), MAX_CELL)}</code>
  const text = String(value)
  if (/fileId$/i.test(name) && UUID.test(text)) return <FileLink fileId={text} />
  if (/^https?:\/\//.test(text) && URL.canParse(text)) {
    return (
      <a href={text} rel="noreferrer" target="_blank">
        {cut(text, MAX_CELL)}
      </a>
    )
  }
  return <>{cut(text, MAX_CELL)}</>
}

/** The address is valid for a short time, so it is asked for when somebody wants the file. */
const FileLink = ({ fileId }: { fileId: string }) => {
  const open = async (): Promise<void> => {
    // Opened now: browsers block a window that opens some time after the click.
    const tab = window.open('', '_blank')
    const { url } = await api.call('GET /files/{fileId}/url', { params: { fileId } }).catch((error: unknown) => {
      tab?.close()
      throw error
    })
    if (tab) tab.location.href = url
    else location.assign(url)
  }
  return (
    <Action run={open} kind="quiet">
      Open
    </Action>
  )
}
