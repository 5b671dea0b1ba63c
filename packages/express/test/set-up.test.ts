import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createVerifier, memoryStores, type Verifier } from '@pzk-auth/verifier';
import { afterEach, expect, it, vi } from 'vitest';
import { type PzkAuthOptions, pzkAuth } from '../src/index.js';
import { versions } from './server.js';

const verifier = createVerifier({
  issuer: 'http://localhost:3000',
  audience: 'http://localhost:3000',
  rpId: 'localhost',
  origins: ['http://localhost:3000'],
  scopes: ['weather:read'],
  stores: memoryStores(),
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Asks an application for some paths and returns the answers as text. */
async function ask(app: Parameters<typeof createServer>[1], paths: readonly string[]) {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const texts: string[] = [];
  for (const path of paths)
    texts.push(await (await fetch(`http://127.0.0.1:${port}${path}`)).text());
  server.closeAllConnections();
  server.close();
  return texts;
}

it('refuses an option that nobody reads', () => {
  const options = { adress: () => '192.0.2.1' } as PzkAuthOptions;
  expect(() => pzkAuth(verifier, options)).toThrow('unknown option adress; did you mean address?');
});

for (const [name, express] of versions) {
  it(`${name}: says once where routes() is mounted off the base path`, async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const wrong = express().use('/auth', pzkAuth(verifier).routes());
    await ask(wrong, ['/auth/nothing', '/auth/nothing']);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain("app.use('/pzk', pzk.routes())");
    vi.stubEnv('NODE_ENV', 'production');
    await ask(express().use('/auth', pzkAuth(verifier).routes()), ['/auth/nothing']);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it(`${name}: honest: says nothing where it is mounted right, also below a path`, async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const inner = express().use('/pzk', pzkAuth(verifier).routes());
    await ask(express().use(inner).use('/tenant', inner), ['/pzk/x', '/tenant/pzk/x']);
    expect(warn).not.toHaveBeenCalled();
  });

  it(`${name}: the page of Express's own error handler names errors()`, async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const app = express().get('/weather', pzkAuth(verifier).protect(), (_req, res) => res.end());
    const [page] = await ask(app, ['/weather']);
    expect(page).toContain('app.use(pzk.errors())');
  });
}

it('tells a call without any credentials so, and no other', () => {
  const problem = (authorization?: string) => {
    const headers = new Headers(authorization === undefined ? {} : { authorization });
    const request = { method: 'GET', url: '/weather', headers };
    return verifier.authenticate(request).catch((error: unknown) => {
      return JSON.parse(verifier.problem(error, request).body).hint as string | undefined;
    });
  };
  return Promise.all([problem(), problem('DPoP x'), problem('Bearer x')]).then((hints) =>
    expect(hints).toEqual(['No Authorization header was sent.', undefined, undefined]),
  );
});

it('refuses what is no verifier', () => {
  for (const odd of [undefined, {}, { issuer: 'http://localhost:3000' }, createVerifier]) {
    expect(() => pzkAuth(odd as unknown as Verifier)).toThrow(/pzkAuth\(createVerifier/);
  }
});
