import { api } from '../../data/client.ts'
import { downloadFile } from '../../data/download.ts'
import { useQuery } from '../../data/query.ts'
import { bytes } from '../format.ts'
import { say } from '../notices.tsx'
import { messageOf } from '../problem.tsx'

/** A file that a job was given or has made. Pictures are shown, and any file can be downloaded. */
export const FileView = ({ fileId, label }: { fileId: string; label: string }) => {
  const { data, problem } = useQuery(
    `file ${fileId}`,
    async (signal) => {
      const params = { fileId }
      const [{ file }, { url }] = await Promise.all([
        api.call('GET /files/{fileId}/metadata', { params, signal }),
        api.call('GET /files/{fileId}/url', { params, signal }),
      ])
      return { file, url }
    },
    { still: true },
  )
  const take = (event: MouseEvent): void => {
    event.preventDefault()
    downloadFile(fileId).catch((error: Error) => say(messageOf(error), 'failed'))
  }
  if (problem) return <p class="soft">{label}: the file is gone.</p>
  const isPicture = data?.file.contentType.startsWith('image/')
  return (
    <figure class="file">
      <div class="file-view">
        {data && isPicture && <img src={data.url} alt={`${label}, ${data.file.name}`} />}
        {data && !isPicture && <span>{data.file.name.split('.').at(-1)}</span>}
      </div>
      <figcaption>
        <span>{label}</span>
        {data && (
          <a href={data.url} download={data.file.name} onClick={take}>
            {data.file.name}
          </a>
        )}
        {data && data.file.sizeBytes !== null && <small>{bytes(data.file.sizeBytes)}</small>}
      </figcaption>
    </figure>
  )
}
