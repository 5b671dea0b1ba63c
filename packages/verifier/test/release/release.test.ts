import {
  decodeBase64url,
  encodeBase64url,
  parseReceipt,
  receiptHash,
  sha256,
} from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import { createIssuer } from '../harness/issuer.js';
import { describeOnStores } from '../harness/issuers.js';
import {
  type ApprovalOver,
  createTestAgent,
  makeApproval,
  pairAgents,
  type SentRequest,
} from '../harness/test-agent.js';
import { addSlot, etagOf, makeWrite, random, rotateVault } from '../harness/test-vault.js';
import { enrollWithVault, type VaultClient } from '../harness/vault-client.js';

const approve = (client: VaultClient, body: unknown) =>
  client.call('/vault/releases', body, { 'if-match': `"${etagOf(client.vault)}"` });

describeOnStores('release to an agent', (kind) => {
  async function paired(agents = 1) {
    const client = await enrollWithVault(kind.issuer);
    const made = await Promise.all(
      Array.from({ length: agents }, () => createTestAgent(kind.issuer)),
    );
    await pairAgents(client, made);
    const [agent] = made;
    if (agent === undefined) throw new Error('no agent');
    return { client, agent, agents: made };
  }

  it('[V10] honest: asked, approved with a touch, fetched once, used, ended by the user', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    expect((await client.call('/vault/status')).body.requests).toBe(1);
    const waiting = await client.call('/vault/requests');
    expect(waiting.body.requests).toMatchObject([
      { request: sent.request, signature: sent.signature },
    ]);
    const { id } = sent;
    const read = () => agent.post('/agent/requests/read', { id });
    expect((await read()).body).toEqual({ status: 'waiting' });

    const { body, after } = await makeApproval(client, sent);
    kind.issuer.events.splice(0);
    const answer = await approve(client, body);
    expect(answer.body).toEqual({ etag: etagOf(after) });
    client.vault = after;
    expect(kind.issuer.events).toMatchObject([
      {
        type: 'release_approved',
        account: client.account,
        device: client.device,
        agent: agent.id,
        slot: after.manifest.slots[0]?.id,
        request: id,
      },
    ]);
    const { enc, ct, signature } = body;
    const identity_key = client.vault.identity.publicKey;
    const sealed = { enc, ct, signature, identity_key };
    expect((await read()).body).toEqual({ status: 'released', ...sealed });
    expect((await read()).body).toEqual({ status: 'released' });
    expect((await client.call('/vault/requests')).body.requests).toEqual([]);

    const receipts = await client.call('/vault/receipts');
    expect(receipts.body.receipts).toEqual([{ number: 1, receipt: body.receipt }]);
    expect((await client.call('/vault/receipts', { after: 1 })).body.receipts).toEqual([]);
    const head = receiptHash(decodeBase64url(body.receipt));
    expect(after.manifest.receipts_head).toBe(encodeBase64url(head));
    expect(parseReceipt(decodeBase64url(body.receipt)).credentialId).toBe(body.credential.id);

    const used = { id, uses: 2, last_used_at: Math.floor(kind.issuer.now() / 1000), ended: false };
    expect((await agent.post('/agent/uses', used)).body).toEqual({ ended: false, identity_key });
    const list = await client.call('/vault/releases/list');
    expect(list.body.releases).toMatchObject([
      { request: sent.request, status: 'released', uses: 2, last_used_at: used.last_used_at },
    ]);
    expect((await client.call('/vault/releases/end', { id })).status).toBe(204);
    expect((await client.call('/vault/releases/end', { id })).status).toBe(204);
    expect((await agent.post('/agent/uses', used)).body).toEqual({ ended: true, identity_key });
    expect((await read()).body).toEqual({ status: 'ended' });
    const ended = await client.call('/vault/releases/list');
    expect(ended.body.releases[0]).toMatchObject({ status: 'ended' });
    expect(ended.body.releases[0].ended_at).toBeTypeOf('number');
    // A second release of the same agent chains its receipt.
    const next = await agent.ask(client.vault);
    const second = await makeApproval(client, next);
    expect((await approve(client, second.body)).status).toBe(200);
    expect((await client.call('/vault/receipts')).body.receipts).toHaveLength(2);
  });

  it('[V10] of parallel approvals exactly one is stored, and one receipt', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const bodies = await Promise.all([1, 2, 3, 4].map(() => makeApproval(client, sent)));
    const answers = await Promise.all(bodies.map(({ body }) => approve(client, body)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, body } of answers) {
      // Or the counter of the passkey, where a later touch came first.
      if (status !== 200) expect(['vault_conflict', 'invalid_grant']).toContain(body.code);
    }
    const receipts = await client.call('/vault/receipts');
    const won = answers.findIndex(({ status }) => status === 200);
    expect(receipts.body.receipts).toEqual([{ number: 1, receipt: bodies[won]?.body.receipt }]);
  });

  it('[V10] two agents that race: what was approved for one is nothing to the other', async () => {
    const { client, agents } = await paired(2);
    const [first, second] = agents;
    if (first === undefined || second === undefined) throw new Error('no agents');
    const [a, b] = [await first.ask(client.vault), await second.ask(client.vault)];
    const { body } = await makeApproval(client, a);
    expect((await approve(client, body)).status).toBe(200);
    const foreign = await second.post('/agent/requests/read', { id: a.id });
    const unknown = await second.post('/agent/requests/read', { id: random(16) });
    expect(foreign.status).toBe(404);
    expect(foreign.text).toBe(unknown.text);
    expect((await second.post('/agent/requests/read', { id: b.id })).body.status).toBe('waiting');
    expect((await first.post('/agent/requests/read', { id: a.id })).body.enc).toBe(body.enc);
  });

  it('[V10] a racing hand-over gives the secret to one caller', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { body } = await makeApproval(client, sent);
    expect((await approve(client, body)).status).toBe(200);
    const reads = await Promise.all(
      [1, 2, 3, 4].map(() => agent.post('/agent/requests/read', { id: sent.id })),
    );
    expect(reads.filter((read) => read.body.enc === body.enc)).toHaveLength(1);
    expect(reads.every((read) => read.body.status === 'released')).toBe(true);
  });

  it('[V10] an approval of one request, slot or moment serves no other', async () => {
    const { client, agent } = await paired();
    const added = addSlot(client.vault);
    expect((await client.write(added.write)).status).toBe(200);
    client.vault = added.after;
    const [slotA, slotB] = added.after.manifest.slots;
    const a = await agent.ask(client.vault, { slotId: slotA?.id ?? '' });
    const b = await agent.ask(client.vault, { slotId: slotB?.id ?? '' });
    const attempts: readonly [ApprovalOver, string][] = [
      // The passkey signed the challenge of A.
      [{ challengeOf: a.request }, 'invalid_grant'],
      [{ body: { id: a.id } }, 'invalid_grant'],
      [{ purpose: 'session' }, 'invalid_nonce'],
      [{ body: { signature: random(64) } }, 'invalid_request'],
      [{ body: { ct: random(80) } }, 'invalid_request'],
      [{ receipt: { previous: decodeBase64url(random(32)) } }, 'invalid_request'],
      [{ receipt: { request: decodeBase64url(a.request) } }, 'invalid_request'],
      [{ receipt: { agentSignature: decodeBase64url(a.signature) } }, 'invalid_request'],
      [{ receipt: { credentialId: random(20) } }, 'invalid_request'],
      [{ receipt: { signature: decodeBase64url(random(70)) } }, 'invalid_request'],
      [{ receipt: { manifestSignature: decodeBase64url(random(64)) } }, 'invalid_request'],
      [{ change: (draft) => (draft.receipts_head = random(32)) }, 'invalid_request'],
      [{ change: (draft) => (draft.receipts_head = '') }, 'invalid_request'],
    ];
    for (const [over, code] of attempts) {
      const { body } = await makeApproval(client, b, over);
      expect((await approve(client, body)).body.code).toBe(code);
    }
    const { body } = await makeApproval(client, b);
    const other = await makeApproval(client, a);
    const mixed = { ...body, nonce: other.body.nonce };
    expect((await approve(client, mixed)).body.code).toBe('invalid_grant');
    expect((await client.call('/vault/receipts')).body.receipts).toEqual([]);
    expect((await approve(client, body)).status).toBe(200);
    // Replayed: it is answered, and the vault has moved on.
    expect((await approve(client, body)).body.code).toBe('vault_conflict');
  });

  it('[V10] rejected, cancelled, expired and unknown requests are not approved', async () => {
    const { client, agent } = await paired();
    const [rejected, cancelled, expired] = [
      await agent.ask(client.vault),
      await agent.ask(client.vault),
      await agent.ask(client.vault),
    ];
    const { id } = rejected;
    const reject = { id, reason: 'Not today' };
    expect((await client.call('/vault/requests/reject', reject)).status).toBe(204);
    expect((await agent.post('/agent/requests/read', { id })).body).toEqual({
      status: 'rejected',
      reason: 'Not today',
    });
    const drop = { id: cancelled.id };
    expect((await agent.post('/agent/requests/cancel', drop)).status).toBe(204);
    expect((await agent.post('/agent/requests/cancel', drop)).status).toBe(204);
    expect((await agent.post('/agent/requests/cancel', { id })).body.code).toBe('vault_conflict');
    const attempt = async (sent: SentRequest) => {
      const { body } = await makeApproval(client, sent);
      return (await approve(client, body)).body.code;
    };
    expect(await attempt(rejected)).toBe('vault_conflict');
    expect(await attempt(cancelled)).toBe('vault_conflict');
    expect(await attempt({ ...expired, id: random(16) })).toBe('not_found');
    kind.issuer.offset += 601_000;
    client.accessToken = (await client.wire.token()).body.access_token;
    expect(await attempt(expired)).toBe('vault_conflict');
    const read = await agent.post('/agent/requests/read', { id: expired.id });
    expect(read.body).toEqual({ status: 'expired' });
    expect((await client.call('/vault/status')).body.requests).toBe(0);
    const late = { id: expired.id, reason: '' };
    expect((await client.call('/vault/requests/reject', late)).body.code).toBe('vault_conflict');
    kind.issuer.offset -= 601_000;
  });

  it('[V10] a request that is approved can neither be rejected nor cancelled', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { id } = sent;
    expect((await client.call('/vault/releases/end', { id })).body.code).toBe('vault_conflict');
    const { body } = await makeApproval(client, sent);
    expect((await approve(client, body)).status).toBe(200);
    const reject = await client.call('/vault/requests/reject', { id, reason: '' });
    expect(reject.body.code).toBe('vault_conflict');
    const cancel = await agent.post('/agent/requests/cancel', { id });
    expect(cancel.body.code).toBe('vault_conflict');
  });

  it('the kill switch deletes what nobody has fetched', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { body } = await makeApproval(client, sent);
    expect((await approve(client, body)).status).toBe(200);
    expect((await client.call('/vault/releases/end', { id: sent.id })).status).toBe(204);
    const read = await agent.post('/agent/requests/read', { id: sent.id });
    expect(read.body).toEqual({ status: 'ended' });
  });

  it('[V9] a request counts only as its agent signed it, for this vault and a slot of it', async () => {
    const { client, agent } = await paired();
    const other = await createTestAgent(kind.issuer);
    const post = async ({ request, signature }: Omit<SentRequest, 'id'>) =>
      (await agent.post('/agent/requests', { request, signature })).body.code;
    const honest = await agent.make(client.vault);
    const foreign = await other.make(client.vault);
    expect(await post({ ...honest, signature: random(64) })).toBe('invalid_request');
    expect(await post(foreign)).toBe('invalid_request');
    expect(
      await post({
        request: foreign.request,
        signature: await agent.sign(decodeBase64url(foreign.request)),
      }),
    ).toBe('invalid_request');
    const overs = [
      { vaultId: random(16) },
      { slotId: random(16) },
      { issuer: 'https://other.example.com' },
      { agentKeyHash: sha256(decodeBase64url(other.key)) },
      { ttl: 0, perDay: 5, notAfter: 1 },
    ];
    for (const over of overs) {
      expect(await post(await agent.make(client.vault, over))).toBe('invalid_request');
    }
    expect(await post({ request: random(100), signature: random(64) })).toBe('invalid_request');
    expect((await client.call('/vault/requests')).body.requests).toEqual([]);
    expect(await post(honest)).toBeUndefined();
    // Sent again because its answer was lost.
    expect(await post(honest)).toBeUndefined();
    expect((await client.call('/vault/requests')).body.requests).toHaveLength(1);
  });

  it('[V9] a key that the manifest does not list, or not any more, gets nothing', async () => {
    const { client, agent } = await paired();
    const stranger = await createTestAgent(kind.issuer);
    const sent = await stranger.make(client.vault);
    const { request, signature } = sent;
    const refused = await stranger.post('/agent/requests', { request, signature });
    expect(refused.body.code).toBe('invalid_grant');
    expect((await agent.ask(client.vault)).id).toBeTypeOf('string');
    const { write, after } = makeWrite(client.vault, (draft) => {
      draft.agents = [];
    });
    expect((await client.write(write)).status).toBe(200);
    client.vault = after;
    const gone = await agent.post('/agent/requests/read', { id: random(16) });
    expect(gone.body.code).toBe('invalid_grant');
    expect(gone.text).toBe(refused.text);
    const waiting = await client.call('/vault/requests');
    const [left] = waiting.body.requests;
    const parsed = { id: '', request: left.request, signature: left.signature };
    // What waits of an agent that is gone cannot be approved.
    const row = (await kind.issuer.stores.releases.listByAccount(client.account, { limit: 1 }))[0];
    const { body } = await makeApproval(client, { ...parsed, id: row?.id ?? '' });
    expect((await approve(client, body)).body.code).toBe('invalid_request');
  });

  it('a proof of an agent serves once, for its endpoint', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const claims = { jti: random(16) };
    const body = { id: sent.id };
    expect((await agent.post('/agent/requests/read', body, { claims })).status).toBe(200);
    const replayed = await agent.post('/agent/requests/read', body, { claims });
    expect(replayed.body.code).toBe('invalid_dpop_proof');
    const url = `${kind.issuer.verifier.baseUrl}/agent/uses`;
    const elsewhere = await agent.post('/agent/requests/read', body, { url });
    expect(elsewhere.body.code).toBe('invalid_dpop_proof');
  });

  it('brokers that were taken out do not lock their address out for others', async () => {
    const { client, agent } = await paired();
    const gone = await createTestAgent(kind.issuer);
    const from = (one: typeof agent) =>
      one.post('/agent/uses', { id: random(16), uses: 0, ended: false }, {}, '198.51.100.9');
    for (let count = 0; count < 61; count++) {
      expect((await from(gone)).body.code).toBe('invalid_grant');
    }
    expect((await from(agent)).body.code).toBe('not_found');
    const challenge = await client.wire.challenge('session');
    const form = await client.wire.tokenForm(challenge);
    const token = await client.wire.post('/token', form, { address: '198.51.100.9' });
    expect(token.status).toBe(200);
  });

  it('strangers lock out of their address no broker that was there before', async () => {
    const verifierOf = createIssuer({ addressFailureLimit: 2 });
    const client = await enrollWithVault(verifierOf);
    const agent = await createTestAgent(verifierOf);
    await pairAgents(client, [agent]);
    const from = async (one: typeof agent) => {
      const body = { id: random(16), uses: 0, ended: false };
      return (await one.post('/agent/uses', body, {}, '198.51.100.7')).body.code;
    };
    expect(await from(agent)).toBe('not_found');
    for (let count = 0; count < 20; count++) {
      expect(await from(await createTestAgent(verifierOf))).toBe('invalid_grant');
    }
    expect(await from(await createTestAgent(verifierOf))).toBe('too_many_requests');
    for (let count = 0; count < 30; count++) expect(await from(agent)).toBe('not_found');
    // Once it is taken out it is a stranger like all others.
    const { write, after } = makeWrite(client.vault, (draft) => {
      draft.agents = [];
    });
    expect((await client.write(write)).status).toBe(200);
    client.vault = after;
    expect(await from(agent)).toBe('invalid_grant');
    expect(await from(agent)).toBe('too_many_requests');
    await verifierOf.verifier.close();
  });

  it('keys that no manifest lists use up a budget of their address, and no sign-in with it', async () => {
    const verifierOf = createIssuer({ addressFailureLimit: 2 });
    const strangers = await createTestAgent(verifierOf);
    const body = { id: random(16), uses: 0, ended: false };
    const from = (address: string) => strangers.post('/agent/uses', body, {}, address);
    const codes = new Set<string>();
    for (let count = 0; count < 20; count++) codes.add((await from('198.51.100.7')).body.code);
    expect([...codes]).toEqual(['invalid_grant']);
    expect((await from('198.51.100.7')).body.code).toBe('too_many_requests');
    expect((await from('198.51.100.8')).body.code).toBe('invalid_grant');
    const client = await enrollWithVault(verifierOf);
    const challenge = await client.wire.challenge('session');
    const form = await client.wire.tokenForm(challenge);
    const token = await client.wire.post('/token', form, { address: '198.51.100.7' });
    expect(token.status).toBe(200);
    verifierOf.offset += 10 * 60_000;
    expect((await from('198.51.100.7')).body.code).toBe('invalid_grant');
    await verifierOf.verifier.close();
  });

  it.each([
    ['once', false],
    ['standing', true],
  ])('a release whose broker never reports is over by its own time: %s', async (_, isStanding) => {
    const { client, agent } = await paired();
    const start = kind.issuer.now();
    const notAfter = Math.floor(start / 1000) + 86_400;
    const over = isStanding ? { ttl: 0, perDay: 5, notAfter } : { ttl: 600 };
    const sent = await agent.ask(client.vault, over);
    const { body } = await makeApproval(client, sent);
    expect((await approve(client, body)).status).toBe(200);
    const end = isStanding ? notAfter : Math.ceil(start / 1000) + 1200;
    const listed = async () => {
      client.accessToken = (await client.wire.token()).body.access_token;
      return (await client.call('/vault/releases/list')).body.releases[0];
    };
    kind.issuer.offset += (end - 120) * 1000 - start;
    expect((await listed()).status).toBe('released');
    kind.issuer.offset += 121_000;
    expect(await listed()).toMatchObject({ status: 'ended', ended_at: expect.any(Number) });
    const read = await agent.post('/agent/requests/read', { id: sent.id });
    expect(read.body).toEqual({ status: 'ended' });
  });

  /** A release, the reports of its broker, and what the log says of its uses. */
  async function released() {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { body } = await makeApproval(client, sent);
    await approve(client, body);
    const report = (uses: number, ended = false) =>
      agent.post('/agent/uses', { id: sent.id, uses, ended });
    const told = () =>
      kind.issuer.events
        .splice(0)
        .flatMap((event) =>
          event.type === 'release_used' || event.type === 'release_ended'
            ? [`${event.type.slice(8)} ${event.uses}`]
            : [],
        );
    const end = () => client.call('/vault/releases/end', { id: sent.id });
    told();
    return { client, report, told, end };
  }

  it('however many uses a broker reports, the log grows by one entry in a minute', async () => {
    const { client, report, told } = await released();
    for (let uses = 1; uses <= 5; uses++) await report(uses);
    expect(told()).toEqual(['used 1']);
    kind.issuer.offset += 60_001;
    await report(6);
    await report(7);
    expect(told()).toEqual(['used 6']);
    // What is known at the end is said at the end, once.
    await report(8, true);
    await report(8, true);
    expect(told()).toEqual(['used 8', 'ended 8']);
    for (let uses = 9; uses <= 12; uses++) await report(uses, true);
    expect(told()).toEqual([]);
    expect((await client.call('/vault/releases/list')).body.releases[0].uses).toBe(12);
  });

  it('the log has the last number of uses, though nothing new is reported with the end', async () => {
    const { report, told } = await released();
    for (let uses = 1; uses <= 20; uses++) await report(uses);
    kind.issuer.offset += 3_600_000;
    await report(20);
    await report(20, true);
    expect(told()).toEqual(['used 1', 'ended 20']);
  });

  it('the log has the last number of uses, though the broker never reports the end', async () => {
    const { report, told } = await released();
    for (let uses = 1; uses <= 20; uses++) await report(uses);
    for (let asked = 0; asked < 20; asked++) {
      kind.issuer.offset += 20_000;
      await report(20);
    }
    expect(told()).toEqual(['used 1', 'used 20']);
  });

  it('the log has the last number of uses, though the user ends the release in the middle', async () => {
    const { report, told, end } = await released();
    await report(1);
    await report(2);
    await end();
    expect(told()).toEqual(['used 1', 'ended 2']);
    // Calls that ran meanwhile.
    await report(3);
    await report(3, true);
    expect(told()).toEqual(['used 3']);
  });

  it('an end by the user that finds the number known makes one entry', async () => {
    const { report, told, end } = await released();
    await report(1);
    await report(2);
    await end();
    await end();
    await report(2);
    await report(2, true);
    expect(told()).toEqual(['used 1', 'ended 2']);
  });

  it('what ended is listed for the retention, and goes with the next request', async () => {
    const issuer = createIssuer({ releaseRetention: 2 * 86_400 });
    const client = await enrollWithVault(issuer);
    const agent = await createTestAgent(issuer);
    await pairAgents(client, [agent]);
    const old = await agent.ask(client.vault);
    await agent.post('/agent/requests/cancel', { id: old.id });
    const rows = async () =>
      (await issuer.stores.releases.listByAccount(client.account, { limit: 9 })).map(
        ({ id }) => id,
      );
    issuer.offset += 86_400_000;
    const next = await agent.ask(client.vault);
    expect(await rows()).toEqual([next.id, old.id]);
    issuer.offset += 86_400_000;
    const last = await agent.ask(client.vault);
    expect(await rows()).toEqual([last.id, next.id]);
    for (const releaseRetention of [0, 3600, Number.NaN]) {
      expect(() => createIssuer({ releaseRetention })).toThrow(TypeError);
    }
    await issuer.verifier.close();
  });

  it('a flood of requests is limited and buries none', async () => {
    const { client, agents } = await paired(5);
    const [quiet, loud] = agents;
    if (quiet === undefined || loud === undefined) throw new Error('no agents');
    const first = await quiet.ask(client.vault);
    for (let count = 0; count < 5; count++) await loud.ask(client.vault);
    await expect(loud.ask(client.vault)).rejects.toThrow('too_many_requests');
    // Sixty in an hour, however many were cancelled.
    const { requests } = (await client.call('/vault/requests')).body;
    expect(requests).toHaveLength(6);
    expect(requests[0].request).toBe(first.request);
    const rows = await kind.issuer.stores.releases.listByAccount(client.account, { limit: 100 });
    for (const { id } of rows.filter(({ agent }) => agent === loud.id)) {
      expect((await loud.post('/agent/requests/cancel', { id })).status).toBe(204);
    }
    for (let count = 5; count < 60; count++) {
      const { id } = await loud.ask(client.vault);
      await loud.post('/agent/requests/cancel', { id });
    }
    await expect(loud.ask(client.vault)).rejects.toThrow('too_many_requests');
    for (const agent of agents.slice(2)) {
      for (let count = 0; count < 5; count++) await agent.ask(client.vault);
    }
    const waiting = await client.call('/vault/requests');
    expect(waiting.body.requests).toHaveLength(16);
    expect(waiting.body.requests[0].request).toBe(first.request);
    for (let count = 0; count < 4; count++) await quiet.ask(client.vault);
    await expect(quiet.ask(client.vault)).rejects.toThrow('too_many_requests');
    expect((await client.call('/vault/requests')).body.requests).toHaveLength(20);
  });

  it('[H9] requests of another account and unknown ones get the same answer', async () => {
    const { client, agent } = await paired();
    const stranger = await enrollWithVault(kind.issuer);
    const { id } = await agent.ask(client.vault);
    for (const [path, rest] of [
      ['/vault/requests/reject', { reason: '' }],
      ['/vault/releases/end', {}],
    ] as const) {
      const foreign = await stranger.call(path, { id, ...rest });
      const unknown = await stranger.call(path, { id: random(16), ...rest });
      expect(foreign.status).toBe(404);
      expect(foreign.text).toBe(unknown.text);
    }
    expect((await stranger.call('/vault/requests')).body.requests).toEqual([]);
    expect((await stranger.call('/vault/releases/list')).body.releases).toEqual([]);
    expect((await client.call('/vault/requests')).body.requests).toHaveLength(1);
  });

  it('uses never fall, never lie ahead, and count only what was released', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { id } = sent;
    const report = (uses: number, last_used_at: number, ended = false) =>
      agent.post('/agent/uses', { id, uses, last_used_at, ended });
    const now = Math.floor(kind.issuer.now() / 1000);
    expect((await report(1, now)).body.code).toBe('vault_conflict');
    const { body } = await makeApproval(client, sent);
    await approve(client, body);
    expect((await report(3, now + 9999)).status).toBe(200);
    expect((await report(2, now)).status).toBe(200);
    const [row] = (await client.call('/vault/releases/list')).body.releases;
    expect(row.uses).toBe(3);
    expect(row.last_used_at).toBeLessThanOrEqual(kind.issuer.now() / 1000);
    expect((await report(3, now, true)).body).toMatchObject({ ended: true });
    expect((await client.call('/vault/releases/list')).body.releases[0].status).toBe('ended');
  });

  it('[V10] a release comes with no other identity key', async () => {
    const { client, agent } = await paired();
    const sent = await agent.ask(client.vault);
    const { body } = await makeApproval(client, sent);
    const { write } = rotateVault(client.vault, { by: client.recipient });
    const rotated = { ...body, write };
    expect((await approve(client, rotated)).body.code).toBe('invalid_request');
    expect((await approve(client, body)).status).toBe(200);
  });
});

