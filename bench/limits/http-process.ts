import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// A server that does the least that any must: it reads a JSON body and answers with JSON.

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  request.on('end', () => {
    const body = JSON.stringify({ job: JSON.parse(text) })
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    response.end(body)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
