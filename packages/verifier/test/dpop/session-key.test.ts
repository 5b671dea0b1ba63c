import { createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { importSessionKey } from '../../src/dpop/session-key.js';
import { createSessionKey } from '../harness/session-key.js';

const { jwk: ec } = await createSessionKey('ES256');
const { jwk: ed } = await createSessionKey('EdDSA');

const refuses = (jwk: unknown) =>
  expect(() => importSessionKey(jwk), JSON.stringify(jwk)).toThrow(
    expect.objectContaining({ code: 'invalid_dpop_proof' }),
  );

/** The little-endian encoding of a y coordinate of Ed25519 as a JWK. */
const edwards = (hex: string): JWK => ({
  kty: 'OKP',
  crv: 'Ed25519',
  x: Buffer.from(hex, 'hex').toString('base64url'),
});

describe('importSessionKey', () => {
  it.each([
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const)(
    '[D14] honest: imports a public key of %s, whatever else stands beside it',
    async (alg, jwk) => {
      const key = importSessionKey(jwk);
      expect(key.alg).toBe(alg);
      expect(key.jkt).toBe(await calculateJwkThumbprint(jwk));
      expect(key.key.type).toBe('public');
      expect(key.key.export({ format: 'jwk' })).toEqual(jwk);
      const again = importSessionKey({ ...jwk, kid: 'x', use: 'sig', alg });
      expect(again.jkt).toBe(key.jkt);
    },
  );

  it('[D14] refuses what is no object', () => {
    for (const odd of [undefined, null, '', 'jwk', 7, true, [], [ec]]) refuses(odd);
  });

  it('[D14] refuses private and symmetric members, whatever they hold', () => {
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
      for (const value of ['AAAA', '', null, undefined]) {
        refuses({ ...ec, [member]: value });
        refuses({ ...ed, [member]: value });
      }
    }
  });

  it('[D14] refuses other types and curves, and members that are missing or no text', () => {
    for (const name of ['kty', 'crv', 'x', 'y']) {
      for (const value of [undefined, null, 7, [ec.x], {}, '']) refuses({ ...ec, [name]: value });
    }
    for (const name of ['kty', 'crv', 'x']) {
      for (const value of [undefined, null, 7, [ed.x], {}, '']) refuses({ ...ed, [name]: value });
    }
    refuses({ ...ec, kty: 'OKP' });
    refuses({ ...ec, crv: 'P-384' });
    refuses({ ...ec, crv: 'secp256k1' });
    refuses({ ...ec, crv: 'Ed25519' });
    refuses({ ...ed, kty: 'EC' });
    refuses({ ...ed, crv: 'X25519' });
    refuses({ ...ed, crv: 'P-256' });
    refuses({ ...ed, y: ed.x });
    refuses({ kty: 'oct', k: 'AAAA' });
    refuses({ kty: 'RSA', n: 'AAAA', e: 'AQAB' });
  });

  it('[D14, L3] refuses points off the curve and other spellings of a point', () => {
    refuses({ ...ec, y: ec.x });
    for (const name of ['x', 'y'] as const) {
      const text = ec[name] as string;
      for (const other of [`${text}=`, `${text} `, `${text}AA`, `AAA${text}`, text.slice(1)]) {
        refuses({ ...ec, [name]: other });
      }
    }
    for (const other of [`${ed.x}=`, `${ed.x} `]) refuses({ ...ed, x: other });
    // Unused bits of the last character.
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const [jwk, name] of [
      [ec, 'x'],
      [ec, 'y'],
      [ed, 'x'],
    ] as const) {
      const text = jwk[name] as string;
      const next = letters[letters.indexOf(text.at(-1) as string) + 1] as string;
      const other = text.slice(0, -1) + next;
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(text, 'base64url'));
      refuses({ ...jwk, [name]: other });
    }
  });

  it('[D14] refuses the points of small order, under which anyone can sign', () => {
    // RFC 8032 section 5.1: y of the points of order 1, 2, 4 and 8, then p and p + 1 for 0 and 1.
    const small = [
      `${'00'.repeat(32)}`,
      `01${'00'.repeat(31)}`,
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      `ec${'ff'.repeat(30)}7f`,
      `ed${'ff'.repeat(30)}7f`,
      `ee${'ff'.repeat(30)}7f`,
    ];
    for (const hex of small) {
      refuses(edwards(hex));
      const signed = Buffer.from(hex, 'hex');
      signed[31] = (signed[31] as number) | 0x80;
      refuses(edwards(signed.toString('hex')));
    }
  });

  it('[D14] refuses them itself: the platform imports them', () => {
    expect(() =>
      createPublicKey({ key: edwards(`01${'00'.repeat(31)}`), format: 'jwk' }),
    ).not.toThrow();
  });
});
