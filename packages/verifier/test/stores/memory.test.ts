import cluster from 'node:cluster';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ExpiringMapOptions } from '../../src/stores/memory/expiring-map.js';
import { ExpiringMap } from '../../src/stores/memory/expiring-map.js';
import { memoryStores } from '../../src/stores/memory/memory-stores.js';
import type { ReplayStore, SessionRow } from '../../src/stores/short-lived-stores.js';
import {
  durableStoresConformance,
  nonceStoreConformance,
  replayStoreConformance,
  shortLivedStoresConformance,
} from '../../src/testing/index.js';

const full = { name: 'PzkError', code: 'store_unavailable' };

function clockAt(start: number) {
  const clock = { now: start, read: () => clock.now };
  return clock;
}

describe('conformance', () => {
  const clock = clockAt(1_750_000_000_000);
  const options = {
    advance: (milliseconds: number) => {
      clock.now += milliseconds;
    },
  };
  const create = () => memoryStores({ clock: clock.read });
  for (const { name, run } of shortLivedStoresConformance(create, options)) it(name, run);
  for (const { name, run } of durableStoresConformance(create)) it(name, run);
});

describe('[L7] a store that finds and then saves', () => {
  function findThenSave(): ReplayStore {
    const seen = new Set<string>();
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    return {
      record: async (key) => {
        const known = seen.has(key);
        await turn();
        seen.add(key);
        return !known;
      },
    };
  }

  function caseOf(cases: ReturnType<typeof replayStoreConformance>, words: string) {
    const found = cases.find(({ name }) => name.includes(words));
    if (found === undefined) throw new Error(`no case "${words}"`);
    return found.run;
  }

  it('[L7] fails the conformance suite of replays', async () => {
    const run = caseOf(replayStoreConformance(findThenSave), 'parallel records of one key');
    await expect(run()).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });

  it('[L7] fails the conformance suite of nonces', async () => {
    const create = () => {
      const store = findThenSave();
      return {
        epoch: async () => 'epoch',
        consume: async (key: string) =>
          (await store.record(key, 1)) ? ('consumed' as const) : ('replayed' as const),
      };
    };
    const run = caseOf(nonceStoreConformance(create), 'parallel consumes');
    await expect(run()).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
  });

  it('[L7] honest: a store with one atomic step passes both', async () => {
    await caseOf(
      replayStoreConformance(() => memoryStores().replays),
      'parallel records of one key',
    )();
    await caseOf(
      nonceStoreConformance(() => memoryStores().nonces),
      'parallel consumes',
    )();
  });
});

describe('bounds', () => {
  const session: SessionRow = {
    sid: 'session',
    account: 'account',
    key: 'key',
    device: 'device',
    jkt: 'jkt',
    audience: 'audience',
    scope: 'scope',
    authTime: 1,
    amr: [],
    keyProtection: 'none',
    createdAt: 1,
  };

  it('refuses what does not fit and forgets nothing that lives', async () => {
    const { nonces, replays, revocations, sessions, budgets } = memoryStores({ maxEntries: 2 });
    const epoch = await nonces.epoch();
    const ttl = 60_000;
    for (const key of ['a', 'b']) {
      expect(await nonces.consume(key, { epoch, ttl })).toBe('consumed');
      expect(await replays.record(key, ttl)).toBe(true);
      await revocations.revoke([key], ttl);
      await sessions.put(key, session, ttl);
      await budgets.add(key, ttl);
    }
    await expect(nonces.consume('c', { epoch, ttl })).rejects.toMatchObject(full);
    await expect(replays.record('c', ttl)).rejects.toMatchObject(full);
    await expect(revocations.revoke(['c'], ttl)).rejects.toMatchObject(full);
    await expect(sessions.put('c', session, ttl)).rejects.toMatchObject(full);
    await expect(budgets.add('c', ttl)).rejects.toMatchObject(full);

    for (const key of ['a', 'b']) {
      expect(await nonces.consume(key, { epoch, ttl })).toBe('replayed');
      expect(await replays.record(key, ttl)).toBe(false);
      expect(await revocations.isRevoked([key])).toBe(true);
      // What is there already needs no room.
      await sessions.put(key, session, ttl);
      expect(await budgets.add(key, ttl)).toBe(2);
    }
  });

  it('revokes several ids or none', async () => {
    const { revocations } = memoryStores({ maxEntries: 2 });
    await expect(revocations.revoke(['a', 'b', 'c'], 60_000)).rejects.toMatchObject(full);
    expect(await revocations.isRevoked(['a', 'b', 'c'])).toBe(false);
    await revocations.revoke(['a', 'a', 'b'], 60_000);
    expect(await revocations.isRevoked(['b'])).toBe(true);
  });

  it('has room again for what has expired', async () => {
    const clock = clockAt(0);
    const { replays } = memoryStores({ maxEntries: 2, clock: clock.read });
    await replays.record('a', 1_000);
    await replays.record('b', 2_000);
    clock.now = 999;
    await expect(replays.record('c', 1_000)).rejects.toMatchObject(full);
    clock.now = 1_000;
    expect(await replays.record('c', 1_000)).toBe(true);
    expect(await replays.record('b', 1_000)).toBe(false);
    await expect(replays.record('d', 1_000)).rejects.toMatchObject(full);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses maxEntries %s', (maxEntries) => {
    expect(() => memoryStores({ maxEntries })).toThrow(TypeError);
  });
});

