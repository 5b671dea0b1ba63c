import { randomUUID } from 'node:crypto';
import type { VerifierConfig } from '../config.js';
import type { VerifiedToken } from '../token/access-token.js';
import { subjectOf } from './subject.js';

/** Ids under which revocations are recorded. */
export const revocationId = {
  token: (jti: string) => `jti:${jti}`,
  session: (sid: string) => `sid:${sid}`,
  key: (id: string) => `key:${id}`,
  device: (id: string) => `device:${id}`,
  subject: (subject: string) => `sub:${subject}`,
  /** A signing key that was removed. */
  signingKey: (kid: string) => `kid:${kid}`,
} as const;

/** The session that a token belongs to: the part of its `jti` before the dot. */
export function sessionOfJti(jti: string): string {
  return jti.split('.', 1)[0] ?? jti;
}

/** A `jti` for a token of a session. */
export function createJti(sid: string): string {
  return `${sid}.${randomUUID()}`;
}

/** The ids that revoke a token together with its session. */
export function revocationIdsOfJti(jti: string): readonly string[] {
  return [revocationId.token(jti), revocationId.session(sessionOfJti(jti))];
}

/** Every id that revokes a token. */
export function revocationIdsOfToken({ session, kid }: VerifiedToken): readonly string[] {
  const { jti, key, device, account } = session;
  const ids = [
    ...revocationIdsOfJti(jti),
    revocationId.key(key),
    revocationId.subject(account),
    revocationId.signingKey(kid),
  ];
  return device === '' ? ids : [...ids, revocationId.device(device)];
}

/** Every id under which an account is revoked: one for each audience where subjects are pairwise. */
export function revocationIdsOfAccount(config: VerifierConfig, account: string): readonly string[] {
  const subjects = [...config.audiences].map((audience) => subjectOf(config, account, audience));
  return [...new Set(subjects)].map(revocationId.subject);
}
