import { useEffect } from 'preact/hooks'

/** The address that Back or Forward has led to. */
let returnedTo: string | undefined
addEventListener('popstate', () => {
  returnedTo = location.href
})

/** A new page begins at its top. Back and Forward return to the place where the person was, as browsers do. */
export const useTopOf = (shown: string | undefined): void => {
  useEffect(() => {
    if (returnedTo === location.href) return
    returnedTo = undefined
    scrollTo(0, 0)
  }, [shown])
}
