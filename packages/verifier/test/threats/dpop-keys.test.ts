import { createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { macWith } from '../harness/compact-jws.js';
import { type DpopSurface, prepareSurfaces, withVaults } from '../harness/dpop-surfaces.js';
import { createSessionKey } from '../harness/session-key.js';
import { createWatchedIssuer } from '../harness/watched-issuer.js';

const issuer = createWatchedIssuer({ adapt: withVaults });
afterAll(() => issuer.verifier.close());

function usePlaces(alg: 'ES256' | 'EdDSA'): () => readonly DpopSurface[] {
  let places: readonly DpopSurface[] = [];
  beforeAll(async () => {
    places = await prepareSurfaces(issuer, await createSessionKey(alg));
  });
  return () => places;
}

const empty = () => new Uint8Array();

describe('algorithms, with a P-256 key', () => {
  const places = usePlaces('ES256');

  it('[D13] refuses alg none, with and without a signature', async () => {
    for (const place of places()) {
      for (const alg of ['none', 'NONE', 'nOnE', '']) {
        await place.refuses(place.proof({ header: { alg }, signer: empty }));
        await place.refuses(place.proof({ header: { alg } }));
      }
      await place.refuses(place.proof({ signer: empty }));
    }
  });

  it('[D13] refuses an HMAC under the text or bytes of the public key', async () => {
    for (const place of places()) {
      const { jwk } = place.sessionKey;
      const key = createPublicKey({ key: jwk as Record<string, string>, format: 'jwk' });
      const secrets = [
        Buffer.from(key.export({ type: 'spki', format: 'pem' }) as string),
        key.export({ type: 'spki', format: 'der' }),
        Buffer.from(JSON.stringify(jwk)),
        Buffer.from(jwk.x as string, 'base64url'),
        Buffer.alloc(0),
      ];
      for (const secret of secrets) {
        await place.refuses(place.proof({ header: { alg: 'HS256' }, signer: macWith(secret) }));
        await place.refuses(place.proof({ signer: macWith(secret) }));
      }
      const oct = { kty: 'oct', k: 'c2VjcmV0' };
      const signer = macWith(Buffer.from('secret'));
      await place.refuses(place.proof({ header: { alg: 'HS256', jwk: oct }, signer }));
    }
  });

  it('[D13] refuses another hash, DER signatures and other curves', async () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    for (const place of places()) {
      const key = KeyObject.from(place.sessionKey.privateKey);
      const der = (data: Uint8Array) => Uint8Array.from(sign('sha256', data, key));
      await place.refuses(place.proof({ signer: der }));
      const dsaEncoding = 'ieee-p1363';
      const sha512 = (data: Uint8Array) =>
        Uint8Array.from(sign('sha512', data, { key, dsaEncoding }));
      await place.refuses(place.proof({ signer: sha512 }));
      for (const alg of ['ES384', 'ES256']) {
        const signer = (data: Uint8Array) =>
          Uint8Array.from(sign('sha384', data, { key: p384.privateKey, dsaEncoding }));
        const jwk = p384.publicKey.export({ format: 'jwk' });
        await place.refuses(place.proof({ header: { alg, jwk }, signer }));
      }
      for (const alg of ['RS256', 'PS256', 'ES256']) {
        const signer = (data: Uint8Array) => Uint8Array.from(sign('sha256', data, rsa.privateKey));
        const jwk = rsa.publicKey.export({ format: 'jwk' });
        await place.refuses(place.proof({ header: { alg, jwk }, signer }));
      }
    }
  });

  it('[D13] refuses headers that ask for an extension', async () => {
    for (const place of places()) {
      await place.refuses(place.proof({ header: { crit: ['exp'] } }));
      await place.refuses(place.proof({ header: { crit: [] } }));
      await place.refuses(place.proof({ header: { b64: false, crit: ['b64'] } }));
      await place.refuses(place.proof({ header: { b64: true } }));
      await place.refuses(place.proof({ header: { zip: 'DEF' } }));
    }
  });

  it('[D13] honest: ES256 passes', async () => {
    for (const place of places()) await place.accepts();
  });
});

