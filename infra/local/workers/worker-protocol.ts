/** What the host and a worker process say to each other, over the IPC channel that fork opens. */

export type ToWorker =
  | { type: 'invoke'; id: string; event: unknown; timeoutMs: number }
  /** Running jobs must stop at their next safe point. */
  | { type: 'stop' }

export type FromWorker =
  /** The function is loaded. `instance` is how leases name this process. */
  | { type: 'ready'; instance: string }
  | { type: 'result'; id: string; result: unknown }
  | { type: 'error'; id: string; message: string }
  /** Something was committed that the relay may publish. */
  | { type: 'committed' }
  /** Said again and again while an invocation runs. */
  | { type: 'alive' }

/** How often a worker says that it is alive. */
export const ALIVE_MS = 1_000
