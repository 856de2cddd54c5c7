import { useEffect } from 'preact/hooks'

/** Where Back or Forward has led to. */
let returnedTo: string | undefined
addEventListener('popstate', () => {
  returnedTo = location.href
})

/** What is new begins at its top; Back and Forward lead to where one was, as browsers do. */
export const useTopOf = (shown: string | undefined): void => {
  useEffect(() => {
    if (returnedTo === location.href) return
    returnedTo = undefined
    scrollTo(0, 0)
  }, [shown])
}
