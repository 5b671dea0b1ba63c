import { randomBytes } from 'node:crypto';

/** A random id of 16 bytes, base64url: of an account, a key or a device. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}
