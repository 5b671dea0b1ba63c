import * as v from 'valibot';
import { KEPT_AFTER_EXPIRY } from '../stores/kept-after-expiry.js';
import type { PairingRow, PairingStep, PairingStore } from '../stores/vault-stores.js';
import { column } from './columns.js';
import { findRow } from './find-row.js';
import type { SqlSession } from './sql-session.js';

const pairingSchema = v.pipe(
  v.object({
    id: column.text,
    account: column.text,
    vault_id: column.text,
    device: column.text,
    expires_at: column.integer,
    status: v.picklist(['open', 'committed', 'answered', 'revealed', 'ended']),
    name: column.text,
    commitment: column.text,
    identity_key: column.text,
    nonce_b: column.text,
    agent_key: column.text,
    nonce_a: column.text,
  }),
  v.transform(
    (row): PairingRow => ({
      id: row.id,
      account: row.account,
      vaultId: row.vault_id,
      device: row.device,
      expiresAt: row.expires_at,
      status: row.status,
      name: row.name,
      commitment: row.commitment,
      identityKey: row.identity_key,
      nonceB: row.nonce_b,
      agentKey: row.agent_key,
      nonceA: row.nonce_a,
    }),
  ),
);

/** The columns of a step; those that it does not give are left out. */
function toStepColumns(step: PairingStep) {
  return {
    ...(step.name === undefined ? {} : { name: step.name }),
    ...(step.commitment === undefined ? {} : { commitment: step.commitment }),
    ...(step.identityKey === undefined ? {} : { identity_key: step.identityKey }),
    ...(step.nonceB === undefined ? {} : { nonce_b: step.nonceB }),
    ...(step.agentKey === undefined ? {} : { agent_key: step.agentKey }),
    ...(step.nonceA === undefined ? {} : { nonce_a: step.nonceA }),
  };
}

/** Pairings in the table `pzk_pairings`. */
export function sqlPairingStore(session: SqlSession): PairingStore {
  const { issuer, write } = session;
  return Object.freeze<PairingStore>({
    insert: async (pairing, now) => {
      await write((db) =>
        db
          .deleteFrom('pzk_pairings')
          .where('issuer', '=', issuer)
          .where('expires_at', '<', now - KEPT_AFTER_EXPIRY)
          .execute(),
      );
      return write(async (db) => {
        const { numInsertedOrUpdatedRows } = await db
          .insertInto('pzk_pairings')
          .values({
            issuer,
            id: pairing.id,
            account: pairing.account,
            vault_id: pairing.vaultId,
            device: pairing.device,
            expires_at: pairing.expiresAt,
            status: pairing.status,
            name: pairing.name,
            commitment: pairing.commitment,
            identity_key: pairing.identityKey,
            nonce_b: pairing.nonceB,
            agent_key: pairing.agentKey,
            nonce_a: pairing.nonceA,
          })
          .onConflict((conflict) => conflict.doNothing())
          .executeTakeFirst();
        return numInsertedOrUpdatedRows === 1n;
      });
    },
    get: (id) => findRow(session, 'pzk_pairings', id, pairingSchema),
    advance: (id, { from, to, step }, now) =>
      write(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable('pzk_pairings')
          .set({ status: to, ...toStepColumns(step) })
          .where('issuer', '=', issuer)
          .where('id', '=', id)
          .where('status', '=', from)
          .where('expires_at', '>', now)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
  });
}
