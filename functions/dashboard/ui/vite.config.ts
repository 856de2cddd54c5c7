import { defineConfig } from 'vite'

/** `npm run dev:ui` asks a running stack for everything that isn't a source of the dashboard. */
const STACK = 'http://localhost:3000'
const api = ['/auth', '/files', '/health', '/job-kinds', '/jobs', '/live', '/projects', '/queues', '/schedules']
const rest = ['/activity', '/dashboard/session', '/device-models', '/failures', '/system']

export default defineConfig({
  // The path of the built assets. In development, everything is at the root.
  base: '/dashboard/',
  server: { proxy: Object.fromEntries([...api, ...rest].map((path) => [path, { target: STACK, ws: true }])) },
  build: {
    target: 'es2023',
    assetsDir: 'assets',
    // Nothing inline: the Content-Security-Policy would refuse it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
