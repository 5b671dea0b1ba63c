import { encodeBase64url, sha256, utf8 } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthenticateOptions } from '../../src/index.js';
import { callProtected, proofClaims } from '../harness/dpop-surfaces.js';
import { ISSUER } from '../harness/issuer.js';
import { openSigningKey } from '../harness/signing-key.js';
import { createWatchedIssuer, expectRefused } from '../harness/watched-issuer.js';
import { createWireClient, type WireAnswer, type WireClient } from '../harness/wire-client.js';

const issuer = createWatchedIssuer();
afterAll(() => issuer.verifier.close());

const BAD_PROOF = { status: 401, code: 'invalid_dpop_proof' } as const;
const BAD_TOKEN = { status: 401, code: 'invalid_token' } as const;

interface Caller {
  readonly client: WireClient;
  readonly key: string;
  readonly accessToken: string;
}

async function createCaller(scopes: readonly string[] = ['weather:read']): Promise<Caller> {
  const { apiKey, row } = await issuer.verifier.keys.issue({ scopes });
  const client = await createWireClient(issuer, { apiKey });
  const accessToken: string = (await client.enroll()).body.access_token;
  issuer.secrets.add(apiKey).add(accessToken);
  return { client, key: row.id, accessToken };
}

async function proofOf(caller: Caller, token: string, claims: Record<string, unknown> = {}) {
  const url = `${ISSUER}/weather`;
  const honest = proofClaims({ method: 'GET', url, now: issuer.now(), accessToken: token });
  return caller.client.sessionKey.dpop({ url, claims: { ...honest, ...claims } });
}

/** A protected call with an honest proof but for the changes. */
async function call(
  caller: Caller,
  over: {
    readonly accessToken?: string;
    readonly claims?: Record<string, unknown>;
    readonly authorization?: string | null;
    readonly url?: string;
    readonly prover?: Caller;
    readonly demands?: AuthenticateOptions;
  } = {},
): Promise<WireAnswer> {
  const { accessToken = caller.accessToken, claims, prover = caller, demands } = over;
  const dpop = await proofOf(prover, accessToken, claims);
  const headers = new Headers({ dpop });
  const { authorization = `DPoP ${accessToken}` } = over;
  if (authorization !== null) headers.set('authorization', authorization);
  return callProtected(issuer, { headers, url: over.url ?? '/weather' }, demands);
}

let caller: Caller;
beforeAll(async () => {
  caller = await createCaller();
});

describe('ath', () => {
  it('[D18] refuses a proof without ath', async () => {
    for (const ath of [undefined, null, '', true, [], {}]) {
      await expectRefused(issuer, BAD_PROOF, () => call(caller, { claims: { ath } }));
    }
  });

  it('[D18] refuses the hash of another token, also of the same key', async () => {
    const other: string = (await caller.client.renew(caller.key)).body.access_token;
    const hash = (text: string) => encodeBase64url(sha256(utf8(text)));
    const ath = hash(other);
    await expectRefused(issuer, BAD_PROOF, () => call(caller, { claims: { ath } }));
    for (const text of ['', `DPoP ${caller.accessToken}`, `${caller.accessToken} `]) {
      await expectRefused(issuer, BAD_PROOF, () => call(caller, { claims: { ath: hash(text) } }));
    }
    // The other token with the proof of this one.
    await expectRefused(issuer, BAD_PROOF, () => call(caller, { authorization: `DPoP ${other}` }));
  });

  it('[D18] refuses the hash in another encoding', async () => {
    const digest = Buffer.from(sha256(utf8(caller.accessToken)));
    const honest = digest.toString('base64url');
    const encodings = [
      digest.toString('hex'),
      digest.toString('hex').toUpperCase(),
      digest.toString('base64'),
      `${honest}=`,
      `${honest} `,
      `${honest}A`,
      honest.slice(0, -1),
      honest.toLowerCase(),
      [honest],
      [...digest],
      digest.toString('latin1'),
    ];
    for (const ath of encodings) {
      await expectRefused(issuer, BAD_PROOF, () => call(caller, { claims: { ath } }));
    }
  });

  it('[D18] honest: the base64url hash of this token passes', async () => {
    const ath = encodeBase64url(sha256(utf8(caller.accessToken)));
    expect((await call(caller, { claims: { ath } })).status).toBe(200);
  });
});

