import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { PzkGuard } from '../src/index.js';
import { overridePzk, type PzkOverride } from '../src/testing/index.js';
import { Desk, EVERY_ROUTE, type Platform, platforms, testModule, testVerifier } from './app.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(platform: Platform, session: PzkOverride['session'], guard = EVERY_ROUTE) {
  const { verifier } = testVerifier();
  const root = testModule({ verifier, providers: [Desk, guard] });
  const builder = overridePzk(Test.createTestingModule({ imports: [root] }), { session });
  const app = (await builder.compile()).createNestApplication(platform(), { logger: false });
  await app.listen(0, '127.0.0.1');
  cleanups.push(() => app.close());
  return request(app.getHttpServer());
}

describe.each(platforms)('on %s', (_name, platform) => {
  it('a test says who calls, and scopes, freshness and public routes are as they are', async () => {
    const http = await serve(platform, { account: 'ada', scopes: ['weather:read'] });
    const read = await http.get('/weather');
    expect([read.status, read.body.for]).toEqual([200, 'ada']);
    expect((await http.get('/weather/recent')).status).toBe(200);
    expect((await http.get('/weather/open')).status).toBe(200);
    const written = await http.post('/weather').set('authorization', 'DPoP a');
    expect([written.status, written.body.code]).toEqual([403, 'insufficient_scope']);
    expect(written.headers['www-authenticate']).toContain('scope="weather:write"');
  });

  it('a session that is too old is asked for a touch', async () => {
    const authTime = Math.floor(Date.now() / 1000) - 61;
    const http = await serve(platform, { scopes: ['weather:read'], authTime });
    expect((await http.get('/weather')).status).toBe(200);
    const recent = await http.get('/weather/recent');
    expect([recent.status, recent.body.code]).toEqual([401, 'insufficient_user_authentication']);
  });

  it('a function decides by the request; undefined is nobody', async () => {
    const http = await serve(platform, ({ headers }) => {
      const account = headers.get('x-test-account');
      return account === null ? undefined : { account, scopes: ['weather:read'] };
    });
    expect((await http.get('/weather')).status).toBe(401);
    const read = await http.get('/weather').set('x-test-account', 'grace');
    expect(read.body.for).toBe('grace');
  });

  it('reaches the guard as APP_GUARD with useClass too', async () => {
    const guard = { provide: APP_GUARD, useClass: PzkGuard } as unknown as typeof EVERY_ROUTE;
    const http = await serve(platform, { scopes: ['weather:read'] }, guard);
    expect((await http.get('/weather/bare')).body).toEqual({ scopes: ['weather:read'] });
  });
});
