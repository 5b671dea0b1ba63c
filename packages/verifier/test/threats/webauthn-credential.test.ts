import { formatProof, OWNERSHIP_CIRCUIT, PROOF_GRANT, sessionContext } from '@pzk-auth/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Authorization, AuthorizeContext } from '../../src/index.js';
import { withVaults } from '../harness/dpop-surfaces.js';
import { createWatchedIssuer, expectRefused, type Refusal } from '../harness/watched-issuer.js';
import {
  type Challenge,
  createWireClient,
  prove,
  type WireClient,
} from '../harness/wire-client.js';

// Each lie at an enrolment costs a proof, and proofs are slow on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let authorization: Authorization | undefined;
const asked: AuthorizeContext[] = [];
const issuer = createWatchedIssuer({
  adapt: withVaults,
  authorize: (_, context) => {
    asked.push(context);
    return authorization;
  },
});
afterAll(() => issuer.verifier.close());

const REFUSED: Refusal = { status: 400, code: 'invalid_grant' };
/** Says nothing about the passkey: clients have one deleted that is called unknown. */
const KNOWN: Refusal = { status: 400, code: 'invalid_nonce' };
const NO_DEVICE: Refusal = { status: 403, code: 'enrollment_refused' };

type ClientOptions = Partial<Parameters<typeof createWireClient>[1]>;

async function createClient(options: ClientOptions = {}): Promise<WireClient> {
  const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
  issuer.secrets.add(apiKey);
  return createWireClient(issuer, { apiKey, ...options });
}

async function enrolled(options: ClientOptions = {}): Promise<WireClient> {
  const client = await createClient(options);
  expect((await client.enroll()).status).toBe(201);
  return client;
}

/** The device that a client enrolled last. */
async function deviceOf(client: WireClient) {
  const id = client.authenticator.credentials().at(-1)?.id ?? '';
  const device = await issuer.stores.devices.findByCredentialId(id);
  if (device === undefined) throw new Error('no device');
  return device;
}

const withAllowance = async <T>(granted: Authorization, run: () => Promise<T>): Promise<T> => {
  authorization = granted;
  try {
    return await run();
  } finally {
    authorization = undefined;
  }
};

/** A token request whose proof shows one client's API key and whose assertion is of another's device. */
async function mixedForm(device: WireClient, owner: WireClient, challenge: Challenge) {
  const credential = await device.assert(challenge);
  const context = sessionContext({
    issuer: issuer.verifier.issuer,
    audience: challenge.audience,
    nonce: challenge.nonce,
    jkt: device.sessionKey.jkt,
    credentialId: credential.id,
    scope: challenge.scope,
    circuitId: OWNERSHIP_CIRCUIT,
    commitment: owner.commitment,
  });
  return {
    grant_type: PROOF_GRANT,
    nonce: challenge.nonce,
    circuit: OWNERSHIP_CIRCUIT,
    commitment: owner.commitment,
    proof: formatProof(await prove(owner.apiKey, context)),
    credential: JSON.stringify(credential),
  };
}

