import { encodeBase64url } from '@pzk-auth/protocol';

/** A random id of 16 bytes. */
export function randomId(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}
