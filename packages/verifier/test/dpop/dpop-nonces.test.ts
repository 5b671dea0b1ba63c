import { beforeEach, describe, expect, it } from 'vitest';
import { createDpopNonces, type DpopNonces, dpopNonceHeaders } from '../../src/dpop/dpop-nonces.js';
import { durations } from '../../src/durations.js';
import { createNonceKeys } from '../../src/nonce/nonce-keys.js';

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const create = (bytes = secret, issuer = 'https://api.example.com') =>
  createDpopNonces(createNonceKeys(bytes, issuer));

const STEP = durations.dpopNonceStep;
const NOW = 1_800_000_000_000;

/** An instance that has made no nonce before, as every other one would judge. */
const judge = (nonce: unknown, now: number) => create().judge(nonce, now);

describe('DPoP nonces', () => {
  it('[D21] honest: change with the half minute, and are the same at every instance', () => {
    const nonces = create();
    const first = nonces.current(NOW);
    expect(first).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(nonces.current(NOW + STEP - 1)).toBe(first);
    expect(create().current(NOW)).toBe(first);
    expect(nonces.current(NOW + STEP)).not.toBe(first);
    expect(nonces.current(NOW)).toBe(first);
  });

  it('[D21] are fresh, then due, then refused; those of clocks ahead are fresh', () => {
    const nonce = create().current(NOW);
    const ends: [number, string][] = [
      [NOW - durations.dpopNonceAhead - 1, 'refused'],
      [NOW - durations.dpopNonceAhead, 'fresh'],
      [NOW, 'fresh'],
      [NOW + durations.dpopNonceDue - 1, 'fresh'],
      [NOW + durations.dpopNonceDue, 'due'],
      [NOW + durations.dpopNonce + STEP - 1, 'due'],
      [NOW + durations.dpopNonce + STEP, 'refused'],
    ];
    for (const [now, verdict] of ends) {
      expect(judge(nonce, now), `${now - NOW}`).toBe(verdict);
    }
  });

  it('[D21] refuses what is no nonce, and nonces of other secrets and issuers', () => {
    const nonces = create();
    const nonce = nonces.current(NOW);
    const others = [
      create(secret.map((byte) => byte ^ 1)).current(NOW),
      create(secret, 'https://api.example.com/tenant').current(NOW),
      `${nonce.slice(0, -1)}${nonce.endsWith('A') ? 'B' : 'A'}`,
      `${nonce.slice(0, -1)}ä`,
      nonce.slice(1),
      `${nonce}A`,
      '',
      'x'.repeat(100_000),
    ];
    for (const odd of [
      ...others,
      undefined,
      null,
      7,
      [nonce],
      { length: 22 },
      Buffer.from(nonce),
    ]) {
      expect(nonces.judge(odd, NOW)).toBe('refused');
    }
    expect(nonces.judge(nonce, NOW)).toBe('fresh');
  });

  it('outlive the turn of the key they were made with', () => {
    const turn = Math.ceil(NOW / durations.nonceKeyRotation) * durations.nonceKeyRotation;
    const nonce = create().current(turn - 1);
    expect(judge(nonce, turn + 1)).toBe('fresh');
    expect(judge(create().current(turn + 1), turn - 1)).toBe('fresh');
  });

  it('are not given out, and not taken, where there is no key', () => {
    const nonce = create().current(NOW);
    const keyless = createDpopNonces({
      ...createNonceKeys(secret, 'https://api.example.com'),
      keyOf: () => undefined,
    });
    expect(() => keyless.current(NOW)).toThrow(RangeError);
    expect(keyless.judge(nonce, NOW)).toBe('refused');
  });

  it('go on for hours, each half minute with another', () => {
    const nonces = create();
    const seen = new Set<string>();
    for (let step = 0; step < 500; step++) {
      const now = NOW + step * STEP;
      seen.add(nonces.current(now));
      expect(nonces.current(now)).toBe(create().current(now));
      expect(nonces.judge(nonces.current(now), now)).toBe('fresh');
    }
    expect(seen.size).toBe(500);
  });
});

describe('the header with a nonce', () => {
  let nonces: DpopNonces;
  let current: { 'dpop-nonce': string };
  beforeEach(() => {
    nonces = create();
    current = { 'dpop-nonce': nonces.current(NOW) };
  });
  const proof = (claims: unknown) =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

  it('is absent where no nonces are demanded, and where that of the proof is fresh', () => {
    expect(dpopNonceHeaders(undefined, null, NOW)).toEqual({});
    expect(dpopNonceHeaders(undefined, proof({}), NOW)).toEqual({});
    expect(dpopNonceHeaders(nonces, proof({ nonce: nonces.current(NOW) }), NOW)).toEqual({});
  });

  it('is there for a proof that ends soon, has none, has another, or is no proof', () => {
    const due = create().current(NOW - durations.dpopNonceDue);
    for (const text of [null, '', 'x', 'a.b.c', 'a.!.c', '.', proof(null), proof('x'), proof([])]) {
      expect(dpopNonceHeaders(nonces, text, NOW)).toEqual(current);
    }
    for (const nonce of [due, 'other', null, 7]) {
      expect(dpopNonceHeaders(nonces, proof({ nonce }), NOW)).toEqual(current);
    }
  });

  it('does not read a proof that is too long', () => {
    const nonce = nonces.current(NOW);
    const { length } = proof({ nonce, pad: '' });
    const padded = (bytes: number) => proof({ nonce, pad: 'x'.repeat(bytes) });
    const most = Math.floor(((2048 - length) * 3) / 4);
    expect(padded(most).length).toBeLessThanOrEqual(2048);
    expect(dpopNonceHeaders(nonces, padded(most), NOW)).toEqual({});
    expect(dpopNonceHeaders(nonces, padded(most + 4), NOW)).toEqual(current);
  });
});
