import { invalidField } from '../core/errors.ts'
import type { Prepared } from './prepare.ts'

/**
 * Refuses siblings that would wait for each other in a circle. It removes jobs that have no sibling left to wait for, again
 * and again; if some are left, they are in a circle or behind one.
 * @throws {StintError} VALIDATION_FAILED that names the first of those
 */
export const refuseCycles = (prepared: Prepared[]): void => {
  const siblings = new Map(prepared.map((it) => [it.row.id, it]))
  const open = new Map(prepared.map((it) => [it, it.after.filter((id) => siblings.has(id)).length]))
  const children = new Map<string, Prepared[]>()
  for (const it of prepared) {
    for (const id of it.after) {
      const known = children.get(id)
      if (known) known.push(it)
      else children.set(id, [it])
    }
  }
  const free = prepared.filter((it) => open.get(it) === 0)
  let taken = 0
  for (let it = free.pop(); it; it = free.pop()) {
    taken++
    for (const child of children.get(it.row.id) ?? []) {
      const left = (open.get(child) ?? 0) - 1
      open.set(child, left)
      if (left === 0) free.push(child)
    }
  }
  if (taken === prepared.length) return
  const path = prepared.find((it) => (open.get(it) ?? 0) > 0)?.path
  throw invalidField(path ? `${path}.after` : 'after', 'the job would wait for itself, through its siblings')
}
