import {
  createMemoryStorage,
  openVaultExport,
  rotationSteps,
  type VaultRemoval,
  verifyReceipt,
} from '@pzk-auth/client';
import { createSoftwareAuthenticator, createTestClient } from '@pzk-auth/client/testing';
import {
  agentRequestHash,
  type Bytes,
  decodeBase64url,
  encodeBase64url,
  formatAgentRequest,
  pairingCommitment,
  pairingWords,
  parsePairingId,
  sha256,
} from '@pzk-auth/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createVerifier,
  memoryStores,
  type Verifier,
  type VerifierOptions,
} from '../../src/index.js';

const ISSUER = 'http://localhost:3000';
const user = { name: 'ada', displayName: 'Ada' };
const scope = ['weather:read'];
const verifiers: Verifier[] = [];
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const yes = () => true;

/** Types the new recovery code in, as a user does. */
async function confirmed(removal: Promise<VaultRemoval>) {
  const { code, confirm } = await removal;
  return confirm(code);
}

afterAll(async () => {
  for (const verifier of verifiers) await verifier.close();
});

function openVerifier(options: Partial<VerifierOptions> = {}): Verifier {
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: ISSUER,
    rpId: 'localhost',
    origins: [ISSUER],
    scopes: scope,
    stores: memoryStores(),
    ...options,
  });
  verifiers.push(verifier);
  return verifier;
}

/** A browser of its own, and the wire between it and the verifier. */
function createBrowser(verifier: Verifier, storage = createMemoryStorage()) {
  const authenticator = createSoftwareAuthenticator({ origin: ISSUER });
  let intercept: ((request: Request) => Promise<Response> | undefined) | undefined;
  const handle = (request: Request) => verifier.handle(request);
  const reload = () =>
    createTestClient({
      issuer: ISSUER,
      scope,
      authenticator,
      storage,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        return (await intercept?.(request.clone() as Request)) ?? handle(request);
      },
    });
  return {
    client: reload(),
    reload,
    handle,
    /** Puts itself between client and verifier, until it is called without a function. */
    between: (next?: typeof intercept) => {
      intercept = next;
    },
  };
}

/** Loses requests to a path before they arrive, or their answers. */
function breakOff(browser: ReturnType<typeof createBrowser>, path: string, when: string): void {
  browser.between((request) => {
    if (!request.url.endsWith(path)) return undefined;
    const lost = () => Promise.reject(new TypeError('network'));
    return when === 'after' ? browser.handle(request).then(lost) : lost();
  });
}

async function enrolled(verifier = openVerifier()) {
  const { apiKey } = await verifier.keys.issue({ scopes: scope });
  const first = createBrowser(verifier);
  await first.client.enroll({ apiKey, user });
  const vault = await first.client.vault.open();
  const secret = await vault.addSecret({ name: 'mail', value: 'mail-password' });
  return { verifier, first, vault, secret, apiKey };
}

async function join({ verifier, first }: Awaited<ReturnType<typeof enrolled>>) {
  const invitation = await first.client.vault.invitations.create();
  const second = createBrowser(verifier);
  await second.client.vault.invitations.accept({ code: invitation.fragment, user });
  await expect(second.client.start()).rejects.toMatchObject({ code: 'invalid_grant' });
  expect(await invitation.poll()).toMatchObject({ status: 'joined' });
  await invitation.admit();
  expect(await invitation.poll()).toEqual({ status: 'ended' });
  await second.client.start();
  return { second, theirs: await second.client.vault.open() };
}

/** Pairs an agent with the vault that a browser has open. */
async function pairAgent(verifier: Verifier, first: ReturnType<typeof createBrowser>) {
  const agent = await createAgent(verifier);
  const pairing = await first.client.vault.agents.pair();
  const id = encodeBase64url(parsePairingId(pairing.code));
  const { vault_id: vaultId } = await agent.open('/agent/pairings/open', { id });
  const nonceA = crypto.getRandomValues(new Uint8Array(32));
  const agentKey = agent.publicKey;
  const commitment = pairingCommitment({ issuer: ISSUER, vaultId, agentKey, nonceA });
  await agent.open('/agent/pairings/commit', {
    id,
    commitment: encodeBase64url(commitment),
    name: 'Builder',
  });
  expect(await pairing.poll()).toEqual({ status: 'waiting' });
  const answered = await agent.open('/agent/pairings/open', { id });
  await agent.open('/agent/pairings/reveal', {
    id,
    agent_key: encodeBase64url(agentKey),
    nonce_a: encodeBase64url(nonceA),
  });
  const words = pairingWords({
    issuer: ISSUER,
    vaultId,
    agentKey,
    nonceA,
    identityKey: decodeBase64url(answered.identity_key),
    nonceB: decodeBase64url(answered.nonce_b),
  });
  expect(await pairing.poll()).toMatchObject({ status: 'compare', words });
  await pairing.confirm({ name: 'My builder' });
  return { agent, vaultId };
}

