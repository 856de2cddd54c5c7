import { useSignal } from '@preact/signals'
import { ProblemError } from '../../../../lib/client/problem-error.ts'

/** Sends a form to the API, once at a time. Errors are shown at their fields, and the first of them gets the focus. */
export const useSubmission = (send: () => Promise<unknown>) => {
  const problem = useSignal<Error | undefined>(undefined)
  const busy = useSignal(false)
  const errors = errorsOf(problem.value)

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    if (busy.value) return
    // Read now: after the first await the event no longer has it.
    const form = event.currentTarget as HTMLFormElement
    busy.value = true
    problem.value = undefined
    try {
      await send()
    } catch (error) {
      problem.value = error as Error
      requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    } finally {
      busy.value = false
    }
  }
  const clear = (): void => {
    problem.value = undefined
  }
  return { submit, clear, busy: busy.value, problem: problem.value, errors }
}

/** The errors, by the path of the field. */
const errorsOf = (problem: Error | undefined): ReadonlyMap<string, string> =>
  new Map(problem instanceof ProblemError ? problem.errors.map((it) => [it.path, it.message]) : [])
