import { Controller, Get, Logger } from '@nestjs/common';
import type { PzkCaller, PzkSession } from '@pzk-auth/verifier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Caller, Protect, PzkService, Session } from '../src/index.js';
import {
  EVERY_ROUTE,
  enrolledClient,
  ORIGIN,
  platforms,
  startApp,
  type TestApp,
  testVerifier,
} from './app.js';

function allowApiKey(key: string) {
  if (key === 'sk_faulty') throw new TypeError('a mistake of the application');
  return key === 'sk_live_0123456789abcdef' && { user: 'ada', scopes: ['weather:read'] };
}

@Protect({ scope: 'weather:read', allowApiKey })
@Controller('old')
class OldController {
  @Get()
  read(@Caller() caller: PzkCaller) {
    return { kind: caller.kind, user: caller.kind === 'api-key' ? caller.user : undefined };
  }

  @Get('odd')
  odd(@Session() session: PzkSession) {
    return session;
  }
}

describe.each(platforms)('on %s', (_name, platform) => {
  const { verifier } = testVerifier();
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(platform, {
      verifier,
      controllers: [OldController],
      providers: [EVERY_ROUTE],
      configure: (app) => void app.use('/health', app.get(PzkService).health()),
    });
  });
  afterAll(() => app.close());

  const withKey = (path: string, key: string) =>
    app.fetch(ORIGIN + path, { headers: { 'x-api-key': key } });

  it('a plain API key goes on working where the route says so, and is told that it ends', async () => {
    const response = await withKey('/old', 'sk_live_0123456789abcdef');
    expect(await response.json()).toEqual({ kind: 'api-key', user: 'ada' });
    expect(response.headers.get('deprecation')).toMatch(/^@\d+$/);
    expect((await withKey('/old', 'sk_live_another')).status).toBe(401);
    expect((await app.fetch(`${ORIGIN}/old`)).status).toBe(401);
  });

  it('a token works beside it', async () => {
    const { client } = await enrolledClient({ verifier, fetch: app.fetch });
    const response = await client.fetch(`${ORIGIN}/old`);
    expect(await response.json()).toEqual({ kind: 'session' });
    expect(response.headers.get('deprecation')).toBeNull();
    client.close();
  });

  it('@Session() takes no plain API key for a session', async () => {
    expect((await withKey('/old/odd', 'sk_live_0123456789abcdef')).status).toBe(500);
  });

  it('logs a fault of the application, of which its caller learns nothing', async () => {
    const logged: unknown[] = [];
    const log = (...texts: unknown[]) => void logged.push(...texts);
    Logger.overrideLogger({ log, warn: log, error: log });
    try {
      const response = await withKey('/old', 'sk_faulty');
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain('mistake');
    } finally {
      Logger.overrideLogger(false);
    }
    expect(logged.join()).toMatch(
      /cannot tell about the API key.*caused by: TypeError: a mistake/s,
    );
    expect(logged.join()).not.toContain('sk_faulty');
  });

  it('says whether it lives and can serve', async () => {
    for (const path of ['/health/live', '/health/ready?x=1']) {
      const response = await app.fetch(ORIGIN + path);
      expect(response.status, path).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
    expect((await app.fetch(`${ORIGIN}/health/other`)).status).toBe(404);
  });
});
