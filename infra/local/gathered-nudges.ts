/**
 * How long nudges are gathered after one that was told: what waits for them gathers for longer itself, and busy hosts
 * commit hundreds of times in a second.
 */
const GATHER_MS = 20

/** Nudges of functions: the first is told at once, those that come in the next moment together, each function once. */
export const gatherNudges = (tell: (functionName: string) => void): ((functionName: string) => void) => {
  const nudged = new Set<string>()
  let gathering = false

  const tellAll = (): void => {
    gathering = nudged.size > 0
    if (!gathering) return
    for (const functionName of nudged) tell(functionName)
    nudged.clear()
    setTimeout(tellAll, GATHER_MS)
  }

  return (functionName) => {
    nudged.add(functionName)
    if (gathering) return
    gathering = true
    setImmediate(tellAll)
  }
}
