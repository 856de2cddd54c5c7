import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import type { RunningProcess } from '../infra/local/supervisor/run-file.ts'

/** Ticks of /proc/<pid>/stat per second: USER_HZ, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU time and memory of the stack's processes and of theirs (Postgres has one per connection), out of /proc. */
export interface Usage {
  cpuSeconds: Map<string, number>
  /** Proportional set size: what several processes share counts once. */
  memoryMb: number
}

export const readUsage = (running: readonly RunningProcess[]): Usage => {
  const parents = parentsOfAll()
  const names = new Map(running.map(({ name, pid }) => [pid, nameOf(name)]))
  const cpuSeconds = new Map<string, number>()
  let memoryKb = 0
  for (const pid of parents.keys()) {
    const name = ownerOf(pid, parents, names)
    if (!name) continue
    cpuSeconds.set(name, (cpuSeconds.get(name) ?? 0) + cpuOf(pid))
    memoryKb += memoryOf(pid)
  }
  return { cpuSeconds, memoryMb: memoryKb / 1_024 }
}

/** Busy time of all CPUs since the machine started, in seconds. */
const machineBusySeconds = (): number => {
  const [, user, nice, system, , , irq, softIrq] = (read('/proc/stat') ?? '').split(/\s+/, 8).map(Number)
  return [user, nice, system, irq, softIrq].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND
}

/** The kernel counts every page of every process, which is slow with much shared memory: with these pauses, 2 % of a core. */
const PAUSES_PER_LOOK = 50
const MIN_PAUSE_MS = 500

/**
 * Follows a stack's usage. CPU time of processes that ended in between counts up to when they were last seen.
 * @param looks `often`: for the peak of its memory. `at the end`: where latencies are measured, since a look has a
 * processor to itself for tens of milliseconds, the longer the more processes there are
 */
export const watchUsage = (run: () => readonly RunningProcess[], looks: 'often' | 'at the end' = 'often') => {
  const all = (): RunningProcess[] => [...run(), { name: BENCH, pid: process.pid, port: null }]
  const before = readUsage(all())
  const busyBefore = machineBusySeconds()
  const began = performance.now()
  let peakMemoryMb = 0
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const lookedAt = performance.now()
    peakMemoryMb = Math.max(peakMemoryMb, readUsage(run()).memoryMb)
    timer = setTimeout(look, Math.max(MIN_PAUSE_MS, (performance.now() - lookedAt) * PAUSES_PER_LOOK))
  }
  if (looks === 'often') look()
  return {
    stop: () => {
      clearTimeout(timer)
      const after = readUsage(all())
      if (looks === 'at the end') peakMemoryMb = readUsage(run()).memoryMb
      const spent = [...after.cpuSeconds].map(
        ([name, seconds]) => [name, Math.max(0, seconds - (before.cpuSeconds.get(name) ?? 0))] as const,
      )
      const ours = spent.reduce((sum, [, seconds]) => sum + seconds, 0)
      const available = ((performance.now() - began) / 1_000) * availableParallelism()
      return {
        cpuSeconds: new Map(spent.filter(([name]) => name !== BENCH)),
        peakMemoryMb,
        othersCpuShare: Math.max(0, machineBusySeconds() - busyBefore - ours) / available,
      }
    },
  }
}

/** This process and its clients. */
const BENCH = 'bench'

/** worker-default-2 → worker */
const nameOf = (name: string): string => (name.startsWith('worker-') ? 'worker' : name)

const ownerOf = (pid: number, parents: Map<number, number>, names: Map<number, string>): string | undefined => {
  for (let at: number | undefined = pid; at; at = parents.get(at)) {
    const name = names.get(at)
    if (name) return name
  }
  return undefined
}

const parentsOfAll = (): Map<number, number> => {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    const fields = pid > 0 ? statOf(pid) : undefined
    if (fields) parents.set(pid, Number(fields[1]))
  }
  return parents
}

const cpuOf = (pid: number): number => {
  const fields = statOf(pid)
  if (!fields) return 0
  // utime, stime and those of children that it has waited for.
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0) / TICKS_PER_SECOND
}

const memoryOf = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '')?.[1] ?? 0)

/** The fields after the command's name, which may hold spaces: state, ppid, … */
const statOf = (pid: number): string[] | undefined => {
  const text = read(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
