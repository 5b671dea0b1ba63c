import { promises as dns, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PzkError } from '@pzk-auth/protocol';

/** How long a request waits for the resolver. */
const LOOKUP_MS = 2_000;

type Subnet = readonly [network: string, prefix: number];

/** IANA IPv4 Special-Purpose Address Registry, multicast (RFC 5771) and what is reserved. */
const SPECIAL_IPV4: readonly Subnet[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // carrier-grade NAT, RFC 6598
  ['127.0.0.0', 8],
  ['169.254.0.0', 16], // link-local; metadata services of clouds
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24], // 6to4 relays, RFC 7526
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/**
 * All that is routed lies in here. Outside lie loopback, link-local, unique local and multicast, and
 * what carries IPv4 inside: mapped (`::ffff:0:0/96`) and NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`).
 */
const GLOBAL_IPV6: Subnet = ['2000::', 3];
/** IANA IPv6 Special-Purpose Address Registry, within {@link GLOBAL_IPV6}. */
const SPECIAL_IPV6: readonly Subnet[] = [
  ['2001::', 23], // Teredo, benchmarking, ORCHID
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4: carries IPv4 inside
  ['3fff::', 20],
];

function listOf(subnets: readonly Subnet[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family);
  return list;
}

const specialIpv4 = listOf(SPECIAL_IPV4, 'ipv4');
const globalIpv6 = listOf([GLOBAL_IPV6], 'ipv6');
const specialIpv6 = listOf(SPECIAL_IPV6, 'ipv6');

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !specialIpv4.check(address, 'ipv4');
    case 6:
      return (
        !address.includes('%') &&
        globalIpv6.check(address, 'ipv6') &&
        !specialIpv6.check(address, 'ipv6')
      );
    default:
      return false;
  }
}

/**
 * Addresses that an operator allows beside the public ones, each `10.0.0.1` or `10.0.0.0/8`.
 *
 * @throws TypeError if one is malformed.
 */
export function parseAllowedAddresses(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', prefix, ...rest] = text.split('/');
    const version = isIP(address);
    const bits = version === 4 ? 32 : 128;
    const length = prefix === undefined ? bits : Number(/^[0-9]{1,3}$/.test(prefix) ? prefix : -1);
    if (version === 0 || rest.length > 0 || length < 0 || length > bits || address.includes('%')) {
      throw new TypeError(`"${text}" is neither an IP address nor a subnet.`);
    }
    list.addSubnet(address, length, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** Judges addresses for one host. */
export type AddressGuard = (address: string) => boolean;

/** Public addresses, and those on the list. */
export function createAddressGuard(allowed: BlockList): AddressGuard {
  return (address) => {
    const version = isIP(address);
    if (version === 0 || address.includes('%')) return false;
    return isPublicAddress(address) || allowed.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}

/** Asks the resolver for all addresses of a name. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Of the system. */
export const systemResolve: Resolve = (hostname) => dns.lookup(hostname, { all: true });

/** An error `host_refused`. */
export function refuseAddress(host: string): PzkError {
  return new PzkError('host_refused', `${host} has an address that the broker does not allow.`, {
    hint: 'Private, loopback and link-local addresses are for hosts that the configuration of the broker names (`hosts.*.addresses`).',
  });
}

/**
 * Judges a host before the user is asked for it, so that nobody approves what no call could reach. A name
 * that is not found now may be found later: calls judge again what they dial.
 *
 * @throws PzkError `host_refused`
 */
export async function assertAddresses(
  host: string,
  isAllowed: AddressGuard,
  resolve = systemResolve,
): Promise<void> {
  const [name = ''] = host.split(':');
  const nothing: readonly LookupAddress[] = [];
  const found = await Promise.race([
    resolve(name).catch(() => nothing),
    sleep(LOOKUP_MS, nothing, { ref: false }),
  ]);
  if (!found.every(({ address }) => isAllowed(address))) throw refuseAddress(host);
}

/**
 * A `lookup` for sockets: what it answers is what is dialled, so the address that was judged is the
 * address that is used. A name with one refused address among several is refused whole.
 */
export function createGuardedLookup(
  resolve: Resolve,
  isAllowed: AddressGuard,
  host: string,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (found) => {
        const family = options.family === 4 || options.family === 6 ? options.family : 0;
        const fitting = found.filter((one) => family === 0 || one.family === family);
        const [first] = fitting;
        if (first === undefined || !found.every(({ address }) => isAllowed(address))) {
          callback(refuseAddress(host), '');
        } else if (options.all) callback(null, [...fitting]);
        else callback(null, first.address, first.family);
      },
      (cause) => callback(cause, ''),
    );
  };
}
