/** The time and the process id, by which two failures alike would differ; files have the process id in their names, too. */
const PASSING_DETAILS = /^\S+ \S+ UTC \[\d+\] |(?<=\/xlogtemp)\.\d+/gm
/** What ends a server; with it comes a hint, perhaps. */
const REASON = /^(FATAL|PANIC|HINT): /
/** What a server says to those who come too early. */
const TOO_EARLY = /the database system is /

/** Why a server ended, out of its last words; all of them where none tells. */
export const reasonOf = (words: string): string => {
  const lines = words.replaceAll(PASSING_DETAILS, '').trim().split('\n')
  const reasons = lines.filter((line) => REASON.test(line) && !TOO_EARLY.test(line))
  return (reasons.length > 0 ? reasons : lines).join('\n')
}
