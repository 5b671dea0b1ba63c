import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { accessTokenHash, createDpopProof, toHtu } from '../../src/transport/dpop-proof.js';
import { describeSessionKey, generateSessionKey } from '../../src/transport/session-key.js';

// RFC 9449 figures 2, 4 and 12: key, thumbprint, token and its hash.
const jwk = {
  kty: 'EC',
  x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
  y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
  crv: 'P-256',
};

describe('DPoP proof', () => {
  it('computes jkt and ath as RFC 9449 does', async () => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const publicKey = await crypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify']);
    const { privateKey } = (await generateSessionKey()).keyPair;
    const key = await describeSessionKey({ publicKey, privateKey });
    expect(key.jkt).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
    expect(key.publicJwk).toEqual(jwk);
    const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
    expect(accessTokenHash(token)).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo');
  });

  it('writes what RFC 9449 section 4.2 asks for, and verifies', async () => {
    const key = await generateSessionKey();
    const url = 'https://api.example.com/a/b?c=d#e';
    const fields = { method: 'GET', url, issuedAt: 1562262616, accessToken: 't', nonce: 'n' };
    const proof = await createDpopProof(key, fields);
    expect(decodeProtectedHeader(proof)).toEqual({
      typ: 'dpop+jwt',
      alg: 'ES256',
      jwk: key.publicJwk,
    });
    const { payload } = await jwtVerify(proof, key.keyPair.publicKey, {
      typ: 'dpop+jwt',
      currentDate: new Date(1562262616_000),
    });
    expect(payload).toEqual({
      htm: 'GET',
      htu: 'https://api.example.com/a/b',
      iat: 1562262616,
      jti: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/),
      ath: accessTokenHash('t'),
      nonce: 'n',
    });
    expect(decodeJwt(await createDpopProof(key, fields)).jti).not.toBe(payload.jti);
  });

  it('holds a private key that cannot be exported, and shows only its public part', async () => {
    const key = await generateSessionKey();
    expect(key.keyPair.privateKey.extractable).toBe(false);
    expect(Object.keys(key.publicJwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
  });

  it('cuts query and fragment off', () => {
    expect(toHtu('https://api.example.com:443/x?y#z')).toBe('https://api.example.com/x');
  });
});