describe('counter', () => {
  it('[W5] refuses a counter that went back, at /token and /vault/open', async () => {
    const client = await enrolled();
    expect((await client.token()).status).toBe(200);
    const { counter } = await deviceOf(client);
    expect(counter).toBe(3);
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    for (const reported of [0, 1, counter - 1, counter]) {
      client.authenticator.configure({ tamper: { signCount: () => reported } });
      const credential = await client.assert(challenge);
      await expectRefused(issuer, REFUSED, () =>
        client.post('/token', { ...form, credential: JSON.stringify(credential) }),
      );
      await expectRefused(issuer, REFUSED, () =>
        client.post('/vault/open', { nonce: challenge.nonce, credential }),
      );
      expect((await deviceOf(client)).counter).toBe(counter);
    }
    client.authenticator.configure({ tamper: {} });
    const credential = JSON.stringify(await client.assert(challenge));
    expect((await client.post('/token', { ...form, credential })).status).toBe(200);
  });

  it('[W5] of two exchanges with the same counter one passes: an authenticator was copied', async () => {
    const client = await enrolled();
    client.authenticator.configure({ tamper: { signCount: () => 50 } });
    const forms = [
      await client.tokenForm(await client.challenge('session')),
      await client.tokenForm(await client.challenge('session')),
    ];
    const answers = await Promise.all(forms.map((form) => client.post('/token', form)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(answers.find(({ status }) => status === 400)?.body.code).toBe('invalid_grant');
    expect((await deviceOf(client)).counter).toBe(50);
  });

  it('[W5] refuses an enrolment whose assertion does not count on', async () => {
    const client = await createClient();
    const counts = [5, 5, 9, 4, 1, 0];
    for (let pair = 0; pair < counts.length; pair += 2) {
      let use = pair;
      client.authenticator.configure({ tamper: { signCount: () => counts[use++] ?? 0 } });
      const body = await client.enrollBody(await client.challenge('enroll'));
      await expectRefused(issuer, REFUSED, () => client.post('/enroll', body));
    }
    client.authenticator.configure({ tamper: {} });
    expect((await client.enroll()).status).toBe(201);
  });

  it('[W5] honest: a growing counter passes, and so does one that is always zero', async () => {
    const counting = await enrolled();
    for (let turn = 0; turn < 2; turn++) expect((await counting.token()).status).toBe(200);
    expect((await deviceOf(counting)).counter).toBe(4);
    const zero = await enrolled({ authenticator: { counter: 'zero' } });
    for (let turn = 0; turn < 2; turn++) expect((await zero.token()).status).toBe(200);
    expect((await deviceOf(zero)).counter).toBe(0);
  });
});

describe('ownership of credentials', () => {
  let victim: WireClient;
  let thief: WireClient;
  beforeAll(async () => {
    victim = await enrolled();
    thief = await enrolled();
  });

  it('[W6] refuses the credential of another account with a right proof of the key', async () => {
    // The thief has stolen the API key and brings a passkey that is enrolled, for another account.
    const form = await mixedForm(thief, victim, await thief.challenge('session'));
    await expectRefused(issuer, { ...REFUSED }, () => thief.post('/token', form));
  });

  it('[W6] refuses a credential id that is enrolled already, for another account', async () => {
    const { credentialId, id } = await deviceOf(victim);
    const other = await createClient();
    const bytes = Uint8Array.from(Buffer.from(credentialId, 'base64url'));
    other.authenticator.configure({ tamper: { credentialId: bytes } });
    const body = await other.enrollBody(await other.challenge('enroll'));
    // Only the atomic write can tell, so here the nonce is used up; no device and no token come of it.
    const writes = ['nonces.consume', 'replays.record', 'devices.enroll'];
    await expectRefused(issuer, { ...KNOWN, writes }, () => other.post('/enroll', body));
    expect((await issuer.stores.devices.findByCredentialId(credentialId))?.id).toBe(id);
    expect((await victim.token()).status).toBe(200);
    other.authenticator.configure({ tamper: {} });
    expect((await other.enroll()).status).toBe(201);
  });

  it('[W6] refuses a known credential id for its own account too, revoked or not', async () => {
    const client = await enrolled();
    const { credentialId, id } = await deviceOf(client);
    const bytes = Uint8Array.from(Buffer.from(credentialId, 'base64url'));
    client.authenticator.configure({ tamper: { credentialId: bytes } });
    const writes = ['nonces.consume', 'replays.record', 'devices.enroll'];
    for (const revoke of [false, true]) {
      if (revoke) await issuer.verifier.devices.revoke(id);
      const body = await client.enrollBody(await client.challenge('enroll'));
      await withAllowance({ allowDevice: true }, () =>
        expectRefused(issuer, { ...KNOWN, writes }, () => client.post('/enroll', body)),
      );
    }
  });

  /** The very bytes of an enrolment, as a network that delivers them twice would. */
  async function twin(client: WireClient, body: Record<string, unknown>) {
    const url = `${issuer.verifier.baseUrl}/enroll`;
    const dpop = await client.sessionKey.dpop({ url, now: issuer.now() });
    return () => client.post('/enroll', body, { headers: { dpop } });
  }

  it('[W6] an enrolment that is delivered twice never has its passkey called unknown', async () => {
    const client = await createClient();
    const deliver = await twin(client, await client.enrollBody(await client.challenge('enroll')));
    await withAllowance({ user: 'ada' }, async () => expect((await deliver()).status).toBe(201));
    const { credentialId } = await deviceOf(client);
    await expectRefused(issuer, KNOWN, deliver);
    // With a nonce of its own the credential is as unwelcome, and as little is said.
    const tamper = { credentialId: Uint8Array.from(Buffer.from(credentialId, 'base64url')) };
    client.authenticator.configure({ tamper });
    for (const granted of [{}, { user: 'mallory', allowDevice: true }]) {
      const again = await client.enrollBody(await client.challenge('enroll'));
      await withAllowance(granted, () =>
        expectRefused(issuer, KNOWN, () => client.post('/enroll', again)),
      );
    }
  });

  it('[W6] nor where the deliveries are parallel, at two instances', async () => {
    const second = createWatchedIssuer({ instanceOf: issuer });
    for (const demands of ['passkey', 'keypair'] as const) {
      const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'], demands });
      const client = await createWireClient(issuer, { apiKey });
      const challenge = await client.challenge('enroll');
      const body = await (demands === 'passkey'
        ? client.enrollBody(challenge)
        : client.keypairBody(challenge));
      const deliver = await twin(client, body);
      const other = await createWireClient(second, { apiKey, sessionKey: client.sessionKey });
      const dpop = await client.sessionKey.dpop({
        url: `${issuer.verifier.baseUrl}/enroll`,
        now: issuer.now(),
      });
      const late = () => other.post('/enroll', body, { headers: { dpop } });
      const answers = await Promise.all([deliver(), late(), deliver(), late()]);
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      const afterwards = [await deliver(), await late()];
      for (const { status, body } of [...answers, ...afterwards]) {
        if (status === 201) continue;
        expect(['invalid_nonce', 'too_many_requests']).toContain(body.code);
      }
    }
    await second.verifier.close();
  });

  it('[W6] refuses a device that is unknown or revoked, with the same answer', async () => {
    const stranger = await createClient();
    await stranger.enrollBody(await stranger.challenge('enroll'));
    const gone = await enrolled();
    const device = await deviceOf(gone);
    await issuer.verifier.devices.revoke(device.id);
    const answers = [];
    for (const client of [stranger, gone]) {
      const challenge = await client.challenge('session');
      const form = await client.tokenForm(challenge);
      answers.push(await expectRefused(issuer, REFUSED, () => client.post('/token', form)));
      const reading = { nonce: challenge.nonce, credential: await client.assert(challenge) };
      answers.push(await expectRefused(issuer, REFUSED, () => client.post('/vault/open', reading)));
    }
    const [token, vault, ...others] = answers.map(({ text }) => text);
    expect(others).toEqual([token, vault]);
  });

  it('[W6] honest: each credential passes with the key of its own account', async () => {
    expect((await victim.token()).status).toBe(200);
    expect((await thief.token()).status).toBe(200);
    const form = await mixedForm(thief, thief, await thief.challenge('session'));
    expect((await thief.post('/token', form)).status).toBe(200);
  });
});

describe('what the library does not compare', () => {
  let client: WireClient;
  let other: WireClient;
  beforeAll(async () => {
    client = await enrolled();
    other = await enrolled();
  });

  /** Sends one changed assertion to both endpoints; the proof is made for the credential it names. */
  async function refuses(
    change: (credential: Awaited<ReturnType<WireClient['assert']>>) => unknown,
  ) {
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = change(JSON.parse(form.credential as string));
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...form, credential: JSON.stringify(credential) }),
    );
    await expectRefused(issuer, REFUSED, () =>
      client.post('/vault/open', { nonce: challenge.nonce, credential }),
    );
    expect((await client.post('/token', form)).status).toBe(200);
  }

  it("[L6] refuses an answered id that is not the signer's", async () => {
    const { credentialId } = await deviceOf(other);
    const unknown = Buffer.alloc(32, 7).toString('base64url');
    for (const id of [credentialId, unknown]) {
      await refuses((credential) => ({ ...credential, id, rawId: id }));
      await refuses((credential) => ({ ...credential, rawId: id }));
      await refuses((credential) => ({ ...credential, id }));
    }
  });

  it('[L6] refuses the user handle of another device', async () => {
    const { userHandle } = await deviceOf(other);
    for (const odd of [userHandle, Buffer.alloc(32).toString('base64url'), 'AA']) {
      await refuses((credential) => ({
        ...credential,
        response: { ...credential.response, userHandle: odd },
      }));
    }
  });

  it('[L6] refuses an enrolment whose assertion answers under another id than it registers', async () => {
    const { credentialId } = await deviceOf(other);
    const newcomer = await createClient();
    const body = await newcomer.enrollBody(await newcomer.challenge('enroll'));
    for (const id of [credentialId, Buffer.alloc(32, 7).toString('base64url')]) {
      const assertion = { ...(body.assertion as object), id, rawId: id };
      await expectRefused(issuer, REFUSED, () => newcomer.post('/enroll', { ...body, assertion }));
      const registration = { ...(body.registration as object), id, rawId: id };
      await expectRefused(issuer, REFUSED, () =>
        newcomer.post('/enroll', { ...body, registration }),
      );
    }
    expect((await newcomer.post('/enroll', body)).status).toBe(201);
  });

  it('[L6] refuses an enrolment without the user handle, or with another than it announces', async () => {
    const newcomer = await createClient();
    for (const userHandle of [null, new Uint8Array(32), Uint8Array.of(1)]) {
      newcomer.authenticator.configure({ tamper: { userHandle } });
      const body = await newcomer.enrollBody(await newcomer.challenge('enroll'));
      await expectRefused(issuer, REFUSED, () => newcomer.post('/enroll', body));
    }
    newcomer.authenticator.configure({ tamper: {} });
    const body = await newcomer.enrollBody(await newcomer.challenge('enroll'));
    const swapped = { ...body, user_id: Buffer.alloc(32).toString('base64url') };
    await expectRefused(issuer, REFUSED, () => newcomer.post('/enroll', swapped));
    expect((await newcomer.post('/enroll', body)).status).toBe(201);
  });

  it('[L6] honest: the own id passes, with the own user handle and without', async () => {
    expect((await client.token()).status).toBe(200);
    client.authenticator.configure({ tamper: { userHandle: null } });
    expect((await client.token()).status).toBe(200);
    client.authenticator.configure({ tamper: {} });
  });
});

