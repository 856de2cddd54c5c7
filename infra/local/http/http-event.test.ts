import { describe, expect, test } from 'vitest'
import { MalformedUrlError, type PlainRequest, toHttpEvent } from './http-event.ts'

const eventOf = (request: Partial<PlainRequest>) =>
  toHttpEvent({
    method: 'GET',
    url: '/jobs',
    headers: {},
    body: Buffer.alloc(0),
    ip: '192.0.2.1',
    requestId: 'r-1',
    routeKey: 'GET /jobs',
    ...request,
  })

describe('the event of a request', () => {
  test('names method, path, caller and request where API Gateway does', () => {
    const event = eventOf({ url: '/jobs?limit=2', headers: { 'User-Agent': 'x', Host: 'api.example.com' } })
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'GET /jobs',
      rawPath: '/jobs',
      rawQueryString: 'limit=2',
      requestContext: {
        domainName: 'api.example.com',
        domainPrefix: 'api',
        http: { method: 'GET', path: '/jobs', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'x' },
        requestId: 'r-1',
        routeKey: 'GET /jobs',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      },
    })
  })

  test('has header names in lower case, repeated headers joined, cookies apart', () => {
    const event = eventOf({ headers: { 'X-A': ['1', '2'], Accept: 'text/html', Cookie: 'a=1; b=2', gone: undefined } })
    expect(event.headers).toEqual({ 'x-a': '1,2', accept: 'text/html' })
    expect(event.cookies).toEqual(['a=1', 'b=2'])
    expect(eventOf({ headers: { constructor: 'x' } }).headers).toEqual({ constructor: 'x' })
  })

  test('decodes the query, and joins equal names by commas', () => {
    const event = eventOf({ url: '/jobs?tag=a&tag=b%2Cc&name=x+y%20z&empty=&flag&eq=a=b&%6b=%C3%BC' })
    expect(event.queryStringParameters).toEqual({
      tag: 'a,b,c',
      name: 'x y z',
      empty: '',
      flag: '',
      eq: 'a=b',
      k: 'ü',
    })
  })

  test('has no query, cookies, parameters or body when there are none', () => {
    const event = eventOf({ url: '/jobs?' })
    for (const name of ['queryStringParameters', 'cookies', 'pathParameters', 'body'])
      expect(event).not.toHaveProperty(name)
    expect(event.isBase64Encoded).toBe(false)
  })

  test('decodes path parameters and leaves the path as it came', () => {
    const event = eventOf({ url: '/jobs/a%20b', pathParameters: { jobId: 'a%20b' } })
    expect([event.rawPath, event.pathParameters]).toEqual(['/jobs/a%20b', { jobId: 'a b' }])
  })

  test('has a name like __proto__ as a plain parameter', () => {
    const event = eventOf({ url: '/jobs?__proto__=1' })
    expect(Object.keys(event.queryStringParameters ?? {})).toEqual(['__proto__'])
  })

  test.for(['/%', '/jobs?a=%zz', '/jobs?%ff=1', '/a%C3'])('is refused when %s is not valid encoding', (url) => {
    expect(() => eventOf({ url })).toThrow(MalformedUrlError)
  })

  test.for([
    ['application/json', '{"ü":1}', '{"ü":1}', false],
    ['application/merge-patch+json; charset=utf-8', '{}', '{}', false],
    ['text/plain', 'hello', 'hello', false],
    ['image/png', 'PNG', 'UE5H', true],
    [undefined, 'x', 'eA==', true],
  ] as const)('carries a body of type %s as text or as base64', ([type, sent, body, isBase64Encoded]) => {
    expect(eventOf({ headers: { 'content-type': type }, body: Buffer.from(sent) })).toMatchObject({
      body,
      isBase64Encoded,
    })
  })

  test('carries text that is not UTF-8 byte for byte', () => {
    const bytes = Buffer.from([0x22, 0xff, 0x22])
    const event = eventOf({ headers: { 'content-type': 'application/json' }, body: bytes })
    expect(event.isBase64Encoded && Buffer.from(event.body ?? '', 'base64')).toEqual(bytes)
  })
})
