import type { AuthenticatorTampering } from '@pzk-auth/client/testing';
import { sha256, utf8, webauthnChallenge } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withVaults } from '../harness/dpop-surfaces.js';
import { ORIGIN } from '../harness/issuer.js';
import { createSessionKey } from '../harness/session-key.js';
import { createWatchedIssuer, expectRefused, type Refusal } from '../harness/watched-issuer.js';
import { createWireClient, type WireClient } from '../harness/wire-client.js';

// Each lie at an enrolment costs a proof, and proofs are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const issuer = createWatchedIssuer({ adapt: withVaults });
const strict = createWatchedIssuer({ allowSyncedPasskeys: false });
afterAll(() => Promise.all([issuer.verifier.close(), strict.verifier.close()]));

const REFUSED: Refusal = { status: 400, code: 'invalid_grant' };

async function createClient(
  at = issuer,
  authenticator: Parameters<typeof createWireClient>[1]['authenticator'] = {},
): Promise<WireClient> {
  const { apiKey } = await at.verifier.keys.issue({ scopes: ['weather:read'] });
  at.secrets.add(apiKey);
  return createWireClient(at, { apiKey, authenticator });
}

async function enrolled(): Promise<WireClient> {
  const client = await createClient();
  expect((await client.enroll()).status).toBe(201);
  return client;
}

/** Runs a ceremony under a lie and ends it. */
async function lying<T>(
  client: WireClient,
  tamper: AuthenticatorTampering,
  run: () => Promise<T>,
): Promise<T> {
  client.authenticator.configure({ tamper });
  try {
    return await run();
  } finally {
    client.authenticator.configure({ tamper: {} });
  }
}

/** Lies in one of the two ceremonies of an enrolment. */
async function enrollLying(
  client: WireClient,
  ceremony: 'create' | 'get',
  tamper: AuthenticatorTampering,
) {
  const challenge = await client.challenge('enroll');
  // The prompt comes before the authenticator writes its answer.
  client.authenticator.configure({
    onUserPrompt: (current) =>
      client.authenticator.configure({ tamper: current === ceremony ? tamper : {} }),
  });
  try {
    return await client.enrollBody(challenge);
  } finally {
    client.authenticator.configure({ tamper: {}, onUserPrompt: () => {} });
  }
}

/**
 * Demands that a lie of the authenticator is refused wherever an assertion or registration is taken,
 * though all else fits it: nonce, session key and proof. Then the same nonces pass without the lie.
 */
async function refusesEverywhere(lies: readonly AuthenticatorTampering[]) {
  const client = await enrolled();
  const challenge = await client.challenge('session');
  const form = await client.tokenForm(challenge);
  const opening = await client.challenge('session');
  for (const lie of lies) {
    const credential = await lying(client, lie, () => client.assert(challenge));
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...form, credential: JSON.stringify(credential) }),
    );
    const reading = await lying(client, lie, () => client.assert(opening));
    await expectRefused(issuer, REFUSED, () =>
      client.post('/vault/open', { nonce: opening.nonce, credential: reading }),
    );
  }
  await refusesAtEnrollment(lies, ['create', 'get']);
  const credential = JSON.stringify(await client.assert(challenge));
  expect((await client.post('/token', { ...form, credential })).status).toBe(200);
  const reading = { nonce: opening.nonce, credential: await client.assert(opening) };
  expect((await client.post('/vault/open', reading)).status).toBe(200);
}

async function refusesAtEnrollment(
  lies: readonly AuthenticatorTampering[],
  ceremonies: readonly ('create' | 'get')[],
) {
  const client = await createClient();
  for (const lie of lies) {
    for (const ceremony of ceremonies) {
      const body = await enrollLying(client, ceremony, lie);
      await expectRefused(issuer, REFUSED, () => client.post('/enroll', body));
    }
  }
  expect((await client.enroll()).status).toBe(201);
}

/** The honest ceremonies: enrolment, a token and the vault entry. */
async function acceptsEverywhere(client: WireClient) {
  expect((await client.enroll()).status).toBe(201);
  expect((await client.token()).status).toBe(200);
  const { nonce, ...rest } = await client.challenge('session');
  const credential = await client.assert({ nonce, ...rest });
  expect((await client.post('/vault/open', { nonce, credential })).status).toBe(200);
}

describe('origin', () => {
  const origins = [
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://evil.app.example.com',
    'https://example.com',
    'https://app.example.com.evil.example',
    'https://app.example.co',
    'https://app.example.com/',
    'https://APP.example.com',
    'https://app.example.com ',
    'android:apk-key-hash:AAAA',
    'null',
    '',
  ];

  it('[W1] refuses every other origin', async () => {
    await refusesEverywhere(origins.map((origin) => ({ origin })));
  });

  it('[W1] refuses a ceremony in a frame of another origin', async () => {
    await refusesEverywhere([
      { crossOrigin: true },
      { crossOrigin: true, topOrigin: 'https://evil.example' },
      { topOrigin: 'https://evil.example' },
      { topOrigin: ORIGIN },
    ]);
  });

  it('[W1] honest: the configured origin passes', async () => {
    await acceptsEverywhere(await createClient());
  });
});