describe('the client and the verifier', () => {
  it('keep secrets: added, changed, renamed, deleted, in two pages', async () => {
    const { first, vault, secret } = await enrolled();
    await vault.updateSecret(secret, { value: 'another' });
    await vault.renameSecret(secret, { name: 'post' });
    const page = first.reload();
    await page.start();
    const other = await page.vault.open();
    expect(text(await other.readSecret(secret))).toBe('another');
    expect(other.contents.slots.at(-1)).toMatchObject({ name: 'post', version: 3 });
    await other.deleteSecret(secret);
    await expect(vault.addSecret({ name: 'x', value: 'y' })).rejects.toMatchObject({
      code: 'vault_conflict',
    });
    await first.client.vault.open();
    expect(vault.contents.slots).toHaveLength(1);
    await vault.rotateGeneration();
    await first.client.vault.open();
    expect(vault.contents.slots).toHaveLength(1);
  });

  it('start with an API key that was stored as the lines of a file are', async () => {
    const { first, vault, apiKey } = await enrolled();
    await vault.storeApiKey(new TextEncoder().encode(`${apiKey}\n`));
    await first.client.start();
    expect(first.client.getSnapshot().status).toBe('active');
  });

  it('take a second device in by invitation, and the first one out', async () => {
    const setting = await enrolled();
    const { first, secret } = setting;
    const { second, theirs } = await join(setting);
    expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    const member = theirs.contents.members.find(({ own }) => !own);
    const rotate = await confirmed(theirs.removeDevice(member?.id ?? ''));
    expect(rotate).toHaveLength(2);
    expect(theirs.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
    await expect(first.client.vault.open()).rejects.toMatchObject({ code: 'invalid_grant' });
    await expect(first.client.start()).rejects.toMatchObject({ code: 'invalid_grant' });
    const devices = await second.client.vault.devices.list();
    expect(devices.map(({ revokedAt }) => revokedAt === undefined)).toEqual([true, false]);
    await second.client.start();
    const again = await second.client.vault.open();
    expect(text(await again.readSecret(secret))).toBe('mail-password');
  });

  it.each(['before', 'after'])('end a removal that broke off %s the write', async (when) => {
    const setting = await enrolled();
    const { second, theirs } = await join(setting);
    const member = theirs.contents.members.find(({ own }) => !own);
    breakOff(second, '/pzk/vault', when);
    await expect(confirmed(theirs.removeDevice(member?.id ?? ''))).rejects.toMatchObject({
      code: 'network_error',
    });
    second.between();
    const page = second.reload();
    await page.start();
    const vault = await page.vault.open();
    expect(text(await vault.readSecret(setting.secret))).toBe('mail-password');
    const revoked = vault.contents.members.filter((one) => one.revoked);
    expect(revoked).toHaveLength(when === 'after' ? 0 : 1);
    await confirmed(vault.rotateVault());
    expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
  });

  it.each(['before', 'after'])(
    'go on where taking a device in broke off %s the write',
    async (when) => {
      const { verifier, first, vault, secret } = await enrolled();
      const invitation = await first.client.vault.invitations.create();
      const second = createBrowser(verifier);
      const { code } = invitation;
      if (when === 'after') {
        // The joining browser has no answer either, and remembers nothing.
        breakOff(second, '/pzk/enroll', when);
        const accepting = second.client.vault.invitations.accept({ code, user });
        await expect(accepting).rejects.toMatchObject({ code: 'network_error' });
        second.between();
      } else {
        await second.client.vault.invitations.accept({ code, user });
      }
      await invitation.poll();
      breakOff(first, '/pzk/vault', when);
      await expect(invitation.admit()).rejects.toMatchObject({ code: 'network_error' });
      first.between();
      if (when === 'before') await invitation.admit();
      await second.client.start();
      const theirs = await second.client.vault.open();
      expect(text(await theirs.readSecret(secret))).toBe('mail-password');
      await first.client.vault.open();
      expect(vault.contents.members).toHaveLength(2);
    },
  );

  it.each(['before', 'after'])(
    'go on where a new PRF generation broke off %s the write',
    async (when) => {
      const { first, vault, secret } = await enrolled();
      breakOff(first, '/pzk/vault', when);
      await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'network_error' });
      first.between();
      const page = first.reload();
      await page.start();
      const again = await page.vault.open();
      expect(text(await again.readSecret(secret))).toBe('mail-password');
      await again.rotateGeneration();
      await page.start();
    },
  );

  it.each(['before', 'after'])(
    'go on where a recovery broke off %s the enrolment',
    async (when) => {
      const { verifier, first, secret } = await enrolled();
      const made = first.client.vault.recovery.create();
      await made.confirm(made.code);
      const fresh = createBrowser(verifier);
      const use = { code: made.code, user };
      breakOff(fresh, '/pzk/enroll', when);
      await expect(fresh.client.vault.recovery.use(use)).rejects.toMatchObject({
        code: 'network_error',
      });
      fresh.between();
      if (when === 'before') await fresh.client.vault.recovery.use(use);
      await fresh.client.start();
      const theirs = await fresh.client.vault.open();
      expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    },
  );

  it('ask a third device for its yes after a removal, once', async () => {
    const setting = await enrolled();
    const { second, theirs } = await join(setting);
    const { second: third } = await join(setting);
    await second.client.vault.open();
    const [removed] = theirs.contents.members;
    await confirmed(theirs.removeDevice(removed?.id ?? ''));
    await expect(third.client.start()).rejects.toMatchObject({ code: 'vault_repin_required' });
    await third.client.start({ approveSuccession: yes });
    const vault = await third.client.vault.open();
    expect(text(await vault.readSecret(setting.secret))).toBe('mail-password');
  });

  it('let a fresh browser in by the recovery code, also after a rotation, and open the export', async () => {
    const { verifier, first, vault, secret } = await enrolled();
    const made = first.client.vault.recovery.create();
    await made.confirm(made.code);
    const rotation = await vault.rotateVault();
    await rotation.confirm(rotation.code);
    await expect(
      createBrowser(verifier).client.vault.recovery.use({ code: made.code, user }),
    ).rejects.toMatchObject({ code: 'invalid_grant' });
    const document = JSON.parse(
      JSON.stringify(await first.client.vault.export({ code: rotation.code })),
    );
    const opened = await openVaultExport({
      document,
      recoveryCode: rotation.code,
    });
    expect(text(await opened.readSlot(secret))).toBe('mail-password');

    const fresh = createBrowser(verifier);
    const use = { code: rotation.code, user };
    await fresh.client.vault.recovery.use(use);
    await fresh.client.start();
    const theirs = await fresh.client.vault.open();
    expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    expect(theirs.contents.basis).toBe('pin');
    expect(theirs.contents.vaultWords).not.toEqual(vault.contents.vaultWords);
    await first.client.vault.open();
    expect(theirs.contents.vaultWords).toEqual(vault.contents.vaultWords);
    const next = fresh.client.vault.recovery.create();
    await next.confirm(next.code);
    expect(theirs.contents.members.map(({ kind }) => kind)).toEqual([
      'passkey',
      'passkey',
      'recovery',
    ]);
    const late = createBrowser(verifier);
    await expect(late.client.vault.recovery.use(use)).rejects.toMatchObject({
      code: 'invalid_grant',
    });
    const unknown = late.client.vault.recovery.create();
    await expect(
      late.client.vault.recovery.use({ code: unknown.code, user }),
    ).rejects.toMatchObject({ code: 'invalid_grant' });
  });

  it.each(['before', 'after'])(
    'take a device out with the code that was shown, though the connection broke %s the write',
    async (when) => {
      const both = await enrolled();
      const { verifier, first, vault, secret } = both;
      await join(both);
      const member = vault.contents.members.find(({ own }) => !own);
      const { code, confirm } = await vault.removeDevice(member?.id ?? '');
      breakOff(first, '/vault', when);
      await expect(confirm(code)).rejects.toMatchObject({ code: 'network_error' });
      first.between();
      expect(await confirm(code)).toHaveLength(2);
      expect(vault.contents.members.map(({ kind }) => kind)).toEqual(['passkey', 'recovery']);
      const fresh = createBrowser(verifier);
      await fresh.client.vault.recovery.use({ code, user });
      await fresh.client.start();
      const theirs = await fresh.client.vault.open();
      expect(text(await theirs.readSecret(secret))).toBe('mail-password');
    },
  );

  it('put the API key back into a vault that lists none, once it has proved right', async () => {
    const { verifier, first, vault, secret, apiKey } = await enrolled();
    first.between((request) => {
      if (!request.url.endsWith('/vault/open')) return undefined;
      return first.handle(request).then(async (response) => {
        const answer = await response.json();
        answer.vault.slots[0].blob = 'A'.repeat(64);
        return Response.json(answer);
      });
    });
    await first.client.vault.open({ approveReplacedSlots: yes });
    first.between();
    const [own] = vault.contents.slots;
    const { code, confirm } = await vault.rotateVault();
    await confirm(code, { leaveOut: [own?.id ?? ''] });
    expect(vault.contents.slots).toMatchObject([{ id: secret }]);

    const page = first.reload();
    await expect(page.start()).rejects.toMatchObject({ code: 'vault_missing' });
    const other = await verifier.keys.issue({ scopes: scope });
    const { apiKey: wrong } = other;
    await expect(page.start({ apiKey: wrong })).rejects.toMatchObject({ code: 'invalid_grant' });
    await expect(page.start()).rejects.toMatchObject({ code: 'vault_missing' });
    await page.start({ apiKey });
    const again = first.reload();
    await again.start();
    const theirs = await again.vault.open();
    expect(theirs.contents.slots).toMatchObject([{ id: secret }, { kind: 'api-key' }]);
  });

  it('lead a user who lost every passkey through rotating the keys', async () => {
    let resetVault = false;
    const verifier = openVerifier({ authorize: () => ({ resetVault }), vaultReset: { after: 0 } });
    const { first, secret, apiKey } = await enrolled(verifier);
    expect(await first.client.vault.reset.lost()).toBeUndefined();
    const { agent, vaultId } = await pairAgent(verifier, first);
    await agent.post('/agent/requests', await agent.request(vaultId, secret));
    const [approval] = (await first.client.vault.approvals.list()).requests;
    if (approval === undefined) throw new Error('no request');
    await first.client.vault.approvals.approve(approval);
    // Asked for alone: it never had a key.
    const refused = await agent.request(vaultId, secret, 'api.refused.example');
    await agent.post('/agent/requests', refused);
    const [unwanted] = (await first.client.vault.approvals.list()).requests;
    if (unwanted === undefined) throw new Error('no request');
    await first.client.vault.approvals.reject(unwanted);

    resetVault = true;
    const fresh = createBrowser(verifier);
    await expect(fresh.client.enroll({ apiKey, user })).rejects.toMatchObject({
      code: 'vault_reset_pending',
      resetAt: expect.any(Number),
    });
    await fresh.client.enroll({ apiKey, user });
    const lost = await fresh.client.vault.reset.lost();
    expect(lost).toEqual({ at: expect.any(Number), hosts: ['api.anthropic.com'] });
    const vault = await fresh.client.vault.open();
    const steps = () =>
      rotationSteps({ hosts: lost?.hosts ?? [], slots: vault.contents.slots }).map(
        ({ provider, replaced }) => [provider.id, replaced],
      );
    expect(steps()[0]).toEqual(['anthropic', false]);
    expect(steps().map(([id]) => id)).toContain('openai');
    const value = `sk-ant-${'a'.repeat(40)}`;
    await vault.addSecret({ name: 'Claude', provider: 'anthropic', value });
    expect(steps()[0]).toEqual(['anthropic', true]);

    // Until the user says so, also in another page, and whatever came into the log since.
    const page = fresh.reload();
    await page.start();
    expect(await page.vault.reset.lost()).toEqual(lost);
    for (let count = 0; count < 110; count++) {
      await vault.renameSecret(vault.contents.slots.at(-1)?.id ?? '', { name: `Claude ${count}` });
    }
    expect(await page.vault.reset.lost()).toEqual(lost);
    await page.vault.reset.settle();
    expect(await page.vault.reset.lost()).toBeUndefined();
    expect(await fresh.client.vault.reset.lost()).toBeUndefined();
  });

  it('tell each account of one browser of its own lost vault alone', async () => {
    let resetVault = false;
    const verifier = openVerifier({ authorize: () => ({ resetVault }), vaultReset: { after: 0 } });
    const storage = createMemoryStorage();
    const browser = () => createBrowser(verifier, storage).client;
    const [a, b, c] = [browser(), browser(), browser()];
    for (const client of [c, a]) {
      const { apiKey } = await enrolled(verifier);
      resetVault = true;
      const enrolment = { apiKey, user };
      await expect(client.enroll(enrolment)).rejects.toMatchObject({ code: 'vault_reset_pending' });
      await client.enroll(enrolment);
      resetVault = false;
      if (client === c) await c.signOut();
    }
    const lost = { at: expect.any(Number), hosts: [] };
    expect(await a.vault.reset.lost()).toEqual(lost);
    await a.signOut();

    const { apiKey } = await verifier.keys.issue({ scopes: scope });
    await b.enroll({ apiKey, user });
    expect(await b.vault.reset.lost()).toBeUndefined();
    await b.signOut();

    await a.start({ anyPasskey: true });
    await a.vault.reset.settle();
    expect(await a.vault.reset.lost()).toBeUndefined();
    await a.signOut();
    // It was lost before what is settled by now.
    await c.start({ anyPasskey: true });
    expect(await c.vault.reset.lost()).toEqual(lost);
  });

  it('pair an agent, approve its request and check the receipt', async () => {
    const { verifier, first, vault, secret } = await enrolled();
    const { agent, vaultId } = await pairAgent(verifier, first);
    expect(vault.contents.agents).toMatchObject([{ name: 'My builder' }]);

    const request = await agent.request(vaultId, secret);
    await agent.post('/agent/requests', request);
    expect(await first.client.vault.status()).toMatchObject({ requests: 1 });
    const { requests } = await first.client.vault.approvals.list();
    expect(requests).toMatchObject([{ agent: { name: 'My builder' }, host: 'api.anthropic.com' }]);
    const [approval] = requests;
    if (approval === undefined) throw new Error('no request');
    await first.client.vault.approvals.approve(approval);
    const read = await agent.post('/agent/requests/read', { id: approval.id });
    expect(read).toMatchObject({ status: 'released', enc: expect.any(String) });

    await agent.post('/agent/requests', await agent.request(vaultId, secret));
    const [second] = (await first.client.vault.approvals.list()).requests;
    if (second === undefined) throw new Error('no request');
    await first.client.vault.approvals.reject(second, 'Not today');
    expect(await agent.post('/agent/requests/read', { id: second.id })).toMatchObject({
      status: 'rejected',
      reason: 'Not today',
    });

    const [receipt, ...rest] = await first.client.vault.releases.receipts();
    expect(rest).toEqual([]);
    expect(receipt?.request.requestId).toBe(approval.id);
    expect(agentRequestHash(decodeBase64url(request.request))).toHaveLength(32);
    const releases = await first.client.vault.releases.list();
    expect(releases.map(({ status }) => status).sort()).toEqual(['rejected', 'released']);
    await first.client.vault.releases.end(approval.id);
    expect(await agent.post('/agent/requests/read', { id: approval.id })).toMatchObject({
      status: 'ended',
    });
    expect((await first.client.vault.releases.activity()).length).toBeGreaterThan(5);
    expect(await verifyReceipt(new Uint8Array(10))).toMatchObject({ valid: false });
  });
});