describe('assertion and proof of one exchange', () => {
  it('[W7] refuses the assertion of one exchange with the proof of another', async () => {
    const client = await enrolled();
    const first = await client.tokenForm(await client.challenge('session'));
    const second = await client.tokenForm(await client.challenge('session'));
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...second, credential: first.credential }),
    );
    // An assertion that holds with a proof that does not is counted against the device.
    await expectRefused(issuer, { ...REFUSED, writes: ['budgets.add'] }, () =>
      client.post('/token', { ...second, proof: first.proof }),
    );
    await expectRefused(issuer, REFUSED, () =>
      client.post('/token', { ...first, nonce: second.nonce }),
    );
    // Nothing was burnt by it.
    expect((await client.post('/token', first)).status).toBe(200);
    expect((await client.post('/token', second)).status).toBe(200);
  });

  it('[W7] refuses to mix two enrolments', async () => {
    const client = await createClient();
    const first = await client.enrollBody(await client.challenge('enroll'));
    const second = await client.enrollBody(await client.challenge('enroll'));
    for (const member of ['registration', 'assertion', 'proof'] as const) {
      await expectRefused(issuer, REFUSED, () =>
        client.post('/enroll', { ...second, [member]: first[member] }),
      );
    }
    expect((await client.post('/enroll', second)).status).toBe(201);
  });

  it('[W7] refuses the proof of an enrolment for a session', async () => {
    const client = await enrolled();
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const { proof } = await client.keypairBody(challenge);
    await expectRefused(issuer, { ...REFUSED, writes: ['budgets.add'] }, () =>
      client.post('/token', { ...form, proof }),
    );
    expect((await client.post('/token', form)).status).toBe(200);
  });

  it('[W7] honest: assertion and proof of the same exchange pass', async () => {
    const client = await enrolled();
    expect((await client.token()).status).toBe(200);
  });
});

