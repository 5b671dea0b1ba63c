import type { DatabaseCore } from './database.js';

/** What the stores of one issuer work with. */
export interface SqlSession extends Pick<DatabaseCore, 'read' | 'write' | 'transact'> {
  readonly issuer: string;
}

/** Puts a preparation (migrations, or the check of them) before everything; it is repeated until it succeeds. */
export function createSession(
  core: DatabaseCore,
  issuer: string,
  prepare: () => Promise<unknown>,
): SqlSession {
  let preparing: Promise<void> | undefined;
  const prepared = (): Promise<void> => {
    preparing ??= prepare().then(
      () => {},
      (error: unknown) => {
        preparing = undefined;
        throw error;
      },
    );
    return preparing;
  };
  return {
    issuer,
    read: async (work) => {
      await prepared();
      return core.read(work);
    },
    write: async (work) => {
      await prepared();
      return core.write(work);
    },
    transact: async (work) => {
      await prepared();
      return core.transact(work);
    },
  };
}
