import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { say } from './notices.tsx'
import { messageOf } from './problem.tsx'

/** A button for what takes a moment. It can't be pressed twice, shows a failure, and keeps the focus. */
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
  /** Needed if the text alone doesn't say what the action is done to. */
  label?: string
}) => {
  const busy = useSignal(false)
  const button = useRef<HTMLButtonElement>(null)
  const press = async (): Promise<void> => {
    busy.value = true
    try {
      await run()
    } catch (error) {
      say(messageOf(error as Error), 'failed')
    } finally {
      busy.value = false
      // A button loses the focus when it is disabled.
      requestAnimationFrame(
        () => document.activeElement === document.body && button.current?.focus({ preventScroll: true }),
      )
    }
  }
  return (
    <button
      ref={button}
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
