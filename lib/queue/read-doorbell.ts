import { z } from 'zod'
import { parseJson } from '../core/parse-json.ts'
import { type Doorbell, QUEUES } from './doorbells.ts'

const doorbell = z.object({ v: z.literal(1), queue: z.enum(QUEUES), n: z.int().min(1).max(1_000) })

/** @returns undefined for a message that is no doorbell */
export const readDoorbell = (body: string): Doorbell | undefined => doorbell.safeParse(parseJson(body)).data
