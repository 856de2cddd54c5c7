import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { useLocation } from 'preact-iso'
import { reach } from './data/live.ts'
import { chooseProject, projectId, useProjects } from './data/projects.ts'
import { signOut, user } from './data/session.ts'
import { THEMES, theme } from './data/theme.ts'
import { Action } from './parts/action.tsx'
import { Logo } from './parts/logo.tsx'
import { useTopOf } from './parts/scroll.ts'

const PAGES = [
  ['/', 'Overview'],
  ['/dashboard/jobs', 'Jobs'],
  ['/dashboard/failures', 'Failures'],
  ['/dashboard/schedules', 'Schedules'],
  ['/dashboard/files', 'Files'],
  ['/dashboard/queues', 'Queues'],
  ['/dashboard/system', 'System'],
  ['/dashboard/projects', 'Projects'],
] as const

/** The frame around every page: navigation, project, theme, account. */
export const Shell = ({ children }: { children: ComponentChildren }) => {
  const { path } = useLocation()
  const open = useSignal(false)
  useEffect(() => {
    open.value = false
  }, [path])
  useTopOf(path)
  return (
    <div class="shell" data-open={open.value}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="bar">
        <a href="/" class="home">
          <Logo />
        </a>
        {/* The foot is behind the menu here. */}
        {(reach.value === 'away' || reach.value === 'polling') && <Reach />}
        <button
          type="button"
          class="button quiet menu"
          aria-expanded={open.value}
          aria-controls="navigation"
          onClick={() => {
            open.value = !open.value
          }}
        >
          Menu
        </button>
      </header>
      <aside class="side" id="navigation" aria-label="Navigation">
        <a href="/" class="home">
          <Logo />
        </a>
        <ProjectChoice />
        <a class="button primary wide" href="/dashboard/new">
          New job
        </a>
        <nav aria-label="Pages">
          {PAGES.map(([href, name]) => (
            <a key={href} href={href} aria-current={isCurrent(path, href) ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <Foot />
      </aside>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}

const isCurrent = (path: string, href: string): boolean =>
  href === '/' ? path === '/' || path === '/dashboard' : path === href || path.startsWith(`${href}/`)

const ProjectChoice = () => {
  const { data, projects } = useProjects()
  // The project was deleted, or the person is no longer a member.
  useEffect(() => {
    if (data && !projects.some((it) => it.id === projectId.peek())) chooseProject(null)
  }, [data])
  return (
    <label class="project-choice">
      <span class="unseen">Project</span>
      <select value={projectId.value ?? ''} onChange={(event) => chooseProject(event.currentTarget.value || null)}>
        <option value="">All projects</option>
        {projects.map((it) => (
          <option key={it.id} value={it.id}>
            {it.name}
          </option>
        ))}
      </select>
    </label>
  )
}

const REACH = {
  connecting: 'Connecting',
  live: 'Live',
  polling: 'Polling every 2 s',
  away: 'Offline, reconnecting',
} as const

/** Shows whether changes are pushed or polled. */
const Reach = () => (
  <p class="reach" data-reach={reach.value} role="status">
    {REACH[reach.value]}
  </p>
)

const Foot = () => (
  <footer class="foot">
    <Reach />
    <a href="/docs">API documentation</a>
    <label>
      <span class="unseen">Theme</span>
      <select
        value={theme.value}
        onChange={(event) => {
          theme.value = THEMES.find((it) => it === event.currentTarget.value) ?? 'system'
        }}
      >
        {THEMES.map((it) => (
          <option key={it} value={it}>
            {it === 'system' ? 'System theme' : it === 'light' ? 'Light' : 'Dark'}
          </option>
        ))}
      </select>
    </label>
    <div class="person">
      <a href="/dashboard/account" title={user.value?.email}>
        {user.value?.name}
      </a>
      <Action kind="quiet" run={signOut}>
        Sign out
      </Action>
    </div>
  </footer>
)
