import * as v from 'valibot';
import { isBase64url } from '../base64url.js';
import { type Bytes, equalBytes } from '../bytes.js';
import { isDisplayText } from '../display-text.js';
import { PzkError } from '../errors.js';
import { sha256 } from '../hash.js';
import { labels } from '../labels.js';
import { lp, splitLengthPrefixed } from '../length-prefix.js';
import { limits } from '../limits.js';
import { issuerUrl } from '../messages/wire-types.js';
import { SEC1_POINT_BYTES } from '../vault/vault-seal.js';

/**
 * Methods that a request can ask for. Not TRACE, which would send the injected header back, and not
 * CONNECT, which opens a tunnel.
 */
export const releaseMethods = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;

/** One of {@link releaseMethods}. */
export type ReleaseMethod = (typeof releaseMethods)[number];

/** What an agent asks for, and signs. */
export interface AgentRequest {
  readonly issuer: string;
  readonly vaultId: string;
  /** 16 random bytes, base64url. */
  readonly requestId: string;
  /** SHA-256 of the agent's public key, 65 bytes SEC1. */
  readonly agentKeyHash: Uint8Array;
  /** HPKE public key made for this request, 65 bytes SEC1. */
  readonly hpkeKey: Uint8Array;
  /** The slot asked for. */
  readonly slotId: string;
  /** Why, in the agent's words; 1 to 200 characters. Never more than that: an agent's words. */
  readonly purpose: string;
  /** DNS name in ASCII, lower case, with `:port` unless that is 443. */
  readonly host: string;
  /** Sorted, unique, at least one. */
  readonly methods: readonly ReleaseMethod[];
  /** Name of the one header that carries the secret: {@link isReleaseHeader}. */
  readonly header: string;
  /** Stands before the secret in it: empty, or a word and a space, such as `Bearer `. */
  readonly prefix: string;
  /** Requests in all, 1 to 1,000,000. */
  readonly uses: number;
  /** Seconds from the release to its end, 1 to 86,400; 0 for a standing approval. */
  readonly ttl: number;
  /** Requests in 24 hours of a standing approval, 1 to 100,000; else 0. */
  readonly perDay: number;
  /** End of a standing approval, seconds since the epoch; else 0. */
  readonly notAfter: number;
}

/** An {@link AgentRequest} that was read from its bytes. */
export interface ParsedAgentRequest extends AgentRequest {
  readonly agentKeyHash: Bytes;
  readonly hpkeKey: Bytes;
}

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Where the last label looks like this, URL parsers read the whole as an IPv4 address. */
const NUMBER = /^([0-9]+|0x[0-9a-f]*)$/;
const PORT = /^[1-9][0-9]{0,4}$/;

/**
 * Whether a text is a host as requests name it: a DNS name in ASCII (punycode), lower case, without a
 * final dot, no address, and `:port` unless that is 443.
 */
export function isReleaseHost(text: string): boolean {
  if (text.length > 259) return false;
  const [name = '', port, ...rest] = text.split(':');
  if (rest.length > 0) return false;
  if (port !== undefined && (!PORT.test(port) || Number(port) > 65535 || port === '443')) {
    return false;
  }
  const nameLabels = name.split('.');
  return (
    name.length <= 253 &&
    nameLabels.every((label) => DNS_LABEL.test(label)) &&
    !NUMBER.test(nameLabels.at(-1) ?? '')
  );
}

const CREDENTIAL_NAME =
  /^(?:authorization|(?:[a-z0-9]+-){0,4}(?:api-?key|token|access-key|auth-key))$/;
const PREFIX = /^(?:[A-Za-z][A-Za-z0-9-]{0,31} )?$/;

/** Whether a header of this name, in lower case, carries credentials, by its form. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIAL_NAME.test(name);
}

/**
 * Whether a request can ask for the secret in this header: one that carries credentials. A secret in
 * `Referer` or `User-Agent` would end in logs and pages.
 */
export function isReleaseHeader({
  header,
  prefix,
}: Pick<AgentRequest, 'header' | 'prefix'>): boolean {
  return header.length <= 64 && isCredentialHeader(header) && PREFIX.test(prefix);
}

const between = (value: number, minimum: number, maximum: number) =>
  Number.isSafeInteger(value) && value >= minimum && value <= maximum;

function isSortedMethods(methods: readonly string[]): boolean {
  const sorted = releaseMethods.filter((method) => methods.includes(method));
  return sorted.length > 0 && sorted.join(' ') === methods.join(' ');
}

