import assert from 'node:assert/strict';
import type { RevocationStore } from '../stores/short-lived-stores.js';
import {
  advance,
  type ConformanceCase,
  type ConformanceOptions,
  type CreateStore,
  LONG,
  oddKeys,
  PAST_SHORT,
  race,
  randomId,
  SHORT,
} from './conformance-case.js';

/** What a {@link RevocationStore} has to do. */
export function revocationStoreConformance(
  create: CreateStore<RevocationStore>,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [
    {
      name: 'revocations: one revoked id among several is found, others are not',
      run: async () => {
        const store = await create();
        const [revoked, also, other, another] = [randomId(), randomId(), randomId(), randomId()];
        await store.revoke([revoked, also], LONG);
        assert.equal(await store.isRevoked([revoked]), true);
        assert.equal(await store.isRevoked([also]), true);
        assert.equal(await store.isRevoked([other, another, revoked]), true);
        assert.equal(await store.isRevoked([other, another]), false);
      },
    },
    {
      name: 'revocations: no ids, nothing revoked',
      run: async () => {
        const store = await create();
        await store.revoke([], LONG);
        assert.equal(await store.isRevoked([]), false);
      },
    },
    {
      name: 'revocations: seen by every read that starts after the acknowledgement',
      run: async () => {
        const store = await create();
        const seen = await race(async () => {
          const id = randomId();
          await store.revoke([id], LONG);
          return store.isRevoked([randomId(), id]);
        });
        assert.ok(seen.every((revoked) => revoked === true));
      },
    },
    {
      name: 'revocations: a later one prolongs and never shortens',
      run: async () => {
        const store = await create();
        const [short, prolonged, long] = [randomId(), randomId(), randomId()];
        await store.revoke([short, prolonged], SHORT);
        await store.revoke([long], LONG);
        await store.revoke([long], SHORT);
        await store.revoke([prolonged], LONG);
        await advance(options, PAST_SHORT);
        assert.equal(await store.isRevoked([short]), false);
        assert.equal(await store.isRevoked([prolonged]), true);
        assert.equal(await store.isRevoked([long]), true);
      },
    },
    {
      name: 'revocations: odd ids are kept apart',
      run: async () => {
        const store = await create();
        for (const id of oddKeys()) {
          assert.equal(await store.isRevoked([id]), false);
          await store.revoke([id], LONG);
          assert.equal(await store.isRevoked([id]), true);
        }
      },
    },
    {
      name: 'revocations: a lifetime that is no positive integer is refused, not acknowledged',
      run: async () => {
        const store = await create();
        for (const ttl of [0, -1, 1.5, Number.NaN]) {
          await assert.rejects(async () => store.revoke([randomId()], ttl));
        }
      },
    },
  ];
}
