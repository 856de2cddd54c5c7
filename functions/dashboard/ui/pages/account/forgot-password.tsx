import { useSignal } from '@preact/signals'
import { api } from '../../data/client.ts'
import { useSubmission } from '../../forms/submission.ts'
import { EmailField } from '../../forms/text-field.tsx'
import { Gate, GateNote } from '../../parts/gate.tsx'

/** Has a mail sent with which a new password can be chosen. */
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
          If there is an account for {email.value}, a mail is on its way. For an hour its link leads to where a new
          password can be chosen.
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
      lead="You are sent a mail with which you can choose a new one."
      submission={submission}
      action="Send the mail"
      other={<a href="/">Back to sign in</a>}
    >
      <EmailField value={email} error={submission.errors.get('email')} />
    </Gate>
  )
}
