import {
  encodeBase64url,
  type RecoveryFields,
  recoveryMessage,
  recoveryWriteHash,
  revokeChallenge,
} from '@pzk-auth/protocol';
import { afterAll, expect, it } from 'vitest';
import { memoryStores } from '../../src/index.js';
import { createIssuer } from '../harness/issuer.js';
import { createTestAgent, makeApproval, pairAgents } from '../harness/test-agent.js';
import {
  addSlot,
  etagOf,
  makePinRequest,
  makeRecipient,
  makeRecovery,
  makeWrite,
  random,
} from '../harness/test-vault.js';
import { enrollWithVault } from '../harness/vault-client.js';
import { mapStores } from '../harness/watched-issuer.js';
import { createWireClient, type WireAnswer } from '../harness/wire-client.js';

/** Stores of which the n-th call fails, once armed. Budgets count attempts, audit entries come last. */
const fault = { at: 0, calls: 0, audit: false, forgetful: false };
const APART = new Set(['budgets', 'audit', 'signingKeys']);

const stores = mapStores(memoryStores(), (method, store, name) => (...args) => {
  if (store === 'audit' && name === 'append' && fault.audit) throw new Error('down');
  if (fault.forgetful && name === 'findHistory') return Promise.resolve([]);
  if (fault.at > 0 && !APART.has(store)) {
    fault.calls += 1;
    if (fault.calls === fault.at) throw new Error('down');
  }
  return method(...args);
});
const issuer = createIssuer({ stores });
afterAll(() => issuer.verifier.close());

type Send = () => Promise<WireAnswer>;

const isAuditFault = (event: (typeof issuer.events)[number]) =>
  event.type === 'fault' && event.endpoint === 'audit';

/**
 * Sends a request once for each call to a store that it makes, with that call failing: 503 each time. Then
 * once without a fault, which has to find everything as it was.
 */
async function survives(status: number, prepare: () => Promise<Send>): Promise<WireAnswer> {
  for (let at = 1; ; at++) {
    const send = await prepare();
    Object.assign(fault, { at, calls: 0 });
    const answer = await send();
    const failed = fault.calls >= at;
    fault.at = 0;
    if (!failed) {
      expect(answer.status, answer.text).toBe(status);
      expect(at).toBeGreaterThan(2);
      return answer;
    }
    // How often the log says something is no reason to refuse it.
    const spared = issuer.events.splice(0).some(isAuditFault);
    if (spared && answer.status === status) continue;
    expect(answer.body?.code, `call ${at}: ${answer.text}`).toBe('store_unavailable');
    expect(answer.status).toBe(503);
  }
}

it('every fault of a store is a 503 that leaves nothing half done: vault, invitation, recovery', async () => {
  const client = await enrollWithVault(issuer);
  const fresh = () => createWireClient(issuer, { apiKey: client.wire.apiKey });
  let next = addSlot(client.vault);
  await survives(200, async () => () => client.call('/vault/status'));
  await survives(200, async () => {
    const challenge = await client.wire.challenge('session');
    const credential = await client.wire.assert(challenge);
    return () => client.wire.post('/vault/open', { nonce: challenge.nonce, credential });
  });
  await survives(200, async () => {
    next = addSlot(client.vault);
    return () => client.write(next.write);
  });
  client.vault = next.after;
  const { publicKey: identity_key } = client.vault.identity;
  await survives(
    204,
    async () => () => client.call('/vault/pin', makePinRequest(client.vault, client.recipient)),
  );

  let id = '';
  await survives(201, async () => {
    id = random(16);
    const vault = { identity_key, counter: 2, manifest_hash: etagOf(client.vault) };
    return () => client.call('/vault/invitations', { id, mac_old: random(32), ...vault });
  });
  let joined: ReturnType<typeof makeRecipient> | undefined;
  await survives(202, async () => {
    const wire = await fresh();
    const challenge = await wire.challenge('enroll');
    const passkey = await wire.register(challenge);
    const coseKey = encodeBase64url(passkey.coseKey);
    const counter = client.vault.manifest.counter + 1;
    joined = makeRecipient({ credentialId: passkey.credentialId, coseKey }, counter);
    const { id: recipient, hpke_key, salt, generation } = joined.listed;
    return () =>
      wire.post('/enroll', {
        nonce: challenge.nonce,
        ...passkey.body,
        invitation: id,
        recipient: { id: recipient, hpke_key, salt, generation },
        pin: random(32),
        mac_new: random(32),
      });
  });
  const taken = joined as ReturnType<typeof makeRecipient>;
  const taking = makeWrite(client.vault, (draft) => draft.recipients.push(taken.listed), {
    recipients: [{ id: taken.listed.id, sealed: taken.sealed }],
  });
  await survives(200, async () => () => client.write(taking.write));
  client.vault = taking.after;

  const code = makeRecovery(client.vault.manifest.counter + 1);
  const coded = makeWrite(client.vault, (draft) => draft.recipients.push(code.listed), {
    recipients: [{ id: code.listed.id, sealed: code.sealed, pin: random(32) }],
  });
  expect((await client.write(coded.write)).status).toBe(200);
  client.vault = coded.after;
  type Wire = typeof client.wire;
  const show = (
    wire: Wire,
    { nonce, audience }: Awaited<ReturnType<Wire['challenge']>>,
    bound: Pick<RecoveryFields, 'endpoint' | 'writeHash'>,
  ) => {
    const fields = { issuer: issuer.verifier.issuer, audience, nonce, jkt: wire.sessionKey.jkt };
    const signature = code.pair.sign(recoveryMessage({ ...fields, ...bound }));
    return { nonce, recovery_key: code.pair.publicKey, signature };
  };
  await survives(200, async () => {
    const challenge = await client.wire.challenge('enroll');
    const shown = show(client.wire, challenge, { endpoint: '/vault/recover' });
    return () => client.wire.post('/vault/recover', shown);
  });
  await survives(201, async () => {
    const wire = await fresh();
    const challenge = await wire.challenge('enroll');
    const passkey = await wire.register(challenge);
    const coseKey = encodeBase64url(passkey.coseKey);
    const counter = client.vault.manifest.counter + 1;
    const made = makeRecipient({ credentialId: passkey.credentialId, coseKey }, counter);
    const { write } = makeWrite(client.vault, (draft) => draft.recipients.push(made.listed), {
      recipients: [{ id: made.listed.id, sealed: made.sealed, pin: random(32) }],
    });
    const if_match = etagOf(client.vault);
    const writeHash = recoveryWriteHash(write);
    const shown = show(wire, challenge, { endpoint: '/enroll', writeHash });
    return () => wire.post('/enroll', { ...passkey.body, ...shown, if_match, write });
  });
  const devices = await survives(200, async () => () => client.call('/devices'));
  expect(devices.body.devices).toHaveLength(3);
  const device = devices.body.devices[2].id;
  await survives(204, async () => {
    const { nonce } = await client.wire.challenge('revoke');
    const fields = { issuer: issuer.verifier.issuer, device, nonce };
    const credential = await client.wire.sign(revokeChallenge(fields));
    return () => client.call('/devices/revoke', { device, nonce, credential });
  });
});