describe('PRF results', () => {
  const canary = Buffer.from('prf-canary-prf-canary-prf-canary').toString('base64url');
  const results = [
    { first: canary },
    { first: canary, second: canary },
    { first: [...Buffer.from(canary)] },
    {},
    null,
    canary,
  ];
  const LEAK: Refusal = { status: 400, code: 'prf_results_sent' };
  beforeAll(() => {
    issuer.secrets.add(canary);
  });

  const leaky = (credential: unknown, value: unknown) => ({
    ...(credential as object),
    clientExtensionResults: { prf: { enabled: true, results: value } },
  });

  it('[W8] refuses PRF results wherever a credential is sent, and says nothing of them', async () => {
    const client = await enrolled();
    const challenge = await client.challenge('session');
    const form = await client.tokenForm(challenge);
    const credential = JSON.parse(form.credential as string);
    const newcomer = await createClient();
    const body = await newcomer.enrollBody(await newcomer.challenge('enroll'));
    for (const value of results) {
      const sent = leaky(credential, value);
      await expectRefused(issuer, LEAK, () =>
        client.post('/token', { ...form, credential: JSON.stringify(sent) }),
      );
      await expectRefused(issuer, LEAK, () =>
        client.post('/vault/open', { nonce: challenge.nonce, credential: sent }),
      );
      for (const member of ['registration', 'assertion'] as const) {
        await expectRefused(issuer, LEAK, () =>
          newcomer.post('/enroll', { ...body, [member]: leaky(body[member], value) }),
        );
      }
    }
    expect((await client.post('/token', form)).status).toBe(200);
    expect((await newcomer.post('/enroll', body)).status).toBe(201);
  });

  it('[W8] refuses outputs of other extensions and in other places', async () => {
    const client = await enrolled();
    const form = await client.tokenForm(await client.challenge('session'));
    const credential = JSON.parse(form.credential as string);
    const hidden = [
      { ...credential, prf: { results: { first: canary } } },
      { ...credential, clientExtensionResults: { hmacGetSecret: { output1: canary } } },
      { ...credential, clientExtensionResults: { prf: [{ results: { first: canary } }] } },
      { ...credential, clientExtensionResults: { prf: { enabled: true, output: canary } } },
      { ...credential, clientExtensionResults: { largeBlob: { blob: canary } } },
      { ...credential, response: { ...credential.response, prf: { first: canary } } },
    ];
    for (const sent of hidden) {
      await expectRefused(issuer, { status: 400, code: 'invalid_request' }, () =>
        client.post('/token', { ...form, credential: JSON.stringify(sent) }),
      );
    }
  });

  it('[W8] honest: `enabled` may travel', async () => {
    const client = await enrolled();
    const form = await client.tokenForm(await client.challenge('session'));
    const credential = JSON.parse(form.credential as string);
    const sent = { ...credential, clientExtensionResults: { prf: { enabled: true } } };
    const answer = await client.post('/token', { ...form, credential: JSON.stringify(sent) });
    expect(answer.status).toBe(200);
  });
});

