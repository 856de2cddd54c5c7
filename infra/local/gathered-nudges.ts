/**
 * How long nudges are gathered: what waits for them gathers for longer itself, and whom they wake would have the processor
 * that the job needs which was just submitted.
 */
const GATHER_MS = 20

/** Nudges of functions: those that come within a moment are told together at its end, each function once. */
export const gatherNudges = (tell: (functionName: string) => void): ((functionName: string) => void) => {
  const nudged = new Set<string>()

  const tellAll = (): void => {
    for (const functionName of nudged) tell(functionName)
    nudged.clear()
  }

  return (functionName) => {
    if (nudged.size === 0) setTimeout(tellAll, GATHER_MS)
    nudged.add(functionName)
  }
}
