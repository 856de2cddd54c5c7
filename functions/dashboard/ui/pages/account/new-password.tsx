import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { api } from '../../data/client.ts'
import { takeMailedToken } from '../../data/mailed-token.ts'
import { resume } from '../../data/session.ts'
import { useSubmission } from '../../forms/submission.ts'
import { TextField } from '../../forms/text-field.tsx'
import { Gate, GateNote, GateWithoutToken } from '../../parts/gate.tsx'

/** The page that the link in the mail about a forgotten password leads to. */
export const NewPasswordPage = () => {
  const [token] = useState(takeMailedToken)
  const password = useSignal('')
  const isDone = useSignal(false)
  const submission = useSubmission(async () => {
    await api.call('POST /auth/password/reset', { body: { token, newPassword: password.value } })
    isDone.value = true
    await resume()
  })
  if (token === '') return <GateWithoutToken />
  if (isDone.value) {
    return (
      <GateNote title="Your password is changed">
        <p class="soft">You have been signed out on every device.</p>
        <a class="button primary wide" href="/">
          Sign in
        </a>
      </GateNote>
    )
  }
  return (
    <Gate title="Choose a new password" submission={submission} action="Change password">
      <TextField
        label="New password"
        name="newPassword"
        type="password"
        value={password}
        autoComplete="new-password"
        hint="At least 10 characters."
        error={submission.errors.get('newPassword')}
      />
    </Gate>
  )
}
