import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Whether an address is that of a proxy whose word is taken for who its callers are. */
export type IsProxy = (ip: string) => boolean

/** @param trusted addresses, and networks such as `10.0.0.0/8` */
export const createIsProxy = (trusted: readonly string[]): IsProxy => {
  const proxies = new BlockList()
  for (const it of trusted) {
    const [ip = '', bits] = it.split('/')
    if (bits === undefined) proxies.addAddress(ip, familyOf(ip))
    else proxies.addSubnet(ip, Number(bits), familyOf(ip))
  }
  return (address) => {
    const ip = plain(address)
    return isIP(ip) !== 0 && proxies.check(ip, familyOf(ip))
  }
}

const familyOf = (ip: string): 'ipv4' | 'ipv6' => (isIPv6(ip) ? 'ipv6' : 'ipv4')

/**
 * The caller's address. Each proxy adds to X-Forwarded-For who called it, at the end; what stands before the address that no
 * proxy has, a stranger may have written.
 */
export const callerOf = ({ socket, headers }: IncomingMessage, isProxy: IsProxy): string => {
  let caller = plain(socket.remoteAddress ?? '')
  if (!isProxy(caller)) return caller
  const addresses = String(headers['x-forwarded-for'] ?? '').split(',')
  do {
    const before = plain(addresses.pop() ?? '')
    if (isIP(before) === 0) return caller
    caller = before
  } while (isProxy(caller))
  return caller
}

/** Without the prefix that dual-stack sockets put in front of IPv4 addresses. */
const plain = (ip: string): string => ip.trim().replace(/^::ffff:/i, '')
