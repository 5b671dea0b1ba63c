import { createECDH, randomBytes } from 'node:crypto';
import { encodeBase64url } from '@pzk-auth/protocol';
import type { AssertionCredential } from './assertion.js';

/** Makes a credential that nobody holds: judged in place of one that does not exist. */
export function createDecoy(): AssertionCredential {
  // Not generateKeyPairSync and an export: Node 20 locks the key while it exports, and a collection then
  // that finishes the job which generated it locks it again, for ever.
  const point = createECDH('prime256v1').generateKeys();
  // A COSE key (RFC 9053 section 7.1.1) as authenticators write it: EC2, ES256, P-256.
  const head = Buffer.from('a50102032620012158', 'hex');
  const coseKey = Buffer.concat([
    head,
    Buffer.from([0x20]),
    point.subarray(1, 33),
    Buffer.from('225820', 'hex'),
    point.subarray(33),
  ]);
  return {
    credentialId: '',
    publicKey: encodeBase64url(Uint8Array.from(coseKey)),
    userHandle: encodeBase64url(Uint8Array.from(randomBytes(32))),
    backupEligible: false,
  };
}
