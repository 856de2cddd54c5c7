import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ProblemError } from '../../../../lib/client/problem-error.ts'
import { register, signIn } from '../data/session.ts'
import { TextField } from '../forms/text-field.tsx'
import { Logo } from '../parts/logo.tsx'
import { Problem } from '../parts/problem.tsx'

/** For whoever is nobody yet: to sign in, or to make an account. */
export const SignInPage = () => {
  const isNew = useSignal(false)
  const email = useSignal('')
  const password = useSignal('')
  const name = useSignal('')
  const problem = useSignal<Error | undefined>(undefined)
  const busy = useSignal(false)
  useEffect(() => {
    document.title = 'Sign in · Stint'
  }, [])

  const errorOf = (path: string): string | undefined =>
    problem.value instanceof ProblemError ? problem.value.errors.find((it) => it.path === path)?.message : undefined

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    busy.value = true
    problem.value = undefined
    const credentials = { email: email.value, password: password.value }
    try {
      await (isNew.value ? register({ ...credentials, name: name.value }) : signIn(credentials))
    } catch (error) {
      problem.value = error as Error
      busy.value = false
    }
  }

  const hasFieldErrors = problem.value instanceof ProblemError && problem.value.errors.length > 0
  return (
    <main class="gate">
      <form class="gate-form" onSubmit={submit} noValidate>
        <Logo />
        <h1>{isNew.value ? 'Make an account' : 'Sign in'}</h1>
        {isNew.value && <TextField label="Name" name="name" value={name} autoComplete="name" error={errorOf('name')} />}
        <TextField
          label="Email"
          name="email"
          type="email"
          value={email}
          autoComplete="email"
          error={errorOf('email')}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          value={password}
          autoComplete={isNew.value ? 'new-password' : 'current-password'}
          hint={isNew.value ? 'At least 10 characters.' : undefined}
          error={errorOf('password')}
        />
        {!hasFieldErrors && <Problem problem={problem.value} />}
        <button class="button primary wide" type="submit" disabled={busy.value} aria-busy={busy.value}>
          {isNew.value ? 'Make the account' : 'Sign in'}
        </button>
        <p class="gate-other">
          {isNew.value ? 'You have one?' : 'New here?'}{' '}
          <button
            type="button"
            class="link"
            onClick={() => {
              isNew.value = !isNew.value
              problem.value = undefined
            }}
          >
            {isNew.value ? 'Sign in' : 'Make an account'}
          </button>
        </p>
      </form>
    </main>
  )
}
