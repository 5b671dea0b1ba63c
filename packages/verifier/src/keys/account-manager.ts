import { durations } from '../durations.js';
import type { Engine } from '../exchange/engine.js';
import { revocationIdsOfAccount } from '../exchange/revocation-ids.js';
import type { AccountRow } from '../stores/durable-stores.js';

/** Administration of accounts. */
export interface AccountManager {
  get(id: string): Promise<AccountRow | undefined>;
  /** Ends an account with all its keys, devices, sessions and tokens. */
  revoke(id: string): Promise<boolean>;
}

/** Creates the account manager of an issuer. */
export function createAccountManager(engine: Engine): AccountManager {
  const { config, stores } = engine;
  return {
    get: (id) => stores.accounts.get(id),
    async revoke(id) {
      if (!(await stores.accounts.revoke(id, config.clock()))) return false;
      await stores.revocations.revoke(revocationIdsOfAccount(config, id), durations.revocation);
      engine.emit({ type: 'revoked', kind: 'account', id, account: id });
      return true;
    },
  };
}
