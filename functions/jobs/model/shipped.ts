import { readFile } from 'node:fs/promises'

/** The models that come with Stint; `infra/models` trains them. */
export const SHIPPED = ['iris', 'digits'] as const
export type ShippedName = (typeof SHIPPED)[number]

const FILES: Record<ShippedName, URL> = {
  iris: new URL('./shipped/iris.onnx', import.meta.url),
  digits: new URL('./shipped/digits.onnx', import.meta.url),
}

export const isShipped = (name: string): name is ShippedName => SHIPPED.some((it) => it === name)

export const readShipped = (name: ShippedName): Promise<Buffer> => readFile(FILES[name])
