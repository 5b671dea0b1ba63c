import { PzkError } from '@pzk-auth/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { durations } from '../../src/durations.js';
import type { SigningKeyRow } from '../../src/stores/durable-stores.js';
import { memoryStores } from '../../src/stores/memory/memory-stores.js';
import { createKeyRing, isUnavailable, type KeyRingOptions } from '../../src/token/key-ring.js';
import { createKeyWrap } from '../../src/token/key-wrap.js';
import {
  createSigningKey,
  generateSigningKey,
  type PrivateSigningKey,
} from '../../src/token/signing-key.js';

const ISSUER = 'https://api.example.com';
const secret = new TextEncoder().encode('a secret for tests: 0123456789 abcdef XYZ');
const START = 1_800_000_000_000;
const { signingKeyPublication: PUBLICATION, signingKeyRetirement: RETIREMENT } = durations;

/** Everything that the rings of one deployment share, with a clock and a store that can fail. */
function createDeployment() {
  const memory = memoryStores().signingKeys;
  const revoked = new Set<string>();
  const deployment = {
    now: START,
    /** Where it is set, the store fails with it. */
    fault: undefined as Error | undefined,
    /** Where it is set, the next reading waits for it. */
    hold: undefined as Promise<void> | undefined,
    lists: 0,
    revoked,
    rows: () => memory.list(),
    store: {
      async list() {
        deployment.lists++;
        const { hold } = deployment;
        deployment.hold = undefined;
        const rows = await memory.list();
        await hold;
        if (deployment.fault !== undefined) throw deployment.fault;
        return rows;
      },
      async insertFirst(row: SigningKeyRow) {
        if (deployment.fault !== undefined) throw deployment.fault;
        return memory.insertFirst(row);
      },
      async insert(row: SigningKeyRow) {
        if (deployment.fault !== undefined) throw deployment.fault;
        return memory.insert(row);
      },
      async remove(kid: string) {
        if (deployment.fault !== undefined) throw deployment.fault;
        return memory.remove(kid);
      },
    },
    ring(over: Partial<KeyRingOptions> = {}) {
      const changes: string[] = [];
      const faults: unknown[] = [];
      const ring = createKeyRing({
        store: deployment.store,
        revoke: async (kid) => void revoked.add(kid),
        isRevoked: async (kid) => revoked.has(kid),
        secret,
        issuer: ISSUER,
        clock: () => deployment.now,
        configured: [],
        alg: 'ES256',
        onChange: (change, { kid }) => changes.push(`${change} ${kid}`),
        onFault: (error) => faults.push(error),
        ...over,
      });
      return { ...ring, changes, faults };
    },
  };
  return deployment;
}

type Deployment = ReturnType<typeof createDeployment>;
type Ring = ReturnType<Deployment['ring']>;

let deployment: Deployment;
beforeEach(() => {
  deployment = createDeployment();
});
afterEach(() => {
  vi.useRealTimers();
});

const statuses = async (ring: Ring) => (await ring.list()).map(({ kid, status }) => [kid, status]);

/** A key that signs at once. Of two that begin in one millisecond the name would decide. */
function rotateNow(ring: Ring) {
  deployment.now++;
  return ring.rotate(0);
}

const notReady = { code: 'not_ready' };