describeOnStores('pairing with an agent', (kind) => {
  it('[V9] honest: open, committed, answered, revealed, each once and in this order', async () => {
    const client = await enrollWithVault(kind.issuer);
    const agent = await createTestAgent(kind.issuer);
    const made = await client.call('/vault/pairings');
    expect(made.status).toBe(201);
    const { id } = made.body;
    const post = (path: string, body: unknown) => client.wire.post(path, body, { dpop: null });
    const read = async () => (await client.call('/vault/pairings/read', { id })).body;
    const open = async () => (await post('/agent/pairings/open', { id })).body;
    const commitment = random(32);
    const [nonce_a, nonce_b] = [random(32), random(32)];
    const identity_key = client.vault.identity.publicKey;
    const reveal = { id, agent_key: agent.key, nonce_a };
    const answer = { id, identity_key, nonce_b };
    const commit = { id, commitment, name: 'Reports' };
    const known = { issuer: kind.issuer.verifier.issuer, vault_id: client.vault.vaultId };

    expect(await read()).toEqual({ status: 'open' });
    expect(await open()).toEqual({ status: 'open', ...known });
    // The browser does not answer, nor the broker reveal, before it has committed.
    expect((await client.call('/vault/pairings/answer', answer)).body.code).toBe('invalid_request');
    expect((await post('/agent/pairings/reveal', reveal)).body.code).toBe('invalid_request');
    expect((await post('/agent/pairings/commit', commit)).status).toBe(204);
    expect((await post('/agent/pairings/commit', commit)).body.code).toBe('invalid_request');
    expect((await post('/agent/pairings/reveal', reveal)).body.code).toBe('invalid_request');
    expect(await read()).toEqual({ status: 'committed', commitment, name: 'Reports' });
    expect(await open()).toEqual({ status: 'committed', ...known });
    const swapped = { ...answer, identity_key: agent.key };
    expect((await client.call('/vault/pairings/answer', swapped)).body.code).toBe('vault_conflict');
    expect((await client.call('/vault/pairings/answer', answer)).status).toBe(204);
    expect((await client.call('/vault/pairings/answer', answer)).body.code).toBe('invalid_request');
    expect(await open()).toEqual({ status: 'answered', ...known, identity_key, nonce_b });
    expect((await post('/agent/pairings/reveal', reveal)).status).toBe(204);
    expect((await post('/agent/pairings/reveal', reveal)).body.code).toBe('invalid_request');
    expect(await read()).toEqual({
      status: 'revealed',
      commitment,
      name: 'Reports',
      agent_key: agent.key,
      nonce_a,
    });
    expect((await client.call('/vault/pairings/end', { id })).status).toBe(204);
    expect((await client.call('/vault/pairings/end', { id })).status).toBe(204);
    expect(await read()).toEqual({ status: 'ended' });
    expect(await open()).toEqual({ status: 'ended', ...known });
  });

  it('names an agent of the vault that is paired again, and no other', async () => {
    const client = await enrollWithVault(kind.issuer);
    const agent = await createTestAgent(kind.issuer);
    await pairAgents(client, [agent]);
    const stranger = await createTestAgent(kind.issuer);
    await pairAgents(await enrollWithVault(kind.issuer), [stranger]);
    const post = (path: string, body: unknown) => client.wire.post(path, body, { dpop: null });
    const reveal = async (agent_key: string) => {
      const { id } = (await client.call('/vault/pairings')).body;
      const identity_key = client.vault.identity.publicKey;
      const commit = { id, commitment: random(32), name: 'Reports' };
      await post('/agent/pairings/commit', commit);
      await client.call('/vault/pairings/answer', { id, identity_key, nonce_b: random(32) });
      const revealed = await post('/agent/pairings/reveal', { id, agent_key, nonce_a: random(32) });
      expect(revealed.status).toBe(204);
      const { entries } = (await client.call('/vault/activity')).body;
      return entries.find(({ type }: { type: string }) => type === 'pairing_revealed');
    };
    expect((await reveal((await createTestAgent(kind.issuer)).key)).agent).toBeUndefined();
    expect((await reveal(stranger.key)).agent).toBeUndefined();
    expect((await reveal(agent.key)).agent).toBe(agent.id);
  });

  it('[V9] of parallel commitments one counts; an ended or expired pairing takes none', async () => {
    const client = await enrollWithVault(kind.issuer);
    const { id } = (await client.call('/vault/pairings')).body;
    const commit = (pairing: string) =>
      client.wire.post(
        '/agent/pairings/commit',
        { id: pairing, commitment: random(32), name: 'A' },
        { dpop: null },
      );
    const answers = await Promise.all([1, 2, 3, 4].map(() => commit(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400]);
    const ended = (await client.call('/vault/pairings')).body.id;
    await client.call('/vault/pairings/end', { id: ended });
    expect((await commit(ended)).body.code).toBe('invalid_request');
    const expired = (await client.call('/vault/pairings')).body.id;
    kind.issuer.offset += 601_000;
    expect((await commit(expired)).body.code).toBe('invalid_request');
    kind.issuer.offset -= 601_000;
    expect((await commit(expired)).status).toBe(204);
  });

  it('[H9] pairings of another account and unknown ones get the same answer', async () => {
    const owner = await enrollWithVault(kind.issuer);
    const stranger = await enrollWithVault(kind.issuer);
    const { id } = (await owner.call('/vault/pairings')).body;
    const answer = { identity_key: stranger.vault.identity.publicKey, nonce_b: random(32) };
    for (const [path, rest] of [
      ['/vault/pairings/read', {}],
      ['/vault/pairings/end', {}],
      ['/vault/pairings/answer', answer],
    ] as const) {
      const foreign = await stranger.call(path, { id, ...rest });
      const unknown = await stranger.call(path, { id: random(10), ...rest });
      expect(foreign.status).toBe(404);
      expect(foreign.text).toBe(unknown.text);
    }
    expect((await owner.call('/vault/pairings/read', { id })).body).toEqual({ status: 'open' });
  });
});
