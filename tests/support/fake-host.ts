import type { HostControl } from '../../lib/system/host-control.ts'

/** A host that remembers what it was asked for. */
export const fakeHost = () => {
  const asked: string[] = []
  const host: HostControl = {
    dataDir: '.',
    processes: async () => [
      {
        name: 'kafka',
        state: 'up',
        pid: 12,
        port: 9_092,
        startedAt: new Date(0),
        restarts: 2,
        actions: ['stop', 'restart'],
      },
      { name: 'sqs-s3', state: 'stopped', pid: null, port: null, startedAt: null, restarts: 0, actions: ['start'] },
    ],
    act: async (name, action) => void asked.push(`${action} ${name}`),
    logs: async (name, lines) => [`${lines} of ${name}`],
  }
  return { host, asked }
}
