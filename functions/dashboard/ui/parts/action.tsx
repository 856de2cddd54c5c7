import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { say } from './notices.tsx'

/** A button for what takes a moment: it can't be pressed twice, and says it when it fails. */
export const Action = ({
  run,
  children,
  kind,
  disabled,
  title,
  label,
}: {
  run: () => Promise<unknown>
  children: ComponentChildren
  kind?: 'primary' | 'quiet' | 'danger'
  disabled?: boolean
  title?: string
  /** Where the text alone doesn't say what it is done to. */
  label?: string
}) => {
  const busy = useSignal(false)
  const press = async (): Promise<void> => {
    busy.value = true
    try {
      await run()
    } catch (error) {
      say((error as Error).message, 'failed')
    } finally {
      busy.value = false
    }
  }
  return (
    <button
      type="button"
      class={`button ${kind ?? ''}`}
      disabled={disabled || busy.value}
      aria-busy={busy.value}
      title={title}
      aria-label={label}
      onClick={press}
    >
      {children}
    </button>
  )
}
