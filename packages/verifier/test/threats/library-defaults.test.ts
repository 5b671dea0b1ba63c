import { setTimeout as delay } from 'node:timers/promises';
import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compactJws, mirrorSignature, respellings, signWith } from '../harness/compact-jws.js';
import { callProtected, proofClaims, withVaults } from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import { openSigningKey } from '../harness/signing-key.js';
import { createWatchedIssuer, expectRefused, mapStores } from '../harness/watched-issuer.js';
import { createWireClient, type WireClient } from '../harness/wire-client.js';

// Stores that answer a moment later: what looks first and writes afterwards lets two callers through.
const calls: string[] = [];
const issuer = createWatchedIssuer({
  adapt: (stores) =>
    mapStores(withVaults(stores), (method, store, name) => async (...args) => {
      calls.push(`${store}.${name}`);
      await delay(1);
      return method(...args);
    }),
});
afterAll(() => issuer.verifier.close());

const BAD_TOKEN = { status: 401, code: 'invalid_token' } as const;
const BAD_PROOF = { status: 401, code: 'invalid_dpop_proof' } as const;

let client: WireClient;
let key: string;
let accessToken: string;
beforeAll(async () => {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  key = row.id;
  client = await createWireClient(issuer, { apiKey });
  accessToken = (await client.enroll()).body.access_token;
  issuer.secrets.add(apiKey).add(accessToken);
});

const url = `${ISSUER}/weather`;

function makeProof(token = accessToken, header: Record<string, unknown> = {}): string {
  const claims = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken: token });
  const { jwk, privateKey } = client.sessionKey;
  return compactJws(
    { typ: 'dpop+jwt', alg: 'ES256', jwk, ...header },
    claims,
    signWith(privateKey),
  );
}

const call = (headers: Headers) => callProtected(issuer, { headers });
const withToken = (token: string, dpop: string) =>
  new Headers({ authorization: `DPoP ${token}`, dpop });

describe('jose', () => {
  it('[L2] a proof stays the same proof in every text that verifies', async () => {
    const dpop = makeProof();
    expect((await call(withToken(accessToken, dpop))).status).toBe(200);
    const writes = ['replays.record'];
    await expectRefused(issuer, { ...BAD_PROOF, writes }, () =>
      call(withToken(accessToken, mirrorSignature(dpop))),
    );
    // Other spellings of base64url are no proofs at all.
    for (const text of respellings(dpop)) {
      await expectRefused(issuer, BAD_PROOF, () => call(withToken(accessToken, text)));
    }
  });

  it('[L2] honest: two proofs with a jti of their own are two', async () => {
    for (const dpop of [makeProof(), mirrorSignature(makeProof())]) {
      expect((await call(withToken(accessToken, dpop))).status).toBe(200);
    }
  });

  it('[L3] refuses a token that never expires, though its signature is right', async () => {
    const signing = await openSigningKey(issuer);
    const [header, claims] = accessToken
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    for (const claim of ['exp', 'iat', 'aud', 'iss', 'jti', 'sub', 'cnf']) {
      const { [claim]: _, ...rest } = claims;
      const token = signing.sign(header, rest);
      await expectRefused(issuer, BAD_TOKEN, () => call(withToken(token, makeProof(token))));
    }
  });

  it('[L3] refuses a key under a second thumbprint', async () => {
    const { x = '', ...rest } = client.sessionKey.jwk;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet[alphabet.indexOf(x.at(-1) as string) ^ 1];
    const padded = Buffer.concat([Buffer.alloc(1), Buffer.from(x, 'base64url')]);
    for (const spelling of [x.slice(0, -1) + last, `${x}=`, padded.toString('base64url')]) {
      const { crv, kty, y } = rest;
      const members = JSON.stringify({ crv, kty, x: spelling, y });
      const jkt = encodeBase64url(sha256(utf8(members)));
      expect(jkt).not.toBe(client.sessionKey.jkt);
      const jwk = { ...rest, x: spelling };
      await expectRefused(issuer, BAD_PROOF, () =>
        call(withToken(accessToken, makeProof(accessToken, { jwk }))),
      );
      // A nonce for that other thumbprint opens no exchange.
      const challenge = await client.challenge('session', { jkt });
      const claims = proofClaims({
        method: 'POST',
        url: `${issuer.verifier.baseUrl}/vault/open`,
        now: issuer.now(),
      });
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk };
      const dpop = compactJws(header, claims, signWith(client.sessionKey.privateKey));
      const body = { nonce: challenge.nonce, credential: await client.assert(challenge) };
      await expectRefused(issuer, { ...BAD_PROOF, status: 400 }, () =>
        client.post('/vault/open', body, { dpop: null, headers: { dpop } }),
      );
    }
  });

  it('[L3] honest: a complete token passes with the canonical key, its members in any order', async () => {
    const { kty, crv, x, y } = client.sessionKey.jwk;
    const dpop = makeProof(accessToken, { jwk: { y, x, crv, kty } });
    expect((await call(withToken(accessToken, dpop))).status).toBe(200);
  });
});

