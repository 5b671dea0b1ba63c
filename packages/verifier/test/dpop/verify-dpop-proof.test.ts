import { randomUUID } from 'node:crypto';
import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDpopNonces, type DpopNonces } from '../../src/dpop/dpop-nonces.js';
import { type DpopExpectation, verifyDpopProof } from '../../src/dpop/dpop-proof.js';
import { durations } from '../../src/durations.js';
import { createNonceKeys } from '../../src/nonce/nonce-keys.js';
import {
  compactJws,
  macWith,
  mirrorSignature,
  respellings,
  signWith,
} from '../harness/compact-jws.js';
import { createSessionKey, type TestSessionKey } from '../harness/session-key.js';

// The checks of RFC 9449 section 4.3 at the function that makes them; the tests of threats try them at
// every place that takes a proof.

const NOW = 1_800_000_000_000;
const SECONDS = NOW / 1000;
const URL = 'https://api.example.com/weather';
const TOKEN = 'token';

let keys: Readonly<Record<'ES256' | 'EdDSA', TestSessionKey>>;
let key: TestSessionKey;
beforeAll(async () => {
  keys = { ES256: await createSessionKey('ES256'), EdDSA: await createSessionKey('EdDSA') };
  key = keys.ES256;
});

interface Parts {
  readonly header?: object;
  readonly claims?: object;
  readonly by?: TestSessionKey;
}

/** A proof; members that are undefined are left out. */
function proof({ header, claims, by = key }: Parts = {}): string {
  const alg = by === keys.EdDSA ? 'EdDSA' : 'ES256';
  return compactJws(
    { typ: 'dpop+jwt', alg, jwk: by.jwk, ...header },
    { jti: 'jti', htm: 'GET', htu: URL, iat: SECONDS, ...claims },
    signWith(by.privateKey),
  );
}

const expected: DpopExpectation = { method: 'GET', url: URL, now: NOW };
const verify = (text: string | null, over: Partial<DpopExpectation> = {}) =>
  verifyDpopProof(text, { ...expected, ...over });

const refuses = async (text: string | null, over: Partial<DpopExpectation> = {}) =>
  expect(verify(text, over), `${text}`).rejects.toMatchObject({ code: 'invalid_dpop_proof' });

const accepts = async (text: string, over: Partial<DpopExpectation> = {}) =>
  expect((await verify(text, over)).jkt).toBe(key.jkt);

const segment = (value: unknown) => encodeBase64url(utf8(JSON.stringify(value)));

