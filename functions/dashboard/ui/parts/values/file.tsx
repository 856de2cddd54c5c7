import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { bytes } from '../format.ts'

/** A file that a job made or was given: a picture is shown, and any can be taken. */
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
          <a href={data.url} download={data.file.name}>
            {data.file.name}
          </a>
        )}
        {data && data.file.sizeBytes !== null && <small>{bytes(data.file.sizeBytes)}</small>}
      </figcaption>
    </figure>
  )
}
