import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { useSubmission } from '../forms/submission.ts'
import { Logo } from './logo.tsx'
import { Problem } from './problem.tsx'

/** A form on a page of its own, for people who aren't signed in. */
export const Gate = ({
  title,
  lead,
  submission: { submit, busy, problem, errors },
  action,
  children,
  other,
}: {
  title: string
  lead?: ComponentChildren
  submission: ReturnType<typeof useSubmission>
  /** The text of the button that sends it. */
  action: string
  children?: ComponentChildren
  other?: ComponentChildren
}) => (
  <GateFrame title={title}>
    <form class="gate-form" onSubmit={submit} noValidate>
      <Logo />
      <h1>{title}</h1>
      {lead && <p class="soft">{lead}</p>}
      {children}
      {errors.size === 0 && <Problem problem={problem} />}
      <button class="button primary wide" type="submit" disabled={busy} aria-busy={busy}>
        {action}
      </button>
      {other && <p class="gate-other">{other}</p>}
    </form>
  </GateFrame>
)

/** The same frame without a form. */
export const GateNote = ({ title, children }: { title: string; children: ComponentChildren }) => (
  <GateFrame title={title}>
    <div class="gate-form" role="status">
      <Logo />
      <h1>{title}</h1>
      {children}
    </div>
  </GateFrame>
)

/** For a page that was opened without the token of a mail, or reloaded after the token was removed from the address. */
export const GateWithoutToken = () => (
  <GateNote title="Open the link from the mail">
    <p class="soft">This page only works with the link from the mail.</p>
    <a class="button wide" href="/">
      Go to the overview
    </a>
  </GateNote>
)

const GateFrame = ({ title, children }: { title: string; children: ComponentChildren }) => {
  useEffect(() => {
    document.title = `${title} · Stint`
  }, [title])
  return <main class="gate">{children}</main>
}
