import { PzkError } from '@pzk-auth/protocol';
import { abortable } from './abort.js';

/** Identity of an artifact, from the application's own build (`@pzk-auth/circuits`). */
export interface ArtifactIdentity {
  /** SHA-256, lower-case hex. */
  readonly sha256: string;
  /** Size in bytes. */
  readonly bytes: number;
}

/** Options of {@link createArtifactLoader}. */
export interface ArtifactLoaderOptions {
  /** Base URL of the issuer's endpoints, e.g. `https://api.example.com/pzk`. */
  readonly baseUrl: string;
  /** What the answer has to be. Never taken from a server. */
  readonly artifact: ArtifactIdentity;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /**
   * Where to keep the artifact between visits. Default: the Cache API, where the platform has one.
   * `null` for none.
   */
  readonly cache?: CacheStorage | null;
}

const CACHE_NAME = 'pzk-auth-circuits';

/** Milliseconds for the answer with its body. */
const DOWNLOAD_TIMEOUT = 60_000;

/** Milliseconds for the cache to open and to give what it has; then the network is asked. */
const CACHE_TIMEOUT = 5_000;

/** Largest size to take for meant: so much is reserved before the first byte arrives. */
const MAX_BYTES = 2 ** 28;

/**
 * Makes the loader of an artifact served at `{baseUrl}/circuits/{sha256}`. What it loads, from the
 * network or from the cache, has the size and the hash of the build or is refused; the server is
 * trusted for nothing. The bytes are kept in memory after the first success.
 *
 * The loader throws PzkError `artifact_unavailable` if the artifact cannot be fetched within 60
 * seconds and `artifact_mismatch` if it is another file. A failure is not kept: the next call tries
 * again.
 *
 * @throws TypeError at once for an identity that no file can have, or without a base URL.
 */
export function createArtifactLoader(options: ArtifactLoaderOptions): () => Promise<Uint8Array> {
  if (typeof options.baseUrl !== 'string' || options.baseUrl === '') {
    throw new TypeError('createArtifactLoader: baseUrl must be a URL.');
  }
  const artifact = resolveIdentity(options.artifact);
  const url = `${options.baseUrl.replace(/\/+$/, '')}/circuits/${artifact.sha256}`;
  const request = options.fetch ?? ((input, init) => fetch(input, init));
  let loaded: Promise<Uint8Array> | undefined;

  return () => {
    if (loaded === undefined) {
      const loading = load();
      loaded = loading;
      loading.catch(() => {
        if (loaded === loading) loaded = undefined;
      });
    }
    return loaded;
  };

  async function load(): Promise<Uint8Array> {
    const { cache, cached } = await askCache();
    if (cached) return cached;

    const bytes = await download();
    await assertIdentity(bytes, artifact);
    // Not waited for: a slow, full or forbidden cache costs the next visit a download, nothing else.
    void cache
      ?.put(url, new Response(bytes, { headers: { 'content-type': 'application/octet-stream' } }))
      .catch(() => undefined);
    return bytes;
  }

  /** Nothing of a cache that does not answer: storage hangs in some browsers, and is not needed. */
  async function askCache(): Promise<{
    cache?: Cache | undefined;
    cached?: Uint8Array | undefined;
  }> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<Record<string, never>>((resolve) => {
      timer = setTimeout(() => resolve({}), CACHE_TIMEOUT);
    });
    const answer = (async () => {
      const cache = await openCache(options.cache);
      return { cache, cached: await readCache(cache, url, artifact) };
    })();
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  async function download(): Promise<Uint8Array<ArrayBuffer>> {
    const stop = new AbortController();
    const timer = setTimeout(() => {
      stop.abort(unavailable(new Error(`no artifact after ${DOWNLOAD_TIMEOUT} ms`)));
    }, DOWNLOAD_TIMEOUT);
    try {
      // Raced as well: a `fetch` of the application need not heed the signal.
      return await abortable(fetchBytes(stop.signal), stop.signal);
    } catch (cause) {
      throw cause instanceof PzkError ? cause : unavailable(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async function fetchBytes(signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    // Public and immutable: no cookies, and the browser's own cache may answer.
    const response = await request(url, { credentials: 'omit', signal });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answered ${response.status}`);
    }
    return readBody(response, artifact.bytes);
  }
}

/** A copy that the caller cannot change any more, checked. */
function resolveIdentity(artifact: ArtifactIdentity): ArtifactIdentity {
  const { sha256, bytes } = artifact ?? {};
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new TypeError(
      'createArtifactLoader: artifact.sha256 must be a SHA-256, 64 digits of lower-case hex.',
    );
  }
  if (!Number.isInteger(bytes) || bytes <= 0 || bytes > MAX_BYTES) {
    throw new TypeError(
      `createArtifactLoader: artifact.bytes must be the size of the file, 1 to ${MAX_BYTES}.`,
    );
  }
  return { sha256, bytes };
}

/** Reads at most `size` bytes: a server cannot make the client hold more. */
async function readBody(response: Response, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) break;
    if (length + part.value.length > size) {
      await reader?.cancel();
      return refuse();
    }
    bytes.set(part.value, length);
    length += part.value.length;
  }
  return length === size ? bytes : refuse();
}

async function assertIdentity(
  bytes: Uint8Array<ArrayBuffer>,
  artifact: ArtifactIdentity,
): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hash = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (bytes.length !== artifact.bytes || hash !== artifact.sha256) refuse();
}

function unavailable(cause: unknown): PzkError {
  return new PzkError('artifact_unavailable', 'The prover artifact could not be fetched.', {
    cause,
  });
}

function refuse(): never {
  throw new PzkError(
    'artifact_mismatch',
    'What was loaded is not the prover artifact that this build expects.',
  );
}

async function openCache(storage: CacheStorage | null | undefined): Promise<Cache | undefined> {
  try {
    // Reading the property throws in some sandboxed frames, opening in some private windows.
    const available = storage === undefined ? globalThis.caches : storage;
    return await available?.open(CACHE_NAME);
  } catch {
    return undefined;
  }
}

/** What the cache holds is checked like an answer of the network; what fails is deleted. */
async function readCache(
  cache: Cache | undefined,
  url: string,
  artifact: ArtifactIdentity,
): Promise<Uint8Array | undefined> {
  try {
    const response = await cache?.match(url);
    if (response === undefined) return undefined;
    const bytes = await readBody(response, artifact.bytes);
    await assertIdentity(bytes, artifact);
    return bytes;
  } catch {
    await cache?.delete(url).catch(() => false);
    return undefined;
  }
}