describe('verifyDpopProof', () => {
  it.each(['ES256', 'EdDSA'] as const)(
    '[D5, D6] honest: takes a proof of %s, the same key again, and other claims',
    async (alg) => {
      const by = keys[alg];
      for (let times = 0; times < 3; times++) {
        const jti = randomUUID();
        const verified = await verify(proof({ by, claims: { jti, exp: 1, extra: {} } }));
        expect(verified).toEqual({ jkt: by.jkt, jti });
      }
    },
  );

  it('[D5] honest: takes the name Ed25519 of RFC 9864, too', async () => {
    const { jkt } = await verify(proof({ by: keys.EdDSA, header: { alg: 'Ed25519' } }));
    expect(jkt).toBe(keys.EdDSA.jkt);
  });

  it('[D1, D2] refuses none, two, and what is no JWT in compact form', async () => {
    const good = proof();
    const [header = '', claims = '', signature = ''] = good.split('.');
    for (const text of [
      null,
      '',
      'x',
      `${good},${good}`,
      `${good}, ${good}`,
      ` ${good}`,
      `${good}\n`,
      `${header}.${claims}`,
      `${header}.${claims}.`,
      `${header}..${signature}`,
      `.${claims}.${signature}`,
      `${good}.${signature}`,
      `x.${good}`,
      `${header}.${claims}.${signature.slice(4)}`,
      `${header}.${claims}.${signature}AAAA`,
      ...respellings(good),
    ]) {
      await refuses(text);
    }
    await accepts(good);
  });

  it('[D2] refuses segments that are no JSON object, in UTF-8, of little depth', async () => {
    const sign = signWith(key.privateKey);
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk };
    for (const odd of [
      'null',
      '[]',
      '"x"',
      '1',
      '{',
      '',
      '[{}]',
      `{"a":${'['.repeat(9)}${']'.repeat(9)}}`,
    ]) {
      await refuses(compactJws(header, odd, sign));
      await refuses(compactJws(odd, { jti: 'x', htm: 'GET', htu: URL, iat: SECONDS }, sign));
    }
    const signed = `${segment(header)}.${encodeBase64url(Uint8Array.of(0x7b, 0xff, 0x7d))}`;
    await refuses(`${signed}.${encodeBase64url(sign(utf8(signed)))}`);
  });

  it('[D2] refuses another spelling of a segment, though it is signed as it stands', async () => {
    const sign = signWith(key.privateKey);
    const resign = (header: string, claims: string) => {
      const signed = `${header}.${claims}`;
      return `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
    };
    const [header = '', claims = ''] = proof().split('.');
    await accepts(resign(header, claims));
    // A length of 4n + 1 has no bytes of its own; unused bits have no meaning.
    for (const odd of ['A', 'AAAAA']) {
      await refuses(resign(header + odd, claims));
      await refuses(resign(header, claims + odd));
    }
  });

  it('takes a proof of 2048 characters and no longer one', async () => {
    const { length } = proof({ claims: { pad: '' } });
    const fill = Math.floor(((2048 - length) * 3) / 4);
    const padded = (pad: number) => proof({ claims: { pad: 'x'.repeat(pad) } });
    const longest = [fill, fill + 1].map(padded).filter((text) => text.length <= 2048);
    expect(longest.at(-1)?.length).toBeGreaterThan(2044);
    for (const text of longest) await accepts(text);
    await refuses(padded(fill + 4));
  });

  it('[D4] refuses another typ', async () => {
    for (const typ of [
      undefined,
      null,
      '',
      'JWT',
      'at+jwt',
      'DPOP+JWT',
      'application/dpop+jwt',
      ['dpop+jwt'],
    ]) {
      await refuses(proof({ header: { typ } }));
    }
  });

  it('[D5] refuses an algorithm that is not that of the key, or none', async () => {
    for (const by of [keys.ES256, keys.EdDSA]) {
      const others = [undefined, null, '', 'none', 'HS256', 'ES384', 'es256', ['ES256'], 256];
      for (const alg of [...others, ...(by === key ? ['EdDSA', 'Ed25519'] : ['ES256'])]) {
        await refuses(proof({ by, header: { alg } }));
      }
    }
    const header = { typ: 'dpop+jwt', alg: 'HS256', jwk: key.jwk };
    await refuses(
      compactJws(header, { jti: 'x', htm: 'GET', htu: URL, iat: SECONDS }, macWith(utf8('x'))),
    );
  });

  it('[D22] refuses headers that ask for an extension', async () => {
    for (const header of [
      { crit: ['exp'] },
      { crit: [] },
      { crit: null },
      { b64: true },
      { b64: false },
      { zip: 'DEF' },
    ]) {
      await refuses(proof({ header }));
    }
  });

  it('[D7] refuses a header without a public key', async () => {
    for (const jwk of [
      undefined,
      null,
      'x',
      [],
      { ...key.jwk, d: 'AAAA' },
      { ...key.jwk, y: key.jwk.x },
    ]) {
      await refuses(proof({ header: { jwk } }));
    }
  });

  it('[D6] refuses a signature of another key, over another text, or none', async () => {
    const other = await createSessionKey('ES256');
    await refuses(proof({ by: other, header: { jwk: key.jwk } }));
    // Also once the header is known to belong to a key.
    await accepts(proof());
    await refuses(proof({ by: other, header: { jwk: key.jwk } }));
    const [header, claims, signature] = proof().split('.');
    const [, changed] = proof({ claims: { jti: 'other' } }).split('.');
    await refuses(`${header}.${changed}.${signature}`);
    for (const end of [new Uint8Array(64), new Uint8Array(64).fill(0xff)]) {
      await refuses(`${header}.${claims}.${encodeBase64url(end)}`);
    }
    const [, , foreign] = proof({ by: keys.EdDSA }).split('.');
    await refuses(`${header}.${claims}.${foreign}`);
  });

  it('[D17] honest: names a replay by key and jti, whatever the text of the signature', async () => {
    const text = proof();
    expect(await verify(mirrorSignature(text))).toEqual(await verify(text));
  });

  it('[D3] refuses a proof without jti, or with an odd one', async () => {
    for (const jti of [undefined, null, '', 7, true, {}, ['x'], 'x'.repeat(257)]) {
      await refuses(proof({ claims: { jti } }));
    }
    for (const jti of ['x', 'x'.repeat(256)]) await accepts(proof({ claims: { jti } }));
  });

  it('[D8] refuses another method', async () => {
    for (const htm of [undefined, null, '', 'get', 'POST', 'GET ', ['GET']]) {
      await refuses(proof({ claims: { htm } }));
    }
    await refuses(proof(), { method: 'POST' });
    await accepts(proof({ claims: { htm: 'POST' } }), { method: 'POST' });
  });

  it('[D9] refuses another target, and one that is no URI', async () => {
    for (const htu of [
      undefined,
      null,
      '',
      7,
      [URL],
      'x',
      `${URL}/x`,
      'http://api.example.com/weather',
      'https://user@api.example.com/weather',
    ]) {
      await refuses(proof({ claims: { htu } }));
    }
    // Where neither is a URI they are not the same.
    await refuses(proof({ claims: { htu: 'x' } }), { url: 'x' });
    await accepts(proof({ claims: { htu: `${URL}?q#f` } }));
    await accepts(proof(), { url: 'HTTPS://API.example.com:443/weather?q' });
  });

  it('[D11, D16] refuses an iat outside of the window, and one that is no number', async () => {
    for (const iat of [undefined, null, '', `${SECONDS}`, [SECONDS], {}, 0, -1]) {
      await refuses(proof({ claims: { iat } }));
    }
    const { dpopPastSeconds: past, dpopFutureSeconds: future } = durations;
    for (const iat of [SECONDS - past, SECONDS, SECONDS + future, SECONDS + 0.5]) {
      await accepts(proof({ claims: { iat } }));
    }
    for (const iat of [SECONDS - past - 1, SECONDS + future + 1, SECONDS + future + 0.001, 1e300]) {
      await refuses(proof({ claims: { iat } }));
    }
    // JSON has no infinity, but a number that overflows to it.
    const sign = signWith(key.privateKey);
    const claims = `{"jti":"x","htm":"GET","htu":"${URL}","iat":1e999}`;
    await refuses(compactJws({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk }, claims, sign));
  });

  it('[D12, D18] refuses a token that the proof does not name', async () => {
    const ath = encodeBase64url(sha256(utf8(TOKEN)));
    for (const odd of [
      undefined,
      null,
      '',
      TOKEN,
      `${ath}=`,
      encodeBase64url(sha256(utf8('other'))),
      [ath],
    ]) {
      await refuses(proof({ claims: { ath: odd } }), { accessToken: TOKEN });
    }
    await accepts(proof({ claims: { ath } }), { accessToken: TOKEN });
    // Where no token is sent, nothing of it is judged.
    await accepts(proof({ claims: { ath: 'x' } }));
  });
});

