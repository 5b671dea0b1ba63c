import {
  encodeBase64url,
  type RecoveryFields,
  recoveryMessage,
  recoveryWriteHash,
  revokeChallenge,
  sealedHash,
} from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import type { TestIssuer } from '../harness/issuer.js';
import { describeOnStores } from '../harness/issuers.js';
import {
  addSlot,
  etagOf,
  makeRecipient,
  makeRecovery,
  makeWrite,
  random,
  rotateVault,
  type SigningPair,
  seal,
} from '../harness/test-vault.js';
import { enrollWithVault, type VaultClient } from '../harness/vault-client.js';
import { createWireClient, type WireClient } from '../harness/wire-client.js';

async function invite(client: VaultClient, over: Record<string, unknown> = {}) {
  const id = random(16);
  const answer = await client.call('/vault/invitations', {
    id,
    mac_old: random(32),
    identity_key: client.vault.identity.publicKey,
    counter: client.vault.manifest.counter,
    manifest_hash: etagOf(client.vault),
    ...over,
  });
  return { id, answer };
}

/** A browser that holds nothing, with the key of the account for its later session. */
async function freshBrowser(issuer: TestIssuer, { wire }: VaultClient): Promise<WireClient> {
  return createWireClient(issuer, { apiKey: wire.apiKey });
}

async function join(wire: WireClient, invitation: string, over: Record<string, unknown> = {}) {
  const challenge = await wire.challenge('enroll');
  const passkey = await wire.register(challenge);
  const keys = {
    credentialId: passkey.credentialId,
    coseKey: encodeBase64url(passkey.coseKey),
  };
  const { listed } = makeRecipient(keys, 1);
  const { id, hpke_key, salt, generation } = listed;
  const body = {
    nonce: challenge.nonce,
    ...passkey.body,
    invitation,
    recipient: { id, hpke_key, salt, generation },
    pin: random(32),
    mac_new: random(32),
    ...over,
  };
  return { body, listed, keys, answer: await wire.post('/enroll', body) };
}

/** The write by which the inviting device takes a recipient in. */
function takeIn(client: VaultClient, { listed, keys }: Awaited<ReturnType<typeof join>>) {
  const counter = client.vault.manifest.counter + 1;
  const recipient = makeRecipient(keys, counter, {
    id: listed.id,
    hpke_key: listed.hpke_key,
    salt: listed.salt,
  });
  return makeWrite(client.vault, (draft) => draft.recipients.push(recipient.listed), {
    recipients: [{ id: listed.id, sealed: recipient.sealed }],
  });
}

async function openWith(wire: WireClient) {
  const challenge = await wire.challenge('session');
  const credential = await wire.assert(challenge);
  return wire.post('/vault/open', { nonce: challenge.nonce, credential });
}

