import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that are held at once. While there are more, nothing more is read from it. */
const MAX_AHEAD = 100

/**
 * The answers that each connection still waits for. Pipelined requests are served in order, each once the answer to the one
 * before it has left: otherwise a few bytes could have hundreds of answers made that nobody reads. Nor are such requests read
 * without end.
 */
export const createUnderWay = () => {
  const answers = new WeakMap<Socket, Set<ServerResponse>>()
  const latest = new WeakMap<Socket, ServerResponse>()
  const ending = new WeakSet<Socket>()
  return {
    /** @returns a promise of the end of the answer ahead of it, or of their connection; undefined if there is none ahead */
    add: (socket: Socket, response: ServerResponse): Promise<unknown> | undefined => {
      const those = answers.get(socket) ?? limitReading(socket)
      const ahead = latest.get(socket)
      latest.set(socket, response)
      answers.set(socket, those.add(response))
      if (those.size > MAX_AHEAD) socket.pause()
      response.once('close', () => {
        those.delete(response)
        if (those.size === MAX_AHEAD) socket.resume()
      })
      return ahead && those.has(ahead) ? new Promise((resolve) => ahead.once('close', resolve)) : undefined
    },
    /** Calls `finish` once the requests that came whole are answered: one that is malformed or late ends the connection. */
    end: (socket: Socket, finish: () => void): void => {
      if (ending.has(socket)) return
      ending.add(socket)
      const left = [...(answers.get(socket) ?? [])].filter(({ req }) => req.complete)
      Promise.all(left.map((response) => once(response, 'close'))).then(finish, finish)
    },
  }
}

/** A connection's answers, none so far. After each answer Node resumes the socket, so it is paused again here. */
const limitReading = (socket: Socket): Set<ServerResponse> => {
  const those = new Set<ServerResponse>()
  socket.on('resume', () => {
    if (those.size > MAX_AHEAD) socket.pause()
  })
  return those
}
