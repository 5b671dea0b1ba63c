import { createHmac } from 'node:crypto';
import { concatBytes, decodeBase64url, encodeBase64url, labels, lp } from '@pzk-auth/protocol';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { durations } from '../../src/durations.js';
import { type NonceClaims, openNonce, sealNonce } from '../../src/nonce/nonce.js';
import { createNonceKeys, type NonceKeys } from '../../src/nonce/nonce-keys.js';

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
let keys: NonceKeys;
beforeEach(() => {
  keys = createNonceKeys(secret, 'https://api.example.com');
});

const NOW = 1_800_000_000_000;
const sample: NonceClaims = {
  epoch: 'epoch',
  purpose: 'session',
  jkt: 'jkt',
  audience: 'https://api.example.com',
  scope: 'weather:read',
  issuedAt: NOW,
  expiresAt: NOW + durations.nonce,
};

const codePoint = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }),
  fc.integer({ min: 0, max: 0x10ffff }),
);
const anyText = fc.array(codePoint).map((codePoints) => String.fromCodePoint(...codePoints));
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const claims: fc.Arbitrary<NonceClaims> = fc
  .record({
    epoch: text,
    purpose: fc.constantFrom('enroll' as const, 'session' as const),
    jkt: text,
    audience: text,
    scope: text,
    issuedAt: fc.integer({ min: 1_000_000_000_000, max: 4_000_000_000_000 }),
    life: fc.integer({ min: 1, max: durations.nonce }),
  })
  .map(({ life, ...rest }) => ({ ...rest, expiresAt: rest.issuedAt + life }));

const invalid = expect.objectContaining({ code: 'invalid_nonce' });
const open = (nonce: string, now = NOW, with_ = keys) => openNonce(nonce, with_, now);

