/** Times and process ids, also in names of files, are taken out, so that the same failure has the same words each time. */
const PASSING_DETAILS = /^\S+ \S+ UTC \[\d+\] |(?<=\/xlogtemp)\.\d+/gm
/** Why a server ended, perhaps with a hint. */
const REASON = /^(FATAL|PANIC|HINT): /
/** The answer to those who connect too early. */
const TOO_EARLY = /the database system is /
/** What PostgreSQL advises where its files are damaged. Nobody here has an initdb at hand. */
const INITDB = /^HINT: .*\binitdb\b.*$/gm
const RESTORE = 'Put a backup of the folder in its place, or move it away: the next start then makes an empty database.'

/** Why a server ended, from its last words; all of them if none gives a reason. */
export const reasonOf = (words: string): string => {
  const lines = words.replaceAll(PASSING_DETAILS, '').trim().split('\n')
  const reasons = lines.filter((line) => REASON.test(line) && !TOO_EARLY.test(line))
  return (reasons.length > 0 ? reasons : lines).join('\n').replace(INITDB, RESTORE)
}
