/** Times and process ids, also in names of files, are taken out, so that the same failure has the same words each time. */
const PASSING_DETAILS = /^\S+ \S+ UTC \[\d+\] |(?<=\/xlogtemp)\.\d+/gm
/** Why a server ended. */
const REASON = /^(FATAL|PANIC): /
/** What is said about the line before. */
const ADDED = /^(HINT|DETAIL): |^\t/
/** The answer to those who connect too early. */
const TOO_EARLY = /the database system is /
/** What PostgreSQL advises where its files are damaged. Nobody here has an initdb at hand. */
const INITDB = /^HINT: .*\binitdb\b.*$/gm
const RESTORE = 'Put a backup of the folder in its place, or move it away: the next start then makes an empty database.'

/** Says of a server that its Unix socket could not be made; that it listens to one has the socket's name too. */
const NO_SOCKET = /Unix-domain socket|(could not|lock file) .*\.s\.PGSQL\.(?!.*No space left)/

/** Whether a server's last words say that it can have no Unix socket. A full disk passes, and then it can have one. */
export const lacksSocket = (words: string): boolean => NO_SOCKET.test(words)

/** Why a server ended, from its last words; all of them if none gives a reason. */
export const reasonOf = (words: string): string => {
  const lines = words.replaceAll(PASSING_DETAILS, '').trim().split('\n')
  // Hints of other lines are left out: that of a second recovery says that data may be damaged, where the disk is only full.
  let isTold = false
  const reasons = lines.filter((line) => {
    if (!ADDED.test(line)) isTold = REASON.test(line) && !TOO_EARLY.test(line)
    return isTold && (REASON.test(line) || line.startsWith('HINT: '))
  })
  return (reasons.length > 0 ? reasons : lines).join('\n').replace(INITDB, RESTORE)
}
