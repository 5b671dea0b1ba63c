import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryStores, type PzkSession, type VerifierOptions } from '../../src/index.js';
import { compactJws, mirrorSignature, signWith } from '../harness/compact-jws.js';
import {
  callProtected,
  type DpopSurface,
  prepareSurfaces,
  proofClaims,
  withVaults,
} from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import {
  createWatchedIssuer,
  expectRefused,
  mapStores,
  type WatchedIssuer,
} from '../harness/watched-issuer.js';
import { createWireClient, type WireAnswer, type WireClient } from '../harness/wire-client.js';

const REFUSED = { status: 401, code: 'invalid_dpop_proof' } as const;

interface Caller {
  readonly client: WireClient;
  readonly key: string;
  readonly accessToken: string;
  proof(claims?: Record<string, unknown>): Promise<string>;
  call(dpop: string, at?: WatchedIssuer): Promise<WireAnswer>;
}

async function createCaller(issuer: WatchedIssuer): Promise<Caller> {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey });
  const accessToken: string = (await client.enroll()).body.access_token;
  const url = `${ISSUER}/weather`;
  return {
    client,
    key: row.id,
    accessToken,
    proof: (claims = {}) => {
      const honest = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken });
      return client.sessionKey.dpop({ url, claims: { ...honest, ...claims } });
    },
    call: (dpop, at = issuer) => {
      const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop });
      return callProtected(at, { headers });
    },
  };
}

/** A clock that stands still until a test moves it. */
function createStoppedClock() {
  const clock = { now: 1_800_000_000_000 };
  const read = () => clock.now;
  const options: Partial<VerifierOptions> = { clock: read };
  return { clock, options, adapt: () => memoryStores({ clock: read }) };
}

describe('the window of iat', () => {
  const { clock, options, adapt } = createStoppedClock();
  const issuer = createWatchedIssuer({ ...options, adapt: () => withVaults(adapt()) });
  // The harness reads the time of the issuer.
  Object.assign(issuer, { now: () => clock.now });
  let places: readonly DpopSurface[] = [];
  beforeAll(async () => {
    places = await prepareSurfaces(issuer);
  });
  afterAll(() => issuer.verifier.close());

  it('[D16] refuses a proof of more than 60 s ago or more than 5 s ahead', async () => {
    const now = clock.now / 1000;
    for (const place of places) {
      for (const iat of [now - 61, now - 60.001, now + 5.001, now + 6, -now, now * 1000]) {
        await place.refuses(place.proof({ claims: { iat } }));
      }
    }
  });

  it('[D16] refuses an iat that is no finite number', async () => {
    const now = clock.now / 1000;
    for (const place of places) {
      for (const iat of [String(now), [now], { now }, null, true, undefined]) {
        await place.refuses(place.proof({ claims: { iat } }));
      }
      const honest = place.proof().split('.')[1] as string;
      const text = Buffer.from(honest, 'base64url').toString();
      // Infinity, which JSON has no other word for.
      const claims = text.replace(`"iat":${now}`, '"iat":1e999');
      expect(claims).not.toBe(text);
      const key = place.sessionKey;
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: key.jwk };
      await place.refuses(compactJws(header, claims, signWith(key.privateKey)));
    }
  });

  it('[D16] honest: both edges of the window pass', async () => {
    const now = clock.now / 1000;
    for (const [index, place] of places.entries()) {
      await place.accepts(place.proof({ claims: { iat: index % 2 === 0 ? now - 60 : now + 5 } }));
    }
  });
});

