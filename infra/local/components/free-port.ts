import { createServer } from 'node:net'

const LOOPBACK = '127.0.0.1'

/** A port of the loopback interface that nobody listens on just now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, LOOPBACK, () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port was given')),
      )
    })
  })

/** Why nobody could listen on a port of an address just now; undefined: one could. */
export const refusalAt = (port: number, address = LOOPBACK): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(port, address, () => server.close(() => resolve(undefined)))
  })

/** Whether a process could listen on a port of the loopback interface just now. */
export const isFree = async (port: number): Promise<boolean> => !(await refusalAt(port))
