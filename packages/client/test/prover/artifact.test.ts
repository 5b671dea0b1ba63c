import { ownershipV1 } from '@pzk-auth/circuits';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type ArtifactIdentity, createArtifactLoader } from '../../src/prover/index.js';
import { eventually } from '../eventually.js';
import { loadArtifact } from './fixtures.js';

// Proofs and oracles take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const artifact = ownershipV1.artifacts.prover as ArtifactIdentity;
const baseUrl = 'https://api.example.com/pzk';
const url = `${baseUrl}/circuits/${artifact.sha256}`;
const mismatch = expect.objectContaining({ code: 'artifact_mismatch' });

let bytes: Uint8Array<ArrayBuffer>;
let store: Map<string, Uint8Array<ArrayBuffer>>;
let cache: CacheStorage;

beforeEach(async () => {
  bytes = new Uint8Array(await loadArtifact());
  store = new Map();
  cache = {
    open: async () => ({
      match: async (key: string) => {
        const entry = store.get(key);
        return entry && new Response(entry);
      },
      put: async (key: string, response: Response) => {
        store.set(key, new Uint8Array(await response.arrayBuffer()));
      },
      delete: async (key: string) => store.delete(key),
    }),
  } as unknown as CacheStorage;
});

/** Quicker than toEqual, which compares a byte at a time. */
const isArtifact = (loaded: Uint8Array | undefined): boolean =>
  loaded !== undefined && Buffer.from(loaded).equals(bytes);

const answer = (body: BodyInit | null, init?: ResponseInit) =>
  vi.fn(async (_input: unknown) => new Response(body, init)) as unknown as typeof fetch &
    ReturnType<typeof vi.fn>;