describe('the key that a token is bound to', () => {
  let thief: Caller;
  beforeAll(async () => {
    thief = await createCaller();
  });

  it('[D19] refuses the token of one key with a proof of another', async () => {
    await expectRefused(issuer, BAD_PROOF, () => call(caller, { prover: thief }));
    await expectRefused(issuer, BAD_PROOF, () => call(thief, { prover: caller }));
  });

  it('[D19] refuses to revoke the token of another key', async () => {
    await expectRefused(issuer, { ...BAD_PROOF, status: 400 }, () =>
      thief.client.post('/revoke', { token: caller.accessToken }),
    );
  });

  it('[D19] refuses to renew the session of another key', async () => {
    const expected = { status: 400, code: 'invalid_grant' };
    await expectRefused(issuer, expected, () => thief.client.renew(caller.key));
  });

  it('[D19] refuses the nonce of another key at /token', async () => {
    const form = await caller.client.tokenForm(await caller.client.challenge('session'));
    const expected = { status: 400, code: 'invalid_nonce' };
    await expectRefused(issuer, expected, () => thief.client.post('/token', form));
    // Nothing was burnt: its owner can still use it.
    expect((await caller.client.post('/token', form)).status).toBe(200);
  });

  it('[D19] honest: each token passes with its own key', async () => {
    expect((await call(caller)).status).toBe(200);
    expect((await call(thief)).status).toBe(200);
    expect((await caller.client.renew(caller.key)).status).toBe(200);
  });
});

describe('the scheme', () => {
  it('[D20] refuses the token under another scheme', async () => {
    const { accessToken } = caller;
    const headers = [
      `Bearer ${accessToken}`,
      `bearer ${accessToken}`,
      `Basic ${accessToken}`,
      `Token ${accessToken}`,
      `DPoPx ${accessToken}`,
      `DPoP-${accessToken}`,
      `DPoP${accessToken}`,
      accessToken,
      'DPoP',
      'DPoP ',
      `DPoP token=${accessToken}`,
      `DPoP "${accessToken}"`,
      `DPoP ${accessToken} ${accessToken}`,
      `DPoP ${accessToken}, Bearer ${accessToken}`,
      `Bearer ${accessToken}, DPoP ${accessToken}`,
      `DPoP\t${accessToken}`,
    ];
    for (const authorization of headers) {
      const answer = await expectRefused(issuer, BAD_TOKEN, () => call(caller, { authorization }));
      expect(answer.headers.get('www-authenticate')).toMatch(/^DPoP /);
    }
  });

  it('[D20] refuses a token in the query or the body', async () => {
    const { accessToken } = caller;
    const url = `/weather?access_token=${accessToken}`;
    await expectRefused(issuer, BAD_TOKEN, () => call(caller, { authorization: null, url }));
    await expectRefused(issuer, BAD_TOKEN, () =>
      call(caller, { authorization: `Bearer ${accessToken}`, url }),
    );
    const dpop = await proofOf(caller, accessToken, { htm: 'POST' });
    const request = new Request(`${ISSUER}/weather`, {
      method: 'POST',
      headers: { dpop, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ access_token: accessToken }),
    });
    await expectRefused(issuer, BAD_TOKEN, () =>
      callProtected(issuer, { method: 'POST', url: request.url, headers: request.headers }),
    );
  });

  it('[D20] refuses the token alone, without a proof', async () => {
    for (const scheme of ['DPoP', 'Bearer']) {
      const headers = new Headers({ authorization: `${scheme} ${caller.accessToken}` });
      const expected = scheme === 'DPoP' ? BAD_PROOF : BAD_TOKEN;
      await expectRefused(issuer, expected, () => callProtected(issuer, { headers }));
    }
  });

  it('[D20] refuses a token that is bound to no key', async () => {
    const signing = await openSigningKey(issuer);
    const [header, claims] = caller.accessToken
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
    const bound = signing.sign(header, claims);
    expect((await call(caller, { accessToken: bound })).status).toBe(200);
    for (const cnf of [
      undefined,
      null,
      {},
      { jkt: '' },
      { jkt: null },
      'x',
      [],
      { 'x5t#S256': '' },
    ]) {
      const accessToken = signing.sign(header, { ...claims, cnf });
      await expectRefused(issuer, BAD_TOKEN, () => call(caller, { accessToken }));
    }
  });

  it('[D20] honest: the scheme DPoP passes, in any case of its letters', async () => {
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) {
      const authorization = `${scheme} ${caller.accessToken}`;
      expect((await call(caller, { authorization })).status).toBe(200);
    }
    const url = '/weather?access_token=ignored';
    expect((await call(caller, { url })).status).toBe(200);
  });
});

