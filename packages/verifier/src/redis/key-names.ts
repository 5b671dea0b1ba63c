import { createHash } from 'node:crypto';

/** Makes the names of the keys in Redis. */
export interface KeyNames {
  /** Lost only with the data: shows that a database was emptied. */
  readonly epoch: string;
  nonce(key: string): string;
  replay(key: string): string;
  revocation(id: string): string;
  session(id: string): string;
  budget(key: string): string;
}

/**
 * What comes from outside enters a name as its SHA-256 only: of one length whatever it was, and
 * without NUL, line ends, glob characters or braces.
 */
function digest(text: string): string {
  // UTF-16 keeps unpaired surrogates apart, which UTF-8 would merge into one replacement character.
  return createHash('sha256').update(text, 'utf16le').digest('base64url');
}

/**
 * Names below a prefix. `{...}` is the hash tag of Redis Cluster: all nonces live in one slot, since
 * the epoch is that of one master; all revocations live in one slot, so that several are read in one
 * command.
 *
 * @throws TypeError if the prefix holds other characters than letters, digits and `: . _ -`
 */
export function createKeyNames(prefix: string): KeyNames {
  if (!/^[A-Za-z0-9:._-]{1,64}$/.test(prefix)) {
    throw new TypeError('prefix is 1 to 64 letters, digits and characters of ": . _ -".');
  }
  return {
    epoch: `${prefix}{nonce}:epoch`,
    nonce: (key) => `${prefix}{nonce}:${digest(key)}`,
    replay: (key) => `${prefix}replay:${digest(key)}`,
    revocation: (id) => `${prefix}{revocation}:${digest(id)}`,
    session: (id) => `${prefix}session:${digest(id)}`,
    budget: (key) => `${prefix}budget:${digest(key)}`,
  };
}