describe('headers that came twice', () => {
  it('[L5] refuses two DPoP headers, the same or another', async () => {
    for (const [first, second] of [
      [makeProof(), makeProof()],
      [makeProof(), 'x'],
      ['x', makeProof()],
    ] as const) {
      for (const other of [second, first]) {
        const headers = withToken(accessToken, first);
        headers.append('dpop', other);
        await expectRefused(issuer, BAD_PROOF, () => call(headers));
      }
    }
    const headers = { dpop: [await client.sessionKey.dpop({ url }), makeProof()].join(', ') };
    const renewal = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: key };
    await expectRefused(issuer, { ...BAD_PROOF, status: 400 }, () =>
      client.post('/token', renewal, { dpop: null, headers }),
    );
  });

  it('[L5] refuses two Authorization headers', async () => {
    for (const second of [`DPoP ${accessToken}`, `Bearer ${accessToken}`, 'Basic YTpi', '']) {
      const after = withToken(accessToken, makeProof());
      after.append('authorization', second);
      await expectRefused(issuer, BAD_TOKEN, () => call(after));
      const before = new Headers({ dpop: makeProof() });
      before.append('authorization', second);
      before.append('authorization', `DPoP ${accessToken}`);
      await expectRefused(issuer, BAD_TOKEN, () => call(before));
    }
  });

  it('[L5] honest: one of each passes', async () => {
    expect((await call(withToken(accessToken, makeProof()))).status).toBe(200);
  });
});

describe('find, then save', () => {
  it('[L7] a replay is judged by one atomic command', async () => {
    const dpop = makeProof();
    calls.length = 0;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => call(withToken(accessToken, dpop))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const replays = calls.filter((name) => name.startsWith('replays.'));
    expect(replays).toEqual(Array.from({ length: 50 }, () => 'replays.record'));
  });

  it('[L7] a nonce is consumed by one atomic command', async () => {
    const challenge = await client.challenge('session');
    const body = { nonce: challenge.nonce, credential: await client.assert(challenge) };
    calls.length = 0;
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => client.post('/vault/open', body)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body: problem } of answers.filter(({ status }) => status !== 200)) {
      expect({ status, code: problem.code }).toEqual({ status: 400, code: 'invalid_nonce' });
    }
    const consumed = calls.filter((name) => name.startsWith('nonces.'));
    expect(consumed).toEqual(Array.from({ length: 50 }, () => 'nonces.consume'));
  });

  it('[L7] of parallel tokens for one nonce exactly one is issued', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const before = issuer.events.filter(({ type }) => type === 'token_issued').length;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.post('/token', form)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const after = issuer.events.filter(({ type }) => type === 'token_issued').length;
    expect(after - before).toBe(1);
  });

  it('[L7] honest: parallel requests that differ all pass', async () => {
    const proofs = Array.from({ length: 20 }, () => makeProof());
    const answers = await Promise.all(proofs.map((dpop) => call(withToken(accessToken, dpop))));
    expect(answers.map(({ status }) => status)).toEqual(proofs.map(() => 200));
    const challenge = await client.challenge('session');
    const body = { nonce: challenge.nonce, credential: await client.assert(challenge) };
    expect((await client.post('/vault/open', body)).status).toBe(200);
  });
});
