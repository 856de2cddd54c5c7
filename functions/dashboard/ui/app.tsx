import { useEffect } from 'preact/hooks'
import { LocationProvider, Route, Router } from 'preact-iso'
import { startPolling } from './data/live.ts'
import { unreachable, user } from './data/session.ts'
import { JobsPage } from './pages/jobs.tsx'
import { NotFound } from './pages/not-found.tsx'
import { SignInPage } from './pages/sign-in.tsx'
import { Notices } from './parts/notices.tsx'
import { Shell } from './shell.tsx'

/** Other addresses, /docs for one, are the server's. */
const SCOPE = /^\/($|\?|dashboard(\/|$))/

export const App = () => (
  <LocationProvider scope={SCOPE}>
    <Content />
    <Notices />
  </LocationProvider>
)

const Content = () => {
  if (user.value === undefined) return <Opening />
  return user.value === null ? <SignInPage /> : <SignedIn />
}

const Opening = () => (
  <div class="opening" role="status">
    {unreachable.value && <p>Stint can’t be reached. It is tried again.</p>}
  </div>
)

const SignedIn = () => {
  useEffect(startPolling, [])
  return (
    <Shell>
      <Router>
        <Route path="/" component={JobsPage} />
        <Route path="/dashboard/jobs" component={JobsPage} />
        <Route default component={NotFound} />
      </Router>
    </Shell>
  )
}
