import type { Command } from '../command.js';
import { verifyAudit } from './audit.js';
import { listDevices, revokeDevice } from './devices.js';
import { doctor } from './doctor.js';
import { issueKey, listKeys, revokeKey, rotateKey } from './keys.js';
import { migrateDatabase } from './migrate.js';
import { contribute, verify } from './setup.js';
import { listSigningKeys, removeSigningKey, rotateSigningKey } from './signing-keys.js';
import { openVault } from './vault.js';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  issueKey,
  listKeys,
  revokeKey,
  rotateKey,
  listDevices,
  revokeDevice,
  listSigningKeys,
  rotateSigningKey,
  removeSigningKey,
  verifyAudit,
  openVault,
  migrateDatabase,
  contribute,
  verify,
  doctor,
];
