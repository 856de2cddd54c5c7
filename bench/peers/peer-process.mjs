import { createServer } from 'node:http'

// A peer's server or one of its workers. Arguments: the peer, `server` or `worker`. Told by its parent what to do.

const [peer, role] = process.argv.slice(2)
const env = JSON.parse(process.env.BENCH_PEER)
const { openQueue, work } = await import(`./${peer}.mjs`)
const say = (message) => process.send(message)
process.on('disconnect', () => process.exit(0))

if (role === 'server') {
  const queue = await openQueue(env)
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => (body += chunk))
    request.on('end', async () => {
      const id = await queue.add(JSON.parse(body).input)
      const answer = JSON.stringify({ job: { id: String(id) } })
      response.writeHead(202, { 'content-type': 'application/json', 'content-length': answer.length })
      response.end(answer)
    })
  })
  server.listen(0, '127.0.0.1', () => say({ type: 'ready', port: server.address().port }))
  process.on('message', async (message) => {
    if (message.type === 'left') say({ type: 'left', count: await queue.left() })
    if (message.type === 'addMany') {
      for (let left = message.jobs; left > 0; ) {
        const parts = []
        for (let at = 0; at < 4 && left > 0; at++) {
          const size = Math.min(1_000, left)
          parts.push(queue.addMany(Array.from({ length: size }, () => message.data)))
          left -= size
        }
        await Promise.all(parts)
      }
      say({ type: 'added' })
    }
  })
} else {
  let ended = []
  const onEnded = (id, at) => {
    if (env.report) ended.push([String(id), at])
  }
  setInterval(() => {
    if (ended.length > 0) say({ type: 'ended', ended })
    ended = []
  }, 200)
  process.on('message', async () => {
    await work(env, onEnded)
    say({ type: 'working' })
  })
  say({ type: 'ready' })
}
