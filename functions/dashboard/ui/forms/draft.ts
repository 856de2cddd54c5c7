import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { dropDraft, findDraft, keepDraft } from '../data/drafts.ts'
import { user } from '../data/session.ts'

/**
 * What a form holds. It outlives a reload, and a session that ends meanwhile, until the same person is back; whoever
 * leaves the form leaves it behind.
 */
export const useDraft = <T>(form: string, begin: () => T): Signal<T> => {
  const of = `${user.peek()?.id} ${form}`
  const value = useSignal(useMemo(() => (findDraft(of) as T | undefined) ?? begin(), []))
  useSignalEffect(() => keepDraft(of, value.value))
  useEffect(
    () => () => {
      if (user.peek()) dropDraft()
    },
    [],
  )
  return value
}