describe('a nonce of the server', () => {
  let nonces: DpopNonces;
  beforeEach(() => {
    nonces = createDpopNonces(createNonceKeys(new Uint8Array(32), 'https://api.example.com'));
  });

  it('[D10, D21] is asked for where it is missing, old or another', async () => {
    const old = nonces.current(NOW - durations.dpopNonce - durations.dpopNonceStep);
    for (const nonce of [undefined, null, '', 'x', 7, old]) {
      await expect(verify(proof({ claims: { nonce } }), { nonces })).rejects.toMatchObject({
        code: 'use_dpop_nonce',
      });
    }
  });

  it('[D10, D21] honest: is taken while it is fresh or due, and asked of nobody where none is demanded', async () => {
    for (const age of [0, durations.dpopNonceDue]) {
      const nonce = nonces.current(NOW - age);
      await accepts(proof({ claims: { nonce } }), { nonces });
    }
    await accepts(proof({ claims: { nonce: 'x' } }));
    await accepts(proof(), { nonces: undefined });
  });

  it('[D10] is asked for last: whoever is asked has made no other mistake', async () => {
    const other = await createSessionKey('ES256');
    await refuses(proof({ claims: { iat: 0 } }), { nonces });
    await refuses(proof({ by: other, header: { jwk: key.jwk } }), { nonces });
  });
});

describe('headers that are known', () => {
  it('[D14] are those that a signature has proved, and no others', async () => {
    const victim = await createSessionKey('ES256');
    // Sent first by somebody who has only seen the key.
    await refuses(proof({ by: key, header: { jwk: victim.jwk } }));
    await refuses(proof({ by: key, header: { jwk: victim.jwk } }));
    expect((await verify(proof({ by: victim }))).jkt).toBe(victim.jkt);
    await refuses(proof({ by: key, header: { jwk: victim.jwk } }));
  });
});
