import { signal } from '@preact/signals'
import { Dialog } from './dialog.tsx'

interface Question {
  title: string
  text: string
  action: string
  answer: (isSure: boolean) => void
}

const question = signal<Question | undefined>(undefined)

/** Asks before something is done that can't be undone. @returns whether the person is sure */
export const isSure = (title: string, text: string, action: string): Promise<boolean> =>
  new Promise((resolve) => {
    question.value = {
      title,
      text,
      action,
      answer: (answer) => {
        question.value = undefined
        resolve(answer)
      },
    }
  })

export const Questions = () => {
  const asked = question.value
  if (!asked) return null
  return (
    <Dialog title={asked.title} close={() => asked.answer(false)}>
      <div class="dialog-form">
        <p>{asked.text}</p>
        <div class="actions">
          <button type="button" class="button primary" onClick={() => asked.answer(true)}>
            {asked.action}
          </button>
          <button type="button" class="button" onClick={() => asked.answer(false)}>
            Leave it
          </button>
        </div>
      </div>
    </Dialog>
  )
}
