import type { PzkError } from '@pzk-auth/react-hooks';

/** How an action of a hook failed. */
export interface Failure {
  readonly error: PzkError;
}

/** The failure in the end of an action; undefined if it went well, or if the user took it back. */
export function failureOf(ended: {
  readonly status: string;
  readonly error?: PzkError;
}): Failure | undefined {
  if (ended.status !== 'failed' || ended.error === undefined) return undefined;
  return ended.error.code === 'aborted' ? undefined : { error: ended.error };
}