/** One touch for a time, or a standing approval: never something of both. */
function isTerm({ uses, ttl, perDay, notAfter }: AgentRequest): boolean {
  if (!between(uses, 1, limits.releaseUses)) return false;
  if (ttl > 0) return between(ttl, 1, limits.releaseSeconds) && perDay === 0 && notAfter === 0;
  return (
    ttl === 0 &&
    between(perDay, 1, limits.standingUsesPerDay) &&
    between(notAfter, 1, Number.MAX_SAFE_INTEGER)
  );
}

function isAgentRequest(request: AgentRequest): boolean {
  const { issuer, vaultId, requestId, agentKeyHash, hpkeKey, slotId } = request;
  return (
    v.is(issuerUrl, issuer) &&
    // URL parsers drop white space and controls.
    /^[\x21-\x7e]+$/.test(issuer) &&
    [vaultId, requestId, slotId].every((id) => isBase64url(id, 16)) &&
    agentKeyHash.length === 32 &&
    hpkeKey.length === SEC1_POINT_BYTES &&
    hpkeKey[0] === 4 &&
    isDisplayText(request.purpose, 1, limits.purposeCharacters) &&
    isReleaseHost(request.host) &&
    isSortedMethods(request.methods) &&
    isReleaseHeader(request) &&
    isTerm(request)
  );
}

function encode(request: AgentRequest): Bytes {
  return lp(
    labels.agentRequest,
    request.issuer,
    request.vaultId,
    request.requestId,
    request.agentKeyHash,
    request.hpkeKey,
    request.slotId,
    request.purpose,
    request.host,
    request.methods.join(' '),
    request.header,
    request.prefix,
    request.uses,
    request.ttl,
    request.perDay,
    request.notAfter,
  );
}

/**
 * Writes a request as the bytes that the agent's key signs (ECDSA P-256 with SHA-256).
 *
 * @throws TypeError if it is not one that {@link parseAgentRequest} would take.
 */
export function formatAgentRequest(request: AgentRequest): Bytes {
  if (!isAgentRequest(request)) throw new TypeError('The request of the agent is malformed.');
  return encode(request);
}

/** Canonical decimal; what is longer than the largest safe integer is refused by the comparison below. */
const toNumber = (text: string) => (/^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN);

/**
 * Reads the bytes of a request, in their one spelling. Not yet verified: the signature, that issuer,
 * vault and agent are one's own, that there is such a slot, and {@link isAgentRequestTimely}.
 *
 * @throws PzkError `release_request_invalid`
 */
export function parseAgentRequest(bytes: Uint8Array): ParsedAgentRequest {
  try {
    if (bytes.length > limits.agentRequestBytes) throw new RangeError('Too long.');
    const parts = splitLengthPrefixed(bytes, 16);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const text = (index: number) => decoder.decode(parts[index]);
    const request: ParsedAgentRequest = {
      issuer: text(1),
      vaultId: text(2),
      requestId: text(3),
      agentKeyHash: new Uint8Array(parts[4] ?? []),
      hpkeKey: new Uint8Array(parts[5] ?? []),
      slotId: text(6),
      purpose: text(7),
      host: text(8),
      // Judged by isAgentRequest.
      methods: text(9).split(' ') as ReleaseMethod[],
      header: text(10),
      prefix: text(11),
      uses: toNumber(text(12)),
      ttl: toNumber(text(13)),
      perDay: toNumber(text(14)),
      notAfter: toNumber(text(15)),
    };
    if (!isAgentRequest(request)) throw new RangeError('A part is not as it must be.');
    // Label, and numbers with leading zeros.
    if (!equalBytes(encode(request), bytes)) throw new RangeError('Not canonical.');
    return request;
  } catch (cause) {
    throw new PzkError('release_request_invalid', 'The request of the agent is malformed.', {
      cause,
    });
  }
}

/**
 * Whether the end that a request names for a standing approval is still to come and at most 90 days
 * ahead. A request for one time names no end.
 *
 * @param now - Seconds since the epoch.
 */
export function isAgentRequestTimely(
  { notAfter }: Pick<AgentRequest, 'notAfter'>,
  now: number,
): boolean {
  return notAfter === 0 || (notAfter > now && notAfter - now <= limits.standingSeconds);
}

/** SHA-256 of the bytes of a request: what approval, seal and signature are bound to. */
export function agentRequestHash(request: Uint8Array): Bytes {
  return sha256(request);
}
