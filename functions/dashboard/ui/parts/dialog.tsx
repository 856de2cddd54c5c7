import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A question or a form in front of the page. A form gets the focus. Escape closes it, and the focus returns. */
export const Dialog = ({
  title,
  close,
  isWide = false,
  children,
}: {
  title: string
  close: () => void
  isWide?: boolean
  children: ComponentChildren
}) => {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    const dialog = element.current
    dialog?.showModal()
    dialog?.querySelector<HTMLElement>('form :is(input, select, textarea)')?.focus()
    // Browsers return the focus when a dialog is closed, but not when it is removed. Where it has gone on since, it stays.
    return () => {
      const now = document.activeElement
      const isLost = now === null || now === document.body || dialog?.contains(now)
      if (isLost && before instanceof HTMLElement) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    <dialog ref={element} class={isWide ? 'dialog wide' : 'dialog'} aria-label={title} onClose={close}>
      <div class="card-head">
        <h2>{title}</h2>
        <button type="button" class="button quiet small" onClick={close}>
          Close
        </button>
      </div>
      {children}
    </dialog>
  )
}