describe('keys that are made', () => {
  it('makes one where there is none, signs with it and publishes it', async () => {
    const ring = deployment.ring();
    await ring.start();
    const { kid } = await ring.signer();
    expect(await ring.list()).toEqual([
      { kid, alg: 'ES256', status: 'active', origin: 'made', createdAt: START, activeFrom: START },
    ]);
    expect(Object.isFrozen((await ring.list())[0])).toBe(true);
    expect((await ring.published()).map((key) => key.kid)).toEqual([kid]);
    expect((await ring.find(kid))?.kid).toBe(kid);
    expect(ring.changes).toEqual([`added ${kid}`]);
    expect(ring.faults).toEqual([]);
  });

  it('makes it of the algorithm that was asked for', async () => {
    const ring = deployment.ring({ alg: 'EdDSA' });
    await ring.start();
    expect((await ring.signer()).alg).toBe('EdDSA');
  });

  it('has one key where several instances start together, and after restarts', async () => {
    const rings = [deployment.ring(), deployment.ring(), deployment.ring()];
    await Promise.all(rings.map((ring) => ring.start()));
    const kids = new Set(await Promise.all(rings.map(async (ring) => (await ring.signer()).kid)));
    expect(kids.size).toBe(1);
    expect(rings.flatMap(({ changes }) => changes)).toHaveLength(1);
    const again = deployment.ring();
    await again.start();
    expect((await again.signer()).kid).toBe([...kids][0]);
    expect(again.changes).toEqual([]);
  });

  it('[H8] honest: a rotation publishes the next key, lets it sign when it is due, and retires the old', async () => {
    const ring = deployment.ring();
    await ring.start();
    const old = (await ring.signer()).kid;
    const next = await ring.rotate(PUBLICATION);
    expect(next).toMatchObject({ status: 'next', origin: 'made', activeFrom: START + PUBLICATION });
    expect(ring.changes).toEqual([`added ${old}`, `added ${next.kid}`]);
    const seen = async () => [(await ring.signer()).kid, await statuses(ring)];
    const before = [
      old,
      [
        [old, 'active'],
        [next.kid, 'next'],
      ],
    ];
    expect(await seen()).toEqual(before);
    expect((await ring.published()).map(({ kid }) => kid)).toEqual([old, next.kid]);
    deployment.now = START + PUBLICATION - 1;
    expect(await seen()).toEqual(before);
    const after = [
      next.kid,
      [
        [old, 'retiring'],
        [next.kid, 'active'],
      ],
    ];
    deployment.now = START + PUBLICATION;
    expect(await seen()).toEqual(after);
    deployment.now = START + PUBLICATION + RETIREMENT - 1;
    expect(await seen()).toEqual(after);
    expect((await ring.find(old))?.kid).toBe(old);
    expect(ring.changes).toHaveLength(2);
    deployment.now = START + PUBLICATION + RETIREMENT;
    expect(await ring.find(old)).toBeUndefined();
    expect(await seen()).toEqual([next.kid, [[next.kid, 'active']]]);
    expect((await ring.published()).map(({ kid }) => kid)).toEqual([next.kid]);
    // Its private part is gone from the store.
    expect((await deployment.rows()).map(({ kid }) => kid)).toEqual([next.kid]);
    expect(ring.changes.at(-1)).toBe(`retired ${old}`);
  });

  it('keeps the key in between for as long as its own successor asks', async () => {
    const ring = deployment.ring();
    await ring.start();
    const first = (await ring.signer()).kid;
    const second = (await ring.rotate(1000)).kid;
    deployment.now = START + 1000;
    const third = (await ring.rotate(1000)).kid;
    deployment.now = START + 2000;
    expect(await statuses(ring)).toEqual([
      [first, 'retiring'],
      [second, 'retiring'],
      [third, 'active'],
    ]);
    expect((await ring.signer()).kid).toBe(third);
    deployment.now = START + 1000 + RETIREMENT;
    expect(await statuses(ring)).toEqual([
      [second, 'retiring'],
      [third, 'active'],
    ]);
    deployment.now = START + 2000 + RETIREMENT;
    expect(await statuses(ring)).toEqual([[third, 'active']]);
  });

  it('makes no second next key where one waits that comes as soon', async () => {
    const ring = deployment.ring();
    await ring.start();
    const next = await ring.rotate(PUBLICATION);
    expect(await ring.rotate(PUBLICATION)).toEqual(next);
    expect(await ring.rotate(PUBLICATION + 1)).toEqual(next);
    const sooner = await ring.rotate(PUBLICATION - 1);
    expect(sooner.kid).not.toBe(next.kid);
    expect(await deployment.rows()).toHaveLength(3);
    const now = await rotateNow(ring);
    expect(now.status).toBe('active');
    expect((await ring.signer()).kid).toBe(now.kid);
  });

  it('does not fail where the store cannot remove a retired key, and says so', async () => {
    const fault = new Error('read only');
    const remove = () => Promise.reject(fault);
    const ring = deployment.ring({ store: { ...deployment.store, remove } });
    await ring.start();
    const old = (await ring.signer()).kid;
    const next = (await rotateNow(ring)).kid;
    deployment.now += RETIREMENT;
    expect(await statuses(ring)).toEqual([[next, 'active']]);
    expect(ring.faults).toEqual([fault]);
    expect(ring.changes).not.toContain(`retired ${old}`);
  });
});

