import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import { revocationId } from '../exchange/revocation-ids.js';
import type { DeviceRow } from '../stores/durable-stores.js';

/** Administration of devices. */
export interface DeviceManager {
  get(id: string): Promise<DeviceRow | undefined>;
  list(account: string): Promise<readonly DeviceRow[]>;
  /** Ends a device, its sessions and its tokens; when this resolves, all instances refuse them. */
  revoke(id: string): Promise<boolean>;
}

/** Creates the device manager of an issuer. */
export function createDeviceManager(engine: Engine): DeviceManager {
  const { config, stores } = engine;
  return {
    get: (id) => stores.devices.get(id),
    list: (account) => stores.devices.listByAccount(account),
    async revoke(id) {
      if (!(await stores.devices.revoke(id, config.clock()))) return false;
      await stores.revocations.revoke([revocationId.device(id)], durations.revocation);
      engine.emit({ type: 'revoked', kind: 'device', id });
      return true;
    },
  };
}
