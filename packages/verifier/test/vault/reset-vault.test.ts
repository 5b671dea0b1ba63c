import { encodeBase64url } from '@pzk-auth/protocol';
import { expect, it } from 'vitest';
import { describeOnStores } from '../harness/issuers.js';
import { addSlot, createTestVault } from '../harness/test-vault.js';
import { claimsOf, enrollWithVault, vaultClient } from '../harness/vault-client.js';
import { createWireClient } from '../harness/wire-client.js';

const HOURS = 3_600_000;

/** What the application says about whoever enrols. */
let grants: { readonly resetVault?: boolean; readonly allowDevice?: boolean } = {};

describeOnStores(
  'a vault that nobody can open',
  (kind) => {
    /** Enrols a fresh browser with a vault of its own, for a key of the account. */
    async function enrollAgain(apiKey: string, vaultId?: string) {
      const wire = await createWireClient(kind.issuer, { apiKey });
      let made: ReturnType<typeof createTestVault> | undefined;
      const body = await wire.enrollBody(await wire.challenge('enroll'), (passkey) => {
        const coseKey = encodeBase64url(passkey.coseKey);
        const keys = { credentialId: passkey.credentialId, coseKey };
        made = createTestVault(keys, undefined, vaultId);
        return { recipient_key: made.recipient.hpke_key, vault: made.entry };
      });
      const answer = await wire.post('/enroll', body);
      return { wire, answer, made: made as ReturnType<typeof createTestVault> };
    }

    it('honest: is replaced after three days, and every device before it ends', async () => {
      const { issuer } = kind;
      grants = {};
      const client = await enrollWithVault(issuer);
      grants = { resetVault: true };
      const pending = await enrollAgain(client.wire.apiKey);
      expect(pending.answer.status).toBe(409);
      expect(pending.answer.body.code).toBe('vault_reset_pending');
      const resetAt = pending.answer.body.reset_at;
      expect(resetAt).toBeGreaterThan(issuer.now() / 1000 + 71.9 * 3600);
      expect(Number(pending.answer.headers.get('retry-after'))).toBeGreaterThan(71.9 * 3600);
      // The vault stands, and every opening tells.
      expect((await client.open()).body.reset_at).toBe(resetAt);
      expect((await client.call('/vault/status')).body.reset_at).toBe(resetAt);
      issuer.offset += 71 * HOURS;
      const early = await enrollAgain(client.wire.apiKey);
      expect(early.answer.body).toMatchObject({ code: 'vault_reset_pending', reset_at: resetAt });

      issuer.offset += HOURS + 1000;
      client.accessToken = (await client.wire.token()).body.access_token;
      expect((await client.call('/vault/status')).status).toBe(200);
      const done = await enrollAgain(client.wire.apiKey);
      expect(done.answer.status).toBe(201);
      const accessToken = done.answer.body.access_token;
      const fresh = vaultClient(issuer, done.wire, {
        account: client.account,
        recipient: done.made.recipient.id,
        device: claimsOf(accessToken).device ?? '',
        vault: done.made.vault,
        accessToken,
      });
      expect((await fresh.open()).body.vault.manifest).toBe(done.made.entry.manifest);
      expect((await fresh.write(addSlot(fresh.vault).write)).status).toBe(200);
      expect((await client.call('/vault/status')).body.code).toBe('invalid_token');
      expect((await client.open()).body.code).toBe('invalid_grant');
      const types = issuer.events.map(({ type }) => type);
      expect(types.filter((type) => type === 'vault_reset_requested')).toHaveLength(1);
      expect(types.filter((type) => type === 'vault_replaced')).toHaveLength(1);
    });

    it('[V11] takes no vault of an id that another account has, at enrolment and at a reset', async () => {
      const { issuer } = kind;
      grants = {};
      const victim = await enrollWithVault(issuer);
      const before = await victim.open();
      const { vaultId } = victim.vault;
      const { apiKey } = await issuer.verifier.keys.issue({ scopes: ['weather:read'] });
      const refused = await enrollAgain(apiKey, vaultId);
      expect([refused.answer.status, refused.answer.body.code]).toEqual([
        403,
        'enrollment_refused',
      ]);

      // Nothing of it was written: the key still enrols its first device, with a vault of its own.
      expect((await enrollAgain(apiKey)).answer.status).toBe(201);
      grants = { resetVault: true };
      expect((await enrollAgain(apiKey, vaultId)).answer.body.code).toBe('vault_reset_pending');
      issuer.offset += 73 * HOURS;
      expect((await enrollAgain(apiKey, vaultId)).answer.body.code).toBe('enrollment_refused');
      expect((await victim.open()).body).toEqual(before.body);
      expect((await enrollAgain(apiKey)).answer.status).toBe(201);
    });

    it('is kept by any device that cancels, and the wait starts again', async () => {
      const { issuer } = kind;
      grants = {};
      const client = await enrollWithVault(issuer);
      grants = { resetVault: true };
      const first = await enrollAgain(client.wire.apiKey);
      expect(first.answer.body.code).toBe('vault_reset_pending');
      expect((await client.call('/vault/reset/cancel')).status).toBe(204);
      expect((await client.call('/vault/reset/cancel')).status).toBe(204);
      expect((await client.open()).body).not.toHaveProperty('reset_at');
      issuer.offset += 73 * HOURS;
      const again = await enrollAgain(client.wire.apiKey);
      expect(again.answer.body.code).toBe('vault_reset_pending');
      expect(again.answer.body.reset_at).toBeGreaterThan(first.answer.body.reset_at);
      const types = issuer.events.map(({ type }) => type);
      expect(types.filter((type) => type === 'vault_reset_cancelled')).toHaveLength(1);
    });

    it('is not replaced where the application allows the device alone', async () => {
      grants = {};
      const client = await enrollWithVault(kind.issuer);
      const before = await client.open();
      grants = { allowDevice: true };
      const joined = await enrollAgain(client.wire.apiKey);
      expect(joined.answer.status).toBe(201);
      expect(claimsOf(joined.answer.body.access_token).key_protection).toBe('none');
      grants = {};
      const refused = await enrollAgain(client.wire.apiKey);
      expect(refused.answer.body.code).toBe('enrollment_refused');
      expect((await client.open()).body).toEqual(before.body);
    });
  },
  { authorize: () => grants },
);
