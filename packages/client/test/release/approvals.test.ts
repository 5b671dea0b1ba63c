import { encodeBase64url, type ReleaseRequest, receiptHash } from '@pzk-auth/protocol';
import { describe, expect, it, vi } from 'vitest';
import {
  type Approval,
  isUndecided,
  type OpenVault,
  verifyReceipt,
  verifyReceipts,
} from '../../src/index.js';
import { apiKey, challengeAnswer, createClientOf, problem } from '../fake-issuer.js';
import { randomBytes, randomHistory } from '../vault/craft-vault.js';
import {
  createFakePlatform,
  enrolledDevice,
  type FakePlatform,
  manifestOf,
  type StoredVault,
} from '../vault/fake-platform.js';
import { createReceiptMaker } from './craft-receipt.js';
import { createFakeBroker } from './fake-broker.js';

async function rotate(vault: OpenVault) {
  const { code, confirm } = await vault.rotateVault();
  await confirm(code);
}

async function opened() {
  const platform = createFakePlatform();
  const device = await enrolledDevice(platform);
  const vault = await device.client.vault.open();
  const slot = await vault.addSecret({ name: 'Claude', value: 'sk-ant-secret' });
  return { platform, device, vault, slot, client: device.client.vault };
}

async function paired() {
  const setting = await opened();
  const broker = await createFakeBroker(setting.platform);
  const pairing = await setting.client.agents.pair();
  broker.commit();
  await pairing.poll();
  broker.reveal();
  await pairing.poll();
  const agentId = await pairing.confirm();
  return { ...setting, broker, agentId };
}

const manifest = (platform: FakePlatform) => manifestOf(platform.vault as StoredVault);

async function onlyRequest(client: Awaited<ReturnType<typeof opened>>['client']) {
  const { requests } = await client.approvals.list();
  expect(requests).toHaveLength(1);
  return requests[0] as Approval;
}

describe('pairing', () => {
  it('[V9] honest: shows the words of the broker and writes its key', async () => {
    const { client, platform, vault } = await opened();
    const broker = await createFakeBroker(platform);
    const pairing = await client.agents.pair();
    expect(pairing.code).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
    expect(await pairing.poll()).toEqual({ status: 'waiting' });
    await expect(pairing.confirm()).rejects.toMatchObject({ code: 'pairing_mismatch' });
    broker.commit();
    expect(await pairing.poll()).toEqual({ status: 'waiting' });
    expect(await pairing.poll()).toEqual({ status: 'waiting' });
    broker.reveal();
    const words = broker.words();
    expect(await pairing.poll()).toEqual({ status: 'compare', name: 'Builder', words });
    const id = await pairing.confirm({ name: 'My builder' });
    expect(vault.contents.agents).toEqual([{ id, name: 'My builder' }]);
    expect(manifest(platform).agents[0]?.key).toBe(encodeBase64url(broker.key.publicKey));
    await vault.removeAgent(id);
    expect(vault.contents.agents).toEqual([]);
  });

  it.each(['agent_key', 'nonce_a'])(
    '[V9] refuses another %s than was committed to',
    async (member) => {
      const { client, platform } = await opened();
      const broker = await createFakeBroker(platform);
      const other = await createFakeBroker(platform);
      const pairing = await client.agents.pair();
      broker.commit();
      await pairing.poll();
      broker.reveal();
      platform.pairing[member] =
        member === 'nonce_a'
          ? encodeBase64url(randomBytes(32))
          : encodeBase64url(other.key.publicKey);
      await expect(pairing.poll()).rejects.toMatchObject({ code: 'pairing_mismatch' });
      // One attempt: nothing that comes later is taken.
      broker.reveal();
      await expect(pairing.poll()).rejects.toMatchObject({ code: 'pairing_mismatch' });
      await expect(pairing.confirm()).rejects.toMatchObject({ code: 'pairing_mismatch' });
      expect(manifest(platform).agents).toEqual([]);
    },
  );

  it('[V9] refuses a commitment that changes, and one that comes with what it commits to', async () => {
    const { client, platform } = await opened();
    const broker = await createFakeBroker(platform);
    const other = await createFakeBroker(platform);
    const first = await client.agents.pair();
    broker.commit();
    await first.poll();
    other.commit();
    other.reveal();
    await expect(first.poll()).rejects.toMatchObject({ code: 'pairing_mismatch' });
    const second = await client.agents.pair();
    other.commit();
    other.reveal();
    await expect(second.poll()).rejects.toMatchObject({ code: 'pairing_mismatch' });
  });

  it('[V9] shows other words where the platform puts a key of its own in between', async () => {
    const { client, platform } = await opened();
    const real = await createFakeBroker(platform);
    const between = await createFakeBroker(platform);
    const pairing = await client.agents.pair();
    between.commit();
    await pairing.poll();
    between.reveal();
    const shown = await pairing.poll();
    expect(shown).toMatchObject({ status: 'compare', words: between.words() });
    expect(real.words()).not.toEqual(between.words());
  });

  it('[V12] refuses a key that is no point on the curve', async () => {
    const { client, platform } = await opened();
    const broker = await createFakeBroker(platform);
    broker.key.publicKey.fill(1, 1);
    const pairing = await client.agents.pair();
    broker.commit();
    await pairing.poll();
    broker.reveal();
    await expect(pairing.poll()).rejects.toMatchObject({ code: 'pairing_mismatch' });
  });
});

