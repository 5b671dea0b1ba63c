import type { VerifierConfig } from '../config.js';
import type { PzkSession } from '../session.js';
import { subjectOf } from './subject.js';

/** Ids under which revocations are recorded. */
export const revocationId = {
  token: (jti: string) => `jti:${jti}`,
  key: (id: string) => `key:${id}`,
  device: (id: string) => `device:${id}`,
  subject: (subject: string) => `sub:${subject}`,
} as const;

/** Every id that revokes a token. */
export function revocationIdsOfToken(session: PzkSession): readonly string[] {
  const { jti, key, device, account } = session;
  const ids = [revocationId.token(jti), revocationId.key(key), revocationId.subject(account)];
  return device === '' ? ids : [...ids, revocationId.device(device)];
}

/** Every id under which an account is revoked: one for each audience where subjects are pairwise. */
export function revocationIdsOfAccount(config: VerifierConfig, account: string): readonly string[] {
  const subjects = [...config.audiences].map((audience) => subjectOf(config, account, audience));
  return [...new Set(subjects)].map(revocationId.subject);
}
