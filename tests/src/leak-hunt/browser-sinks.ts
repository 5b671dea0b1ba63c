import type { BrowserContext, Page } from 'playwright-core';

/** What the debugger cannot tell any more (a page that went away) does not hold the hunt up. */
function within<T>(pending: Promise<T>, otherwise: T): Promise<T> {
  return Promise.race([
    pending.catch(() => otherwise),
    new Promise<T>((resolve) => setTimeout(() => resolve(otherwise), 3000)),
  ]);
}

/** Records all traffic of a context: URLs, headers and bodies both ways, as Latin-1 text. */
export function recordTraffic(context: BrowserContext): () => Promise<string> {
  const parts: Promise<string>[] = [];
  context.on('request', (request) => {
    const body = request.postDataBuffer()?.toString('latin1') ?? '';
    const start = `${request.url()}\n${body}\n`;
    const headers = within(request.allHeaders(), request.headers());
    parts.push(headers.then((all) => start + JSON.stringify(all)));
  });
  context.on('response', (response) => {
    const headers = JSON.stringify(response.headers());
    const body = within(response.body(), Buffer.alloc(0));
    parts.push(body.then((bytes) => `${headers}\n${bytes.toString('latin1')}`));
  });
  return async () => (await Promise.all(parts)).join('\n');
}

/** All that a page's origin keeps: web storage, IndexedDB, caches, cookies, history. */
export async function readStorage(page: Page): Promise<ReadonlyMap<string, string>> {
  const stored = await page.evaluate(async () => {
    function spell(value: unknown): string {
      if (value instanceof CryptoKey)
        return `CryptoKey ${value.type} extractable=${value.extractable}`;
      if (value instanceof ArrayBuffer) return `[${[...new Uint8Array(value)]}]`;
      if (ArrayBuffer.isView(value)) {
        return `[${[...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]}]`;
      }
      if (Array.isArray(value)) return `[${value.map(spell).join()}]`;
      if (typeof value === 'object' && value !== null) {
        return Object.entries(value)
          .map(([name, member]) => `${name}: ${spell(member)}`)
          .join('\n');
      }
      return String(value);
    }
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const databases: string[] = [];
    for (const { name } of await indexedDB.databases()) {
      if (name === undefined) continue;
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store);
        databases.push(`${name}/${store}: ${spell(await done(objects.getAllKeys()))}`);
        databases.push(spell(await done(objects.getAll())));
      }
      database.close();
    }
    const cached: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const body = await (await cache.match(request))?.arrayBuffer();
        const bytes = new Uint8Array(body ?? new ArrayBuffer(0));
        cached.push(request.url, Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
      }
    }
    return {
      localStorage: JSON.stringify({ ...localStorage }),
      sessionStorage: JSON.stringify({ ...sessionStorage }),
      IndexedDB: databases.join('\n'),
      caches: cached.join('\n'),
      cookies: document.cookie,
      address: `${location.href} ${JSON.stringify(history.state)} ${document.referrer}`,
      'the page': document.documentElement.outerHTML,
    };
  });
  return new Map(Object.entries(stored));
}

/** Sees what the authenticator of a page gives, before the application does. */
export async function watchPrf(page: Page, seen: (output: Uint8Array) => void): Promise<void> {
  await page.exposeFunction('seenPrf', (bytes: number[]) => seen(Uint8Array.from(bytes)));
  await page.addInitScript(() => {
    const { create, get } = navigator.credentials;
    const watch = async (pending: Promise<Credential | null>) => {
      const credential = (await pending) as PublicKeyCredential;
      const { first, second } = credential.getClientExtensionResults().prf?.results ?? {};
      for (const secret of [first, second]) {
        if (secret === undefined) continue;
        const bytes = Array.from(new Uint8Array(secret as ArrayBuffer));
        (globalThis as unknown as { seenPrf(bytes: number[]): void }).seenPrf(bytes);
      }
      return credential;
    };
    const container = navigator.credentials;
    container.create = (options) => watch(create.call(container, options));
    container.get = (options) => watch(get.call(container, options));
  });
}

/** Puts a secret into every place where a page could leave it. */
export async function plantInPage(page: Page, secret: string): Promise<void> {
  await page.evaluate(async (planted) => {
    localStorage.setItem('planted', planted);
    sessionStorage.setItem('planted', btoa(`x${planted}`));
    console.log('planted', planted);
    await cookieStore.set('planted', planted);
    document.body.dataset.planted = planted;
    history.replaceState({ planted }, '');
    await (await caches.open('planted')).put('/planted', new Response(planted));
    await new Promise<void>((resolve) => {
      const request = indexedDB.open('planted');
      request.onupgradeneeded = () => request.result.createObjectStore('planted');
      request.onsuccess = () => {
        const write = request.result.transaction('planted', 'readwrite');
        write.objectStore('planted').put(new TextEncoder().encode(planted), 'planted');
        write.oncomplete = () => {
          request.result.close();
          resolve();
        };
      };
    });
  }, secret);
}
