import type { Verifier, VerifierOptions } from '@pzk-auth/verifier';
import type { Deployment } from '../deployment.js';
import type { EngineModule, SqlModule } from '../engine.js';

/** What the checks look at. */
export interface Patient {
  readonly engine: EngineModule;
  readonly deployment: Deployment;
  readonly options: VerifierOptions;
  /** On stores that take no writes of signing keys and audit entries: to look changes nothing. */
  readonly verifier: Verifier;
  readonly production: boolean;
  loadSql(): Promise<SqlModule>;
}

/** A write that a look would have caused. */
export class WouldWrite extends Error {
  override readonly name = 'WouldWrite';
}

/** Stores whose signing keys and audit log can be read only. */
export function readOnlyStores(stores: VerifierOptions['stores']): VerifierOptions['stores'] {
  const refuse = async () => {
    throw new WouldWrite('This would write.');
  };
  return {
    ...stores,
    signingKeys: {
      list: () => stores.signingKeys.list(),
      insertFirst: refuse,
      insert: refuse,
      // Retired keys go when an instance of the server looks next.
      remove: async () => false,
    },
  };
}

/** Whether an error arose because of {@link readOnlyStores}. */
export function wouldWrite(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof WouldWrite) return true;
  }
  return false;
}