describe('replay of a jti', () => {
  // A store that takes a moment lets any find-then-save show.
  const issuer = createWatchedIssuer({
    adapt: (stores) =>
      mapStores(stores, (method, store) =>
        store === 'replays'
          ? async (...args) => {
              await delay(1);
              return method(...args);
            }
          : method,
      ),
  });
  const second = createWatchedIssuer({ instanceOf: issuer });
  let caller: Caller;
  beforeAll(async () => {
    caller = await createCaller(issuer);
  });
  afterAll(() => Promise.all([issuer.verifier.close(), second.verifier.close()]));

  const recorded = { ...REFUSED, writes: ['replays.record'] };

  it('[D17] refuses a proof that was used on a protected call', async () => {
    const dpop = await caller.proof();
    expect((await caller.call(dpop)).status).toBe(200);
    for (let turn = 0; turn < 3; turn++) {
      await expectRefused(issuer, recorded, () => caller.call(dpop));
    }
  });

  it('[D17, L2] refuses the same jti in another text of the proof', async () => {
    const dpop = await caller.proof();
    expect((await caller.call(dpop)).status).toBe(200);
    await expectRefused(issuer, recorded, () => caller.call(mirrorSignature(dpop)));
    // The same jti signed again is no new proof either.
    const { jti } = JSON.parse(Buffer.from(dpop.split('.')[1] ?? '', 'base64url').toString());
    const again = await caller.proof({ jti });
    await expectRefused(issuer, recorded, () => caller.call(again));
  });

  it('[D17] of 200 parallel calls with one proof exactly one is accepted', async () => {
    const dpop = await caller.proof();
    const answers = await Promise.all(Array.from({ length: 200 }, () => caller.call(dpop)));
    const accepted = answers.filter(({ status }) => status === 200);
    expect(accepted).toHaveLength(1);
    const codes = answers.filter(({ status }) => status !== 200).map(({ body }) => body.code);
    expect(new Set(codes)).toEqual(new Set(['invalid_dpop_proof']));
  });

  it('[D17] of parallel calls at two instances exactly one is accepted', async () => {
    const dpop = await caller.proof();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => caller.call(dpop, index % 2 ? issuer : second)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await expectRefused(second, recorded, () => caller.call(dpop, second));
    await expectRefused(issuer, recorded, () => caller.call(dpop));
  });

  it('[D17] refuses a proof that was used for a renewal', async () => {
    const { client, key } = caller;
    const url = `${issuer.verifier.baseUrl}/token`;
    const dpop = await client.sessionKey.dpop({ url, now: issuer.now() });
    const renew = () =>
      client.post(
        '/token',
        { grant_type: 'urn:pzk-auth:grant-type:renew', client_id: key },
        { dpop: null, headers: { dpop } },
      );
    const answers = await Promise.all(Array.from({ length: 20 }, renew));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await expectRefused(issuer, { ...recorded, status: 400 }, renew);
  });

  it('[D17] refuses a proof that was used for a revocation', async () => {
    const { client, accessToken } = await createCaller(issuer);
    const url = `${issuer.verifier.baseUrl}/revoke`;
    const dpop = await client.sessionKey.dpop({ url, now: issuer.now() });
    const revoke = () =>
      client.post('/revoke', { token: accessToken }, { dpop: null, headers: { dpop } });
    expect((await revoke()).status).toBe(200);
    await expectRefused(issuer, { ...recorded, status: 400 }, revoke);
  });

  it('[D17] honest: proofs with a jti of their own pass, also in parallel and at both', async () => {
    const proofs = await Promise.all(Array.from({ length: 20 }, () => caller.proof()));
    const answers = await Promise.all(
      proofs.map((dpop, index) => caller.call(dpop, index % 2 ? issuer : second)),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const session: PzkSession = answers[0]?.body;
    expect(session.key).toBe(caller.key);
  });

  it('[D17] honest: another client may choose the same jti', async () => {
    const other = await createCaller(issuer);
    const claims = { jti: 'chosen-by-both' };
    expect((await caller.call(await caller.proof(claims))).status).toBe(200);
    expect((await other.call(await other.proof(claims))).status).toBe(200);
  });
});

describe('replay at the edge of the window', () => {
  const { clock, options, adapt } = createStoppedClock();
  const issuer = createWatchedIssuer({ ...options, adapt });
  Object.assign(issuer, { now: () => clock.now });
  afterAll(() => issuer.verifier.close());

  it('[D17] remembers a jti for as long as its proof could be fresh', async () => {
    const caller = await createCaller(issuer);
    const issued = clock.now;
    // The longest life that a proof can have: dated ahead as far as allowed.
    const dpop = await caller.proof({ iat: issued / 1000 + 5 });
    expect((await caller.call(dpop)).status).toBe(200);
    for (const later of [0, 1, 59_999, 60_000, 64_999, 65_000]) {
      clock.now = issued + later;
      const writes = ['replays.record'];
      await expectRefused(issuer, { ...REFUSED, writes }, () => caller.call(dpop));
    }
    clock.now = issued + 65_001;
    await expectRefused(issuer, REFUSED, () => caller.call(dpop));
    clock.now = issued + 3_600_000;
    await expectRefused(issuer, { ...REFUSED, code: 'invalid_token' }, () => caller.call(dpop));
  });

  it('[D17] honest: a proof that waited until the last moment passes once', async () => {
    const caller = await createCaller(issuer);
    const dpop = await caller.proof({ iat: clock.now / 1000 + 5 });
    clock.now += 65_000;
    expect((await caller.call(dpop)).status).toBe(200);
  });
});