describeOnStores('joining a vault', (kind) => {
  it('[V8] honest: a device joins by an invitation once the inviting one has written it in', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const asked = issuer.now() / 1000;
    const { id, answer } = await invite(client);
    expect(answer.status).toBe(201);
    expect(answer.body.expires_at).toBeGreaterThan(asked + 595);
    expect((await client.call('/vault/invitations/read', { id })).body).toEqual({ status: 'open' });

    const wire = await freshBrowser(issuer, client);
    const shown = await wire.post('/vault/invitations/open', { id }, { dpop: null });
    expect(shown.body).toMatchObject({
      vault_id: client.vault.vaultId,
      identity_key: client.vault.identity.publicKey,
      manifest_hash: etagOf(client.vault),
      status: 'open',
    });
    const joined = await join(wire, id);
    expect(joined.answer.status).toBe(202);
    expect(joined.answer.body).toEqual({ expires_at: shown.body.expires_at });
    // No device yet.
    expect((await openWith(wire)).body.code).toBe('invalid_grant');
    expect((await wire.token()).body.code).toBe('invalid_grant');
    const read = await client.call('/vault/invitations/read', { id });
    const { counter: _, sealed_hash: __, ...recipient } = joined.listed;
    expect(read.body).toEqual({ status: 'joined', recipient, mac_new: joined.body.mac_new });

    const { write, after } = takeIn(client, joined);
    expect((await client.write(write)).status).toBe(200);
    const opened = await openWith(wire);
    expect(opened.body.vault).toMatchObject({
      manifest: encodeBase64url(after.bytes),
      pin: joined.body.pin,
      sealed: write.recipients[0]?.sealed,
    });
    expect((await wire.token()).status).toBe(200);
    expect((await client.call('/vault/invitations/read', { id })).body.status).toBe('ended');
    const devices = await client.call('/devices');
    expect(devices.body.devices).toHaveLength(2);
    expect(devices.body.devices[1]).toMatchObject({
      credential_id: joined.keys.credentialId,
      key_protection: 'passkey',
    });
  });

  it('an invitation that is looked at again and again is one entry of the log', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const one = await invite(client);
    const other = await invite(client);
    const { wire } = client;
    issuer.events.splice(0);
    for (let count = 0; count < 3; count++) {
      for (const { id } of [one, other]) {
        const shown = await wire.post('/vault/invitations/open', { id }, { dpop: null });
        expect(shown.body.status).toBe('open');
      }
    }
    const opened = issuer.events.filter(({ type }) => type === 'invitation_opened');
    expect(opened).toHaveLength(2);
  });

  it('[V8] a code serves one browser, and the passkey of the second can be deleted', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { id } = await invite(client);
    const first = await join(await freshBrowser(issuer, client), id);
    const second = await join(await freshBrowser(issuer, client), id);
    expect(first.answer.status).toBe(202);
    expect(second.answer.body.code).toBe('enrollment_refused');
    const read = await client.call('/vault/invitations/read', { id });
    expect(read.body.recipient.id).toBe(first.listed.id);
  });

  it('[V8] of parallel browsers exactly one joins', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { id } = await invite(client);
    const wires = await Promise.all([1, 2, 3, 4].map(() => freshBrowser(issuer, client)));
    const answers = await Promise.all(wires.map((wire) => join(wire, id)));
    const statuses = answers.map(({ answer }) => answer.status).sort();
    expect(statuses).toEqual([202, 403, 403, 403]);
  });

  it('a join that the network delivers twice keeps its passkey', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { id } = await invite(client);
    const wire = await freshBrowser(issuer, client);
    const { body } = await join(wire, id);
    expect((await wire.post('/enroll', body)).body.code).toBe('invalid_nonce');
  });

  it('[V8] expired, cancelled and unknown invitations let nobody in', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const [expired, cancelled] = [await invite(client), await invite(client)];
    expect((await client.call('/vault/invitations/cancel', { id: cancelled.id })).status).toBe(204);
    expect((await client.call('/vault/invitations/cancel', { id: cancelled.id })).status).toBe(204);
    for (const id of [cancelled.id, random(16)]) {
      const { answer } = await join(await freshBrowser(issuer, client), id);
      expect(answer.body.code).toBe('enrollment_refused');
    }
    issuer.offset += 601_000;
    const wire = await freshBrowser(issuer, client);
    const { answer } = await join(wire, expired.id);
    expect(answer.body.code).toBe('enrollment_refused');
    const shown = await wire.post('/vault/invitations/open', { id: expired.id }, { dpop: null });
    expect(shown.body.status).toBe('ended');
    issuer.offset -= 601_000;
  });

  it('[V8] a device that joined is taken in only in time, and only by the one that invited it', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    // A second device of the vault.
    const first = await invite(client);
    const second = await freshBrowser(issuer, client);
    const { write, after } = takeIn(client, await join(second, first.id));
    expect((await client.write(write)).status).toBe(200);
    client.vault = after;

    const { id } = await invite(client);
    const taken = takeIn(client, await join(await freshBrowser(issuer, client), id));
    const accessToken = (await second.token()).body.access_token;
    const attempt = await second.post('/vault', taken.write, {
      dpop: { accessToken, now: issuer.now() },
      headers: { authorization: `DPoP ${accessToken}`, 'if-match': `"${etagOf(client.vault)}"` },
    });
    expect(attempt.body.code).toBe('invalid_request');
    issuer.offset += 560_000;
    expect((await client.call('/vault/status')).body.code).toBe('invalid_token');
    client.accessToken = (await client.wire.token()).body.access_token;
    issuer.offset += 60_000;
    expect((await client.write(taken.write)).body.code).toBe('invalid_request');
    issuer.offset -= 60_000;
    expect((await client.write(taken.write)).status).toBe(200);
    issuer.offset -= 560_000;
  });

  it('[H9] ids of another account and unknown ones get the same answer', async () => {
    const { issuer } = kind;
    const owner = await enrollWithVault(issuer);
    const stranger = await enrollWithVault(issuer);
    const { id } = await invite(owner);
    for (const path of ['/vault/invitations/read', '/vault/invitations/cancel']) {
      const foreign = await stranger.call(path, { id });
      const unknown = await stranger.call(path, { id: random(16) });
      expect(foreign.status).toBe(404);
      expect(foreign.text).toBe(unknown.text);
    }
    const foreign = await stranger.revoke(owner.device);
    const unknown = await stranger.revoke(random(16));
    expect(foreign.status).toBe(404);
    expect(foreign.text).toBe(unknown.text);
    expect((await owner.call('/vault/invitations/read', { id })).body.status).toBe('open');
    // An id once taken is nobody else's.
    const again = await invite(stranger, { id });
    expect(again.answer.body.code).toBe('invalid_request');
  });

  it('an invitation to a vault that was rotated meanwhile is a conflict', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { answer } = await invite(client, { identity_key: random(65) });
    expect(answer.body.code).toBe('vault_conflict');
  });

  it('guesses of ids count against the address', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { id } = await invite(client);
    const ask = (one: string, address: string) =>
      client.wire.post('/vault/invitations/open', { id: one }, { dpop: null, address });
    for (let count = 0; count < 60; count++) await ask(random(16), '203.0.113.7');
    expect((await ask(id, '203.0.113.7')).body.code).toBe('too_many_requests');
    expect((await ask(id, '203.0.113.8')).status).toBe(200);
  });

  it('[W4] a token alone ends no device: the touch is for this one, by the device that asks', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const stranger = await enrollWithVault(issuer);
    const { device } = client;
    const challenge = await client.wire.challenge('session');
    const forOpening = {
      nonce: challenge.nonce,
      credential: await client.wire.assert(challenge),
    };
    const bare = await client.call('/devices/revoke', { device });
    expect(bare.body.code).toBe('invalid_request');
    const refused = [
      [await client.revoke(device, { signedFor: random(16) }), 'invalid_grant'],
      [await client.revoke(device, { by: stranger.wire }), 'invalid_grant'],
      [await client.revoke(device, { purpose: 'session' }), 'invalid_nonce'],
      [await client.revoke(device, { purpose: 'release' }), 'invalid_nonce'],
      [await client.revoke(device, { body: forOpening }), 'invalid_nonce'],
      [
        await client.revoke(device, { body: { credential: forOpening.credential } }),
        'invalid_grant',
      ],
    ] as const;
    for (const [answer, code] of refused) expect(answer.body.code).toBe(code);
    expect((await client.call('/devices')).body.devices).toMatchObject([{ id: device }]);
    expect((await client.call('/devices')).body.devices[0]).not.toHaveProperty('revoked_at');
  });

  it('[W4] honest: with its touch a device ends itself, too, and once', async () => {
    const client = await enrollWithVault(kind.issuer);
    const { nonce } = await client.wire.challenge('revoke');
    const fields = { issuer: kind.issuer.verifier.issuer, device: client.device, nonce };
    const credential = await client.wire.sign(revokeChallenge(fields));
    const body = { device: client.device, nonce, credential };
    expect((await client.call('/devices/revoke', body)).status).toBe(204);
    expect((await client.call('/devices/revoke', body)).body.code).toBe('invalid_token');
  });

  it('[V7] a revoked device is out at once, and each opening says who is to be taken out', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const { id } = await invite(client);
    const wire = await freshBrowser(issuer, client);
    const joined = await join(wire, id);
    const { write, after } = takeIn(client, joined);
    await client.write(write);
    client.vault = after;
    const accessToken = (await wire.token()).body.access_token;
    const status = () =>
      wire.post(
        '/vault/status',
        {},
        {
          dpop: { accessToken, now: issuer.now() },
          headers: { authorization: `DPoP ${accessToken}` },
        },
      );
    expect((await status()).status).toBe(200);
    const listed = await client.call('/devices');
    const device = listed.body.devices[1].id;
    expect((await client.revoke(device)).status).toBe(204);
    expect((await status()).body.code).toBe('invalid_token');
    expect((await openWith(wire)).body.code).toBe('invalid_grant');
    expect((await client.open()).body.revoked).toEqual([joined.listed.id]);
    expect((await client.call('/vault/status')).body.revoked).toEqual([joined.listed.id]);
    expect((await client.call('/devices')).body.devices[1].revoked_at).toBeTypeOf('number');

    const rotated = rotateVault(client.vault, {
      by: client.recipient,
      without: [joined.listed.id],
    });
    expect((await client.write(rotated.write)).status).toBe(200);
    expect((await client.open()).body).toMatchObject({ revoked: [], successions: [{}] });
    expect(issuer.events).toContainEqual(
      expect.objectContaining({ type: 'revoked', kind: 'device', account: client.account }),
    );
  });
});

