import type { Engine } from '../exchange/engine.js';
import type { DeviceRow } from '../stores/durable-stores.js';
import { revokeDevice } from './revoke-device.js';

/** Administration of devices. */
export interface DeviceManager {
  get(id: string): Promise<DeviceRow | undefined>;
  list(account: string): Promise<readonly DeviceRow[]>;
  /** Ends a device, its sessions and its tokens; when this resolves, all instances refuse them. */
  revoke(id: string): Promise<boolean>;
}

/** Creates the device manager of an issuer. */
export function createDeviceManager(engine: Engine): DeviceManager {
  const { stores } = engine;
  return {
    get: (id) => stores.devices.get(id),
    list: (account) => stores.devices.listByAccount(account),
    revoke: (id) => revokeDevice(engine, id),
  };
}
