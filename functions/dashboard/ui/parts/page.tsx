import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'

/** A page: its heading, what can be done there, and what it shows. */
export const Page = ({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}) => {
  useEffect(() => {
    document.title = `${title} · Stint`
  }, [title])
  return (
    <div class="page">
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}
