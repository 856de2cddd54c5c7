import type { AnswerOf } from '../../../../../lib/client/api.ts'
import type { Api } from '../../../../http/api.ts'
import { bytes, duration, percent } from '../../parts/format.ts'

type System = AnswerOf<Api['GET /system']>['body']

/** CPU, memory and disk of the machine that answers. */
export const Machine = ({ system: { machine, process } }: { system: System }) => {
  const usedMemory = machine.memory.totalBytes - machine.memory.availableBytes
  const usedDisk = machine.disk.totalBytes - machine.disk.freeBytes
  return (
    <section class="card" aria-labelledby="machine">
      <h2 id="machine">Machine</h2>
      <Meter name="CPU" part={machine.cpuBusy} said={`${percent(machine.cpuBusy)} of ${machine.cpus}`} />
      <Meter
        name="Memory"
        part={usedMemory / machine.memory.totalBytes}
        said={`${bytes(usedMemory)} of ${bytes(machine.memory.totalBytes)}`}
      />
      <Meter name="Disk" part={usedDisk / machine.disk.totalBytes} said={`${bytes(machine.disk.freeBytes)} free`} />
      <dl class="facts">
        <div>
          <dt>Load</dt>
          <dd>{machine.loadAverage.map((it) => it.toFixed(1)).join(', ')} over 1, 5 and 15 min</dd>
        </div>
        <div>
          <dt>Machine uptime</dt>
          <dd>{duration(machine.uptimeSeconds * 1_000)}</dd>
        </div>
        <div>
          <dt>API’s process</dt>
          <dd>
            up for {duration(process.uptimeSeconds * 1_000)}, {bytes(process.memoryBytes)} of memory
          </dd>
        </div>
      </dl>
    </section>
  )
}

const Meter = ({ name, part, said }: { name: string; part: number; said: string }) => (
  <div class="meter">
    <span>
      {name} <small>{said}</small>
    </span>
    <progress max={1} value={part} aria-label={`${name}: ${said}`} />
  </div>
)
