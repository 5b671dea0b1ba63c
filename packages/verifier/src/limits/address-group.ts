import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

/** RFC 4291 section 2.5.5.2: how a socket that takes both families names an IPv4 client. */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];
/** RFC 6052 section 2.1: how a translator names one. */
const TRANSLATED = [0x64, 0xff9b, 0, 0, 0, 0];

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  // One spelling, without a dotted end.
  const { hostname } = new URL(`http://[${address.split('%', 1)[0]}]`);
  const [front = [], back = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - front.length - back.length).fill('0');
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
}

/**
 * Whom an address counts for. One customer's IPv6 addresses share the first 64 bits; counted alone they
 * would never run out. An IPv4 address counts alone, however it is spelt: as IPv6 all of them would share
 * one prefix, and anybody could use up the budget of everybody.
 */
export function addressGroup(address: string): string {
  if (isIPv4(address)) return address;
  // What is no address may be what a client wrote into a header, of any length.
  if (!isIPv6(address)) return createHash('sha256').update(address).digest('base64url');
  const groups = groupsOf(address);
  const isIn = (prefix: readonly number[]) => prefix.every((group, i) => groups[i] === group);
  if (isIn(MAPPED) || isIn(TRANSLATED)) {
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 255])
      .join('.');
  }
  return groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':');
}
