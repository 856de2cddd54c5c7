import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { isMainThread } from 'node:worker_threads'

// Loaded into the processes that are profiled (NODE_OPTIONS=--import): SIGUSR2 begins a CPU profile, and the next one
// ends it and leaves it in a file.

const folder = process.env['BENCH_PROFILES']

if (folder && isMainThread) {
  mkdirSync(folder, { recursive: true })
  const session = new Session()
  session.connect()
  let profiling = false
  process.on('SIGUSR2', async () => {
    profiling = !profiling
    if (profiling) {
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 500 })
      await session.post('Profiler.start')
    } else {
      const { profile } = await session.post('Profiler.stop')
      writeFileSync(`${folder}/${process.pid}.cpuprofile`, JSON.stringify(profile))
    }
  })
}
