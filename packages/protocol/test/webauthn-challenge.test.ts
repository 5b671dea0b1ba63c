import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeBase64url,
  type RevokeChallengeFields,
  revokeChallenge,
  type WebAuthnChallengeFields,
  webauthnChallenge,
} from '../src/index.js';
import { readVectors, toHex } from './read-vectors.js';

interface ChallengeVectors {
  readonly cases: readonly { name: string; fields: WebAuthnChallengeFields; challenge: string }[];
}

const { cases } = readVectors<ChallengeVectors>('webauthn-challenges');
const text = fc.string({ maxLength: 12 });
const fields = {
  purpose: fc.constantFrom('enroll' as const, 'session' as const),
  issuer: text,
  audience: text,
  nonce: text,
  jkt: text,
  scope: text,
};

describe('webauthnChallenge', () => {
  it.each(cases)('challenge: $name', ({ fields: given, challenge }) => {
    expect(encodeBase64url(webauthnChallenge(given))).toBe(challenge);
  });

  it('[W4] gives every vector another challenge', () => {
    expect(new Set(cases.map(({ challenge }) => challenge)).size).toBe(cases.length);
  });

  it('[W4] changes with each single field, the purpose among them', () => {
    const names = Object.keys(fields) as (keyof WebAuthnChallengeFields)[];
    fc.assert(
      fc.property(
        fc.record(fields),
        fc.record(fields),
        fc.constantFrom(...names),
        (given, other, name) => {
          const changed = { ...given, [name]: other[name] };
          const same = changed[name] === given[name];
          const equal = toHex(webauthnChallenge(changed)) === toHex(webauthnChallenge(given));
          expect(equal).toBe(same);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('[W4] honest: both sides compute the same 32 bytes', () => {
    fc.assert(
      fc.property(fc.record(fields), (given) => {
        const challenge = webauthnChallenge(given);
        expect(challenge).toHaveLength(32);
        expect(webauthnChallenge({ ...given })).toEqual(challenge);
      }),
    );
  });
});

describe('revokeChallenge', () => {
  const vectors = readVectors<{
    readonly cases: readonly { name: string; fields: RevokeChallengeFields; challenge: string }[];
  }>('revoke-challenges');

  it.each(vectors.cases)('challenge: $name', ({ fields: given, challenge }) => {
    expect(encodeBase64url(revokeChallenge(given))).toBe(challenge);
  });

  it('[W4] changes with issuer, device and nonce', () => {
    expect(new Set(vectors.cases.map(({ challenge }) => challenge)).size).toBe(4);
  });
});
