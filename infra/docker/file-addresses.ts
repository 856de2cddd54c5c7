import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Plugin } from 'esbuild'

/** `new URL('./thread.ts', import.meta.url)`: how our code names a file beside it. */
const ADDRESS = /new URL\('(\.[^']+)', import\.meta\.url\)/g
const SOURCES = '{functions,lib,db}/**/*.ts'

export interface FileAddresses {
  /** Modules that are named so, without their extension: threads. Each gets a bundle of its own. */
  modules: string[]
  /** Other files and folders that are named so. They are copied. */
  assets: string[]
  /** An esbuild plugin that changes the addresses to those in the bundles. */
  plugin: Plugin
}

/**
 * Files that the code names by their address relative to itself. A bundle lies elsewhere than what went into it, so its
 * addresses are made anew, from its own depth of two folders.
 */
export const fileAddresses = (root: string): FileAddresses => {
  const named = globSync(SOURCES, { cwd: root, exclude: (path) => /\.test\.ts$|node_modules/.test(path) }).flatMap(
    (file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(ADDRESS)].map(([, address = '']) => targetOf(file, address)),
  )
  const targets = [...new Set(named)]
  return {
    modules: targets.filter((path) => path.endsWith('.ts')).map((path) => path.replace(/\.ts$/, '')),
    assets: targets.filter((path) => !path.endsWith('.ts')),
    plugin: {
      name: 'file-addresses',
      setup: ({ onLoad }) => {
        onLoad({ filter: /\.ts$/ }, ({ path }) => {
          const file = relative(root, path)
          const contents = readFileSync(path, 'utf8').replaceAll(ADDRESS, (_, address: string) => {
            const target = targetOf(file, address).replace(/\.ts$/, '.mjs')
            return `new URL('../../${target}', import.meta.url)`
          })
          return { contents: withoutIdleZod(contents), loader: 'ts' }
        })
      },
    },
  }
}

const targetOf = (file: string, address: string): string => join(dirname(file), address)

/** zod's object `z` keeps all of zod alive, the messages in fifty languages too; a namespace only what is used: 0.4 MB less. */
const withoutIdleZod = (source: string): string => source.replace("import { z } from 'zod'", "import * as z from 'zod'")
