import type { ComponentChildren } from 'preact'

/** Shown in place of an empty list: why it is empty, and what to do about it. */
export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
)
