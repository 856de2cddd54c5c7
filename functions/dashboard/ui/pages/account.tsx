import { useSignal } from '@preact/signals'
import { api } from '../data/client.ts'
import { changePassword, type User, user } from '../data/session.ts'
import { useSubmission } from '../forms/submission.ts'
import { EmailField, TextField } from '../forms/text-field.tsx'
import { Action } from '../parts/action.tsx'
import { say } from '../parts/notices.tsx'
import { Page } from '../parts/page.tsx'
import { Problem } from '../parts/problem.tsx'

/** The person's own account: name, email, password. */
export const AccountPage = () => {
  const person = user.value
  if (!person) return null
  return (
    <Page title="Your account">
      {person.emailConfirmedAt === null && <Unconfirmed person={person} />}
      <Profile person={person} />
      <Password />
    </Page>
  )
}

const Unconfirmed = ({ person }: { person: User }) => {
  const send = async (): Promise<void> => {
    await api.call('POST /auth/verify/resend')
    say(`Mail sent to ${person.email}.`)
  }
  return (
    <section class="card callout" aria-label="Email">
      <p>
        <b>{person.email}</b> is not confirmed yet. Open the link in the mail that you were sent.
      </p>
      <Action run={send}>Send the mail again</Action>
    </section>
  )
}

const Profile = ({ person }: { person: User }) => {
  const name = useSignal(person.name)
  const email = useSignal(person.email)
  const currentPassword = useSignal('')
  const isOtherEmail = email.value.trim() !== person.email
  const { submit, busy, errors, problem } = useSubmission(async () => {
    const body = {
      ...(name.value !== person.name && { name: name.value }),
      ...(isOtherEmail && { email: email.value, currentPassword: currentPassword.value }),
    }
    user.value = (await api.call('PATCH /auth/me', { body })).user
    currentPassword.value = ''
    say('Saved.')
  })
  return (
    <form class="card account-form" onSubmit={submit} noValidate aria-label="Profile">
      <h2>Profile</h2>
      <TextField label="Name" name="name" value={name} autoComplete="name" error={errors.get('name')} />
      <EmailField value={email} error={errors.get('email')} />
      {isOtherEmail && (
        <TextField
          label="Password"
          name="currentPassword"
          type="password"
          value={currentPassword}
          autoComplete="current-password"
          hint="Needed to change your email."
          error={errors.get('currentPassword')}
        />
      )}
      {errors.size === 0 && <Problem problem={problem} />}
      <div class="actions">
        <button
          class="button primary"
          type="submit"
          disabled={busy || (name.value === person.name && !isOtherEmail)}
          aria-busy={busy}
        >
          Save
        </button>
      </div>
    </form>
  )
}

const Password = () => {
  const current = useSignal('')
  const next = useSignal('')
  const { submit, busy, errors, problem } = useSubmission(async () => {
    await changePassword({ currentPassword: current.value, newPassword: next.value })
    current.value = ''
    next.value = ''
    say('Your password is changed, and every other session has ended.')
  })
  return (
    <form class="card account-form" onSubmit={submit} noValidate aria-label="Password">
      <h2>Password</h2>
      <TextField
        label="Current password"
        name="current-password"
        type="password"
        value={current}
        autoComplete="current-password"
        error={errors.get('currentPassword')}
      />
      <TextField
        label="New password"
        name="new-password"
        type="password"
        value={next}
        autoComplete="new-password"
        hint="At least 10 characters. Signs you out everywhere else."
        error={errors.get('newPassword')}
      />
      {errors.size === 0 && <Problem problem={problem} />}
      <div class="actions">
        <button class="button" type="submit" disabled={busy || current.value === '' || next.value === ''}>
          Change password
        </button>
      </div>
    </form>
  )
}
