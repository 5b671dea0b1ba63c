import { PzkError } from '@pzk-auth/protocol';

const AUTHORITIES =
  'Its certificate is signed by nobody whom the broker trusts. A private authority goes into `caFile` of the configuration.';
const NO_NAME = 'The name is not known to the resolver of the broker: look at its spelling.';
const NO_WAY =
  'No way leads there from the machine of the broker: look at its network and firewall.';

const HINTS: ReadonlyMap<string, string> = new Map([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', AUTHORITIES],
  ['UNABLE_TO_GET_ISSUER_CERT', AUTHORITIES],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', AUTHORITIES],
  ['SELF_SIGNED_CERT_IN_CHAIN', AUTHORITIES],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', AUTHORITIES],
  ['CERT_UNTRUSTED', AUTHORITIES],
  ['CERT_HAS_EXPIRED', 'Its certificate has expired, or the clock of the machine is wrong.'],
  ['CERT_NOT_YET_VALID', 'Its certificate is not valid yet, or the clock of the machine is wrong.'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Its certificate is for another name.'],
  ['EPROTO', 'It does not speak TLS 1.2 or later at this port.'],
  ['ECONNREFUSED', 'Nobody listens there: look at the port, and whether the host runs.'],
  ['ECONNRESET', 'It closed the connection. The call may have reached it.'],
  ['ENOTFOUND', NO_NAME],
  ['EAI_AGAIN', 'The resolver of the broker does not answer.'],
  ['ETIMEDOUT', NO_WAY],
  ['EHOSTUNREACH', NO_WAY],
  ['ENETUNREACH', NO_WAY],
]);

/** The code of Node or OpenSSL; it names a kind, and nothing that was sent. */
export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : 'UNKNOWN';
}

/** Errors of sockets and TLS name addresses and certificates, never what was sent. */
export function hostError(host: string, cause: unknown): PzkError {
  const code = codeOf(cause);
  const hint = HINTS.get(code) ?? (code.startsWith('ERR_SSL_') ? HINTS.get('EPROTO') : undefined);
  return new PzkError('network_error', `${host} could not be reached, or broke off (${code}).`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
