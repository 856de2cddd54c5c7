import { useSignal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { api } from '../../data/client.ts'
import { takeMailedToken } from '../../data/mailed-token.ts'
import { resume } from '../../data/session.ts'
import { useSubmission } from '../../forms/submission.ts'
import { Gate, GateNote, GateWithoutToken } from '../../parts/gate.tsx'

/** Where the link of the mail leads that whoever registers is sent. */
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
  return (
    <Gate
      title="Confirm your email address"
      lead="You made an account at Stint with this address."
      submission={submission}
      action="It is mine"
    />
  )
}
