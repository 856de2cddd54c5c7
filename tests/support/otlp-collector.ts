import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A span as OTLP has it in JSON. */
export interface ReceivedSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status?: { code?: number; message?: string }
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[]
}

export interface Collector {
  endpoint: string
  /** All that came so far. */
  spans: ReceivedSpan[]
  /** Of the last request. */
  headers: IncomingHttpHeaders
  /** What the spans are from. */
  service: string | undefined
  close(): Promise<void>
}

/** What an OpenTelemetry collector does with traces: takes them by OTLP over HTTP, as JSON. */
export const startCollector = async (): Promise<Collector> => {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    const { url, method, headers } = request
    if (method !== 'POST' || url !== '/v1/traces' || headers['content-type'] !== 'application/json') {
      return response.writeHead(404).end()
    }
    const text = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    for (const { resource, scopeSpans } of (JSON.parse(text.toString()) as Exported).resourceSpans) {
      collector.service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue
      for (const { spans } of scopeSpans) collector.spans.push(...spans)
    }
    collector.headers = headers
    return response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const collector: Collector = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    headers: {},
    service: undefined,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  return collector
}

interface Exported {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] }
    scopeSpans: { spans: ReceivedSpan[] }[]
  }[]
}