describe('ExpiringMap', () => {
  function map(over: Partial<ExpiringMapOptions> = {}) {
    const clock = clockAt(0);
    return {
      clock,
      entries: new ExpiringMap<number>({ maxEntries: 1_000, clock: clock.read, ...over }),
    };
  }

  it('drops what has expired at the next write, whatever the order of lifetimes', () => {
    const { clock, entries } = map();
    // A fixed permutation of 1..500.
    for (let index = 0; index < 500; index++)
      entries.set(`${index}`, index, ((index * 37) % 500) + 1);
    for (const now of [1, 2, 100, 333, 499]) {
      clock.now = now;
      entries.set('probe', 0, 1);
      expect(entries.size).toBe(500 - now + 1);
      for (let index = 0; index < 500; index++) {
        expect(entries.has(`${index}`)).toBe(((index * 37) % 500) + 1 > now);
      }
      entries.delete('probe');
    }
  });

  it('ends a lifetime exactly', () => {
    const { clock, entries } = map();
    entries.set('a', 1, 10);
    clock.now = 9;
    expect([entries.get('a'), entries.remaining('a')]).toEqual([1, 1]);
    clock.now = 10;
    expect([entries.get('a'), entries.remaining('a')]).toEqual([undefined, 0]);
    expect(entries.touch('a', 10)).toBe(false);
    expect(entries.update('a', 2)).toBe(false);
  });

  it('does not take a new entry for the deleted one that had its name', () => {
    const { clock, entries } = map();
    entries.set('a', 1, 10);
    entries.delete('a');
    entries.set('a', 2, 1_000);
    clock.now = 20;
    entries.set('b', 3, 10);
    expect(entries.get('a')).toBe(2);
  });

  it('drops renewed and shortened entries when they expire', () => {
    const { clock, entries } = map({ maxEntries: 2 });
    entries.set('renewed', 1, 10);
    entries.set('shortened', 2, 100_000);
    entries.touch('renewed', 500);
    entries.touch('shortened', 500);
    clock.now = 20;
    expect(() => entries.set('new', 3, 10)).toThrow(/full/);
    clock.now = 500;
    entries.set('new', 3, 10);
    expect(entries.size).toBe(1);
  });

  it('keeps room for as many as it promises under renewal, shortening and deletion', () => {
    const { clock, entries } = map({ maxEntries: 10 });
    for (let round = 0; round < 10_000; round++) {
      const key = `${round % 10}`;
      if (round % 3 === 0) entries.delete(key);
      entries.set(key, round, 1_000 - (round % 900));
      entries.touch(key, 500);
      clock.now += 1;
    }
    expect(entries.size).toBeLessThanOrEqual(10);
    clock.now += 10_000;
    for (let index = 0; index < 10; index++) entries.set(`new ${index}`, index, 10);
    expect(entries.size).toBe(10);
  });
});

describe('[N5] restart and clock', () => {
  it('[N5] refuses what was issued before a restart', async () => {
    const before = await memoryStores().nonces.epoch();
    const { nonces } = memoryStores();
    expect(await nonces.consume('key', { epoch: before, ttl: 60_000 })).toBe('stale');
  });

  it('[N5] refuses what was issued before a clock stepped back far', async () => {
    const clock = clockAt(10_000_000);
    const { nonces } = memoryStores({ clock: clock.read });
    const epoch = await nonces.epoch();
    expect(await nonces.consume('used', { epoch, ttl: 660_000 })).toBe('consumed');
    clock.now += 700_000;
    await nonces.consume('other', { epoch, ttl: 660_000 });
    clock.now -= 700_000;
    expect(await nonces.consume('used', { epoch, ttl: 660_000 })).toBe('stale');
    expect(await nonces.epoch()).not.toBe(epoch);
  });

  it('[N5] honest: a clock that is set back by seconds loses nothing', async () => {
    const clock = clockAt(10_000_000);
    const { nonces } = memoryStores({ clock: clock.read });
    const epoch = await nonces.epoch();
    clock.now -= 5_000;
    expect(await nonces.consume('key', { epoch, ttl: 660_000 })).toBe('consumed');
    expect(await nonces.consume('key', { epoch, ttl: 660_000 })).toBe('replayed');
  });
});

describe('several processes', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('refuses in a worker of pm2, unless told', () => {
    vi.stubEnv('NODE_APP_INSTANCE', '0');
    expect(() => memoryStores()).toThrow(/dangerouslyAllowSeveralProcesses/);
    expect(() => memoryStores({ dangerouslyAllowSeveralProcesses: true })).not.toThrow();
  });

  it('refuses in a worker of node:cluster', () => {
    vi.spyOn(cluster, 'isWorker', 'get').mockReturnValue(true);
    expect(() => memoryStores()).toThrow(TypeError);
  });

  it('starts in a single process', () => {
    expect(() => memoryStores()).not.toThrow();
  });
});

describe('durable rows', () => {
  it('refuses a vault of another account and a device id that exists', async () => {
    const { devices } = memoryStores();
    const device = {
      id: 'device',
      account: 'account',
      key: 'key',
      kind: 'passkey' as const,
      credentialId: 'credential',
      jkt: '',
      publicKey: '',
      userHandle: '',
      transports: [],
      backupEligible: false,
      backedUp: false,
      keyProtection: 'none' as const,
      counter: 0,
      counterNonce: '',
      createdAt: 1,
    };
    const vault = {
      account: 'other',
      vaultId: 'vault',
      manifest: '',
      manifestSignature: '',
      etag: '',
      slots: [],
      recipients: [],
      successions: [],
    };
    await expect(devices.enroll({ device, vault, onlyFirst: true })).rejects.toThrow(TypeError);
    expect(await devices.get('device')).toBeUndefined();
    await devices.enroll({ device, onlyFirst: true });
    const twin = { ...device, credentialId: 'another' };
    await expect(devices.enroll({ device: twin, onlyFirst: false })).rejects.toThrow(TypeError);
    expect(await devices.findByCredentialId('another')).toBeUndefined();
  });
});