describe('scope', () => {
  const BAD_SCOPE = { status: 400, code: 'invalid_scope' } as const;
  const LACKING = { status: 403, code: 'insufficient_scope' } as const;

  it('[D26] refuses a call that needs a scope which the token lacks', async () => {
    const demanded = [
      'weather:write',
      'weather:read weather:write',
      ['weather:read', 'weather:write'],
    ];
    for (const scope of demanded) {
      const answer = await expectRefused(issuer, LACKING, () =>
        call(caller, { demands: { scope } }),
      );
      expect(answer.headers.get('www-authenticate')).toContain('insufficient_scope');
    }
  });

  it('[D26] refuses a challenge for a scope that does not exist', async () => {
    const { jkt } = caller.client.sessionKey;
    const odd = [
      'admin',
      'weather',
      'weather:read2',
      'weather:*',
      'WEATHER:READ',
      'weather:read  x',
    ];
    for (const scope of [
      ...odd,
      'weather:read\tweather:write',
      ' weather:read',
      'a"b',
      '__proto__',
    ]) {
      await expectRefused(issuer, BAD_SCOPE, () =>
        caller.client.post('/challenge', { purpose: 'session', jkt, scope }, { dpop: null }),
      );
    }
  });

  it('[D26] refuses a token for a scope that the key does not have, after the proof', async () => {
    const challenge = await caller.client.challenge('session', { scope: 'weather:write' });
    const form = await caller.client.tokenForm(challenge);
    await expectRefused(issuer, BAD_SCOPE, () => caller.client.post('/token', form));
    // Without the key one does not learn which scopes it has.
    const expected = { status: 400, code: 'invalid_grant' };
    const other = await createCaller();
    const stolen = await other.client.challenge('session', { scope: 'weather:write' });
    const guess = {
      ...(await other.client.tokenForm(stolen)),
      commitment: caller.client.commitment,
    };
    await expectRefused(issuer, expected, () => other.client.post('/token', guess));
  });

  it('[D26] refuses a form that asks for more than its challenge', async () => {
    const both = await createCaller(['weather:read', 'weather:write']);
    const form = await both.client.tokenForm(await both.client.challenge('session'));
    for (const scope of ['weather:write', 'weather:read weather:write', 'weather:read admin']) {
      await expectRefused(issuer, BAD_SCOPE, () => both.client.post('/token', { ...form, scope }));
    }
    const repeated = { ...form, scope: 'weather:read' };
    const answer = await both.client.post('/token', repeated);
    expect(answer.body.scope).toBe('weather:read');
  });

  it('[D26] refuses an enrolment for a scope that the key does not have', async () => {
    const { apiKey, row } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const client = await createWireClient(issuer, { apiKey });
    const body = await client.enrollBody(
      await client.challenge('enroll', { scope: 'weather:read weather:write' }),
    );
    await expectRefused(issuer, BAD_SCOPE, () => client.post('/enroll', body));
    expect(await issuer.verifier.devices.list(row.account)).toEqual([]);
    expect((await client.enroll()).status).toBe(201);
  });

  it('[D26] refuses a renewal that is wider than its session', async () => {
    const both = await createCaller(['weather:read', 'weather:write']);
    for (const scope of [
      'weather:write',
      'weather:read weather:write',
      'admin',
      'weather:read,x',
    ]) {
      await expectRefused(issuer, BAD_SCOPE, () => both.client.renew(both.key, { scope }));
    }
  });

  it('[D26] refuses a token whose scope was changed after signing', async () => {
    const [header, text = '', signature] = caller.accessToken.split('.');
    const claims = JSON.parse(Buffer.from(text, 'base64url').toString());
    const wider = { ...claims, scope: 'weather:read weather:write' };
    const forged = `${header}.${encodeBase64url(utf8(JSON.stringify(wider)))}.${signature}`;
    await expectRefused(issuer, BAD_TOKEN, () => call(caller, { accessToken: forged }));
  });

  it('[D26] honest: granted scopes pass, in any order and repeated', async () => {
    const both = await createCaller(['weather:read', 'weather:write']);
    const challenge = await both.client.challenge('session', {
      scope: 'weather:write weather:read weather:write',
    });
    const form = await both.client.tokenForm(challenge);
    const answer = await both.client.post('/token', form);
    expect(answer.body.scope).toBe('weather:read weather:write');
    const accessToken: string = answer.body.access_token;
    const demands = { scope: 'weather:write weather:read' };
    expect((await call(both, { accessToken, demands })).status).toBe(200);
    const narrowed = await both.client.renew(both.key, { scope: 'weather:write' });
    expect(narrowed.body.scope).toBe('weather:write');
    // Narrow for one token, not for the session.
    const again = await both.client.renew(both.key);
    expect(again.body.scope).toBe('weather:read weather:write');
    const lacking = { accessToken: narrowed.body.access_token, demands: { scope: 'weather:read' } };
    await expectRefused(issuer, LACKING, () => call(both, lacking));
  });
});
