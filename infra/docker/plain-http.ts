import http from 'node:http'
import type { Plugin } from 'esbuild'

/**
 * The exports of `node:http` that need no getter. If a module imports it, Node reads all its exports, also `WebSocket`,
 * whose getter loads all of undici: 35 ms of a cold start, for nothing but the names of status codes.
 */
const NAMES = Object.entries(Object.getOwnPropertyDescriptors(http)).flatMap(([name, it]) =>
  'value' in it ? name : [],
)

/** An esbuild plugin by which bundles load `node:http` without importing all its names. */
export const plainHttp: Plugin = {
  name: 'plain-http',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'node:http', namespace: 'plain-http' } : undefined,
    )
    onLoad({ filter: /^/, namespace: 'plain-http' }, () => ({
      contents: `
        const http = process.getBuiltinModule('node:http')
        export default http
        export const { ${NAMES.join(', ')} } = http`,
    }))
  },
}
