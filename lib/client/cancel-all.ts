/** Cancels some jobs after the other until there are no more. @returns how many */
export const cancelAll = async (cancelSome: () => Promise<{ cancelled: number; more: boolean }>): Promise<number> => {
  let cancelled = 0
  for (;;) {
    const done = await cancelSome()
    cancelled += done.cancelled
    if (!done.more) return cancelled
  }
}