describe('what instances know of each other', () => {
  async function pair() {
    const rings = [deployment.ring(), deployment.ring()] as const;
    for (const ring of rings) await ring.start();
    deployment.lists = 0;
    return rings;
  }

  it('reads the store when what it knows is old, and not before', async () => {
    const [ring, other] = await pair();
    await rotateNow(other);
    deployment.lists = 0;
    const old = (await ring.signer()).kid;
    deployment.now = START + durations.signingKeyRefresh - 1;
    expect((await ring.signer()).kid).toBe(old);
    expect(await ring.published()).toHaveLength(1);
    expect(deployment.lists).toBe(0);
    deployment.now = START + durations.signingKeyRefresh;
    expect(await ring.published()).toHaveLength(2);
    expect(deployment.lists).toBe(1);
    expect((await ring.signer()).kid).not.toBe(old);
    expect(deployment.lists).toBe(1);
  });

  it('reads it, too, when its clock has stepped back', async () => {
    const [ring] = await pair();
    deployment.now = START - durations.signingKeyRefresh;
    // What is active by the store is to come by this clock: the first to come signs.
    expect((await ring.signer()).kid).toBe((await deployment.rows())[0]?.kid);
    expect(deployment.lists).toBe(1);
  });

  it('reads in the background where a token comes, and first where that was very long ago', async () => {
    const [ring] = await pair();
    const { kid } = await ring.signer();
    await ring.find(kid);
    expect(deployment.lists).toBe(0);
    deployment.now = START + durations.signingKeyRefresh;
    let go: () => void = () => {};
    deployment.hold = new Promise((resolve) => {
      go = resolve;
    });
    // Both answered while the one reading still waits.
    expect(await Promise.all([ring.find(kid), ring.find(kid)])).toHaveLength(2);
    expect(deployment.lists).toBe(1);
    go();
    await ring.published();
    expect(deployment.lists).toBe(1);
    deployment.fault = new Error('away');
    deployment.now += durations.revocation / 2 - 1;
    expect((await ring.find(kid))?.kid).toBe(kid);
    await expect.poll(() => ring.faults).toEqual([deployment.fault]);
    deployment.now += 1;
    await expect(ring.find(kid)).rejects.toBe(deployment.fault);
    deployment.fault = undefined;
    expect((await ring.find(kid))?.kid).toBe(kid);
  });

  it('[H8] knows after a long rest that a key was removed meanwhile', async () => {
    const [ring, other] = await pair();
    const old = (await ring.signer()).kid;
    await other.remove(old);
    deployment.now = START + durations.revocation / 2;
    expect(await ring.find(old)).toBeUndefined();
  });

  it('publishes what it knows without the store, and signs only with what is fresh', async () => {
    const [ring] = await pair();
    const { kid } = await ring.signer();
    deployment.now = START + durations.signingKeyRefresh;
    deployment.fault = new PzkError('store_unavailable', 'away');
    expect((await ring.published()).map((key) => key.kid)).toEqual([kid]);
    expect(ring.faults).toEqual([deployment.fault]);
    await expect(ring.signer()).rejects.toBe(deployment.fault);
    await expect(ring.list()).rejects.toBe(deployment.fault);
    await expect(ring.rotate(0)).rejects.toBe(deployment.fault);
    await expect(ring.remove(kid)).rejects.toBe(deployment.fault);
    await expect(ring.find('unknown')).rejects.toBe(deployment.fault);
    expect((await ring.find(kid))?.kid).toBe(kid);
    expect(deployment.revoked.size).toBe(0);
  });

  it('looks up an unknown name at once, but not more often than once a second', async () => {
    const [ring, other] = await pair();
    const made = (await other.rotate(PUBLICATION)).kid;
    deployment.lists = 0;
    // This waits by the clock of the machine, which does not step.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const find = async (kid: string, after: number) => {
      const before = deployment.lists;
      const found = ring.find(kid);
      if (after > 0) {
        await vi.advanceTimersByTimeAsync(after - 1);
        expect(deployment.lists).toBe(before);
      }
      await vi.advanceTimersByTimeAsync(1);
      expect(deployment.lists).toBe(before + 1);
      return found;
    };
    expect((await find(made, 0))?.kid).toBe(made);
    expect(deployment.lists).toBe(1);
    expect(await find('unknown', durations.unknownKidReload - 1)).toBeUndefined();
    expect(deployment.lists).toBe(2);
    await vi.advanceTimersByTimeAsync(durations.unknownKidReload - 10);
    expect(await find('unknown', 10)).toBeUndefined();
    expect(deployment.lists).toBe(3);
  });

  it('asks the store for no name that can be none', async () => {
    const [ring] = await pair();
    for (const kid of ['', 'a b', '../x', 'x'.repeat(129), 7 as unknown as string]) {
      expect(await ring.find(kid)).toBeUndefined();
    }
    expect(deployment.lists).toBe(0);
  });

  it('shares one reading among those who ask together', async () => {
    const [ring] = await pair();
    const found = await Promise.all(['a', 'b', 'c'].map((kid) => ring.find(kid)));
    expect(found).toEqual([undefined, undefined, undefined]);
    expect(deployment.lists).toBe(1);
  });

  describe('sees what was written after a reading had begun', () => {
    /** A reading that is under way, of what was before `other` wrote. */
    async function readingWhile<T>(
      act: (ring: Ring, made: string, old: string) => Promise<T>,
    ): Promise<{ result: T; made: string }> {
      const [ring, other] = await pair();
      const old = (await ring.signer()).kid;
      deployment.now = START + durations.signingKeyRefresh;
      let go: () => void = () => {};
      deployment.hold = new Promise((resolve) => {
        go = resolve;
      });
      const reading = ring.published();
      const made = (await other.rotate(0)).kid;
      const acted = act(ring, made, old);
      // Long enough for whoever would take the old reading for an answer to be waiting for it.
      await new Promise((resolve) => setTimeout(resolve, 10));
      go();
      await reading;
      return { result: await acted, made };
    }

    it('in a search', async () => {
      const { result, made } = await readingWhile((ring, kid) => ring.find(kid));
      expect(result?.kid).toBe(made);
    });

    it('in a list', async () => {
      const { result } = await readingWhile((ring) => ring.list());
      expect(result).toHaveLength(2);
    });

    it('in a rotation, which makes no second key', async () => {
      const { result } = await readingWhile(async (ring) => {
        deployment.now--;
        const info = ring.rotate(1);
        return info;
      });
      expect(result.status).toBe('next');
      expect(await deployment.rows()).toHaveLength(2);
    });

    it('in a removal, which makes no key where one took over', async () => {
      const { result, made } = await readingWhile((ring, _, old) => ring.remove(old));
      expect(result).toBe(true);
      expect((await deployment.rows()).map(({ kid }) => kid)).toEqual([made]);
    });
  });

  it('opens with the same secret and issuer alone', async () => {
    await pair();
    for (const over of [{ secret: new Uint8Array(32) }, { issuer: `${ISSUER}/tenant` }]) {
      await expect(deployment.ring(over).start()).rejects.toMatchObject(notReady);
    }
  });
});

