import { createHash, randomBytes } from 'node:crypto';

/**
 * Makes the secret of a resource server: `secret`, 32 random bytes as text, goes to that server, and
 * `secretHash` into the verifier's `resourceServers`. A fast hash is enough for 256 random bits; do not
 * hash a password like this.
 */
export function createResourceServerSecret(): {
  readonly secret: string;
  readonly secretHash: string;
} {
  const secret = randomBytes(32).toString('base64url');
  return { secret, secretHash: hashResourceServerSecret(secret).toString('base64url') };
}

/** SHA-256 of a secret. */
export function hashResourceServerSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