describe('algorithms, with an Ed25519 key', () => {
  const places = usePlaces('EdDSA');

  it('[D13] refuses an Ed25519 key under ES256', async () => {
    for (const place of places()) {
      await place.refuses(place.proof({ header: { alg: 'ES256' } }));
      await place.refuses(place.proof({ header: { alg: 'Ed448' } }));
    }
  });

  it('[D13] honest: EdDSA, and Ed25519 as RFC 9864 calls it, pass', async () => {
    for (const [index, place] of places().entries()) {
      const alg = index % 2 === 0 ? 'EdDSA' : 'Ed25519';
      await place.accepts(place.proof({ header: { alg } }));
    }
  });
});

describe('keys', () => {
  const places = usePlaces('ES256');

  it('[D14] refuses the private key itself', async () => {
    for (const place of places()) {
      const jwk = KeyObject.from(place.sessionKey.privateKey).export({ format: 'jwk' });
      await place.refuses(place.proof({ header: { jwk } }));
    }
  });

  it('[D14] refuses points off the curve, at infinity and out of range', async () => {
    const zero = Buffer.alloc(32).toString('base64url');
    const ones = Buffer.alloc(32, 0xff).toString('base64url');
    for (const place of places()) {
      const { jwk } = place.sessionKey;
      const hostile = [
        { ...jwk, x: jwk.y, y: jwk.x },
        { ...jwk, y: jwk.x },
        { ...jwk, x: zero, y: zero },
        { ...jwk, x: ones },
        { ...jwk, x: ones, y: ones },
        { ...jwk, x: '', y: '' },
      ];
      for (const odd of hostile) await place.refuses(place.proof({ header: { jwk: odd } }));
    }
  });

  it('[D14] refuses other spellings of the coordinates', async () => {
    for (const place of places()) {
      const { jwk } = place.sessionKey;
      const { x = '', y = '' } = jwk;
      const bytes = Buffer.from(x, 'base64url');
      // 32 bytes leave two unused bits in the last of 43 characters.
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const sibling = x.slice(0, -1) + alphabet[alphabet.indexOf(x.at(-1) as string) ^ 1];
      const spellings = [
        sibling,
        `${x}=`,
        `${x}A`,
        ` ${x}`,
        `${x}\n`,
        bytes.toString('base64'),
        bytes.toString('hex'),
        Buffer.concat([Buffer.alloc(1), bytes]).toString('base64url'),
        bytes.subarray(1).toString('base64url'),
      ];
      for (const spelling of spellings) {
        if (spelling === x) continue;
        await place.refuses(place.proof({ header: { jwk: { ...jwk, x: spelling } } }));
      }
      await place.refuses(place.proof({ header: { jwk: { ...jwk, y: [y] } } }));
      await place.refuses(place.proof({ header: { jwk: { ...jwk, x: 1 } } }));
    }
  });

  it('[D14] refuses keys of another type or curve', async () => {
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
    const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
    for (const place of places()) {
      const { jwk } = place.sessionKey;
      const hostile = [
        x25519,
        secp256k1.publicKey.export({ format: 'jwk' }),
        { kty: 'oct', k: 'AAAA' },
        { ...jwk, kty: 'oct' },
        { ...jwk, kty: 'ec' },
        { ...jwk, crv: 'secp256k1' },
        { ...jwk, crv: 'P-384' },
        { ...jwk, kty: 'OKP', crv: 'Ed25519' },
        { kty: 'EC', crv: 'P-256', x: jwk.x },
        { ...jwk, __proto__: null, kty: ['EC'] },
      ];
      for (const odd of hostile) {
        await place.refuses(place.proof({ header: { jwk: odd } }));
        await place.refuses(place.proof({ header: { jwk: odd, alg: 'EdDSA' } }));
      }
    }
  });

  it('[D14] refuses Ed25519 points of small order, for which anyone can sign', async () => {
    // The identity: [S]B = R + [h]A holds for S = 0 and R = A whatever the text is.
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const forged = () => Uint8Array.of(...identity, ...new Uint8Array(32));
    const small = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000080',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    ];
    for (const place of places()) {
      for (const hex of small) {
        const x = Buffer.from(hex, 'hex').toString('base64url');
        const jwk = { kty: 'OKP', crv: 'Ed25519', x };
        await place.refuses(place.proof({ header: { alg: 'EdDSA', jwk }, signer: forged }));
      }
    }
  });

  it('[D14] honest: the canonical public key passes', async () => {
    for (const place of places()) await place.accepts();
  });
});
