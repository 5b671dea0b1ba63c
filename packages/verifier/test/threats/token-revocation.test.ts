import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { PzkSession } from '../../src/index.js';
import { mirrorSignature, respellings } from '../harness/compact-jws.js';
import { callProtected, proofClaims } from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import {
  createWatchedIssuer,
  expectRefused,
  mapStores,
  type WatchedIssuer,
} from '../harness/watched-issuer.js';
import { createWireClient, type WireAnswer, type WireClient } from '../harness/wire-client.js';

// Stores that take a moment, a different one each time, so that calls and revocations interleave. To
// record a revocation takes longest: whoever acknowledges it earlier lets calls through.
let turn = 0;
const issuer = createWatchedIssuer({
  adapt: (stores) =>
    mapStores(stores, (method, store, name) => {
      const record = store === 'revocations' && name === 'revoke';
      if (store !== 'revocations' && store !== 'replays' && store !== 'sessions') return method;
      return async (...args) => {
        await delay(record ? 30 : turn++ % 3);
        return method(...args);
      };
    }),
});
const second = createWatchedIssuer({ instanceOf: issuer });
afterAll(() => Promise.all([issuer.verifier.close(), second.verifier.close()]));

const BAD_TOKEN = { status: 401, code: 'invalid_token' } as const;

interface Caller {
  readonly client: WireClient;
  readonly accessToken: string;
  readonly session: PzkSession;
}

async function call(client: WireClient, token: string, at: WatchedIssuer = issuer) {
  const url = `${ISSUER}/weather`;
  const claims = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken: token });
  const dpop = await client.sessionKey.dpop({ url, claims });
  return callProtected(at, { headers: new Headers({ authorization: `DPoP ${token}`, dpop }) });
}

async function createCaller(): Promise<Caller> {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const accessToken: string = (await client.enroll()).body.access_token;
  issuer.secrets.add(apiKey).add(accessToken);
  const answer = await call(client, accessToken);
  expect(answer.status).toBe(200);
  return { client, accessToken, session: answer.body };
}

type Revoke = (caller: Caller) => Promise<unknown>;

const revocations: Readonly<Record<string, Revoke>> = {
  token: ({ session }) => issuer.verifier.tokens.revoke(session.jti),
  key: ({ session }) => issuer.verifier.keys.revoke(session.key),
  device: ({ session }) => issuer.verifier.devices.revoke(session.device),
  account: ({ session }) => issuer.verifier.accounts.revoke(session.account),
  sign_out: async ({ client, accessToken }) => {
    const answer = await client.post('/revoke', { token: accessToken });
    expect(answer.status).toBe(200);
  },
};

describe('a revoked token in another text', () => {
  it('[D27, L2] refuses it with the mirrored signature', async () => {
    const caller = await createCaller();
    const mirrored = mirrorSignature(caller.accessToken);
    // Valid as a signature: before the revocation the other text is the same token.
    expect(mirrored).not.toBe(caller.accessToken);
    const before = await call(caller.client, mirrored);
    expect(before.body.jti).toBe(caller.session.jti);
    await issuer.verifier.tokens.revoke(caller.session.jti);
    for (const text of [caller.accessToken, mirrored]) {
      await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, text));
      await expectRefused(second, BAD_TOKEN, () => call(caller.client, text, second));
    }
  });

  it('[D27, L2] refuses it in other spellings of base64url', async () => {
    const caller = await createCaller();
    await issuer.verifier.tokens.revoke(caller.session.jti);
    const { accessToken } = caller;
    const [header = '', claims = '', signature = ''] = accessToken.split('.');
    const texts = [
      ...respellings(accessToken),
      ...respellings(mirrorSignature(accessToken)),
      `${header}=.${claims}.${signature}`,
      `${header}.${claims}=.${signature}`,
      `${header}.${claims}.${signature.replaceAll('-', '+').replaceAll('_', '/')}`,
      `${accessToken}.`,
    ];
    expect(texts.length).toBeGreaterThan(30);
    for (const text of texts) {
      await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, text));
    }
  });

  it('[D27] revoking another text of a token revokes the token', async () => {
    const caller = await createCaller();
    const token = mirrorSignature(caller.accessToken);
    expect((await caller.client.post('/revoke', { token })).status).toBe(200);
    await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, caller.accessToken));
    await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, token));
  });

  it('[D27, L2] honest: the tokens of another session of the same key pair still pass', async () => {
    const caller = await createCaller();
    const other: string = (await caller.client.token()).body.access_token;
    await issuer.verifier.tokens.revoke(caller.session.jti);
    const answer = await call(caller.client, other);
    expect(answer.status).toBe(200);
    expect(answer.body.jti).not.toBe(caller.session.jti);
  });
});

describe('revocation against calls in flight', () => {
  for (const [kind, revoke] of Object.entries(revocations)) {
    it(`[D28] no call that starts after the revocation (${kind}) is accepted`, async () => {
      const caller = await createCaller();
      const bystander = await createCaller();
      const early: Promise<WireAnswer>[] = [];
      const late: Promise<WireAnswer>[] = [];
      let revoked = false;
      const pump = (async () => {
        for (let index = 0; late.length < 20; index++) {
          const at = index % 2 === 0 ? issuer : second;
          (revoked ? late : early).push(call(caller.client, caller.accessToken, at));
          await delay(1);
        }
      })();
      await delay(10);
      await revoke(caller);
      revoked = true;
      await pump;

      const answers = await Promise.all(late);
      for (const answer of answers) {
        expect({ status: answer.status, code: answer.body.code }).toEqual(BAD_TOKEN);
      }
      // Whatever was in flight was decided one way or the other, uniformly.
      for (const { status, body } of await Promise.all(early)) {
        if (status !== 200) expect({ status, code: body.code }).toEqual(BAD_TOKEN);
      }
      await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, caller.accessToken));
      await expectRefused(second, BAD_TOKEN, () => call(caller.client, caller.accessToken, second));
      expect((await call(bystander.client, bystander.accessToken)).status).toBe(200);
    });
  }

  for (const kind of ['key', 'device', 'account', 'sign_out'] as const) {
    it(`[D28] no renewal that starts after the revocation (${kind}) is granted`, async () => {
      const caller = await createCaller();
      const bystander = await createCaller();
      const renew = () => caller.client.renew(caller.session.key);
      const early = Promise.all([renew(), renew(), renew()]);
      await revocations[kind]?.(caller);
      await early;
      await expectRefused(issuer, { status: 400, code: 'invalid_grant' }, renew);
      expect((await bystander.client.renew(bystander.session.key)).status).toBe(200);
    });
  }

  for (const kind of ['key', 'device', 'account'] as const) {
    it(`[D28] a token granted while its ${kind} was being revoked is revoked too`, async () => {
      const caller = await createCaller();
      const renewals = [0, 1, 2, 3].map(() => caller.client.renew(caller.session.key));
      await revocations[kind]?.(caller);
      const tokens = (await Promise.all(renewals))
        .filter(({ status }) => status === 200)
        .map(({ body }) => body.access_token as string);
      for (const token of [caller.accessToken, ...tokens]) {
        await expectRefused(issuer, BAD_TOKEN, () => call(caller.client, token));
      }
    });
  }

  it('[D28] honest: calls in flight pass while another account is revoked', async () => {
    const caller = await createCaller();
    const other = await createCaller();
    const calls = Array.from({ length: 20 }, () => call(caller.client, caller.accessToken));
    await issuer.verifier.accounts.revoke(other.session.account);
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});
