import { encodeBase64url } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DpopSurface, prepareSurfaces, withVaults } from '../harness/dpop-surfaces.js';
import { createIssuer, ISSUER, ORIGIN } from '../harness/issuer.js';
import {
  createWatchedIssuer,
  expectRefused,
  type WatchedIssuer,
} from '../harness/watched-issuer.js';
import { createWireClient, send } from '../harness/wire-client.js';

// RFC 9449 sections 8 and 9: nonces of the server, at every place that takes a proof.

const issuer = createWatchedIssuer({ adapt: withVaults, dpopNonces: 'required' });
const other = createIssuer({ issuer: `${ISSUER}/other`, audience: ISSUER, dpopNonces: 'required' });
afterAll(async () => {
  await issuer.verifier.close();
  await other.verifier.close();
});

/** The nonce that an issuer gives out now. */
async function giveNonce(from: Pick<WatchedIssuer, 'verifier' | 'now'> = issuer): Promise<string> {
  const url = `${from.verifier.baseUrl}/revoke`;
  const { headers } = await send(from as WatchedIssuer, new Request(url, { method: 'POST' }));
  const nonce = headers.get('dpop-nonce');
  if (nonce === null) throw new Error('no nonce');
  return nonce;
}

let places: readonly DpopSurface[] = [];
beforeAll(async () => {
  places = await prepareSurfaces(issuer);
});

/** The refusal that asks for a repetition: it leaves no trace and gives a nonce. */
async function asksForNonce(place: DpopSurface, dpop: string) {
  const status = place.name === 'protected call' ? 401 : 400;
  const expected = { status, code: 'use_dpop_nonce' };
  const answer = await expectRefused(issuer, expected, () => place.submit(dpop));
  expect(answer.headers.get('dpop-nonce')).toBe(await giveNonce());
  expect(answer.headers.get('cache-control')).toBe('no-store');
  if (place.name === 'protected call' || answer.body.error !== undefined) {
    expect(answer.body.error).toBe('use_dpop_nonce');
    expect(answer.headers.get('www-authenticate')).toContain('error="use_dpop_nonce"');
  }
  return answer;
}

