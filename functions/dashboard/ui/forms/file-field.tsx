import { useSignal } from '@preact/signals'
import { useContext, useRef } from 'preact/hooks'
import { uploadFile } from '../data/upload.ts'
import { bytes } from '../parts/format.ts'
import { Field, type FieldProps } from './fields.tsx'
import { FileProject } from './file-project.ts'

/** A file that is dropped or chosen. It is uploaded at once, and its id is the value of the field. */
export const FileField = (props: FieldProps) => {
  const projectId = useContext(FileProject)
  const file = useSignal<{ name: string; size: number } | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  const busy = useSignal(false)
  const isOver = useSignal(false)
  // An upload takes a while. Its id is set in the form as it is afterwards, not as it was before.
  const latest = useRef(props)
  latest.current = props

  const take = async (chosen: File | undefined): Promise<void> => {
    if (!chosen) return
    busy.value = true
    problem.value = undefined
    try {
      const fileId = await uploadFile(chosen, projectId)
      latest.current.onChange(fileId)
      file.value = { name: chosen.name, size: chosen.size }
    } catch (error) {
      problem.value = (error as Error).message
    } finally {
      busy.value = false
    }
  }
  const said = (): string => {
    if (busy.value) return 'Uploading …'
    if (file.value) return `${file.value.name}, ${bytes(file.value.size)}`
    return props.value ? `The file ${String(props.value)}` : 'Drop a file here, or choose one'
  }
  return (
    <Field props={props} error={problem.value ?? props.errors.get(props.path)}>
      {(control) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: dropping is for pointers; the input in it is for everybody
        <div
          class="drop"
          data-over={isOver.value}
          onDragOver={(event) => {
            event.preventDefault()
            isOver.value = true
          }}
          onDragLeave={() => {
            isOver.value = false
          }}
          onDrop={(event) => {
            event.preventDefault()
            isOver.value = false
            void take(event.dataTransfer?.files[0])
          }}
        >
          <span aria-live="polite">{said()}</span>
          <input {...control} type="file" onChange={(event) => void take(event.currentTarget.files?.[0])} />
        </div>
      )}
    </Field>
  )
}