describe('approval', () => {
  it('[V10] honest: seals the secret to the request that was shown, with a receipt', async () => {
    const { client, platform, broker, slot, agentId } = await paired();
    const bytes = await broker.ask(slot);
    const approval = await onlyRequest(client);
    expect(approval).toMatchObject({
      agent: { id: agentId, name: 'Builder' },
      slot: { id: slot, name: 'Claude' },
      purpose: 'Write a page about the weather',
      host: 'api.anthropic.com',
      methods: ['POST'],
      header: { name: 'x-api-key', prefix: '' },
      uses: 3,
      term: { kind: 'once', seconds: 600 },
    });
    const { identity_key } = manifest(platform);
    await client.approvals.approve(approval);
    const release = platform.releases[0] as unknown as ReleaseRequest;
    expect(await broker.take(bytes, release, identity_key)).toBe('sk-ant-secret');
    const receipt = new Uint8Array(Buffer.from(release.receipt, 'base64url'));
    expect(await verifyReceipt(receipt)).toMatchObject({
      valid: true,
      receipt: { hash: manifest(platform).receipts_head, previous: '' },
    });
    expect(JSON.stringify(platform.sent.map(({ body }) => body))).not.toContain('sk-ant-secret');
  });

  it('[V13] honest: releases the bytes of an API key, and a standing approval', async () => {
    const { client, platform, broker, vault } = await paired();
    const own = vault.contents.slots.find(({ kind }) => kind === 'api-key')?.id ?? '';
    const notAfter = Math.floor(Date.now() / 1000) + 86_400;
    const bytes = await broker.ask(own, { ttl: 0, perDay: 20, notAfter });
    const approval = await onlyRequest(client);
    expect(approval.term).toEqual({ kind: 'standing', perDay: 20, notAfter });
    const { identity_key } = manifest(platform);
    await client.approvals.approve(approval);
    const release = platform.releases[0] as unknown as ReleaseRequest;
    expect(await broker.take(bytes, release, identity_key)).toBe(apiKey);
  });

  it('[V10] releases nothing from an opening by the pin alone, to an agent that was taken out', async () => {
    const { platform, device, broker, slot, vault, agentId } = await paired();
    const before = platform.snapshot();
    await vault.removeAgent(agentId);
    // A browser that remembers nothing, with the same passkey, is shown the vault of before.
    platform.vault = before;
    await broker.ask(slot);
    const { authenticator } = device;
    const fresh = createClientOf(platform, { authenticator });
    await fresh.start();
    const led = await fresh.vault.open();
    expect(led.contents.basis).toBe('pin');
    const approval = await onlyRequest(fresh.vault);
    const refused = { code: 'vault_compare_required' };
    await expect(fresh.vault.approvals.approve(approval)).rejects.toMatchObject(refused);
    // Likewise where the approval opens the vault.
    led.lock();
    await expect(fresh.vault.approvals.approve(approval)).rejects.toMatchObject(refused);
    const onUserPrompt = vi.fn();
    authenticator.configure({ onUserPrompt });
    platform.sent.length = 0;
    await expect(fresh.vault.approvals.approve(approval)).rejects.toMatchObject(refused);
    expect(onUserPrompt).not.toHaveBeenCalled();
    expect(platform.sent).toEqual([]);
  });

  it('[V10] honest: releases to an agent from a browser that was compared, what it has shown before', async () => {
    const { platform, device, broker, slot } = await paired();
    const bytes = await broker.ask(slot);
    const fresh = createClientOf(platform, { authenticator: device.authenticator });
    await fresh.start();
    const vault = await fresh.vault.open();
    const approval = await onlyRequest(fresh.vault);
    await vault.confirmCompared();
    const { identity_key } = manifest(platform);
    await fresh.vault.approvals.approve(approval);
    const release = platform.releases[0] as unknown as ReleaseRequest;
    expect(await broker.take(bytes, release, identity_key)).toBe('sk-ant-secret');
  });

  it.each([
    ['another issuer', { issuer: 'https://other.example.com' }],
    ['another vault', { vaultId: encodeBase64url(new Uint8Array(16)) }],
    ['another agent', { agentKeyHash: new Uint8Array(32) }],
    ['a slot that is not there', { slotId: encodeBase64url(new Uint8Array(16)) }],
    ['an end that has passed', { ttl: 0, perDay: 1, notAfter: 1000 }],
    ['an end too far ahead', { ttl: 0, perDay: 1, notAfter: 4_000_000_000 }],
  ])('[V10] does not show a request for %s, nor let it hide another', async (_, changes) => {
    const { client, broker, slot } = await paired();
    await broker.ask(slot, changes);
    await broker.ask(slot);
    const { requests, refused } = await client.approvals.list();
    expect(refused).toBe(1);
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['behind', -60],
    ['ahead of', 60],
  ])(
    '[V10] judges the end of a standing approval by its own clock, too: server days %s it',
    async (_, days) => {
      const { client, platform, broker, slot } = await paired();
      const now = Math.floor(Date.now() / 1000);
      const end = (inDays: number) => ({ ttl: 0, perDay: 1, notAfter: now + inDays * 86_400 });
      await broker.ask(slot, end(days > 0 ? days + 80 : -1));
      await broker.ask(slot, end(days > 0 ? days + 20 : 20));
      // Likewise by the server's alone.
      await broker.ask(slot, end(days > 0 ? 20 : 80));
      const answer = challengeAnswer({ now: now + days * 86_400 });
      platform.respond('/pzk/challenge', () => Response.json(answer));
      await client.open();
      const { requests, refused } = await client.approvals.list();
      expect([requests.length, refused]).toEqual([1, 2]);
    },
  );

  it('[V10] does not show a request for the names of the devices', async () => {
    const { client, platform, broker, vault } = await paired();
    await vault.nameDevice(vault.contents.members[0]?.id ?? '', 'Laptop');
    const names = manifest(platform).slots.find(({ kind }) => kind === 'names');
    await broker.ask(names?.id ?? '');
    expect(await client.approvals.list()).toEqual({ requests: [], refused: 1 });
  });

  it('[V13] does not show a request whose bytes the agent did not sign', async () => {
    const { client, platform, broker, slot } = await paired();
    await broker.ask(slot, {}, randomBytes(40));
    expect(await client.approvals.list()).toEqual({ requests: [], refused: 1 });
    // One that the platform changed on the way, byte by byte.
    platform.requests.length = 0;
    const bytes = await broker.ask(slot);
    const [honest] = platform.requests;
    if (honest === undefined) throw new Error('nothing was asked for');
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      platform.requests[0] = { ...honest, request: encodeBase64url(changed) };
      expect(await client.approvals.list()).toEqual({ requests: [], refused: 1 });
    }
  });

  it('[V10] approves what was shown, and no object that looks like it', async () => {
    const { client, platform, broker, slot } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    await expect(client.approvals.approve({ ...approval })).rejects.toThrow(TypeError);
    // The platform shows another request under the same id afterwards.
    platform.requests.length = 0;
    const other = await broker.ask(slot, { requestId: approval.id, host: 'evil.example.com' });
    const { identity_key } = manifest(platform);
    await client.approvals.approve(approval);
    const release = platform.releases[0] as unknown as ReleaseRequest;
    await expect(broker.take(other, release, identity_key)).rejects.toThrow('not signed');
  });

  it('[V10] refuses a request whose agent was taken out since it was shown', async () => {
    const { client, platform, broker, slot, vault, agentId } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    await vault.removeAgent(agentId);
    await expect(client.approvals.approve(approval)).rejects.toMatchObject({
      code: 'release_request_invalid',
    });
    expect(platform.releases).toEqual([]);
  });

  it.each(['here', 'on another page'] as const)(
    '[V13] refuses a request whose slot or agent has changed %s since it was shown, before a touch',
    async (where) => {
      const { client, platform, broker, slot, vault, device } = await paired();
      await broker.ask(slot);
      const changing = where === 'here' ? device : { client: device.reload() };
      const changed = where === 'here' ? vault : await changing.client.vault.open();
      if (where !== 'here') await changing.client.start();
      const renameAgent = async () => {
        const pairing = await changing.client.vault.agents.pair();
        broker.commit();
        await pairing.poll();
        broker.reveal();
        await pairing.poll();
        await pairing.confirm({ name: 'Somebody else' });
      };
      const changes: (() => Promise<unknown>)[] = [
        () => changed.updateSecret(slot, { value: 'another key' }),
        () => changed.renameSecret(slot, { name: 'Production' }),
        renameAgent,
        () => rotate(changed),
      ];
      for (const change of changes) {
        const shown = await onlyRequest(client);
        await change();
        // What another page has written this one sees when it opens the vault again.
        if (where !== 'here') client.lock();
        platform.sent.length = 0;
        await expect(client.approvals.approve(shown)).rejects.toMatchObject({
          code: 'vault_conflict',
        });
        expect(platform.sent.map(({ body }) => body).join()).not.toContain('"release"');
        expect(platform.releases).toEqual([]);
      }
      await client.approvals.approve(await onlyRequest(client));
      expect(platform.releases).toHaveLength(1);
    },
  );

  it('asks what an opening asks where another page has changed the keys of a locked vault', async () => {
    const { client, platform, broker, slot, device, vault } = await paired();
    await broker.ask(slot);
    const shown = await onlyRequest(client);
    const fake = await createFakeBroker(platform);
    const pairing = await client.agents.pair();
    fake.commit();
    await pairing.poll();
    fake.reveal();
    await pairing.poll();
    // Another browser with the same passkey: this one still has the pin of before.
    const before = platform.snapshot();
    const other = createClientOf(platform, { authenticator: device.authenticator });
    await other.start();
    await rotate(await other.vault.open());
    for (const [id, recipient] of platform.vault?.recipients ?? []) {
      const old = before.recipients.get(id);
      if (old !== undefined) recipient.pin = old.pin;
    }
    vault.lock();
    const refused = { code: 'vault_repin_required' };
    await expect(client.approvals.approve(shown)).rejects.toMatchObject(refused);
    await expect(pairing.confirm()).rejects.toMatchObject(refused);
    await expect(vault.rotateGeneration()).rejects.toMatchObject({ code: 'vault_locked' });
    const approveSuccession = vi.fn(() => true);
    const approving = client.approvals.approve(shown, { approveSuccession });
    // The slot has another version now: it is to be shown anew.
    await expect(approving).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(approveSuccession).toHaveBeenCalledOnce();
    await client.approvals.approve(await onlyRequest(client), { approveSuccession });
    expect(platform.releases).toHaveLength(1);
    await expect(pairing.confirm({ approveSuccession })).rejects.toMatchObject({
      code: 'pairing_mismatch',
    });
    expect(approveSuccession).toHaveBeenCalledOnce();
  });

  it('[V13] refuses a slot that changes while the passkey is asked', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    await broker.ask(slot);
    const shown = await onlyRequest(client);
    platform.respond('/pzk/challenge', async () => {
      platform.respond('/pzk/challenge', () => undefined);
      await vault.updateSecret(slot, { value: 'another key' });
      return undefined;
    });
    await expect(client.approvals.approve(shown)).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(platform.releases).toEqual([]);
  });

  it('[V13] honest: approves what was shown, also after another slot has changed', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    await broker.ask(slot);
    const shown = await onlyRequest(client);
    const other = await vault.addSecret({ name: 'other', value: 'other' });
    await vault.renameSecret(other, { name: 'still other' });
    await client.approvals.approve(shown);
    expect(platform.releases).toHaveLength(1);
  });

  it('[V12] seals to no key that is no point on the curve', async () => {
    const { client, platform, broker, slot } = await paired();
    const hpkeKey = new Uint8Array(65).fill(1);
    hpkeKey[0] = 4;
    await broker.ask(slot, { hpkeKey });
    const approval = await onlyRequest(client);
    await expect(client.approvals.approve(approval)).rejects.toMatchObject({
      code: 'release_request_invalid',
    });
    expect(platform.releases).toEqual([]);
  });

  it('[V10] makes no second release where the platform says that it has expired', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    platform.respond('/pzk/vault/releases', () => problem('not_found', 404));
    await expect(client.approvals.approve(approval)).rejects.toMatchObject({
      code: 'release_undecided',
      cause: { code: 'not_found' },
    });
    platform.respond('/pzk/vault/releases', () => undefined);
    await client.approvals.approve(approval);
    expect(vault.contents.slots).toHaveLength(2);
  });

  it.each([
    ['invalid_request', 400],
    ['not_found', 404],
    ['vault_conflict', 412],
    ['invalid_token', 401],
    ['too_many_requests', 429],
    ['busy', 503],
  ])(
    '[V2] says that the key may be out where the platform answers a release with %s',
    async (code, status) => {
      const { client, platform, broker, slot } = await paired();
      const bytes = await broker.ask(slot);
      const approval = await onlyRequest(client);
      const { identity_key } = manifest(platform);
      let kept = '';
      platform.respond('/pzk/vault/releases', ({ body }) => {
        kept = body;
        return problem(code, status);
      });
      const refused = await client.approvals.approve(approval).catch((cause: unknown) => cause);
      expect(refused).toMatchObject({ code: 'release_undecided', cause: { code } });
      expect(isUndecided(refused)).toBe(true);
      expect(client.getSnapshot().status).toBe('locked');
      // It is: what was sent is as good as a release that was taken, and leaves no receipt.
      expect(await broker.take(bytes, JSON.parse(kept), identity_key)).toBe('sk-ant-secret');
      await client.open();
      expect(await client.releases.receipts()).toEqual([]);
    },
  );

  it('[V2] honest: says so of nothing that was not sent', async () => {
    const { client, platform, broker, slot, device } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    const other = device.reload();
    await other.start();
    platform.respond('/pzk/challenge', async () => {
      platform.respond('/pzk/challenge', () => undefined);
      // Another page writes while the passkey is asked.
      await (await other.vault.open()).addSecret({ name: 'more', value: 'more' });
      return undefined;
    });
    const refused = await client.approvals.approve(approval).catch((cause: unknown) => cause);
    expect(refused).toMatchObject({ code: 'vault_conflict' });
    expect(isUndecided(refused)).toBe(false);
    expect(platform.paths()).not.toContain('/pzk/vault/releases');
  });

  it('asks for a touch to open the vault where it has locked itself meanwhile', async () => {
    const { client, platform, broker, slot } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    client.lock();
    await expect(client.approvals.list()).rejects.toMatchObject({ code: 'vault_locked' });
    await client.approvals.approve(approval);
    expect(platform.releases).toHaveLength(1);
  });

  it('asks for that touch also after a sleep in which no timer ran', async () => {
    const { platform, broker, device, slot } = await paired();
    await broker.ask(slot);
    let now = Date.now();
    const { authenticator, storage } = device;
    const { vault, start } = createClientOf(platform, {
      authenticator,
      storage,
      clock: () => now,
    });
    await start();
    await vault.open();
    const approval = await onlyRequest(vault);
    now += 301_000;
    await vault.approvals.approve(approval);
    expect(platform.releases).toHaveLength(1);
  });

  it('asks for no touch without a session', async () => {
    const { platform, broker, device, client, slot } = await paired();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    await device.client.signOut();
    const onUserPrompt = vi.fn();
    device.authenticator.configure({ onUserPrompt });
    await expect(client.approvals.approve(approval)).rejects.toMatchObject({
      code: 'not_signed_in',
    });
    expect(onUserPrompt).not.toHaveBeenCalled();
    expect(platform.releases).toEqual([]);
  });

  it('opens it then as its user has, without the slots that are lost', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    const lost = await vault.addSecret({ name: 'lost', value: 'lost' });
    platform.vault?.slots.set(lost, encodeBase64url(new Uint8Array(64)));
    await broker.ask(slot);
    await client.open({ approveReplacedSlots: () => true });
    const approval = await onlyRequest(client);
    client.lock();
    await client.approvals.approve(approval);
    expect(platform.releases).toHaveLength(1);
  });

  it('takes no touch for a value that no broker would take, and releases nothing', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    for (const value of ['seven77', 'two\nlines', 'schlüssel', Uint8Array.of(0, 255, 10)]) {
      await vault.updateSecret(slot, { value });
      await broker.ask(slot);
      const approval = await onlyRequest(client);
      const challenges = () => platform.paths().filter((path) => path === '/pzk/challenge').length;
      const before = challenges();
      await expect(client.approvals.approve(approval)).rejects.toMatchObject({
        code: 'api_key_malformed',
        hint: expect.stringContaining('at least 8 characters'),
      });
      expect(challenges()).toBe(before);
      await client.approvals.reject(approval);
    }
    expect(platform.releases).toEqual([]);
    await vault.updateSecret(slot, { value: 'eight888' });
    await broker.ask(slot);
    await client.approvals.approve(await onlyRequest(client));
    expect(platform.releases).toHaveLength(1);
  });

  it('takes no touch for a slot that cannot be read', async () => {
    const { client, platform, broker, slot, vault } = await paired();
    const encrypt = vi.spyOn(crypto.subtle, 'encrypt');
    encrypt.mockResolvedValueOnce(new ArrayBuffer(64));
    await vault.updateSecret(slot, { value: 'sk-ant-other' });
    encrypt.mockRestore();
    await broker.ask(slot);
    const approval = await onlyRequest(client);
    expect(approval.slot).toMatchObject({ damaged: 'unreadable' });
    platform.sent.length = 0;
    await expect(client.approvals.approve(approval)).rejects.toMatchObject({
      code: 'vault_slot_damaged',
    });
    expect(platform.sent).toEqual([]);
  });

  it('rejects with a reason', async () => {
    const { client, platform, broker, slot } = await paired();
    await broker.ask(slot);
    await client.approvals.reject(await onlyRequest(client), 'Not today');
    const sent = platform.sent.findLast(({ path }) => path === '/pzk/vault/requests/reject');
    expect(JSON.parse(sent?.body ?? '')).toMatchObject({ reason: 'Not today' });
    expect((await client.approvals.list()).requests).toEqual([]);
  });
});

