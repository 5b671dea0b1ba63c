import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { SessionRow, ShortLivedStores } from '../../src/stores/short-lived-stores.js';

/** Milliseconds: longer than any test. */
export const TTL = 60_000;
/** The one error of the stores. */
export const unavailable = { name: 'PzkError', code: 'store_unavailable' };

/** For what has to be answered: a busy machine may take longer than the default of the stores. */
export const PATIENCE = { timeout: 10_000 };

/** A row. */
export const session: SessionRow = {
  sid: 'session',
  account: 'account',
  key: 'key',
  device: 'device',
  jkt: 'jkt',
  audience: 'https://api.example.com',
  scope: 'a:read',
  authTime: 1,
  amr: ['hwk'],
  keyProtection: 'passkey',
  createdAt: 1,
};

/** The bound of row N7, beside which every command has its own timeout of 500 ms. */
export async function within2s<T>(answer: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(2_000, undefined, { signal: timer.signal }).then(() => {
    throw new Error('no answer within 2 s');
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
    late.catch(() => {});
  }
}

/** Every operation, so that a fault is seen by each. */
export function everyOperation(stores: ShortLivedStores, epoch: string): Promise<unknown>[] {
  const { nonces, replays, revocations, sessions, budgets } = stores;
  return [
    nonces.consume('nonce', { epoch, ttl: TTL }),
    replays.record('jti', TTL),
    revocations.revoke(['id'], TTL),
    revocations.isRevoked(['id']),
    sessions.get('session'),
    sessions.put('session', session, TTL),
    sessions.touch('session', TTL),
    sessions.delete('session'),
    budgets.add('budget', TTL),
    budgets.read('budget'),
  ];
}

/** Expects that each rejects with `store_unavailable` within the bound. */
export async function expectAllUnavailable(operations: readonly Promise<unknown>[]): Promise<void> {
  const results = await within2s(Promise.allSettled(operations));
  for (const result of results) {
    expect(result).toMatchObject({ status: 'rejected', reason: unavailable });
  }
}
