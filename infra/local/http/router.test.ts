import { expect, test } from 'vitest'
import { createRouter } from './router.ts'

const routes = [
  'GET /jobs',
  'POST /jobs',
  'GET /jobs/{jobId}',
  'DELETE /jobs/{jobId}',
  'GET /jobs/{jobId}/events',
  'POST /jobs/{jobId}/cancel',
  'GET /jobs/search',
  'PUT /projects/{projectId}/members/{userId}',
  'GET /assets/{proxy+}',
  'GET /',
].map((text) => {
  const [method = '', path = ''] = text.split(' ')
  return { method, path, text }
})
const match = createRouter(routes)

const found = (method: string, path: string) => {
  const it = match(method, path)
  return it.found === 'route' ? [it.route.text, it.pathParameters] : it
}

test('a path without parameters leads to its route', () => {
  expect(found('GET', '/jobs')).toEqual(['GET /jobs', undefined])
  expect(found('POST', '/jobs')).toEqual(['POST /jobs', undefined])
  expect(found('GET', '/')).toEqual(['GET /', undefined])
})

test('parameters are named, and stay as they were encoded', () => {
  expect(found('GET', '/jobs/a%2Fb')).toEqual(['GET /jobs/{jobId}', { jobId: 'a%2Fb' }])
  expect(found('GET', '/jobs/1/events')).toEqual(['GET /jobs/{jobId}/events', { jobId: '1' }])
  expect(found('PUT', '/projects/p/members/u')).toEqual([
    'PUT /projects/{projectId}/members/{userId}',
    { projectId: 'p', userId: 'u' },
  ])
})

test('fixed text wins over a parameter, and a dead end is walked back', () => {
  expect(found('GET', '/jobs/search')).toEqual(['GET /jobs/search', undefined])
  expect(found('GET', '/jobs/search/events')).toEqual(['GET /jobs/{jobId}/events', { jobId: 'search' }])
  expect(found('DELETE', '/jobs/search')).toEqual(['DELETE /jobs/{jobId}', { jobId: 'search' }])
})

test('a greedy parameter takes the rest', () => {
  expect(found('GET', '/assets/css/a.css')).toEqual(['GET /assets/{proxy+}', { proxy: 'css/a.css' }])
})

test('a known path with another method names the methods it has', () => {
  expect(found('PATCH', '/jobs')).toEqual({ found: 'path', methods: ['GET', 'POST'] })
  expect(found('PATCH', '/jobs/1')).toEqual({ found: 'path', methods: ['DELETE', 'GET'] })
  expect(found('HEAD', '/assets/a')).toEqual({ found: 'path', methods: ['GET'] })
})

test('what is no route is nothing: other case, empty segments, a trailing slash, names of object properties', () => {
  for (const path of [
    '/Jobs',
    '/jobs/',
    '//jobs',
    '/jobs/1/',
    '/jobs//events',
    '',
    'jobs',
    '/__proto__',
    '/constructor',
  ]) {
    expect(found('GET', path)).toEqual({ found: 'nothing' })
  }
})
