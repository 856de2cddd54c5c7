import { useSignal } from '@preact/signals'
import { api } from '../../data/client.ts'
import { useSubmission } from '../../forms/submission.ts'
import { EmailField } from '../../forms/text-field.tsx'
import { Gate, GateNote } from '../../parts/gate.tsx'

/** Asks for a mail with a link to choose a new password. */
export const ForgotPasswordPage = () => {
  const email = useSignal('')
  const isDone = useSignal(false)
  const submission = useSubmission(async () => {
    await api.call('POST /auth/password/forgot', { body: { email: email.value } })
    isDone.value = true
  })
  if (isDone.value) {
    return (
      <GateNote title="Check your mail">
        <p class="soft">
          If there is an account for {email.value}, a mail is on its way. Its link is valid for an hour.
        </p>
        <a class="button wide" href="/">
          Back to sign in
        </a>
      </GateNote>
    )
  }
  return (
    <Gate
      title="Forgot your password?"
      lead="You will get a mail with a link to choose a new one."
      submission={submission}
      action="Send mail"
      other={<a href="/">Back to sign in</a>}
    >
      <EmailField value={email} error={submission.errors.get('email')} />
    </Gate>
  )
}
