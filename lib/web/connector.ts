import dns from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { hostOf, isAllowedHost, notPublic, type Permissions } from './permitted.ts'
import { isPublicAddress } from './public-address.ts'

/** All addresses of a name. @throws when it has none */
export type Resolve = (hostname: string) => Promise<string[]>

const CONNECT_MS = 10_000

/**
 * Makes connections to public addresses only. The connection itself resolves the name, once, and checks the very addresses
 * that it connects to. So a name can't resolve to one address for the check and to another for the connection (DNS rebinding).
 */
export const publicConnector = (resolve: Resolve, permissions: Permissions): buildConnector.connector => {
  // HTTP/2 would only add attack surface.
  const options = { timeout: CONNECT_MS, allowH2: false, autoSelectFamily: true }
  const guarded = buildConnector({ ...options, lookup: publicLookup(resolve) })
  const free = buildConnector({ ...options, lookup: anyLookup(resolve) })

  return (target, callback) => {
    if (isAllowedHost(permissions, target)) return free(target, callback)
    const host = hostOf(target)
    // There is no lookup for an address.
    if (isIP(host) && !isPublicAddress(host)) return callback(notPublic(host), null)
    return guarded(target, callback)
  }
}

const publicLookup = (resolve: Resolve): LookupFunction =>
  lookupBy(async (hostname) => {
    const addresses = await resolve(hostname)
    // A single address that isn't public refuses the name: such a mixture is no accident.
    if (!addresses.every(isPublicAddress)) throw notPublic(hostname)
    return addresses
  })

const anyLookup = (resolve: Resolve): LookupFunction => lookupBy(resolve)

const lookupBy =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const all = addresses.map((address) => ({ address, family: isIP(address) }))
        if (options.all) callback(null, all)
        else callback(null, all[0]?.address ?? '', all[0]?.family)
      },
      (error) => callback(error, ''),
    )
  }

/** Resolves by the system, including `/etc/hosts`, or only by the given DNS servers: `address` or `address:port` each. */
export const resolver = (dnsServers: readonly string[]): Resolve => {
  if (dnsServers.length === 0) {
    return async (hostname) => (await dns.promises.lookup(hostname, { all: true })).map(({ address }) => address)
  }
  const servers = new dns.promises.Resolver({ timeout: 2_000, tries: 2 })
  servers.setServers(dnsServers)
  return async (hostname) => {
    const found = await Promise.allSettled([servers.resolve4(hostname), servers.resolve6(hostname)])
    const addresses = found.flatMap((it) => (it.status === 'fulfilled' ? it.value : []))
    if (addresses.length > 0) return addresses
    throw (found[0] as PromiseRejectedResult).reason
  }
}
