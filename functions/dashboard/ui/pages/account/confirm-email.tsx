import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { api } from '../../data/client.ts'
import { takeMailedToken } from '../../data/mailed-token.ts'
import { resume, user } from '../../data/session.ts'
import { useSubmission } from '../../forms/submission.ts'
import { Gate, GateNote, GateWithoutToken } from '../../parts/gate.tsx'
import { SignInPage } from '../sign-in.tsx'

/** The page that the link in the mail after registration leads to. */
export const ConfirmEmailPage = () => {
  const [token] = useState(takeMailedToken)
  const isDone = useSignal(false)
  const submission = useSubmission(async () => {
    await api.call('POST /auth/verify', { body: { token } })
    isDone.value = true
    await resume()
  })
  if (token === '') return <GateWithoutToken />
  if (isDone.value) {
    return (
      <GateNote title="Your address is confirmed">
        <a class="button primary wide" href="/">
          Go to the overview
        </a>
      </GateNote>
    )
  }
  if (user.value === null) return <SignInPage lead="Sign in to the account that you created, to confirm its address." />
  return (
    <Gate
      title="Confirm your email address"
      lead={`You created a Stint account with ${user.value ? `the address ${user.value.email}` : 'this address'}.`}
      submission={submission}
      action="Confirm"
    />
  )
}
