import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { describe, expect, it } from 'vitest';
import { dpopReplayId, verifyDpopProof } from '../../src/dpop/dpop-proof.js';
import { importSessionKey } from '../../src/dpop/session-key.js';
import { compactJws, signWith } from '../harness/compact-jws.js';
import { createSessionKey } from '../harness/session-key.js';

/** RFC 9449 figures 2, 3, 9, 12 and 13, RFC 7638 section 3.1 and RFC 8037 appendix A.3. */
interface Rfc9449Examples {
  readonly dpop: {
    readonly proof: string;
    readonly claims: { readonly jti: string; readonly htm: string; readonly htu: string };
    readonly jwk: Readonly<Record<string, string>>;
    readonly jkt: string;
    readonly access_token: string;
    readonly ath: string;
    readonly evaluate_at_iat: number;
  };
  readonly thumbprints: readonly { jwk: Readonly<Record<string, string>>; jkt: string }[];
}

const published: Rfc9449Examples = {
  dpop: {
    proof:
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo' +
      'UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW' +
      'clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh' +
      '0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8' +
      'v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg',
    claims: {
      jti: '-BwC3ESc6acc2lTc',
      htm: 'POST',
      htu: 'https://server.example.com/token',
    },
    jwk: {
      kty: 'EC',
      x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
      y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
      crv: 'P-256',
    },
    jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
    access_token: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo',
    evaluate_at_iat: 1_562_262_616,
  },
  thumbprints: [
    {
      jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      jkt: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    },
  ],
};

const sharedFile = fileURLToPath(
  new URL('../../../../../shared/vectors/rfc9449/examples.json', import.meta.url),
);
const sets: readonly Rfc9449Examples[] = existsSync(sharedFile)
  ? [published, JSON.parse(readFileSync(sharedFile, 'utf8'))]
  : [published];

describe.each(sets.map((set, index) => [index, set] as const))(
  'the RFC examples, set %i',
  (_, set) => {
    const { dpop } = set;
    const expectation = {
      method: dpop.claims.htm,
      url: dpop.claims.htu,
      now: dpop.evaluate_at_iat * 1000,
    };

    it('verifies the proof of RFC 9449 figure 2 at its time', async () => {
      const proof = await verifyDpopProof(dpop.proof, expectation);
      expect(proof).toEqual({ jkt: dpop.jkt, jti: dpop.claims.jti });
    });

    it('refuses the same proof for another method, URL, time or with a token', async () => {
      const changes = [
        { method: 'GET' },
        { url: 'https://server.example.com/revoke' },
        { now: expectation.now + 61_000 },
        { now: expectation.now - 6000 },
        { accessToken: dpop.access_token },
      ];
      for (const change of changes) {
        await expect(
          verifyDpopProof(dpop.proof, { ...expectation, ...change }),
        ).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
      }
    });

    it('computes the thumbprints', () => {
      expect(importSessionKey(dpop.jwk).jkt).toBe(dpop.jkt);
      for (const { jwk, jkt } of set.thumbprints) {
        if (jwk.kty === 'RSA') expect(() => importSessionKey(jwk)).toThrow('another type');
        else expect(importSessionKey(jwk).jkt).toBe(jkt);
      }
    });

    it('takes ath as RFC 9449 section 4.2 computes it', async () => {
      expect(encodeBase64url(sha256(utf8(dpop.access_token)))).toBe(dpop.ath);
      const key = await createSessionKey();
      const claims = { jti: 'x', htm: 'GET', htu: dpop.claims.htu, iat: dpop.evaluate_at_iat };
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk };
      const text = compactJws(header, { ...claims, ath: dpop.ath }, signWith(key.privateKey));
      const accessToken = dpop.access_token;
      const proof = await verifyDpopProof(text, { ...expectation, method: 'GET', accessToken });
      expect(proof.jkt).toBe(key.jkt);
    });
  },
);

describe('verifyDpopProof', () => {
  it('judges iat to the millisecond, both ends of the window included', async () => {
    const key = await createSessionKey('EdDSA');
    const iat = 1_800_000_000;
    const text = await key.dpop({ url: 'https://a.example/', claims: { iat } });
    const at = (now: number) => () =>
      verifyDpopProof(text, { method: 'POST', url: 'https://a.example/', now });
    for (const now of [iat * 1000 - 5000, iat * 1000, iat * 1000 + 60_000]) {
      expect((await at(now)()).jkt).toBe(key.jkt);
    }
    for (const now of [iat * 1000 - 5001, iat * 1000 + 60_001]) {
      await expect(at(now)()).rejects.toMatchObject({ code: 'invalid_dpop_proof' });
    }
  });

  it('gives each pair of key and jti a replay record of its own', () => {
    const ids = [
      { jkt: 'a', jti: 'b' },
      { jkt: 'a', jti: 'c' },
      { jkt: 'b', jti: 'a' },
      { jkt: 'ab', jti: '' },
    ].map(dpopReplayId);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