describe('removed keys', () => {
  it('[H8] refuses a removed key at once, and another takes over', async () => {
    const ring = deployment.ring();
    await ring.start();
    const old = (await ring.signer()).kid;
    expect(await ring.remove(old)).toBe(true);
    expect(deployment.revoked).toEqual(new Set([old]));
    const { kid } = await ring.signer();
    expect(kid).not.toBe(old);
    expect(ring.changes).toEqual([`added ${old}`, `added ${kid}`, `removed ${old}`]);
    expect(await statuses(ring)).toEqual([[kid, 'active']]);
    expect((await deployment.rows()).map((row) => row.kid)).toEqual([kid]);
    expect(await ring.find(old)).toBeUndefined();
  });

  it('makes no key where another one serves', async () => {
    const ring = deployment.ring();
    await ring.start();
    const old = (await ring.signer()).kid;
    const next = (await rotateNow(ring)).kid;
    expect(await ring.remove(old)).toBe(true);
    expect(await statuses(ring)).toEqual([[next, 'active']]);
  });

  it('makes one where the other is not active yet', async () => {
    const ring = deployment.ring();
    await ring.start();
    const old = (await ring.signer()).kid;
    const next = (await ring.rotate(PUBLICATION)).kid;
    expect(await ring.remove(old)).toBe(true);
    const { kid } = await ring.signer();
    expect([old, next]).not.toContain(kid);
    expect(await statuses(ring)).toEqual([
      [kid, 'active'],
      [next, 'next'],
    ]);
  });

  it('revokes the name of a key that the store has lost, and of none that is no name', async () => {
    const ring = deployment.ring();
    await ring.start();
    expect(await ring.remove('lost')).toBe(false);
    expect(await ring.remove('not a name')).toBe(false);
    expect(deployment.revoked).toEqual(new Set(['lost']));
    expect(ring.changes).toHaveLength(1);
  });

  it('makes none for a name that is no key, also where no key has begun', async () => {
    const ring = deployment.ring();
    await ring.start();
    deployment.now = START - 1;
    expect(await ring.remove('lost')).toBe(false);
    expect(await deployment.rows()).toHaveLength(1);
  });

  it('does not sign with a key that another instance has removed', async () => {
    const [ring, other] = [deployment.ring(), deployment.ring()];
    await ring.start();
    await other.start();
    const old = (await ring.signer()).kid;
    await other.remove(old);
    const { kid } = await ring.signer();
    expect(kid).not.toBe(old);
    expect(kid).toBe((await other.signer()).kid);
  });

  it('gives no key where the only one is revoked', async () => {
    const ring = deployment.ring();
    await ring.start();
    deployment.revoked.add((await ring.signer()).kid);
    await expect(ring.signer()).rejects.toMatchObject(notReady);
  });
});

