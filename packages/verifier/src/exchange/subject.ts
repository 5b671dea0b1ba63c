import { createHmac, hkdfSync } from 'node:crypto';
import { encodeBase64url, labels, lp } from '@pzk-auth/protocol';
import type { VerifierConfig } from '../config.js';

/**
 * The `sub` of an account at an audience: the account id, or with `pairwiseSubjects` a value of that
 * audience. Alone it connects nothing; `client_id` and `device` in a token still do.
 */
export function subjectOf(config: VerifierConfig, account: string, audience: string): string {
  if (!config.pairwiseSubjects) return account;
  const info = lp(labels.pairwise, config.issuer);
  const key = new Uint8Array(hkdfSync('sha256', config.secret, new Uint8Array(), info, 32));
  const digest = createHmac('sha256', key).update(lp(audience, account)).digest();
  return encodeBase64url(digest.subarray(0, 16));
}
