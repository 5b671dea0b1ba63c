import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import { revocationId } from '../exchange/revocation-ids.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import type { VaultRow } from '../stores/vault-stores.js';
import { ResetPendingError } from './reset-pending-error.js';

/** Notes the wish that the vault of an account be replaced, or finds the one that waits. */
async function requestReset(engine: Engine, account: string, now: number): Promise<number> {
  const wish = {
    account,
    requestedAt: now,
    effectiveAt: now + engine.config.vaultReset.after * 1000,
  };
  const { effectiveAt, requestedAt } = await engine.stores.resets.request(wish);
  if (requestedAt === now) {
    await engine.emit({ type: 'vault_reset_requested', account, resetAt: effectiveAt });
  }
  return effectiveAt;
}

/**
 * Replaces the vault that nobody can open any more, once the wish for it is old enough, and ends all
 * devices before, docs/protocol.md section 12.16. Until then it notes the wish.
 *
 * @returns Whether the device was enrolled; `known` if its credential exists, or
 * another account has a vault of this id.
 * @throws PzkError `vault_reset_pending`
 */
export async function resetVault(
  engine: Engine,
  device: DeviceRow,
  vault: VaultRow,
): Promise<'enrolled' | 'known'> {
  const { account } = device;
  const { devices, revocations, resets } = engine.stores;
  const now = engine.config.clock();
  const waiting = await resets.get(account);
  if (waiting === undefined || waiting.effectiveAt > now) {
    throw new ResetPendingError(await requestReset(engine, account, now), now);
  }
  const others = await devices.listByAccount(account);
  const result = await devices.enroll({ device, vault, onlyFirst: false, resets: { at: now } });
  if (result === 'known') return result;
  // Somebody cancelled it meanwhile: it starts again.
  if (result !== 'enrolled') {
    throw new ResetPendingError(await requestReset(engine, account, now), now);
  }
  const ended = others.filter(({ revokedAt }) => revokedAt === undefined);
  if (ended.length > 0) {
    const ids = ended.map(({ id }) => revocationId.device(id));
    await revocations.revoke(ids, durations.revocation);
  }
  for (const { id } of ended) engine.emit({ type: 'revoked', kind: 'device', id, account });
  await engine.emit({ type: 'vault_replaced', account, device: device.id });
  return result;
}