describe('createArtifactLoader', () => {
  it('fetches by hash, once, and keeps it in the cache', async () => {
    const request = answer(bytes);
    const load = createArtifactLoader({ baseUrl: `${baseUrl}/`, artifact, fetch: request, cache });
    expect(isArtifact(await load())).toBe(true);
    await load();
    expect(request).toHaveBeenCalledTimes(1);
    expect(request.mock.calls[0]?.[0]).toBe(url);
    await eventually(() => expect(isArtifact(store.get(url))).toBe(true));

    const offline = answer(null, { status: 503 });
    expect(
      isArtifact(await createArtifactLoader({ baseUrl, artifact, fetch: offline, cache })()),
    ).toBe(true);
    expect(offline).not.toHaveBeenCalled();
  });

  it('refuses another file of the same size, and does not keep it', async () => {
    const changed = bytes.slice();
    changed[100_000] = (changed[100_000] as number) ^ 1;
    const load = createArtifactLoader({ baseUrl, artifact, fetch: answer(changed), cache });
    await expect(load()).rejects.toEqual(mismatch);
    expect(store.size).toBe(0);
  });

  it('refuses a shorter file, and stops reading a longer one at once', async () => {
    const shorter = answer(bytes.slice(0, -1));
    await expect(
      createArtifactLoader({ baseUrl, artifact, fetch: shorter, cache })(),
    ).rejects.toEqual(mismatch);

    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    await expect(
      createArtifactLoader({ baseUrl, artifact, fetch: answer(endless), cache })(),
    ).rejects.toEqual(mismatch);
    expect(pulled * 65_536).toBeLessThan(artifact.bytes + 3 * 65_536);
  });

  it('fetches again where the cache holds something else', async () => {
    store.set(url, Uint8Array.of(1, 2, 3));
    const request = answer(bytes);
    expect(
      isArtifact(await createArtifactLoader({ baseUrl, artifact, fetch: request, cache })()),
    ).toBe(true);
    expect(request).toHaveBeenCalledTimes(1);
    await eventually(() => expect(isArtifact(store.get(url))).toBe(true));
  });

  it('works where there is no cache, or one that refuses everything', async () => {
    const broken = {
      open: async () => {
        throw new Error('denied');
      },
    } as unknown as CacheStorage;
    for (const none of [null, broken]) {
      const load = createArtifactLoader({ baseUrl, artifact, fetch: answer(bytes), cache: none });
      expect(isArtifact(await load())).toBe(true);
    }
  });

  it('says artifact_unavailable for failures of network and server, and tries again', async () => {
    const request = vi
      .fn<typeof fetch>()
      .mockRejectedValueOnce(new TypeError('network'))
      .mockResolvedValueOnce(new Response('no', { status: 404 }))
      .mockResolvedValueOnce(new Response(bytes));
    const load = createArtifactLoader({ baseUrl, artifact, fetch: request, cache });
    const unavailable = expect.objectContaining({ code: 'artifact_unavailable' });
    await expect(load()).rejects.toEqual(unavailable);
    await expect(load()).rejects.toEqual(unavailable);
    expect(isArtifact(await load())).toBe(true);
  });

  it('gives up after a minute on an answer or a body that never ends, and tries again', async () => {
    const unending = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.slice(0, 1000)),
    });
    const request = vi
      .fn<typeof fetch>()
      .mockReturnValueOnce(new Promise<Response>(() => {}))
      .mockResolvedValueOnce(new Response(unending))
      .mockResolvedValueOnce(new Response(bytes));
    const load = createArtifactLoader({ baseUrl, artifact, fetch: request, cache: null });
    vi.useFakeTimers();
    try {
      for (const _ of ['answer', 'body']) {
        const outcome = load().then(
          () => 'loaded',
          (error: unknown) => error,
        );
        await vi.advanceTimersByTimeAsync(60_000);
        const settled = await Promise.race([outcome, Promise.resolve('pending')]);
        expect(settled).toMatchObject({ code: 'artifact_unavailable' });
        expect(request.mock.lastCall?.[1]?.signal?.aborted).toBe(true);
      }
    } finally {
      vi.useRealTimers();
    }
    expect(isArtifact(await load())).toBe(true);
    expect(request).toHaveBeenCalledTimes(3);
  });

  it('asks the network where the cache never answers', async () => {
    const silent = new Promise<never>(() => {});
    const hanging = [
      { open: () => silent },
      { open: async () => ({ match: () => silent }) },
    ] as unknown as CacheStorage[];
    for (const storage of hanging) {
      const request = answer(bytes);
      const load = createArtifactLoader({ baseUrl, artifact, fetch: request, cache: storage });
      vi.useFakeTimers();
      try {
        const loading = load();
        await vi.advanceTimersByTimeAsync(5_000);
        expect(request).toHaveBeenCalledTimes(1);
        vi.useRealTimers();
        expect(isArtifact(await loading)).toBe(true);
      } finally {
        vi.useRealTimers();
      }
    }
  });

  it('takes a malformed identity or URL for a mistake in the program, at once', () => {
    const wrong = [
      { ...artifact, sha256: artifact.sha256.toUpperCase() },
      { ...artifact, sha256: `${artifact.sha256}\n` },
      { ...artifact, sha256: [artifact.sha256] },
      { ...artifact, sha256: '../x' },
      { ...artifact, bytes: 0 },
      { ...artifact, bytes: 1.5 },
      { ...artifact, bytes: '184043' },
      { ...artifact, bytes: 2 ** 28 + 1 },
      { sha256: artifact.sha256 },
      undefined,
    ] as ArtifactIdentity[];
    for (const identity of wrong) {
      const create = () => createArtifactLoader({ baseUrl, artifact: identity });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(/^createArtifactLoader: artifact\./);
    }
    for (const url of ['', undefined] as string[]) {
      expect(() => createArtifactLoader({ baseUrl: url, artifact })).toThrow(/baseUrl/);
    }
  });

  it('keeps to the identity that it was made with', async () => {
    const identity = { ...artifact };
    const load = createArtifactLoader({ baseUrl, artifact: identity, fetch: answer('x'), cache });
    // The hash of "x".
    identity.sha256 = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881';
    identity.bytes = 1;
    await expect(load()).rejects.toEqual(mismatch);
  });
});
