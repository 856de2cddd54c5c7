/**
 * The token of a link from a mail: it stands behind the #, so that no log and no other site gets it. It is sent when the
 * person says so, and not by opening the page: programs that look at links in mails spend none. Once read it is gone from
 * the address, and so from the history of the browser.
 */
export const takeMailedToken = (): string => {
  const token = location.hash.slice(1)
  if (token !== '') history.replaceState(history.state, '', location.pathname)
  return token
}
