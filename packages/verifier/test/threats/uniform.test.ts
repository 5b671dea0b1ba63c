import { compactDecrypt } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { createIssuer } from '../harness/issuer.js';
import { createWireClient, type WireAnswer } from '../harness/wire-client.js';

const issuer = createIssuer({ deviceFailureLimit: 1000 });
afterAll(() => issuer.verifier.close());

async function enrolled(options: { expiresAt?: number } = {}) {
  const { apiKey, row } = await issuer.verifier.keys.issue({
    scopes: ['weather:read'],
    ...options,
  });
  const client = await createWireClient(issuer, { apiKey });
  expect((await client.enroll()).status).toBe(201);
  return { client, row, apiKey };
}

/** All of an answer that a client can see. */
function visible({ status, headers, text }: WireAnswer): string {
  return `${status}\n${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n${text}`;
}

describe('uniform answers', () => {
  it('[H5] unknown, wrong, revoked and expired credentials get the same bytes', async () => {
    const answers = new Map<string, string>();
    const note = async (name: string, answer: Promise<WireAnswer>) =>
      answers.set(name, visible(await answer));

    const honest = await enrolled();
    const stranger = await createWireClient(issuer, { apiKey: `pzk_${'b'.repeat(49)}` });
    const other = await enrolled();

    // An unknown key with the assertion of a known device.
    const form = await honest.client.tokenForm(await honest.client.challenge('session'));
    await note(
      'unknown key',
      honest.client.post('/token', { ...form, commitment: stranger.commitment }),
    );
    await note(
      'key of another account',
      honest.client.post('/token', { ...form, commitment: other.client.commitment }),
    );
    await note('wrong key id', honest.client.post('/token', { ...form, client_id: other.row.id }));

    const credential = JSON.parse(form.credential ?? '') as { id: string; rawId: string };
    const unknown = 'A'.repeat(credential.id.length - 1) + credential.id.slice(-1);
    await note(
      'unknown credential',
      honest.client.post('/token', {
        ...form,
        credential: JSON.stringify({ ...credential, id: unknown, rawId: unknown }),
      }),
    );
    await note(
      'no credential',
      honest.client.post(
        '/token',
        Object.fromEntries(Object.entries(form).filter(([name]) => name !== 'credential')),
      ),
    );
    const foreign = await honest.client.tokenForm(await honest.client.challenge('session'));
    await note(
      'wrong proof',
      honest.client.post('/token', { ...form, proof: foreign.proof ?? '' }),
    );

    const revokedKey = await enrolled();
    const withRevokedKey = await revokedKey.client.tokenForm(
      await revokedKey.client.challenge('session'),
    );
    await issuer.verifier.keys.revoke(revokedKey.row.id);
    await note('revoked key', revokedKey.client.post('/token', withRevokedKey));

    const revokedDevice = await enrolled();
    const withRevokedDevice = await revokedDevice.client.tokenForm(
      await revokedDevice.client.challenge('session'),
    );
    const [device] = await issuer.verifier.devices.list(revokedDevice.row.account);
    await issuer.verifier.devices.revoke(device?.id ?? '');
    await note('revoked device', revokedDevice.client.post('/token', withRevokedDevice));

    const revokedAccount = await enrolled();
    const withRevokedAccount = await revokedAccount.client.tokenForm(
      await revokedAccount.client.challenge('session'),
    );
    await issuer.verifier.accounts.revoke(revokedAccount.row.account);
    await note('revoked account', revokedAccount.client.post('/token', withRevokedAccount));

    const expiring = await enrolled({ expiresAt: issuer.now() + 300_000 });
    issuer.offset = 301_000;
    const late = await expiring.client.tokenForm(await expiring.client.challenge('session'));
    await note('expired key', expiring.client.post('/token', late));
    issuer.offset = 0;

    expect(new Set(answers.values()).size, JSON.stringify([...answers], null, 1)).toBe(1);
    expect([...answers.values()][0]).toContain('"code":"invalid_grant"');
  });

  it('[H5] the events tell apart what the wire does not', async () => {
    const reasons = issuer.events.flatMap((event) =>
      event.type === 'refused' ? [event.reason] : [],
    );
    expect(new Set(reasons).size).toBeGreaterThan(2);
  });

  it('[H5] honest: the right credentials get a token', async () => {
    const { client } = await enrolled();
    expect((await client.token()).status).toBe(200);
  });
});

describe('a dump of the stores', () => {
  async function dump(account: string): Promise<string> {
    const { accounts, keys, devices, vaults, signingKeys } = issuer.stores;
    return JSON.stringify([
      await accounts.get(account),
      await keys.listByAccount(account),
      await devices.listByAccount(account),
      await vaults.get(account),
      await signingKeys.list(),
    ]);
  }

  it('[H10] holds no key and nothing that signs a token', async () => {
    const { row, apiKey } = await enrolled();
    const text = await dump(row.account);
    const bytes = Buffer.from(apiKey);
    for (const spelling of [
      apiKey,
      bytes.toString('hex'),
      bytes.toString('base64'),
      bytes.toString('base64url'),
    ]) {
      expect(text).not.toContain(spelling.replace(/=+$/, ''));
    }
    // 256 random bits: what a commitment hides cannot be tried out.
    expect(apiKey).toMatch(/^pzk_[0-9A-Za-z]{49}$/);
    expect(text).not.toContain('"d"');
    const [signingKey] = await issuer.stores.signingKeys.list();
    const guesses = [
      new Uint8Array(32),
      Buffer.alloc(32, 1),
      Buffer.from(issuer.verifier.issuer.padEnd(32).slice(0, 32)),
    ];
    for (const guess of guesses) {
      await expect(compactDecrypt(signingKey?.wrapped ?? '', guess)).rejects.toThrow();
    }
  });

  it('[H10] honest: the dump does hold what the issuer needs', async () => {
    const { row, client } = await enrolled();
    const text = await dump(row.account);
    expect(text).toContain(client.commitment);
    expect(text).toContain('"publicKey"');
  });
});
