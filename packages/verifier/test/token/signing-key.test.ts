import { createPrivateKey, generateKeyPairSync, sign as nodeSign, verify } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  assertSigns,
  createSigningKey,
  generateSigningKey,
  importPrivateJwk,
  importSigningKey,
  isKid,
  type SigningKey,
  type SigningKeyInput,
  signBytes,
} from '../../src/token/signing-key.js';

const ALGS = ['ES256', 'EdDSA'] as const;
const bytes = Uint8Array.of(1, 2, 3);

afterEach(() => {
  vi.useRealTimers();
});

function verifies(key: SigningKey, signature: Uint8Array): boolean {
  const digest = key.alg === 'ES256' ? 'sha256' : null;
  return verify(digest, bytes, { key: key.publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}

function privateJwk(alg: (typeof ALGS)[number]): JWK {
  return generateSigningKey(alg).privateJwk as JWK;
}

/** A signer as a KMS is one. */
function createSigner(alg: (typeof ALGS)[number]) {
  const jwk = privateJwk(alg);
  const key = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' });
  const { kty, crv, x, y } = jwk;
  const digest = alg === 'ES256' ? 'sha256' : null;
  return {
    alg,
    publicJwk: { kty, crv, x, y },
    sign: (data: Uint8Array): Promise<Uint8Array> | Uint8Array =>
      nodeSign(digest, data, { key, dsaEncoding: 'ieee-p1363' }),
  };
}

describe('names of keys', () => {
  it('are 1 to 128 plain characters', () => {
    for (const kid of ['a', 'A-z_0.~', 'x'.repeat(128)]) expect(isKid(kid)).toBe(true);
    for (const kid of [
      '',
      'x'.repeat(129),
      'a b',
      'a\n',
      '\na',
      'a/b',
      'ä',
      7,
      null,
      undefined,
      ['a'],
    ]) {
      expect(isKid(kid)).toBe(false);
    }
  });
});

describe.each(ALGS)('a key of %s', (alg) => {
  it('has the thumbprint as its name and shows public members alone', async () => {
    const key = generateSigningKey(alg);
    const { kty, crv, x, y } = key.publicJwk as JWK as Required<JWK>;
    const kid = await calculateJwkThumbprint(
      alg === 'ES256' ? { kty, crv, x, y } : { kty, crv, x },
    );
    expect(key.kid).toBe(kid);
    expect(key.publicJwk).toEqual({
      ...(alg === 'ES256' ? { kty: 'EC', crv: 'P-256', x, y } : { kty: 'OKP', crv: 'Ed25519', x }),
      kid,
      alg,
      use: 'sig',
    });
    expect(key.alg).toBe(alg);
    expect(Object.isFrozen(key)).toBe(true);
  });

  it('signs 64 bytes that verify, also after export and import', async () => {
    const key = generateSigningKey(alg);
    const again = importPrivateJwk(key.privateJwk);
    expect(again.kid).toBe(key.kid);
    for (const one of [key, again]) {
      const signature = await signBytes(one, bytes);
      expect(signature).toHaveLength(64);
      expect(verifies(key, signature)).toBe(true);
      await assertSigns(one);
    }
  });

  it('keeps a name that it was given', () => {
    const jwk = privateJwk(alg);
    expect(importPrivateJwk({ ...jwk, kid: 'named' } as JWK).kid).toBe('named');
    expect(createSigningKey(jwk as JWK, { kid: 'named' }).publicJwk.kid).toBe('named');
    for (const kid of ['', 'a b', 'x'.repeat(129)]) {
      expect(() => createSigningKey(jwk as JWK, { kid })).toThrow('1 to 128');
    }
  });

  it('is imported from PEM, JWK and a signer', async () => {
    const jwk = privateJwk(alg);
    const pem = createPrivateKey({ key: jwk as Record<string, string>, format: 'jwk' })
      .export({ type: 'pkcs8', format: 'pem' })
      .toString();
    for (const input of [pem, jwk, createSigner(alg)]) {
      const key = importSigningKey(input as SigningKeyInput);
      expect(key.alg).toBe(alg);
      expect(verifies(key, await signBytes(key, bytes))).toBe(true);
      await assertSigns(key);
    }
    expect(importSigningKey({ ...createSigner(alg), kid: 'kms' }).kid).toBe('kms');
  });

  it('verifies alone where only the public part is known', async () => {
    const key = createSigningKey(privateJwk(alg) as JWK);
    expect(key.sign).toBeUndefined();
    await expect(signBytes(key, bytes)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(assertSigns(key)).rejects.toMatchObject({ code: 'not_ready' });
  });
});

describe('what is no key', () => {
  let ec: JWK;
  let ed: JWK;
  beforeEach(() => {
    ec = privateJwk('ES256');
    ed = privateJwk('EdDSA');
  });

  it('refuses other types, curves and members', () => {
    for (const bad of [
      { ...ec, kty: 'RSA' },
      { ...ec, kty: undefined },
      { ...ec, crv: 'P-384' },
      { ...ec, crv: 'secp256k1' },
      { ...ec, crv: undefined },
      { ...ec, x: undefined },
      { ...ec, y: undefined },
      { ...ed, kty: 'EC' },
      { ...ed, crv: 'X25519' },
      { ...ed, x: undefined },
      { ...ec, crv: 'Ed25519' },
      { kty: 'oct', k: 'AAAA' },
    ]) {
      expect(() => createSigningKey(bad as JWK)).toThrow('P-256');
      expect(() => importPrivateJwk(bad as JWK)).toThrow('P-256');
    }
  });

  it('reads no member that the type does not have', () => {
    expect(createSigningKey({ ...ed, y: 'x' } as JWK).kid).toBe(createSigningKey(ed).kid);
  });

  it('refuses coordinates that are not canonical', () => {
    for (const [jwk, name] of [
      [ec, 'x'],
      [ec, 'y'],
      [ed, 'x'],
    ] as const) {
      expect(() => createSigningKey({ ...jwk, [name]: `${jwk[name]}=` } as JWK)).toThrow(
        'not canonical',
      );
    }
  });

  it('refuses a private key without its private part', () => {
    for (const d of [undefined, '', 7]) {
      expect(() => importPrivateJwk({ ...ec, d } as JWK)).toThrow('no private part');
    }
  });

  it('names the fault where it is ours to name, and quotes nothing', () => {
    const message = (input: unknown): string => {
      try {
        importSigningKey(input as SigningKeyInput);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return (error as Error).message;
      }
      throw new Error('was taken');
    };
    const fault = 'signing.keys holds something that is no key to sign with.';
    expect(message({ ...ec, d: undefined })).toBe(`${fault} It has no private part.`);
    expect(message({ ...createSigner('ES256'), alg: 'EdDSA' })).toContain('disagree');
    const signer = createSigner('ES256');
    const offCurve = { ...signer, publicJwk: { ...signer.publicJwk, x: signer.publicJwk.y } };
    for (const bad of ['c2VjcmV0', `-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n`, offCurve]) {
      expect(message(bad)).toBe(fault);
    }
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    expect(message(p384.export({ type: 'pkcs8', format: 'pem' }).toString())).toContain('P-256');
  });
});

describe('signers', () => {
  it('refuses an answer that is no signature of 64 bytes', async () => {
    for (const answer of [
      new Uint8Array(63),
      new Uint8Array(70),
      'x'.repeat(64),
      undefined,
      null,
    ]) {
      const signer = { ...createSigner('ES256'), sign: () => answer as Uint8Array };
      await expect(signBytes(importSigningKey(signer), bytes)).rejects.toMatchObject({
        code: 'store_unavailable',
      });
    }
  });

  it('turns what a signer throws into an error of ours, with its cause', async () => {
    const cause = new Error('no access');
    for (const sign of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const key = importSigningKey({ ...createSigner('ES256'), sign });
      await expect(signBytes(key, bytes)).rejects.toMatchObject({
        code: 'store_unavailable',
        cause,
      });
      await expect(assertSigns(key)).rejects.toMatchObject({ code: 'not_ready' });
    }
  });

  it('gives up after two seconds', async () => {
    vi.useFakeTimers();
    const key = importSigningKey({ ...createSigner('ES256'), sign: () => new Promise(() => {}) });
    const outcome = signBytes(key, bytes).catch((error: unknown) => error);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toMatchObject({ code: 'store_unavailable' });
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers();
    await signBytes(importSigningKey(createSigner('EdDSA')), bytes);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(ALGS)(
    'finds out a signer of %s that signs with another key, or another message',
    async (alg) => {
      const signer = createSigner(alg);
      const other = { ...signer, sign: createSigner(alg).sign };
      const fixed = { ...signer, sign: () => signer.sign(Uint8Array.of(1)) };
      for (const bad of [other, fixed]) {
        await expect(assertSigns(importSigningKey(bad))).rejects.toMatchObject({
          code: 'not_ready',
        });
      }
    },
  );

  it('asks for a new message each time, one that can be no part of a token', async () => {
    const seen: Uint8Array[] = [];
    const signer = createSigner('ES256');
    const key = importSigningKey({
      ...signer,
      sign: (data) => {
        seen.push(data);
        return signer.sign(data);
      },
    });
    await assertSigns(key);
    await assertSigns(key);
    expect(seen[0]).not.toEqual(seen[1]);
    for (const message of seen) expect(message[0]).toBe(0);
  });
});