describe('a registration that was swapped on the way', () => {
  /** Someone between page and server, who cannot make a proof but can change the body. */
  async function createSwap(tamper: { credentialId?: Uint8Array } = {}) {
    const victim = await createClient();
    const challenge = await victim.challenge('enroll');
    const body = await victim.enrollBody(challenge);
    const { sessionKey } = victim;
    const attacker = await createClient({ sessionKey, authenticator: { tamper } });
    return { victim, body, challenge, attacker };
  }

  it('[W9] refuses the passkey of someone else with the proof of the key', async () => {
    const { victim, body, challenge, attacker } = await createSwap();
    const { registration, assertion, user_id } = await attacker.enrollBody(challenge);
    const swaps = [{ registration, assertion, user_id }, { registration, user_id }, { assertion }];
    for (const swap of swaps) {
      await expectRefused(issuer, REFUSED, () => victim.post('/enroll', { ...body, ...swap }));
    }
  });

  it('[W9] refuses another public key under the same credential id', async () => {
    const { victim, body, challenge, attacker } = await createSwap();
    const { id } = body.registration as { id: string };
    const credentialId = Uint8Array.from(Buffer.from(id, 'base64url'));
    attacker.authenticator.configure({ tamper: { credentialId } });
    const { registration, assertion, user_id } = await attacker.enrollBody(challenge);
    expect((registration as { id: string }).id).toBe(id);
    await expectRefused(issuer, REFUSED, () =>
      victim.post('/enroll', { ...body, registration, assertion, user_id }),
    );
    // All of it stands in the context, so the honest body still passes with the same nonce.
    expect((await victim.post('/enroll', body)).status).toBe(201);
  });

  it('[W9] refuses a recipient key or vault entry that was added', async () => {
    const { victim, body } = await createSwap();
    const recipient_key = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]).toString('base64url');
    await expectRefused(issuer, { status: 400, code: 'invalid_request' }, () =>
      victim.post('/enroll', { ...body, recipient_key }),
    );
  });

  it('[W9] honest: the registration that the proof was made for passes', async () => {
    const { victim, body } = await createSwap();
    expect((await victim.post('/enroll', body)).status).toBe(201);
    expect((await victim.token()).status).toBe(200);
  });
});

