import type { Metafile } from 'esbuild'

type Outputs = Metafile['outputs']

/** The size of what is loaded with a bundle: itself and what it imports, but not what is imported when it is needed. */
export const loadedBytes = (outputs: Outputs, path: string): number =>
  loadedWith(outputs, path).reduce((sum, key) => sum + (outputs[key]?.bytes ?? 0), 0)

/** The source files of what is loaded with a bundle. */
export const loadedInputs = (outputs: Outputs, path: string): string[] =>
  loadedWith(outputs, path).flatMap((key) => Object.keys(outputs[key]?.inputs ?? {}))

/** The files that are loaded with a bundle, itself among them. */
export const loadedWith = (outputs: Outputs, path: string): string[] => {
  const loaded = new Set<string>()
  const load = (key: string): void => {
    if (loaded.has(key)) return
    loaded.add(key)
    for (const it of outputs[key]?.imports ?? []) {
      if (!it.external && it.kind === 'import-statement') load(it.path)
    }
  }
  const entry = Object.keys(outputs).find((key) => key.endsWith(`/${path}`))
  if (entry) load(entry)
  return [...loaded]
}