it('every fault of a store is a 503 that leaves nothing half done: pairing and release', async () => {
  const client = await enrollWithVault(issuer);
  const agent = await createTestAgent(issuer);
  await pairAgents(client, [agent]);
  const { id } = (await survives(201, async () => () => client.call('/vault/pairings'))).body;
  const byId = (path: string, rest = {}) => client.wire.post(path, { id, ...rest }, { dpop: null });
  const commitment = random(32);
  await survives(204, async () => () => byId('/agent/pairings/commit', { commitment, name: 'A' }));
  const answer = { id, identity_key: client.vault.identity.publicKey, nonce_b: random(32) };
  await survives(204, async () => () => client.call('/vault/pairings/answer', answer));
  const revealed = { agent_key: agent.key, nonce_a: random(32) };
  await survives(204, async () => () => byId('/agent/pairings/reveal', revealed));
  await survives(204, async () => () => client.call('/vault/pairings/end', { id }));

  const sent = await agent.make(client.vault);
  const { request, signature } = sent;
  await survives(201, async () => () => agent.post('/agent/requests', { request, signature }));
  let approved: Awaited<ReturnType<typeof makeApproval>> | undefined;
  const headers = { 'if-match': `"${etagOf(client.vault)}"` };
  await survives(200, async () => {
    approved = await makeApproval(client, sent);
    const { body } = approved;
    return () => client.call('/vault/releases', body, headers);
  });
  const receipts = await client.call('/vault/receipts');
  expect(receipts.body.receipts).toHaveLength(1);
  const read = await survives(
    200,
    async () => () => agent.post('/agent/requests/read', { id: sent.id }),
  );
  expect(read.body.enc).toBe(approved?.body.enc);
  const uses = { id: sent.id, uses: 1, last_used_at: 1, ended: false };
  await survives(200, async () => () => agent.post('/agent/uses', uses));
  await survives(204, async () => () => client.call('/vault/releases/end', { id: sent.id }));
});

it('what lets somebody in waits for its entry in the audit log; what shuts out does not', async () => {
  const client = await enrollWithVault(issuer);
  const agent = await createTestAgent(issuer);
  await pairAgents(client, [agent]);
  const sent = await agent.ask(client.vault);
  const { body } = await makeApproval(client, sent);
  const headers = { 'if-match': `"${etagOf(client.vault)}"` };
  expect((await client.call('/vault/releases', body, headers)).status).toBe(200);
  fault.audit = true;
  const opened = await client.open();
  expect(opened.status).toBe(503);
  expect(opened.body).not.toHaveProperty('vault');
  const read = () => agent.post('/agent/requests/read', { id: sent.id });
  expect((await read()).status).toBe(503);
  fault.audit = false;
  // Nothing was handed over without its entry, so it is still there.
  expect((await read()).body.enc).toBe(body.enc);
  fault.audit = true;
  expect((await client.call('/vault/releases/end', { id: sent.id })).status).toBe(204);
  fault.audit = false;
  expect((await read()).body).toEqual({ status: 'ended' });
});

it('[H9] with pairwise subjects a token reaches the vault of its own account', async () => {
  const pairwise = createIssuer({ pairwiseSubjects: true });
  const client = await enrollWithVault(pairwise);
  const { write, after } = addSlot(client.vault);
  expect((await client.write(write)).body).toEqual({ etag: etagOf(after) });
  expect(pairwise.events).toContainEqual(
    expect.objectContaining({ type: 'slot_added', account: client.account }),
  );
  await pairwise.verifier.close();
});

it('a history that lacks a part is a 500 with its stack in the log: no later try would find it', async () => {
  const client = await enrollWithVault(issuer);
  for (let written = 0; written < 3; written++) {
    const { write, after } = addSlot(client.vault);
    expect((await client.write(write)).status).toBe(200);
    client.vault = after;
  }
  issuer.events.length = 0;
  fault.forgetful = true;
  const answer = await client.open(1);
  fault.forgetful = false;
  expect([answer.status, answer.body.code]).toEqual([500, 'server_error']);
  const error = expect.objectContaining({ stack: expect.stringContaining('history of a vault') });
  expect(issuer.events).toContainEqual(
    expect.objectContaining({ type: 'fault', endpoint: '/vault/open', error }),
  );
  expect((await client.open(1)).status).toBe(200);
});
