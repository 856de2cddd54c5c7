import type { Component } from '../components/component.ts'
import type { PartState } from '../host/host-protocol.ts'
import type { Kept } from './keep-running.ts'
import type { StackState } from './stack-parts.ts'

/** A part of the stack that the supervisor keeps running. */
export interface KeptPart {
  name: string
  canStop: boolean
  kept: Kept<Component>
  history(): Pick<PartState, 'startedAtMs' | 'restarts'>
}

/** What the host may see of the parts, and what it may do with them. */
export const controlOf = (parts: readonly KeptPart[]): StackState['control'] => ({
  list: () => parts.map(stateOf),
  act: (name, action) => {
    const kept = parts.find((part) => part.name === name)?.kept
    if (action === 'start') kept?.resume()
    if (action === 'stop') void kept?.hold()
    if (action === 'restart') void kept?.restart()
  },
})

const stateOf = ({ name, canStop, kept, history }: KeptPart): PartState => {
  const { current, isHeld } = kept
  return {
    name,
    state: isHeld ? 'stopped' : current ? 'up' : 'down',
    pid: current?.pid ?? null,
    port: current?.port ?? null,
    ...history(),
    actions: isHeld ? ['start'] : !current ? [] : canStop ? ['stop', 'restart'] : ['restart'],
  }
}
