/** A field: its number, its type (`i32`, `list<string>` or a struct's name), and whether it is always present. */
type Field = readonly [id: number, type: string, presence: 'required' | 'optional']
export type Fields = Readonly<Record<string, Field>>

/** What the codecs need of a Thrift IDL. */
export interface Idl {
  /** By value, from the name. */
  enums: Readonly<Record<string, Readonly<Record<string, number>>>>
  structs: Readonly<Record<string, Fields>>
  methods: Readonly<Record<string, { takes: Fields; gives: string; throws: string }>>
}

/** A struct in memory: its present fields, by name. */
export type Struct = Record<string, unknown>

/** The TypeScript type of a Thrift type. An i64 is a number, limited to what a number holds exactly. */
export type ValueOf<I extends Idl, T> = T extends `list<${infer Item}>`
  ? ValueOf<I, Item>[]
  : T extends 'string'
    ? string
    : T extends 'bool'
      ? boolean
      : T extends 'i32' | 'i64' | 'double'
        ? number
        : T extends keyof I['structs']
          ? StructOf<I, I['structs'][T]>
          : never

/** The TypeScript type of a struct. */
type StructOf<I extends Idl, F> = {
  [Name in keyof F as F[Name] extends readonly [number, string, 'required'] ? Name : never]: F[Name] extends Field
    ? ValueOf<I, F[Name][1]>
    : never
} & {
  [Name in keyof F as F[Name] extends readonly [number, string, 'optional'] ? Name : never]?: F[Name] extends Field
    ? ValueOf<I, F[Name][1]> | undefined
    : never
}

/** The type of the items of a `list<…>`; undefined for other types. */
export const itemOf = (type: string): string | undefined => /^list<(.+)>$/.exec(type)?.[1]

/** The fields of a struct's type. @throws when the IDL has none of that name */
export const fieldsOf = ({ structs }: Idl, type: string): Fields => {
  const fields = structs[type]
  if (!fields) throw new Error(`the IDL has no struct ${type}`)
  return fields
}