describe('sealNonce and openNonce', () => {
  it('open to the claims that were sealed, for as long as they last', () => {
    fc.assert(
      fc.property(claims, fc.double({ min: 0, max: 1, noNaN: true }), (sealed, when) => {
        const nonce = sealNonce(sealed, keys);
        const life = sealed.expiresAt - sealed.issuedAt;
        const now = sealed.issuedAt + Math.min(Math.floor(when * life), life - 1);
        expect(openNonce(nonce, keys, now)).toEqual(sealed);
        expect(() => openNonce(nonce, keys, sealed.expiresAt)).toThrow(invalid);
      }),
    );
  });

  it('refuse every mutation of one byte', () => {
    fc.assert(
      fc.property(claims, fc.nat(), fc.integer({ min: 1, max: 255 }), (sealed, at, change) => {
        const bytes = decodeBase64url(sealNonce(sealed, keys));
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        expect(() => openNonce(encodeBase64url(bytes), keys, sealed.issuedAt)).toThrow(invalid);
      }),
    );
  });

  it('refuse a change of any single byte of one nonce', () => {
    const bytes = decodeBase64url(sealNonce(sample, keys));
    for (let index = 0; index < bytes.length; index++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const mutated = bytes.slice();
        mutated[index] = (mutated[index] ?? 0) ^ change;
        expect(() => open(encodeBase64url(mutated))).toThrow(invalid);
      }
    }
  });

  it('refuse every truncation and extension', () => {
    const bytes = decodeBase64url(sealNonce(sample, keys));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => open(encodeBase64url(bytes.slice(0, length)))).toThrow(invalid);
    }
    for (const more of [1, 4, 32]) {
      const longer = new Uint8Array(bytes.length + more);
      longer.set(bytes);
      expect(() => open(encodeBase64url(longer))).toThrow(invalid);
    }
  });

  it('refuse arbitrary bytes and texts, and other spellings of a good one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => open(encodeBase64url(bytes))).toThrow(invalid);
      }),
    );
    fc.assert(
      fc.property(anyText, (odd) => {
        expect(() => open(odd)).toThrow(invalid);
      }),
    );
    const nonce = sealNonce(sample, keys);
    for (const spelling of [`${nonce}=`, `${nonce} `, `\n${nonce}`, nonce.toLowerCase()]) {
      expect(() => open(spelling)).toThrow(invalid);
    }
  });

  it('differ each time', () => {
    const nonces = new Set(Array.from({ length: 100 }, () => sealNonce(sample, keys)));
    expect(nonces.size).toBe(100);
  });

  it('separate issuers, secrets and claims', () => {
    const nonce = sealNonce(sample, keys);
    const others = [
      createNonceKeys(secret, 'https://api.example.com/tenant'),
      createNonceKeys(
        secret.map((byte) => byte ^ 1),
        'https://api.example.com',
      ),
    ];
    for (const other of others) expect(() => open(nonce, NOW, other)).toThrow(invalid);
    // The boundary between two claims is part of what is authenticated.
    const shifted = { ...sample, jkt: 'jkth', audience: sample.audience.slice(1) };
    const [first, second] = [sample, shifted].map((one) => decodeBase64url(sealNonce(one, keys)));
    expect(first).toHaveLength(second?.length ?? 0);
    expect(open(encodeBase64url(second as Uint8Array))).toEqual(shifted);
  });

  it('refuse other forms, though they are signed', () => {
    const { epoch, purpose, jkt, audience, scope, issuedAt, expiresAt } = sample;
    const period = keys.periodAt(NOW);
    const random = new Uint8Array(16);
    const sign = (payload: Uint8Array) => {
      const key = keys.keyOf(period, NOW) as Uint8Array;
      const mac = createHmac('sha256', key).update(lp(labels.nonce, payload)).digest();
      return encodeBase64url(concatBytes(payload, mac));
    };
    const fields = [period, epoch, purpose, jkt, audience, scope, issuedAt, expiresAt];
    expect(open(sign(lp('1', ...fields, random)))).toEqual(sample);
    const notUtf8 = Uint8Array.of(0xff);
    for (const payload of [
      lp('2', ...fields, random),
      lp('', ...fields, random),
      lp('1', ...fields),
      lp('1', ...fields, random, random),
      lp('1', period, notUtf8, purpose, jkt, audience, scope, issuedAt, expiresAt, random),
      concatBytes(lp('1', ...fields, random), Uint8Array.of(0)),
      lp('1', ...fields, random).slice(0, -1),
      new Uint8Array(),
    ]) {
      expect(() => open(sign(payload))).toThrow(invalid);
    }
  });

  it('have a key of their own for each hour', () => {
    const hours = [-1, 0, 1].map((hour) => keys.keyOf(keys.periodAt(NOW) + hour, NOW));
    const texts = hours.map((key) => Buffer.from(key as Uint8Array).toString('hex'));
    expect(new Set(texts).size).toBe(3);
    for (const text of texts) expect(text).toHaveLength(64);
    // Asked for in any order, after any time.
    const late = NOW + 10 * durations.nonceKeyRotation;
    const fresh = createNonceKeys(secret, 'https://api.example.com');
    expect(keys.keyOf(keys.periodAt(late), late)).toEqual(fresh.keyOf(keys.periodAt(late), late));
    expect(keys.keyOf(keys.periodAt(NOW), NOW)).toEqual(hours[1]);
  });

  it('are not made without a key', () => {
    const none = { ...keys, keyOf: () => undefined };
    expect(() => sealNonce(sample, none)).toThrow(RangeError);
  });

  it('end exactly with their time', () => {
    const nonce = sealNonce(sample, keys);
    expect(open(nonce, sample.expiresAt - 1)).toEqual(sample);
    expect(() => open(nonce, sample.expiresAt)).toThrow(invalid);
    expect(() => open(nonce, sample.expiresAt + 1)).toThrow(invalid);
  });

  it('outlive the turn of their key, and no second one', () => {
    const turn = Math.ceil(NOW / durations.nonceKeyRotation) * durations.nonceKeyRotation;
    const late = { ...sample, issuedAt: turn - 1, expiresAt: turn - 1 + durations.nonce };
    const nonce = sealNonce(late, keys);
    expect(open(nonce, turn + 1000)).toEqual(late);
    const fresh = createNonceKeys(secret, 'https://api.example.com');
    expect(open(nonce, turn + 1000, fresh)).toEqual(late);
    expect(keys.keyOf(keys.periodAt(NOW) - 2, NOW)).toBeUndefined();
    expect(keys.keyOf(keys.periodAt(NOW) + 2, NOW)).toBeUndefined();
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, 0.5]) {
      expect(keys.keyOf(odd, NOW)).toBeUndefined();
    }
  });

  it('refuse a nonce that a clock stepping back would lengthen', () => {
    const nonce = sealNonce(sample, keys);
    expect(() => open(nonce, NOW - 1)).toThrow(invalid);
  });
});