describe('keys of the configuration', () => {
  let first: PrivateSigningKey;
  let second: PrivateSigningKey;
  beforeEach(() => {
    first = generateSigningKey('ES256');
    second = generateSigningKey('EdDSA');
  });

  it('publishes the first at once and others before they sign', async () => {
    const ring = deployment.ring({ configured: [first, second] });
    await ring.start();
    expect(await ring.list()).toEqual([
      {
        kid: first.kid,
        alg: 'ES256',
        status: 'active',
        origin: 'configured',
        createdAt: START,
        activeFrom: START,
      },
      {
        kid: second.kid,
        alg: 'EdDSA',
        status: 'next',
        origin: 'configured',
        createdAt: START,
        activeFrom: START + PUBLICATION,
      },
    ]);
    expect(ring.changes).toEqual([`added ${first.kid}`, `added ${second.kid}`]);
    expect(ring.faults).toEqual([]);
    expect((await ring.signer()).kid).toBe(first.kid);
    deployment.now = START + PUBLICATION;
    expect((await ring.signer()).kid).toBe(second.kid);
    await expect(ring.rotate(0)).rejects.toThrow(TypeError);
  });

  it('stores their public part alone, with which another instance verifies', async () => {
    await deployment.ring({ configured: [first] }).start();
    const [row] = await deployment.rows();
    const stored = await createKeyWrap(secret, ISSUER).unwrap(row as SigningKeyRow);
    expect(stored).toMatchObject({ origin: 'configured', removed: false });
    expect(stored.key.kid).toBe(first.kid);
    expect(stored.key.sign).toBeUndefined();
    // An instance without the key makes one that it can sign with, and verifies with both.
    const other = deployment.ring();
    await other.start();
    expect((await other.signer()).kid).not.toBe(first.kid);
    expect(await other.find(first.kid)).toMatchObject({ kid: first.kid, alg: 'ES256' });
  });

  it('keeps a configured row that is done, since it holds nothing secret', async () => {
    const ring = deployment.ring({ configured: [first, second] });
    await ring.start();
    deployment.now = START + PUBLICATION + RETIREMENT;
    expect(await statuses(ring)).toEqual([[second.kid, 'active']]);
    expect(await deployment.rows()).toHaveLength(2);
    expect(ring.changes).toHaveLength(2);
  });

  it('lets one of several instances add a key', async () => {
    const rings = [1, 2, 3].map(() => deployment.ring({ configured: [first, second] }));
    await Promise.all(rings.map((ring) => ring.start()));
    expect(await deployment.rows()).toHaveLength(2);
    // Each of them knows both, also the key that another one added.
    for (const ring of rings) expect(await ring.published()).toHaveLength(2);
    expect(rings.flatMap(({ changes }) => changes).toSorted()).toEqual(
      [`added ${first.kid}`, `added ${second.kid}`].toSorted(),
    );
  });

  it('does not start where a key cannot be added', async () => {
    await deployment.ring().start();
    const fault = new Error('read only');
    const insert = () => Promise.reject(fault);
    const store = { ...deployment.store, insert };
    await expect(deployment.ring({ configured: [first], store }).start()).rejects.toBe(fault);
  });

  it('does not start with a key that does not sign, also one that signs later', async () => {
    const broken = createSigningKey(second.publicJwk, {
      sign: async () => new Uint8Array(64),
    });
    await expect(deployment.ring({ configured: [first, broken] }).start()).rejects.toMatchObject(
      notReady,
    );
  });

  it('remembers a removed one over restarts, and starts while another can sign', async () => {
    const ring = deployment.ring({ configured: [first, second] });
    await ring.start();
    expect(await ring.remove(first.kid)).toBe(true);
    expect(ring.changes.at(-1)).toBe(`removed ${first.kid}`);
    expect((await ring.signer()).kid).toBe(second.kid);
    expect(await ring.find(first.kid)).toBeUndefined();
    await expect(ring.remove(second.kid)).rejects.toMatchObject(notReady);
    expect(deployment.revoked).toEqual(new Set([first.kid]));
    expect(await ring.remove(first.kid)).toBe(false);

    const again = deployment.ring({ configured: [first, second] });
    await again.start();
    expect(again.faults).toHaveLength(1);
    expect(again.faults[0]).toMatchObject({
      ...notReady,
      message: expect.stringContaining(first.kid),
    });
    expect(await statuses(again)).toEqual([[second.kid, 'next']]);
    await expect(deployment.ring({ configured: [first] }).start()).rejects.toMatchObject(notReady);
  });

  it('removes no key where the others are not here to sign', async () => {
    const ring = deployment.ring({ configured: [first] });
    await ring.start();
    await deployment.ring({ configured: [first, second] }).start();
    await expect(ring.remove(first.kid)).rejects.toMatchObject(notReady);
    expect(deployment.revoked.size).toBe(0);
  });

  it('gives no key where the only one here was removed at another instance', async () => {
    const ring = deployment.ring({ configured: [first] });
    const other = deployment.ring({ configured: [first, second] });
    await ring.start();
    await other.start();
    await other.remove(first.kid);
    // Found out by its revocation, then by the store.
    await expect(ring.signer()).rejects.toMatchObject(notReady);
    await expect(ring.signer()).rejects.toMatchObject(notReady);
  });

  it('takes one for the first where all before it are removed', async () => {
    const ring = deployment.ring({ configured: [first, second] });
    await ring.start();
    await ring.remove(first.kid);
    await deployment.store.remove(second.kid);
    const third = generateSigningKey('ES256');
    const again = deployment.ring({ configured: [third] });
    await again.start();
    expect(await statuses(again)).toEqual([[third.kid, 'active']]);
  });

  it('checks no key that does not stand any more', async () => {
    let calls = 0;
    const counted = createSigningKey(first.publicJwk, {
      sign: async (bytes) => {
        calls++;
        return (first.sign as NonNullable<typeof first.sign>)(bytes);
      },
    });
    const ring = deployment.ring({ configured: [counted, second] });
    await ring.start();
    expect(calls).toBe(1);
    await ring.remove(first.kid);
    await deployment.ring({ configured: [counted, second] }).start();
    expect(calls).toBe(1);
  });
});

describe('isUnavailable', () => {
  it('tells what cannot be judged from what is wrong', () => {
    expect(isUnavailable(new PzkError('store_unavailable', 'x'))).toBe(true);
    expect(isUnavailable(new PzkError('not_ready', 'x'))).toBe(true);
    expect(isUnavailable(new PzkError('invalid_token', 'x'))).toBe(false);
    expect(isUnavailable(Object.assign(new Error('x'), { code: 'not_ready' }))).toBe(false);
    expect(isUnavailable(undefined)).toBe(false);
  });
});