describe('a stolen API key', () => {
  it('[W10] refuses a second device by the proof alone', async () => {
    const owner = await enrolled();
    const { account } = await deviceOf(owner);
    const thief = await createClient({ apiKey: owner.apiKey });
    for (const granted of [undefined, {}, { allowDevice: false }] as const) {
      const body = await thief.enrollBody(await thief.challenge('enroll'));
      authorization = granted;
      await expectRefused(issuer, NO_DEVICE, () => thief.post('/enroll', body));
      authorization = undefined;
    }
    expect(asked.at(-1)).toMatchObject({ account, hasDevices: true });
    expect(await issuer.verifier.devices.list(account)).toHaveLength(1);
  });

  it('[W10] refuses tokens without an enrolled device', async () => {
    const owner = await enrolled();
    const thief = await createClient({ apiKey: owner.apiKey });
    const challenge = await thief.challenge('session');
    const bare = await thief.tokenForm(challenge, { credential: null });
    await expectRefused(issuer, REFUSED, () => thief.post('/token', bare));
    await thief.enrollBody(await thief.challenge('enroll'));
    const form = await thief.tokenForm(challenge);
    await expectRefused(issuer, REFUSED, () => thief.post('/token', form));
    const keypair = await thief.keypairBody(await thief.challenge('enroll'));
    await expectRefused(issuer, REFUSED, () => thief.post('/enroll', keypair));
  });

  it('[W10] refuses the first device once the time after the issue is over', async () => {
    const client = await createClient();
    issuer.offset += 86_400_000;
    const body = await client.enrollBody(await client.challenge('enroll'));
    await expectRefused(issuer, NO_DEVICE, () => client.post('/enroll', body));
    issuer.offset -= 86_400_000;
  });

  it('[W10] refuses a proof alone after all devices were revoked', async () => {
    const owner = await enrolled();
    await issuer.verifier.devices.revoke((await deviceOf(owner)).id);
    const thief = await createClient({ apiKey: owner.apiKey });
    const body = await thief.enrollBody(await thief.challenge('enroll'));
    await expectRefused(issuer, NO_DEVICE, () => thief.post('/enroll', body));
  });

  it('[W10] refuses a thief whom the application knows as another user', async () => {
    const owner = await createClient();
    await withAllowance({ user: 'ada' }, async () => {
      expect((await owner.enroll()).status).toBe(201);
    });
    const { account } = await deviceOf(owner);
    const thief = await createClient({ apiKey: owner.apiKey });
    const body = await thief.enrollBody(await thief.challenge('enroll'));
    await withAllowance({ user: 'mallory', allowDevice: true }, () =>
      expectRefused(issuer, NO_DEVICE, () => thief.post('/enroll', body)),
    );
    expect(await issuer.verifier.devices.list(account)).toHaveLength(1);
    expect((await issuer.verifier.accounts.get(account))?.user).toBe('ada');
  });

  it('[W10] a device that loses to another link leaves nothing behind, no vault either', async () => {
    const contested = createWatchedIssuer({
      // Another enrolment links the account while the application is asked about this one.
      authorize: async (_, { account }) => {
        await contested.stores.accounts.linkUser(account, 'ada');
        return { user: 'mallory' };
      },
    });
    const { apiKey, row } = await contested.verifier.keys.issue({ scopes: ['weather:read'] });
    const late = await createWireClient(contested, { apiKey });
    const body = await late.enrollBody(await late.challenge('enroll'));
    const writes = ['accounts.linkUser', 'nonces.consume', 'replays.record', 'accounts.linkUser'];
    await expectRefused(contested, { ...NO_DEVICE, writes }, () => late.post('/enroll', body));
    expect(await contested.stores.devices.listByAccount(row.account)).toEqual([]);
    expect((await contested.verifier.accounts.get(row.account))?.user).toBe('ada');
    await contested.verifier.close();
  });

  it('[W10] of two first devices at the same time one is enrolled', async () => {
    const owner = await createClient();
    const thief = await createClient({ apiKey: owner.apiKey });
    const bodies = await Promise.all([
      owner.enrollBody(await owner.challenge('enroll')),
      thief.enrollBody(await thief.challenge('enroll')),
    ]);
    const answers = await Promise.all([
      owner.post('/enroll', bodies[0]),
      thief.post('/enroll', bodies[1]),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403]);
  });

  it('[W10] honest: the first device by proof alone, a second one where the application allows', async () => {
    const owner = await enrolled();
    const { account } = await deviceOf(owner);
    const laptop = await createClient({ apiKey: owner.apiKey });
    await withAllowance({ allowDevice: true }, async () => {
      expect((await laptop.enroll()).status).toBe(201);
    });
    expect(await issuer.verifier.devices.list(account)).toHaveLength(2);
    expect((await laptop.token()).status).toBe(200);
    expect((await owner.token()).status).toBe(200);
  });
});