/** An agent's broker that speaks the wire. */
async function createAgent(verifier: Verifier) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const publicKey: Bytes = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
  const sign = async (bytes: Bytes) =>
    new Uint8Array(
      await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, keys.privateKey, bytes),
    );
  const part = (value: object) => encodeBase64url(new TextEncoder().encode(JSON.stringify(value)));

  async function dpop(url: string): Promise<string> {
    const header = part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
    const claims = part({
      htm: 'POST',
      htu: url,
      iat: Math.floor(Date.now() / 1000),
      jti: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
    });
    const signature = await sign(new TextEncoder().encode(`${header}.${claims}`));
    return `${header}.${claims}.${encodeBase64url(signature)}`;
  }

  async function send(path: string, body: object, headers: Record<string, string>) {
    const url = `${ISSUER}/pzk${path}`;
    const response = await verifier.handle(
      new Request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    );
    const answer = await response.text();
    if (!response.ok) throw new Error(`${path} ${response.status} ${answer}`);
    return answer === '' ? {} : JSON.parse(answer);
  }

  return {
    publicKey,
    open: (path: string, body: object) => send(path, body, {}),
    post: async (path: string, body: object) =>
      send(path, body, { dpop: await dpop(`${ISSUER}/pzk${path}`) }),
    async request(vaultId: string, slotId: string, host = 'api.anthropic.com') {
      const ephemeral = await crypto.subtle.generateKey(
        { name: 'ECDH', namedCurve: 'P-256' },
        true,
        ['deriveBits'],
      );
      const bytes = formatAgentRequest({
        issuer: ISSUER,
        vaultId,
        requestId: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
        agentKeyHash: sha256(publicKey),
        hpkeKey: new Uint8Array(await crypto.subtle.exportKey('raw', ephemeral.publicKey)),
        slotId,
        purpose: 'Write a page about the weather',
        host,
        methods: ['POST'],
        header: 'x-api-key',
        prefix: '',
        uses: 3,
        ttl: 600,
        perDay: 0,
        notAfter: 0,
      });
      return {
        request: encodeBase64url(bytes),
        signature: encodeBase64url(await sign(bytes)),
      };
    },
  };
}
