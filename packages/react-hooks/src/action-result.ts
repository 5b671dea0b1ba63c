import { isPzkError, type PzkError } from '@pzk-auth/client';

/** How an action failed; in the form of the state that shows it. */
export interface ActionFailure {
  readonly status: 'failed';
  readonly error: PzkError;
}

/** How an action ended that is no ceremony. */
export type ActionResult<T = undefined> =
  | { readonly status: 'done'; readonly value: T }
  | ActionFailure;

/**
 * Resolves to how the work ended: a rejection would be unhandled in `onClick={() => vault.lock()}`.
 * Errors without a code are mistakes of the program and are thrown.
 */
export async function settle<T>(work: () => Promise<T>): Promise<ActionResult<T>> {
  try {
    return Object.freeze({ status: 'done', value: await work() });
  } catch (error) {
    if (!isPzkError(error)) throw error;
    return Object.freeze({ status: 'failed', error });
  }
}

/** Like {@link settle}, for work that gives nothing. */
export function settleVoid(work: () => Promise<void>): Promise<ActionResult> {
  return settle(async () => {
    await work();
    return undefined;
  });
}