describe('relying party and type', () => {
  const hosts = ['example.com', 'evil.example', 'APP.example.com', 'https://app.example.com', ''];

  it('[W2] refuses the hash of another RP id', async () => {
    await refusesEverywhere([
      ...hosts.map((host) => ({ rpIdHash: sha256(utf8(host)) })),
      { rpIdHash: new Uint8Array(32) },
    ]);
  });

  it('[W2] refuses client data of another type', async () => {
    const odd = [{ type: 'payment.get' }, { type: '' }, { type: 'webauthn.get ' }];
    await refusesEverywhere(odd);
    await refusesAtEnrollment([{ type: 'webauthn.get' }], ['create']);
    await refusesAtEnrollment([{ type: 'webauthn.create' }], ['get']);
    const client = await enrolled();
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = await lying(client, { type: 'webauthn.create' }, () =>
      client.assert(challenge),
    );
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...form, credential: JSON.stringify(credential) }),
    );
  });

  it('[W2] honest: the configured RP id and the right types pass', async () => {
    await acceptsEverywhere(await createClient());
  });
});

describe('flags', () => {
  const UP = 0x01;
  const UV = 0x04;
  const BE = 0x08;
  const BS = 0x10;

  it('[W3] refuses a user who was not present or not verified', async () => {
    await refusesEverywhere([
      { flags: (flags) => flags & ~UP },
      { flags: (flags) => flags & ~UV },
      { flags: (flags) => flags & ~(UP | UV) },
    ]);
  });

  it('[W3] refuses a backup state without eligibility', async () => {
    await refusesEverywhere([{ flags: (flags) => (flags & ~BE) | BS }]);
  });

  it('[W3] refuses backup eligibility that changes after the registration', async () => {
    await refusesAtEnrollment([{ flags: (flags) => flags | BE }], ['create', 'get']);
    const client = await enrolled();
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    for (const more of [BE, BE | BS]) {
      const credential = await lying(client, { flags: (flags) => flags | more }, () =>
        client.assert(challenge),
      );
      await expectRefused(issuer, REFUSED, () =>
        client.post('/token', { ...form, credential: JSON.stringify(credential) }),
      );
    }
  });

  it('[W3] refuses passkeys that can be synchronised where the policy says so', async () => {
    for (const backupState of [true, false]) {
      const client = await createClient(strict, { backupEligible: true, backupState });
      const body = await client.enrollBody(await client.challenge('enroll'));
      await expectRefused(strict, REFUSED, () => client.post('/enroll', body));
    }
  });

  it('[W3] honest: present and verified passes, synchronised or not', async () => {
    await acceptsEverywhere(await createClient());
    await acceptsEverywhere(await createClient(issuer, { backupEligible: true }));
    // A passkey that could be synchronised and is not yet, then is.
    const client = await createClient(issuer, { backupEligible: true, backupState: false });
    expect((await client.enroll()).status).toBe(201);
    const { authenticator } = client;
    authenticator.configure({ tamper: { flags: (flags) => flags | BS } });
    expect((await client.token()).status).toBe(200);
    const bound = await createClient(strict);
    expect((await bound.enroll()).status).toBe(201);
  });
});

describe('challenge', () => {
  let client: WireClient;
  beforeAll(async () => {
    client = await enrolled();
  });

  it('[W4] refuses an assertion over the challenge of another exchange', async () => {
    const challenge = await client.challenge('session');
    const other = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = JSON.stringify(await client.assert(other));
    await expectRefused(issuer, REFUSED, () => client.post('/token', { ...form, credential }));
    await expectRefused(issuer, REFUSED, async () =>
      client.post('/vault/open', {
        nonce: challenge.nonce,
        credential: await client.assert(other),
      }),
    );
    const fresh = JSON.stringify(await client.assert(challenge));
    const answer = await client.post('/token', { ...form, credential: fresh });
    expect(answer.status).toBe(200);
  });

  it('[W4] refuses an assertion made for another purpose', async () => {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = await client.assert(challenge, 'enroll');
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...form, credential: JSON.stringify(credential) }),
    );
    await expectRefused(issuer, REFUSED, () =>
      client.post('/vault/open', { nonce: challenge.nonce, credential }),
    );
    // Nor does the nonce of an enrolment serve a session.
    const enrollment = await client.challenge('enroll');
    const confused = await client.tokenForm(enrollment);
    const expected = { status: 400, code: 'invalid_nonce' };
    await expectRefused(issuer, expected, () => client.post('/token', confused));
  });

  it('[W4] refuses an assertion over another scope, audience or session key', async () => {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    for (const change of [{ scope: '' }, { audience: 'https://other.example.com' }]) {
      const credential = await client.assert({ ...challenge, ...change });
      await expectRefused(issuer, REFUSED, () =>
        client.post('/token', { ...form, credential: JSON.stringify(credential) }),
      );
    }
    const hijacked = webauthnChallenge({
      purpose: 'session',
      issuer: issuer.verifier.issuer,
      audience: challenge.audience,
      nonce: challenge.nonce,
      jkt: (await createSessionKey()).jkt,
      scope: challenge.scope,
    });
    const credential = await lying(client, { challenge: hijacked }, () => client.assert(challenge));
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...form, credential: JSON.stringify(credential) }),
    );
  });

  it('[W4] refuses a registration over the challenge of another exchange', async () => {
    const newcomer = await createClient();
    const other = sha256(utf8('another challenge'));
    for (const ceremony of ['create', 'get'] as const) {
      for (const challenge of [other, new Uint8Array(32), new Uint8Array()]) {
        const body = await enrollLying(newcomer, ceremony, { challenge });
        await expectRefused(issuer, REFUSED, () => newcomer.post('/enroll', body));
      }
    }
    expect((await newcomer.enroll()).status).toBe(201);
  });

  it('[W4] honest: one assertion serves the vault and then the token of its exchange', async () => {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = JSON.parse(form.credential as string);
    const opened = await client.post('/vault/open', { nonce: challenge.nonce, credential });
    expect(opened.status).toBe(200);
    expect((await client.post('/token', form)).status).toBe(200);
  });
});
