import { randomBytes } from 'node:crypto';
import { labels, lp } from '@pzk-auth/protocol';
import { compactDecrypt, generateSecret, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVerifier, memoryStores, type Stores } from '../../src/index.js';
import { createIssuer, ISSUER, ORIGIN, RP_ID, type TestIssuer } from '../harness/issuer.js';
import { mapStores } from '../harness/watched-issuer.js';
import { call, createWireClient, type WireClient } from '../harness/wire-client.js';

/** Everything that was ever given to a store, durable and short-lived: more than any dump could hold. */
const written: unknown[] = [];
const secret = Uint8Array.from(randomBytes(32));
const SCOPES = { scopes: ['weather:read'] };

let stores: Stores;
let issuer: TestIssuer;
let client: WireClient;
let apiKey: string;
let keyId: string;
let account: string;
let token: string;
let nonce: string;

beforeAll(async () => {
  stores = mapStores(memoryStores(), (method, store, name) => (...args) => {
    written.push([store, name, args]);
    return method(...args);
  });
  issuer = createIssuer({ stores, secret });
  const issued = await issuer.verifier.keys.issue(SCOPES);
  apiKey = issued.apiKey;
  keyId = issued.row.id;
  account = issued.row.account;
  client = await createWireClient(issuer, { apiKey });
  await client.enroll();
  const challenge = await client.challenge('session');
  nonce = challenge.nonce;
  const answer = await client.post('/token', await client.tokenForm(challenge));
  token = answer.body.access_token;
  expect((await client.renew(keyId)).status).toBe(200);
  await call(issuer, client, token);
});
afterAll(() => issuer.verifier.close());

const dump = () => JSON.stringify(written);

/** The spellings in which a text could lie about. */
function spellings(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  return [
    text,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}

describe('whoever has all that the stores ever held', () => {
  it('[H10] honest: has what the issuer needs to serve', () => {
    for (const text of [client.commitment, keyId, account, client.sessionKey.jkt]) {
      expect(dump()).toContain(text);
    }
  });

  it('[H10] finds no API key, no token, no secret of the deployment', () => {
    const text = dump();
    const random = apiKey.slice(apiKey.indexOf('_') + 1);
    const signature = token.split('.')[2] ?? '';
    const raw = [...secret].join(',');
    for (const value of [apiKey, random, token, signature, raw]) {
      for (const spelling of spellings(value)) expect(text).not.toContain(spelling);
    }
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const spelling = Buffer.from(secret).toString(encoding).replace(/=+$/, '');
      expect(text).not.toContain(spelling);
    }
  });

  it('[H10] cannot run an issuer on it: the signing keys do not open with another secret', async () => {
    const thief = createIssuer({ stores, secret: Uint8Array.from(randomBytes(32)) });
    await expect(thief.verifier.ready()).rejects.toMatchObject({ code: 'not_ready' });
    await thief.verifier.close();
    const [row] = await stores.signingKeys.list();
    const guesses = [ISSUER, account, keyId, row?.kid ?? ''].map((text) =>
      Uint8Array.from(Buffer.from(text.padEnd(32, '0').slice(0, 32))),
    );
    const info = Uint8Array.from(lp(labels.keyWrap, ISSUER)).slice(0, 32);
    for (const guess of [...guesses, info, new Uint8Array(32)]) {
      await expect(compactDecrypt(row?.wrapped ?? '', guess)).rejects.toThrow();
    }
  });

  it('[H10] mints no token from rows, ids and the public keys', async () => {
    const [row] = await stores.signingKeys.list();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const header = { typ: 'at+jwt', kid: row?.kid ?? '' };
    const own = await generateSecret('HS256', { extractable: true });
    const forged = [
      await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(own),
      await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(Buffer.from(row?.wrapped ?? '')),
      await new SignJWT(claims)
        .setProtectedHeader({ ...header, alg: 'ES256' })
        .sign(client.sessionKey.privateKey),
    ];
    for (const text of forged) {
      await expect(call(issuer, client, text)).rejects.toMatchObject({ code: 'invalid_token' });
    }
  });

  it('[H10] makes no nonce, and the old ones are used', async () => {
    const form = await client.tokenForm(await client.challenge('session'));
    const epoch = await stores.nonces.epoch();
    for (const made of [
      nonce,
      Buffer.from(`${epoch}${nonce}`).toString('base64url').slice(0, 400),
    ]) {
      const answer = await client.post('/token', { ...form, nonce: made });
      // Of the old one already the proof is of another exchange.
      expect(['invalid_nonce', 'invalid_grant']).toContain(answer.body.code);
    }
  });

  it('[H10] renews no session without its key, though all of its row is known', async () => {
    const { sessionKey } = await createWireClient(issuer, { apiKey: `pzk_${'c'.repeat(49)}` });
    const form = { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: keyId };
    const answer = await client.post('/token', form, { sessionKey });
    expect(answer.body.code).toBe('invalid_grant');
  });

  it('[H10] gets no token for the commitment and the device that are known', async () => {
    // A customer as well, with a device that is good for an own key.
    const own = await issuer.verifier.keys.issue(SCOPES);
    const thief = await createWireClient(issuer, { apiKey: own.apiKey });
    expect((await thief.enroll()).status).toBe(201);
    const form = await thief.tokenForm(await thief.challenge('session'));
    const answer = await thief.post('/token', { ...form, commitment: client.commitment });
    expect(answer.body.code).toBe('invalid_grant');
  });

  it('[H10] another issuer on a copy of the rows issues nothing that this one takes', async () => {
    const copy = memoryStores();
    const row = await stores.keys.get(keyId);
    const owner = await stores.accounts.get(account);
    if (row === undefined || owner === undefined) throw new Error('The rows are missing.');
    await copy.accounts.insert(owner);
    await copy.keys.insert(row);
    const thief = createVerifier({
      issuer: ISSUER,
      audience: ISSUER,
      rpId: RP_ID,
      origins: [ORIGIN],
      scopes: ['weather:read'],
      stores: copy,
    });
    const there: TestIssuer = {
      verifier: thief,
      stores: copy,
      events: [],
      offset: 0,
      now: Date.now,
    };
    // Even with the key: what the copy signs has a kid that the real one does not know.
    const guest = await createWireClient(there, { apiKey });
    const { body } = await guest.enroll();
    await expect(call(there, guest, body.access_token)).resolves.toMatchObject({ key: keyId });
    await expect(call(issuer, guest, body.access_token)).rejects.toMatchObject({
      code: 'invalid_token',
    });
    await thief.close();
  });
});
