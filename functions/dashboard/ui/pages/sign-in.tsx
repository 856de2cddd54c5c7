import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { register, signIn } from '../data/session.ts'
import { useSubmission } from '../forms/submission.ts'
import { EmailField, TextField } from '../forms/text-field.tsx'
import { Gate } from '../parts/gate.tsx'

/** To sign in, or to create an account. */
export const SignInPage = ({ lead }: { lead?: ComponentChildren }) => {
  const isNew = useSignal(false)
  const email = useSignal('')
  const password = useSignal('')
  const name = useSignal('')
  const submission = useSubmission(() => {
    const credentials = { email: email.value, password: password.value }
    return isNew.value ? register({ ...credentials, name: name.value }) : signIn(credentials)
  })
  const { errors } = submission
  return (
    <Gate
      title={isNew.value ? 'Create an account' : 'Sign in'}
      lead={lead}
      submission={submission}
      action={isNew.value ? 'Create account' : 'Sign in'}
      other={
        <>
          {isNew.value ? 'Already have an account?' : 'New here?'}{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              isNew.value = !isNew.value
              submission.clear()
            }}
          >
            {isNew.value ? 'Sign in' : 'Create an account'}
          </button>
          {!isNew.value && (
            <>
              {' · '}
              <a href="/dashboard/forgot-password">Forgot your password?</a>
            </>
          )}
        </>
      }
    >
      {isNew.value && (
        <TextField label="Name" name="name" value={name} autoComplete="name" error={errors.get('name')} />
      )}
      <EmailField value={email} error={errors.get('email')} />
      <TextField
        label="Password"
        name="password"
        type="password"
        value={password}
        autoComplete={isNew.value ? 'new-password' : 'current-password'}
        hint={isNew.value ? 'At least 10 characters.' : undefined}
        error={errors.get('password')}
      />
    </Gate>
  )
}
