import type { AuthenticateRequest, Verifier } from '@pzk-auth/verifier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../src/api-keys.js';
import { pzkAuth } from '../src/index.js';
import { startServer, type TestServer, versions } from './server.js';

const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';

for (const [name, express] of versions) {
  describe(name, () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await startServer({ express });
      const app = express();
      const pzk = pzkAuth(server.verifier);
      const verify = (key: string) =>
        key === KEY ? { user: 'ada', id: 'one', scopes: ['weather:read'] } : false;
      const allowApiKey = { verify, documentation: 'https://example.com/moving' };
      app.use('/health', pzk.health());
      app.use((_req, res, next) => {
        res.append('Link', '</help>; rel="help"');
        next();
      });
      app.get('/old', pzk.protect({ scope: 'weather:read', allowApiKey }), (req, res) => {
        res.json({ ...req.pzk });
      });
      app.use(pzk.errors());
      server.server.removeAllListeners('request');
      server.server.on('request', app);
    });
    afterAll(() => server.close());

    it('a plain API key is let in, and the answer says that it ends', async () => {
      const response = await fetch(`${server.origin}/old`, { headers: { 'x-api-key': KEY } });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        kind: 'api-key',
        user: 'ada',
        id: 'one',
        scopes: ['weather:read'],
      });
      expect(response.headers.get('deprecation')).toMatch(/^@\d+$/);
      expect(response.headers.get('link')).toBe(
        '</help>; rel="help", <https://example.com/moving>; rel="deprecation"; type="text/html"',
      );
    });

    it('another is refused with the challenge of tokens', async () => {
      const response = await fetch(`${server.origin}/old`, { headers: { 'x-api-key': 'no' } });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/);
      expect(response.headers.get('deprecation')).toBeNull();
      const none = await fetch(`${server.origin}/old`);
      expect(none.headers.get('www-authenticate')).toMatch(/^DPoP algs="ES256 EdDSA", resource_/);
    });

    it('a policy that is none is refused at start', () => {
      const allowApiKey = { verify: 1 as never };
      expect(() => pzkAuth(server.verifier).protect({ allowApiKey })).toThrow(TypeError);
    });

    it('health stands where it was mounted', async () => {
      await server.verifier.ready();
      const ready = await fetch(`${server.origin}/health/ready`);
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({ status: 'ok', checks: { stores: true } });
      expect((await fetch(`${server.origin}/health/live`)).status).toBe(200);
      expect((await fetch(`${server.origin}/health/other`)).status).toBe(404);
      const post = await fetch(`${server.origin}/health/ready`, { method: 'POST' });
      expect(post.status).toBe(404);
      await server.verifier.close();
      expect((await fetch(`${server.origin}/health/ready`)).status).toBe(503);
      expect((await fetch(`${server.origin}/health/live`)).status).toBe(200);
    });
  });
}

for (const [name, express] of versions) {
  it(`${name}: failures are counted by the address that Express or the application names`, async () => {
    const server = await startServer({ express });
    const seen: unknown[] = [];
    const watched: Verifier = {
      ...server.verifier,
      handle: (request, context) => {
        seen.push(context?.address);
        return server.verifier.handle(request, context);
      },
      authenticate: ((request: AuthenticateRequest) => {
        seen.push(request.address);
        return server.verifier.authenticate(request);
      }) as Verifier['authenticate'],
    };
    for (const [trust, options, expected] of [
      [false, {}, '127.0.0.1'],
      [1, {}, '198.51.100.9'],
      [false, { address: () => '192.0.2.7' }, '192.0.2.7'],
    ] as const) {
      const pzk = pzkAuth(watched, options);
      const app = express().set('trust proxy', trust);
      app.use('/pzk', pzk.routes()).use(pzk.protect()).use(pzk.errors());
      server.server.removeAllListeners('request').on('request', app);
      const headers = { 'x-forwarded-for': '198.51.100.9' };
      const ask = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`, { headers });
      expect([(await ask('/pzk/jwks.json')).status, (await ask('/weather')).status]).toEqual([
        200, 401,
      ]);
      expect(seen.splice(0)).toEqual([expected, expected]);
    }
    await server.close();
  });
}
