import http from 'node:http'
import type { Plugin } from 'esbuild'

/**
 * What `node:http` is without asking: a module that imports it has Node read everything that it exports, `WebSocket`
 * too, whose getter loads all of undici. That is 35 ms of a cold start, for the names of status codes.
 */
const NAMES = Object.entries(Object.getOwnPropertyDescriptors(http)).flatMap(([name, it]) =>
  'value' in it ? name : [],
)

/** Has the bundles take `node:http` as it is, and not as a module. */
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
