import { BlockList, isIPv4, isIPv6 } from 'node:net'

/** IPv4 addresses that aren't public hosts: IANA's special-purpose registry, and one of a cloud. */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carriers' NAT; metadata at some clouds
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local; metadata at most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.31.196.0/24', // AS112
  '192.52.193.0/24', // AMT
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '192.175.48.0/24', // AS112
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '168.63.129.16/32', // Azure's host, an address like any other
]

/** Public IPv6 hosts are in here; loopback, link-local, unique local, mapped, NAT64 and multicast addresses are not. */
const GLOBAL_UNICAST = ['2000::/3']

const NOT_PUBLIC_V6 = [
  '2001::/23', // protocol assignments: Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, which holds an IPv4 address
  '2620:4f:8000::/48', // AS112
  '3fff::/20', // documentation
]

const listOf = (ranges: string[], family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/')
    list.addSubnet(network, Number(prefix), family)
  }
  return list
}

const notPublicV4 = listOf(NOT_PUBLIC_V4, 'ipv4')
const globalUnicast = listOf(GLOBAL_UNICAST, 'ipv6')
const notPublicV6 = listOf(NOT_PUBLIC_V6, 'ipv6')

/** Whether an address, in its canonical form, is one of the public internet; false for what is no address. */
export const isPublicAddress = (address: string): boolean => {
  if (isIPv4(address)) return !notPublicV4.check(address, 'ipv4')
  // A zone (`%eth0`) names a network interface of this machine.
  if (!isIPv6(address) || address.includes('%')) return false
  return globalUnicast.check(address, 'ipv6') && !notPublicV6.check(address, 'ipv6')
}
