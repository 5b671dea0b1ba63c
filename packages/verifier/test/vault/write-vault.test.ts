import { createHash } from 'node:crypto';
import { isAncestor } from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import { describeOnStores } from '../harness/issuers.js';
import {
  addSlot,
  createSigningPair,
  etagOf,
  makePinRequest,
  makeRecovery,
  makeSlot,
  makeWrite,
  random,
  rotateVault,
} from '../harness/test-vault.js';
import { enrollWithVault } from '../harness/vault-client.js';
import { createWireClient } from '../harness/wire-client.js';

describeOnStores('writing a vault', (kind) => {
  it('honest: writes a slot, reads it with a touch, and says so in status and events', async () => {
    const client = await enrollWithVault(kind.issuer);
    const status = await client.call('/vault/status');
    const { vaultId } = client.vault;
    const etag = etagOf(client.vault);
    expect(status.body).toEqual({ vault_id: vaultId, etag, revoked: [], requests: 0 });
    const { write, after } = addSlot(client.vault);
    kind.issuer.events.splice(0);
    const written = await client.write(write);
    expect(written.status).toBe(200);
    expect(written.body).toEqual({ etag: etagOf(after) });
    const slot = after.manifest.slots.at(-1)?.id;
    const by = { account: client.account, device: client.device };
    expect(kind.issuer.events.map(({ at: _, ...event }) => event)).toEqual([
      { type: 'vault_written', ...by },
      { type: 'slot_added', ...by, slot },
    ]);
    const opened = await client.open();
    expect(opened.body.vault).toMatchObject({
      manifest: write.manifest,
      slots: [{}, write.slots[0]],
    });
    expect(opened.body).toMatchObject({ successions: [], revoked: [] });
    expect((await client.call('/vault/status')).body.etag).toBe(etagOf(after));
  });

  it('[V2] honest: shows each earlier manifest as an ancestor of the stored one', async () => {
    const client = await enrollWithVault(kind.issuer);
    const known = [client.vault];
    for (let written = 0; written < 7; written++) {
      const { write, after } = makeWrite(client.vault, () => {});
      expect((await client.write(write)).status).toBe(200);
      client.vault = after;
      known.push(after);
    }
    const { manifest } = client.vault;
    const lengths: number[] = [];
    for (const { bytes, manifest: earlier } of known.slice(0, -1)) {
      const { counter } = earlier;
      const { ancestry } = (await client.open(counter)).body;
      const hash = new Uint8Array(createHash('sha256').update(bytes).digest());
      expect(isAncestor(manifest, { counter, hash }, ancestry)).toBe(true);
      lengths.push(ancestry.length);
    }
    expect(lengths).toEqual([2, 2, 2, 2, 1, 1, 0]);
    for (const counter of [undefined, 8, 9, Number.MAX_SAFE_INTEGER]) {
      expect((await client.open(counter)).body.ancestry).toEqual([]);
    }
    expect((await client.open(0)).body.code).toBe('invalid_request');
  });

  it('[V6] of parallel writes exactly one is stored, the others are conflicts', async () => {
    const client = await enrollWithVault(kind.issuer);
    const writes = Array.from({ length: 8 }, () => addSlot(client.vault));
    const answers = await Promise.all(writes.map(({ write }) => client.write(write)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status !== 200) expect(answer.body.code).toBe('vault_conflict');
    }
    const opened = await client.open();
    const index = answers.findIndex(({ status }) => status === 200);
    expect(opened.body.vault.manifest).toBe(writes[index]?.write.manifest);
    expect(opened.body.vault.slots).toHaveLength(2);
  });

  it('[V6] honest: whoever lost repeats the change on what is stored', async () => {
    const client = await enrollWithVault(kind.issuer);
    const [first, second] = [addSlot(client.vault), addSlot(client.vault)];
    expect((await client.write(first.write)).status).toBe(200);
    expect((await client.write(second.write)).status).toBe(412);
    client.vault = first.after;
    expect((await client.write(addSlot(client.vault).write)).status).toBe(200);
  });

  it('writes nothing blindly: If-Match has to be there and to name one strong tag', async () => {
    const client = await enrollWithVault(kind.issuer);
    const { write } = addSlot(client.vault);
    const tag = etagOf(client.vault);
    for (const header of ['*', tag, `W/"${tag}"`, `"${tag}", "${tag}"`, '""']) {
      const answer = await client.call('/vault', write, { 'if-match': header });
      expect(answer.body.code).toBe('invalid_request');
    }
    expect((await client.call('/vault', write)).body.code).toBe('invalid_request');
    expect((await client.write(write)).status).toBe(200);
  });

  it('[V3] what no invitation brought is refused, and nothing of it is stored', async () => {
    const client = await enrollWithVault(kind.issuer);
    const before = await client.open();
    const { write } = addSlot(client.vault);
    const forged = { ...write, manifest_signature: random(64) };
    expect((await client.write(forged)).body.code).toBe('invalid_request');
    const planted = makeWrite(client.vault, (draft) => {
      const [own] = draft.recipients;
      if (own !== undefined) {
        draft.recipients.push({ ...own, id: random(16), credential_id: random(20) });
      }
    });
    expect((await client.write(planted.write)).body.code).toBe('invalid_request');
    const after = await client.open();
    expect(after.body.vault).toEqual(before.body.vault);
  });

  it('[H9] a token of another account changes nothing and learns nothing', async () => {
    const [owner, stranger] = [
      await enrollWithVault(kind.issuer),
      await enrollWithVault(kind.issuer),
    ];
    const { write } = addSlot(owner.vault);
    const attack = await stranger.write(write, etagOf(owner.vault));
    expect(attack.body.code).toBe('vault_conflict');
    const honest = await owner.write(write);
    expect(honest.status).toBe(200);
  });

  it('a key pair, a plain call and a device without a vault get no vault', async () => {
    const { issuer } = kind;
    const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    const wire = await createWireClient(issuer, { apiKey });
    const enrolled = await wire.enroll();
    const accessToken = enrolled.body.access_token;
    const status = await wire.post(
      '/vault/status',
      {},
      {
        dpop: { accessToken, now: issuer.now() },
        headers: { authorization: `DPoP ${accessToken}` },
      },
    );
    expect(status.body.code).toBe('not_found');
    expect((await wire.post('/vault/status', {})).body.code).toBe('invalid_token');

    const pair = await issuer.verifier.keys.issue({ scopes: ['weather:read'], demands: 'keypair' });
    const bare = await createWireClient(issuer, { apiKey: pair.apiKey });
    const body = await bare.keypairBody(await bare.challenge('enroll'));
    const session = (await bare.post('/enroll', body)).body.access_token;
    const answer = await bare.post(
      '/vault/status',
      {},
      {
        dpop: { accessToken: session, now: issuer.now() },
        headers: { authorization: `DPoP ${session}` },
      },
    );
    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe('insufficient_user_authentication');
  });

  it('a device that rotates pins the new key; pins for another key are conflicts', async () => {
    const client = await enrollWithVault(kind.issuer);
    const { write, after } = rotateVault(client.vault, { by: client.recipient });
    expect((await client.write(write)).status).toBe(200);
    const stale = makePinRequest(client.vault, client.recipient);
    expect((await client.call('/vault/pin', stale)).body.code).toBe('vault_conflict');
    const pin = makePinRequest(after, client.recipient);
    expect((await client.call('/vault/pin', pin)).status).toBe(204);
    const opened = await client.open();
    expect(opened.body.vault.pin).toBe(pin.pin);
    expect(opened.body.successions).toEqual([write.succession]);
  });

  it('[V3] a token alone spoils no pin', async () => {
    const client = await enrollWithVault(kind.issuer);
    const { identity, manifest } = client.vault;
    const before = (await client.open()).body.vault.pin;
    const good = makePinRequest(client.vault, client.recipient);
    const stranger = { identity: createSigningPair(), manifest };
    const others = { identity, manifest: { ...manifest, vault_id: random(16) } };
    for (const forged of [
      { ...good, signature: random(64) },
      { ...good, pin: random(32) },
      makePinRequest(stranger, client.recipient),
      makePinRequest(others, client.recipient),
      makePinRequest(client.vault, client.recipient, { salt: random(32) }),
      makePinRequest(client.vault, random(16), { salt: manifest.recipients[0]?.salt ?? '' }),
    ]) {
      const answer = await client.call('/vault/pin', forged);
      expect(answer.status).toBe(400);
      expect(answer.body.code).toBe('invalid_request');
    }
    const { signature: _, ...bare } = good;
    expect((await client.call('/vault/pin', bare)).body.code).toBe('invalid_request');
    expect((await client.open()).body.vault.pin).toBe(before);
  });

  it('[V3] honest: whoever has opened the vault sets a pin', async () => {
    const client = await enrollWithVault(kind.issuer);
    const pin = makePinRequest(client.vault, client.recipient);
    expect((await client.call('/vault/pin', pin)).status).toBe(204);
    expect((await client.open()).body.vault.pin).toBe(pin.pin);
  });

  it('exports the entry of the recovery code, and none where there is no code', async () => {
    const client = await enrollWithVault(kind.issuer);
    expect((await client.call('/vault/export')).body.code).toBe('not_found');
    const code = makeRecovery(2);
    const pin = random(32);
    const { write } = makeWrite(client.vault, (draft) => draft.recipients.push(code.listed), {
      recipients: [{ id: code.listed.id, sealed: code.sealed, pin }],
    });
    expect((await client.write(write)).status).toBe(200);
    const exported = await client.call('/vault/export');
    expect(exported.body.vault).toMatchObject({ sealed: code.sealed, pin });
  });

  it('a key of an agent serves one account', async () => {
    const [first, second] = [
      await enrollWithVault(kind.issuer),
      await enrollWithVault(kind.issuer),
    ];
    const { publicKey: key } = createSigningPair();
    const pair = (client: typeof first) =>
      makeWrite(client.vault, (draft) => draft.agents.push({ id: random(16), name: 'A', key }));
    expect((await first.write(pair(first).write)).status).toBe(200);
    expect((await second.write(pair(second).write)).body.code).toBe('invalid_request');
    expect((await second.write(addSlot(second.vault).write)).status).toBe(200);
  });

  it('takes a write that seals 96 KiB of blobs anew, and refuses a body beyond its limit', async () => {
    const client = await enrollWithVault(kind.issuer);
    const slots = Array.from({ length: 5 }, () => makeSlot({ size: 28 + 63 * 256 }));
    const { write } = makeWrite(
      client.vault,
      (draft) => draft.slots.push(...slots.map(({ listed }) => listed)),
      { slots: slots.map(({ sent }) => sent) },
    );
    expect((await client.write(write)).status).toBe(200);
    const large = { ...write, padding: 'x'.repeat(256 * 1024) };
    expect((await client.write(large)).body.code).toBe('body_too_large');
  });
});
