/**
 * How long nudges are gathered. The nudged functions gather for longer anyway, and waking them at once would take the processor
 * from the job that was just submitted.
 */
const GATHER_MS = 20

/** Gathers nudges: those within a moment are passed on at its end, once for each function. */
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
