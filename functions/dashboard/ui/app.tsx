import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { LocationProvider, Route, Router, useLocation } from 'preact-iso'
import { startFollowing } from './data/live.ts'
import { sessionHasEnded, unreachable, user } from './data/session.ts'
import { ConfirmEmailPage } from './pages/account/confirm-email.tsx'
import { ForgotPasswordPage } from './pages/account/forgot-password.tsx'
import { NewPasswordPage } from './pages/account/new-password.tsx'
import { AccountPage } from './pages/account.tsx'
import { FailuresPage } from './pages/failures.tsx'
import { FilesPage } from './pages/files.tsx'
import { JobPage } from './pages/job.tsx'
import { JobsPage } from './pages/jobs.tsx'
import { NewJobPage } from './pages/new-job.tsx'
import { NotFound } from './pages/not-found.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { ProjectPage } from './pages/project.tsx'
import { ProjectsPage } from './pages/projects.tsx'
import { QueuesPage } from './pages/queues.tsx'
import { SchedulesPage } from './pages/schedules.tsx'
import { SignInPage } from './pages/sign-in.tsx'
import { SystemPage } from './pages/system.tsx'
import { Notices } from './parts/notices.tsx'
import { Questions } from './parts/question.tsx'
import { Shell } from './shell.tsx'

/** The addresses of the dashboard. All others, such as /docs, are left to the server. */
const SCOPE = /^\/($|\?|dashboard(\/|$))/

export const App = () => (
  <LocationProvider scope={SCOPE}>
    <Content />
    <Questions />
    <Notices />
  </LocationProvider>
)

/** Pages that don't depend on who is signed in, or whether anybody is. */
const GATES: Record<string, ComponentType> = {
  '/dashboard/confirm-email': ConfirmEmailPage,
  '/dashboard/new-password': NewPasswordPage,
  '/dashboard/forgot-password': ForgotPasswordPage,
}

const Content = () => {
  const ForAnyone = GATES[useLocation().path]
  if (ForAnyone) return <ForAnyone />
  if (user.value === undefined) return <Opening />
  // The key makes all pages anew for another person.
  if (user.value) return <SignedIn key={user.value.id} />
  return <SignInPage lead={sessionHasEnded.value && 'Your session has ended. Sign in to go on where you were.'} />
}

const Opening = () => (
  <div class="opening" role="status">
    {unreachable.value && <p>Stint can’t be reached. Trying again …</p>}
  </div>
)

const SignedIn = () => {
  useEffect(startFollowing, [])
  return (
    <Shell>
      <Router>
        <Route path="/" component={OverviewPage} />
        <Route path="/dashboard" component={OverviewPage} />
        <Route path="/dashboard/jobs" component={JobsPage} />
        <Route path="/dashboard/jobs/:id" component={JobPage} />
        <Route path="/dashboard/new" component={NewJobPage} />
        <Route path="/dashboard/failures" component={FailuresPage} />
        <Route path="/dashboard/schedules" component={SchedulesPage} />
        <Route path="/dashboard/files" component={FilesPage} />
        <Route path="/dashboard/queues" component={QueuesPage} />
        <Route path="/dashboard/system" component={SystemPage} />
        <Route path="/dashboard/projects" component={ProjectsPage} />
        <Route path="/dashboard/projects/:id" component={ProjectPage} />
        <Route path="/dashboard/account" component={AccountPage} />
        <Route default component={NotFound} />
      </Router>
    </Shell>
  )
}
