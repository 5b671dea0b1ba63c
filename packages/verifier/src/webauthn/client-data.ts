import { decodeBase64url, parseJson } from '@pzk-auth/protocol';
import { refusal } from '../refuse.js';

/**
 * Refuses a ceremony run in a frame of another origin (WebAuthn L3 section 5.8.1). The library checks
 * `crossOrigin` on assertions only if the browser names the top origin, and never on registrations.
 *
 * @param clientDataJSON - base64url.
 * @throws PzkError `invalid_grant`
 */
export function assertSameOriginCeremony(clientDataJSON: string): void {
  const data = parseJson(decodeBase64url(clientDataJSON));
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw refusal('invalid_grant', 'The client data is no object.');
  }
  const { crossOrigin, topOrigin } = data as { crossOrigin?: unknown; topOrigin?: unknown };
  if ((crossOrigin !== undefined && crossOrigin !== false) || topOrigin !== undefined) {
    throw refusal('invalid_grant', 'The ceremony ran in a frame of another origin.');
  }
}
