// Phase 2 as in setup/, by the snarkjs of this workspace.
import * as snarkjs from 'snarkjs';
import * as phase2 from '../setup/phase2.mjs';

export const startKey = (options) => phase2.startKey({ snarkjs, ...options });
export const contribute = (options) => phase2.contribute({ snarkjs, ...options });
export const applyBeacon = (options) => phase2.applyBeacon({ snarkjs, ...options });
export const verifyKey = (options) => phase2.verifyKey({ snarkjs, ...options });