/** Gives a vault a recovery code. */
async function addCode(client: VaultClient) {
  const code = makeRecovery(client.vault.manifest.counter + 1);
  const pin = random(32);
  const { write, after } = makeWrite(client.vault, (draft) => draft.recipients.push(code.listed), {
    recipients: [{ id: code.listed.id, sealed: code.sealed, pin }],
  });
  expect((await client.write(write)).status).toBe(200);
  client.vault = after;
  return { ...code, pin };
}

describeOnStores('recovering a vault', (kind) => {
  async function show(wire: WireClient, pair: SigningPair, over: Partial<RecoveryFields> = {}) {
    const { nonce, audience } = await wire.challenge('enroll');
    const { jkt } = wire.sessionKey;
    const message = recoveryMessage({
      issuer: kind.issuer.verifier.issuer,
      audience,
      nonce,
      jkt,
      endpoint: '/vault/recover',
      ...over,
    });
    return { nonce, recovery_key: pair.publicKey, signature: pair.sign(message) };
  }

  const stranger = async () => {
    const { apiKey } = await kind.issuer.verifier.keys.issue({ scopes: ['weather:read'] });
    return createWireClient(kind.issuer, { apiKey });
  };

  /** @param code - To be sealed anew with another pin. */
  async function recoverBody(
    wire: WireClient,
    pair: SigningPair,
    client: VaultClient,
    code?: { readonly id: string; readonly pin: string },
    over: Partial<RecoveryFields> = {},
  ) {
    const challenge = await wire.challenge('enroll');
    const passkey = await wire.register(challenge);
    const counter = client.vault.manifest.counter + 1;
    const coseKey = encodeBase64url(passkey.coseKey);
    const made = makeRecipient({ credentialId: passkey.credentialId, coseKey }, counter);
    const pin = random(32);
    const recipients = [{ id: made.listed.id, sealed: made.sealed, pin }];
    const { write, after } = makeWrite(
      client.vault,
      (draft) => {
        draft.recipients = draft.recipients.map((one) => {
          if (one.id !== code?.id) return one;
          const sealed = seal();
          recipients.push({ id: one.id, sealed, pin: code.pin });
          return { ...one, counter, sealed_hash: encodeBase64url(sealedHash(sealed)) };
        });
        draft.recipients.push(made.listed);
      },
      { recipients },
    );
    const { nonce, audience } = challenge;
    const issuer = kind.issuer.verifier.issuer;
    const { jkt } = wire.sessionKey;
    const writeHash = recoveryWriteHash(write);
    const message = recoveryMessage({
      ...{ issuer, audience, nonce, jkt },
      ...{ endpoint: '/enroll', writeHash, ...over },
    });
    const body = {
      nonce,
      ...passkey.body,
      recovery_key: pair.publicKey,
      signature: pair.sign(message),
      if_match: etagOf(client.vault),
      write,
    };
    return { body, after, pin };
  }

  it('honest: a code reads the vault once for a nonce, and admits one device with its write', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const wire = await freshBrowser(issuer, client);
    const shown = await show(wire, code.pair);
    const read = await wire.post('/vault/recover', shown);
    expect(read.body.vault).toMatchObject({ sealed: code.sealed, pin: code.pin });
    expect((await wire.post('/vault/recover', shown)).body.code).toBe('invalid_nonce');
    const { body, after, pin } = await recoverBody(wire, code.pair, client);
    const enrolled = await wire.post('/enroll', body);
    expect(enrolled.status).toBe(201);
    expect(enrolled.body).toEqual({ etag: etagOf(after) });
    const opened = await openWith(wire);
    expect(opened.body.vault).toMatchObject({ manifest: encodeBase64url(after.bytes), pin });
    expect((await wire.token()).status).toBe(200);
    const types = issuer.events.map(({ type }) => type);
    const recipient = code.listed.id;
    expect(issuer.events).toContainEqual(
      expect.objectContaining({ type: 'vault_recovered', account: client.account, recipient }),
    );
    expect(types).toContain('device_joined');
    // Delivered twice: the passkey is known, and nobody deletes it.
    expect((await wire.post('/enroll', body)).body.code).toBe('invalid_nonce');
  });

  it('a recovery may bring a new pin of its code, and of nobody else', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const pin = random(32);
    const wire = await freshBrowser(issuer, client);
    const other = await recoverBody(wire, code.pair, client, { id: client.recipient, pin });
    expect((await wire.post('/enroll', other.body)).body.code).toBe('invalid_request');
    const own = await recoverBody(wire, code.pair, client, { id: code.listed.id, pin });
    expect((await wire.post('/enroll', own.body)).status).toBe(201);
    const read = await wire.post('/vault/recover', await show(wire, code.pair));
    expect(read.body.vault.pin).toBe(pin);
  });

  it('unknown and wrong codes get the same answer, and so does a code of before', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const wire = await stranger();
    const unknown = makeRecovery(1);
    const attempts = [
      await show(wire, unknown.pair),
      { ...(await show(wire, unknown.pair)), recovery_key: code.pair.publicKey },
      { ...(await show(wire, code.pair)), signature: random(64) },
      await show(wire, code.pair, { nonce: 'x' }),
      await show(wire, code.pair, { audience: 'https://other.example.com' }),
      await show(wire, code.pair, { jkt: random(32) }),
    ];
    const texts = new Set<string>();
    for (const body of attempts) {
      const answer = await wire.post('/vault/recover', body);
      expect(answer.body.code).toBe('invalid_grant');
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
    expect((await wire.post('/vault/recover', await show(wire, code.pair))).status).toBe(200);
    // The code goes with another identity key.
    const rotated = rotateVault(client.vault, { by: client.recipient, without: [code.listed.id] });
    expect((await client.write(rotated.write)).status).toBe(200);
    const gone = await wire.post('/vault/recover', await show(wire, code.pair));
    expect(gone.body.code).toBe('invalid_grant');
  });

  it('[V3] a code admits the passkey that registered, and no other', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const wire = await freshBrowser(issuer, client);
    const [mine, other] = [
      await recoverBody(wire, code.pair, client),
      await recoverBody(await freshBrowser(issuer, client), code.pair, client),
    ];
    const { write } = other.body;
    const signing = { writeHash: recoveryWriteHash(write) };
    const { body } = await recoverBody(wire, code.pair, client, undefined, signing);
    const swapped = await wire.post('/enroll', { ...body, write });
    expect(swapped.body.code).toBe('invalid_request');
    const signed = await wire.post('/enroll', { ...mine.body, signature: other.body.signature });
    expect(signed.body.code).toBe('invalid_grant');
    expect((await client.call('/devices')).body.devices).toHaveLength(1);
    expect((await wire.post('/enroll', mine.body)).status).toBe(201);
  });

  it('[V3] what a code signed stands for one endpoint and one write', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const wire = await freshBrowser(issuer, client);
    const read = { endpoint: '/vault/recover', writeHash: undefined } as const;
    const refused = [
      // Signed to read; signed for another write; pins exchanged on the way.
      (await recoverBody(wire, code.pair, client, undefined, read)).body,
      (await recoverBody(wire, code.pair, client, undefined, { endpoint: '/vault/recover' })).body,
      (await recoverBody(wire, code.pair, client, undefined, { writeHash: undefined })).body,
      (await recoverBody(wire, code.pair, client, undefined, { writeHash: new Uint8Array(32) }))
        .body,
    ];
    const { body: honest } = await recoverBody(wire, code.pair, client);
    const recipients = honest.write.recipients.map((one) => ({ ...one, pin: random(32) }));
    refused.push({ ...honest, write: { ...honest.write, recipients } });
    for (const body of refused) {
      expect((await wire.post('/enroll', body)).body.code).toBe('invalid_grant');
    }
    const writes = await show(wire, code.pair, { endpoint: '/enroll' });
    expect((await wire.post('/vault/recover', writes)).body.code).toBe('invalid_grant');
    expect((await client.call('/devices')).body.devices).toHaveLength(1);
  });

  it('[V3] honest: another browser enrols with a signature over its own write', async () => {
    const client = await enrollWithVault(kind.issuer);
    const code = await addCode(client);
    const wire = await freshBrowser(kind.issuer, client);
    const { body } = await recoverBody(wire, code.pair, client);
    expect((await wire.post('/enroll', body)).status).toBe(201);
    expect((await client.call('/devices')).body.devices).toHaveLength(2);
  });

  it('[V6] a recovery that another write overtook is a conflict and enrols nobody', async () => {
    const { issuer } = kind;
    const client = await enrollWithVault(issuer);
    const code = await addCode(client);
    const wire = await freshBrowser(issuer, client);
    const { body } = await recoverBody(wire, code.pair, client);
    expect((await client.write(addSlot(client.vault).write)).status).toBe(200);
    expect((await wire.post('/enroll', body)).body.code).toBe('vault_conflict');
    expect((await client.call('/devices')).body.devices).toHaveLength(1);
  });

  it('only a recovery may bring a large body to /enroll', async () => {
    const wire = await stranger();
    const challenge = await wire.challenge('enroll');
    const padding = 'x'.repeat(70 * 1024);
    const proof = await wire.post('/enroll', { nonce: challenge.nonce, padding });
    expect(proof.body.code).toBe('body_too_large');
    const recovery = await wire.post('/enroll', { recovery_key: 'x', padding });
    expect(recovery.body.code).toBe('invalid_request');
  });
});