describe('a server that demands nonces', () => {
  it('[D21] asks for its nonce where a proof has none, an odd one or one of somebody else', async () => {
    const foreign = await giveNonce(other);
    const text = new Set<string>();
    for (const place of places) {
      const own = await giveNonce();
      const hostile: unknown[] = [
        undefined,
        null,
        '',
        0,
        true,
        [own],
        { nonce: own },
        `${own}A`,
        own.slice(1),
        ` ${own}`,
        own.toLowerCase(),
        'A'.repeat(22),
        'A'.repeat(600),
        encodeBase64url(new Uint8Array(16)),
        foreign,
      ];
      for (const nonce of hostile) {
        const answer = await asksForNonce(place, place.proof({ claims: { nonce } }));
        // The place decides on status and `error`, nothing of the nonce does.
        text.add(JSON.stringify({ ...answer.body, status: undefined, error: undefined }));
      }
    }
    // Missing, stale and forged look alike.
    expect(text.size).toBe(1);
  });

  it('[D21] asks for a newer nonce when one is stale, and takes none from a time to come', async () => {
    const stale = await giveNonce();
    issuer.offset += 4 * 60_000;
    for (const place of places) {
      await asksForNonce(place, place.proof({ claims: { nonce: stale } }));
    }
    issuer.offset += 10 * 60_000;
    const future = await giveNonce();
    issuer.offset = 0;
    for (const place of places) {
      await asksForNonce(place, place.proof({ claims: { nonce: future } }));
    }
  });

  it('[D21] a nonce mends no other fault of a proof', async () => {
    for (const place of places) {
      const nonce = await giveNonce();
      await place.refuses(place.proof({ claims: { nonce, htm: 'PUT' } }));
      await place.refuses(place.proof({ claims: { nonce, iat: 1 } }));
      await place.refuses(place.proof({ claims: { nonce }, signer: () => new Uint8Array(64) }));
    }
  });

  it('[D21] honest: the same requests pass with the nonce that the refusal gave', async () => {
    for (const place of places) {
      const refused = await asksForNonce(place, place.proof());
      const nonce = refused.headers.get('dpop-nonce');
      const answer = await place.accepts(place.proof({ claims: { nonce } }));
      // It is fresh: the answer need not give another.
      expect(answer.headers.get('dpop-nonce')).toBeNull();
    }
  });

  it('[D21] a nonce is no licence to use a proof twice', async () => {
    const fresh = await prepareSurfaces(issuer);
    const call = fresh.find(({ name }) => name === 'protected call') as DpopSurface;
    const dpop = call.proof({ claims: { nonce: await giveNonce() } });
    await call.accepts(dpop);
    const refusal = { status: 401, code: 'invalid_dpop_proof', writes: ['replays.record'] };
    await call.refuses(dpop, refusal);
  });

  it('[D21] honest: one nonce serves several proofs; a newer one comes before it ends', async () => {
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(issuer, { apiKey });
    expect((await client.enroll()).status).toBe(201);
    issuer.standing = Date.now();
    const nonce = await giveNonce();
    const given: (string | null)[] = [];
    for (const seconds of [0, 30, 90, 170]) {
      issuer.offset = seconds * 1000;
      const answer = await client.post(
        '/token',
        { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: row.id },
        { dpop: { claims: { nonce } } },
      );
      expect(answer.status).toBe(200);
      given.push(answer.headers.get('dpop-nonce'));
      const accessToken = answer.body.access_token as string;
      const url = `${ISSUER}/weather`;
      const fields = { method: 'GET', url, accessToken, now: issuer.now(), claims: { nonce } };
      const dpop = await client.sessionKey.dpop(fields);
      const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
      const caller = await issuer.verifier.authenticate({ method: 'GET', url, headers });
      expect(issuer.verifier.answerHeaders(caller)).toEqual(
        given.at(-1) === null ? {} : { 'dpop-nonce': given.at(-1) },
      );
    }
    issuer.offset = 0;
    issuer.standing = undefined;
    expect(given[0]).toBeNull();
    expect(given[2]).not.toBeNull();
    expect(given[3]).not.toBeNull();
    expect(given).not.toContain(nonce);
  });

  it('[D21] honest: instances with one secret take each other’s nonces, also with clocks that differ', async () => {
    const twin = createWatchedIssuer({ instanceOf: issuer, dpopNonces: 'required' });
    for (const offset of [-45_000, 0, 45_000]) {
      twin.offset = offset;
      const nonce = await giveNonce(twin);
      const [call] = await prepareSurfaces(issuer);
      await call?.accepts(call.proof({ claims: { nonce } }));
    }
    await twin.verifier.close();
  });

  it('a page may read the nonce; a challenge gives one in advance; documents give none', async () => {
    const origin = { origin: ORIGIN };
    const url = `${issuer.verifier.baseUrl}/token`;
    const answer = await send(issuer, new Request(url, { method: 'POST', headers: origin }));
    expect(answer.headers.get('access-control-expose-headers')).toContain('DPoP-Nonce');
    const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(issuer, { apiKey });
    const challenge = await client.post(
      '/challenge',
      { purpose: 'session', jkt: client.sessionKey.jkt, scope: '' },
      { dpop: null },
    );
    expect(challenge.headers.get('dpop-nonce')).toBe(await giveNonce());
    const jwks = await client.get('/pzk/jwks.json', {});
    expect(jwks.headers.get('dpop-nonce')).toBeNull();
  });
});

describe('the option', () => {
  it('is off by default, and refuses what it does not know', async () => {
    expect(() => createIssuer({ dpopNonces: 'on' as 'off' })).toThrow(TypeError);
    const plain = createIssuer();
    const { apiKey } = await plain.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(plain, { apiKey });
    const answer = await client.enroll();
    expect(answer.status).toBe(201);
    expect(answer.headers.get('dpop-nonce')).toBeNull();
    await plain.verifier.close();
  });
});
