import type { Engine } from '../exchange/engine.js';
import { refusal } from '../refuse.js';
import type { VaultWrite } from '../stores/vault-stores.js';
import type { CheckedWrite } from './write-check.js';

/**
 * Stores a write that was checked, with all that happens together with it: one transaction.
 *
 * @throws PzkError `vault_conflict` if the vault, the invitation or the request is not as it was when it
 * was checked; `invalid_request` if what it brings exists elsewhere. Nothing is written then.
 */
export async function commitWrite(
  engine: Engine,
  ifMatch: string,
  { next, history, agents }: CheckedWrite,
  together: Pick<VaultWrite, 'joins' | 'release'> = {},
): Promise<void> {
  const write = { expected: ifMatch, next, history, agents, ...together };
  const result = await engine.stores.vaults.write(write);
  if (result === 'conflict') throw refusal('vault_conflict', 'Another write came first.');
  if (result !== 'written') throw refusal('invalid_request', `What it brings is ${result}.`);
}