describe('receipts of a vault', () => {
  async function released(count: number) {
    const setting = await paired();
    for (let index = 0; index < count; index++) {
      setting.platform.requests.length = 0;
      await setting.broker.ask(setting.slot);
      await setting.client.approvals.approve(await onlyRequest(setting.client));
    }
    return setting;
  }

  it('are all there and follow from each other', async () => {
    const { client } = await released(3);
    const receipts = await client.releases.receipts();
    expect(receipts.map(({ agent }) => agent.name)).toEqual(['Builder', 'Builder', 'Builder']);
  });

  it('[V2] are given as a file, whose head is that of the last one', async () => {
    const { client, platform } = await released(3);
    const { document, head } = await client.releases.exportReceipts();
    expect(head).toBe(manifest(platform).receipts_head);
    const { receipts } = JSON.parse(JSON.stringify(document)) as typeof document;
    expect(receipts.map(({ receipt }) => receipt)).toEqual(
      platform.releases.map(({ receipt }) => receipt),
    );
    const read = receipts.map(({ number, receipt }) => {
      return { number, receipt: new Uint8Array(Buffer.from(receipt, 'base64url')) };
    });
    expect(await verifyReceipts({ receipts: read, head })).toMatchObject({ valid: true });
    platform.releases.pop();
    await expect(client.releases.exportReceipts()).rejects.toMatchObject({
      code: 'receipt_invalid',
    });
  });

  it('[V2] honest: go on after another page has changed the keys and approved', async () => {
    const { client, platform, broker, slot, device } = await released(1);
    const other = device.reload();
    await other.start();
    const theirs = await other.vault.open();
    await rotate(theirs);
    expect(await client.releases.receipts()).toHaveLength(1);
    platform.requests.length = 0;
    await broker.ask(slot);
    const { requests } = await other.vault.approvals.list();
    await other.vault.approvals.approve(requests[0] as Approval);
    expect(await other.vault.releases.receipts()).toHaveLength(2);
    // No alarm, and nothing is vouched for that this page cannot know.
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'vault_conflict' });
    await client.open();
    expect(await client.releases.receipts()).toHaveLength(2);
  });

  it('[V3] are refused with one behind them that somebody else has signed', async () => {
    const { client, platform } = await released(1);
    const { vaultId = '' } = platform.vault ?? {};
    const { make } = await createReceiptMaker({ vaultId });
    const head = manifest(platform).receipts_head;
    const forged = await make({
      previous: head,
      manifest: (of) => ({
        ...of,
        counter: 99,
        history: randomHistory(99),
        receipts_head: head,
      }),
    });
    platform.releases.push({ receipt: encodeBase64url(forged) });
    for (let opening = 0; opening < 2; opening++) {
      await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'vault_conflict' });
      await client.open();
    }
  });

  it('[V3] are those of the open vault alone: what came before a reset is not vouched for', async () => {
    const before = await released(2);
    const { platform } = before;
    const first = platform.releases[0];
    // Another browser enrols after the reset, and the vault begins anew.
    const { client: renewed } = await enrolledDevice(platform);
    const vault = await renewed.vault.open();
    expect(await renewed.vault.releases.receipts()).toEqual([]);
    const slot = await vault.addSecret({ name: 'New', value: 'new-secret' });
    const broker = await createFakeBroker(platform);
    const pairing = await renewed.vault.agents.pair();
    broker.commit('After');
    await pairing.poll();
    broker.reveal();
    await pairing.poll();
    await pairing.confirm();
    platform.requests.length = 0;
    await broker.ask(slot);
    const { requests } = await renewed.vault.approvals.list();
    await renewed.vault.approvals.approve(requests[0] as Approval);
    const receipts = await renewed.vault.releases.receipts();
    const { document } = await renewed.vault.releases.exportReceipts();
    expect(document.receipts.map(({ number }) => number)).toEqual([3]);
    expect(receipts.map(({ agent }) => agent.name)).toEqual(['After']);
    // Made up by the platform for a vault of its own, and put in front.
    const made = encodeBase64url(await (await createReceiptMaker()).make());
    platform.releases.splice(0, 2, { receipt: made });
    expect((await renewed.vault.releases.receipts()).map(({ agent }) => agent.name)).toEqual([
      'After',
    ]);
    // Its own ones do not go missing under this.
    platform.releases.pop();
    platform.releases.push(first as (typeof platform.releases)[number]);
    await expect(renewed.vault.releases.receipts()).rejects.toMatchObject({
      code: 'receipt_invalid',
    });
  });

  /** Answers with a receipt for every number, as long as it is asked. */
  function numberOn(platform: FakePlatform, receiptOf: (number: number) => Promise<string>) {
    const pages = { count: 0 };
    platform.respond('/pzk/vault/receipts', async ({ body }) => {
      pages.count++;
      // What a client that asks on forever would meet; the test ends all the same.
      if (pages.count > 1000) return Response.json({ receipts: [] });
      const after: number = JSON.parse(body).after ?? 0;
      const numbers = Array.from({ length: 20 }, (_, index) => after + index + 1);
      const receipts = [];
      for (const number of numbers) receipts.push({ number, receipt: await receiptOf(number) });
      return Response.json({ receipts });
    });
    return pages;
  }

  it('[V2] are checked as they come: junk without end is refused at its first page', async () => {
    const { client, platform } = await released(1);
    const pages = numberOn(platform, async () => 'A'.repeat(400));
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'receipt_invalid' });
    expect(pages.count).toBe(1);
  });

  it('[V2] cannot be put in front of those that are named without end', async () => {
    const { client, platform } = await released(1);
    const { vaultId = '' } = platform.vault ?? {};
    const { make } = await createReceiptMaker({ vaultId });
    // In order each, as whoever has an earlier key of the vault could make them.
    const pages = numberOn(platform, async () => encodeBase64url(await make()));
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'receipt_invalid' });
    expect(pages.count).toBe(1);
  });

  it('[V2] cannot be put behind those that are named without end', async () => {
    const { client, platform } = await released(1);
    const { vaultId = '' } = platform.vault ?? {};
    const { make } = await createReceiptMaker({ vaultId });
    const first = String(platform.releases[0]?.receipt);
    const { receipts_head: head, counter } = manifest(platform);
    let previous = head;
    const pages = numberOn(platform, async (number) => {
      if (number === 1) return first;
      const bytes = await make({
        previous,
        manifest: (of) => ({
          ...of,
          counter: counter + number,
          history: randomHistory(counter + number),
          receipts_head: previous,
        }),
      });
      previous = encodeBase64url(receiptHash(bytes));
      return encodeBase64url(bytes);
    });
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'vault_conflict' });
    expect(pages.count).toBe(1);
  });

  it('[V2] of vaults that were replaced are not asked for without end', async () => {
    const { client, platform } = await released(1);
    const foreign = encodeBase64url(await (await createReceiptMaker()).make());
    const pages = numberOn(platform, async () => foreign);
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'unexpected_response' });
    expect(pages.count).toBeLessThan(1000);
  });

  it.each([
    ['the last one hidden', (all: unknown[]) => all.pop()],
    ['the first one hidden', (all: unknown[]) => all.shift()],
    ['all hidden', (all: unknown[]) => all.splice(0)],
    ['one given twice', (all: unknown[]) => all.push(all[0])],
    ['two swapped', (all: unknown[]) => all.splice(0, 2, all[1], all[0])],
  ])('are refused with %s', async (_, change) => {
    const { client, platform } = await released(3);
    change(platform.releases);
    await expect(client.releases.receipts()).rejects.toMatchObject({ code: 'receipt_invalid' });
  });
});
