import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

/** A question or a form in front of the page. Escape closes it, and the focus goes back to where it was. */
export const Dialog = ({
  title,
  close,
  children,
}: {
  title: string
  close: () => void
  children: ComponentChildren
}) => {
  const element = useRef<HTMLDialogElement>(null)
  useEffect(() => element.current?.showModal(), [])
  return (
    <dialog ref={element} class="dialog" aria-label={title} onClose={close}>
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
