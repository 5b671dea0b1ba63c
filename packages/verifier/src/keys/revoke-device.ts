import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import { revocationId } from '../exchange/revocation-ids.js';

/**
 * Ends a device, its sessions and its tokens; when this resolves, all instances refuse them. As a
 * recipient of a vault it stays in the roster until a device takes it out (docs/protocol.md section
 * 12.15).
 *
 * @returns `false` if there is none.
 */
export async function revokeDevice(engine: Engine, id: string): Promise<boolean> {
  const { config, stores } = engine;
  const row = await stores.devices.get(id);
  // Durable first, then the copy that every call reads, then the answer.
  if (row === undefined || !(await stores.devices.revoke(id, config.clock()))) return false;
  await stores.revocations.revoke([revocationId.device(id)], durations.revocation);
  engine.emit({ type: 'revoked', kind: 'device', id, account: row.account });
  return true;
}
