import { request as httpRequest, type RequestOptions } from 'node:http';
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  Next,
  UseGuards,
} from '@nestjs/common';
import type { TestClient } from '@pzk-auth/client/testing';
import type { Verifier } from '@pzk-auth/verifier';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Protect, Public, PzkException, PzkGuard, PzkService, Session } from '../src/index.js';
import {
  Desk,
  enrolledClient,
  ORIGIN,
  platforms,
  startApp,
  type TestApp,
  testVerifier,
  WeatherController,
} from './app.js';

@Protect({ scope: 'weather:read' })
@Controller('class')
class ClassController {
  @Get()
  read(@Session('account') account: string) {
    return { account };
  }

  @Protect({ maxAge: 60 })
  @Get('recent')
  recent() {
    return {};
  }

  @Protect({ scope: 'weather:write' })
  @Get('write')
  write() {
    return {};
  }

  @Public()
  @Get('open')
  open() {
    return { open: true };
  }
}

@Public()
@Controller('public')
class PublicController {
  @Get()
  open() {
    return { open: true };
  }

  @Protect()
  @Get('closed')
  closed() {
    return {};
  }
}

@Protect({ maxAge: 60 })
@Controller('derived')
class DerivedController extends ClassController {
  @Get('more')
  more() {
    return {};
  }
}

@Public()
@Controller('opened')
class OpenedController extends ClassController {}

@UseGuards(PzkGuard)
@Controller('guarded')
class GuardedController {
  @Get()
  read(@Session('account') account: string) {
    return { account };
  }
}

@Controller('twice')
class PassingController {
  @Protect()
  @Get()
  pass(@Next() next: () => void) {
    next();
  }

  @Protect({ scope: 'weather:write' })
  @Get()
  reached() {
    return { reached: true };
  }
}

const shared = [
  WeatherController,
  ClassController,
  DerivedController,
  OpenedController,
  PublicController,
  GuardedController,
];

describe.each(platforms)('on %s', (name, platform) => {
  let verifier: Verifier;
  let guarded: TestApp;
  let plain: TestApp;
  let client: TestClient;
  let account: string;
  let skipped = 0;
  // Fastify takes a route once.
  const controllers = name === 'Express' ? [...shared, PassingController] : shared;
  const clock = () => Date.now() + skipped;

  beforeAll(async () => {
    ({ verifier } = testVerifier({ clock }));
    guarded = await startApp(platform, { verifier, controllers });
    plain = await startApp(platform, { verifier, controllers, providers: [Desk] });
    ({ client, account } = await enrolledClient({ verifier, fetch: guarded.fetch }));
  });
  afterAll(async () => {
    client.close();
    await guarded.close();
    await plain.close();
  });

  const get = (path: string) => client.fetch(ORIGIN + path);
  const status = async (path: string) => (await get(path).catch((error) => error)).status;

  it('[D26] honest: a call with token and proof reaches its route, which sees who calls', async () => {
    const response = await get('/weather');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ for: account, sky: 'clear', issuer: ORIGIN });
    expect(await (await get('/class')).json()).toEqual({ account });
  });

  it('[D26] refuses a token without the scope', async () => {
    const response = await client.fetch(`${ORIGIN}/weather`, { method: 'POST' });
    expect(response.status).toBe(403);
    expect(response.headers.get('www-authenticate')).toContain('scope="weather:write"');
    expect(await response.json()).toMatchObject({ code: 'insufficient_scope' });
  });

  it('as APP_GUARD protects routes about which nothing was said', async () => {
    expect((await guarded.fetch(`${ORIGIN}/weather/bare`)).status).toBe(401);
    expect(await (await get('/weather/bare')).json()).toEqual({ scopes: ['weather:read'] });
  });

  it('lets everybody call what is public', async () => {
    for (const path of ['/weather/open', '/class/open', '/public']) {
      expect(await (await guarded.fetch(ORIGIN + path)).json(), path).toEqual({ open: true });
    }
    expect((await guarded.fetch(`${ORIGIN}/public/closed`)).status).toBe(401);
  });

  it('needs no APP_GUARD for @Protect() and @UseGuards(PzkGuard)', async () => {
    for (const path of ['/weather', '/class', '/class/recent', '/public/closed', '/guarded']) {
      expect((await plain.fetch(ORIGIN + path)).status, path).toBe(401);
    }
    for (const path of ['/weather/open', '/class/open']) {
      expect((await plain.fetch(ORIGIN + path)).status, path).toBe(200);
    }
  });

  it('verifies a call once, however many guards stand before it', async () => {
    const before = (await get('/class/recent')).status;
    expect(before).toBe(200);
    expect(await (await get('/guarded')).json()).toEqual({ account });
  });

  it.runIf(name === 'Express')(
    '[D26] a route that passes a call on opens no other with it',
    async () => {
      const { status } = await get('/twice');
      expect(status).toBe(403);
    },
  );

  it('[D17] refuses a call that is repeated as it was', async () => {
    let headers = new Headers();
    const { client: recorded } = await enrolledClient({
      verifier,
      fetch: (input, init) => {
        headers = new Headers(new Request(input, init).headers);
        return guarded.fetch(input, init);
      },
    });
    expect((await recorded.fetch(`${ORIGIN}/weather`)).status).toBe(200);
    const again = await guarded.fetch(`${ORIGIN}/weather`, { headers });
    expect(again.status).toBe(401);
    expect(again.headers.get('www-authenticate')).toContain('invalid_dpop_proof');
    recorded.close();
  });

  it.each([
    ['[L5] honest: takes one Authorization header', 1, 200],
    ['[L5] refuses a good token that comes with another header of its name', 2, 401],
  ])('%s', async (_title, count, expected) => {
    let got = 0;
    const { client: twice } = await enrolledClient({
      verifier,
      fetch: async (input, init) => {
        const call = new Request(input, init);
        if (!call.url.endsWith('/weather')) return guarded.fetch(input, init);
        const authorization = call.headers.get('authorization') ?? '';
        const headers = {
          dpop: call.headers.get('dpop') ?? '',
          // Node itself shows the first of two, which is the good one here.
          authorization: [authorization, 'DPoP a.b.c'].slice(0, count),
        };
        got = await new Promise<number>((resolve, reject) => {
          const options = { host: '127.0.0.1', port: guarded.port, path: '/weather', headers };
          const sent = httpRequest(options as unknown as RequestOptions, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          });
          sent.once('error', reject).end();
        });
        return new Response(null, { status: 204 });
      },
    });
    await twice.fetch(`${ORIGIN}/weather`);
    expect(got).toBe(expected);
    twice.close();
  });

  it('a method keeps what its class demands beside what it says itself', async () => {
    const { client: writer } = await enrolledClient({ verifier, fetch: guarded.fetch }, [
      'weather:write',
    ]);
    expect((await writer.fetch(`${ORIGIN}/class/recent`)).status).toBe(403);
    expect((await writer.fetch(`${ORIGIN}/class/write`)).status).toBe(200);
    writer.close();
    expect(await status('/class/write')).toBe(403);
  });

  it('[D26] a class keeps what the class demands that it extends', async () => {
    const { client: writer } = await enrolledClient({ verifier, fetch: guarded.fetch }, [
      'weather:write',
    ]);
    for (const path of ['/derived', '/derived/more', '/derived/recent']) {
      expect((await writer.fetch(ORIGIN + path)).status, path).toBe(403);
    }
    writer.close();
    skipped = 61_000;
    try {
      for (const path of ['/derived', '/derived/more']) {
        const response = await get(path).catch((error) => error);
        expect(response, path).toMatchObject({ code: 'insufficient_user_authentication' });
      }
    } finally {
      skipped = 0;
    }
  });

  it('[D26] honest: what both classes demand opens it, and the nearer word counts', async () => {
    for (const path of ['/derived', '/derived/more', '/derived/recent', '/opened']) {
      expect(await status(path), path).toBe(path === '/opened' ? 500 : 200);
    }
    // Public by its own class; a method's own word goes before that.
    expect((await guarded.fetch(`${ORIGIN}/opened/open`)).status).toBe(200);
    expect((await guarded.fetch(`${ORIGIN}/opened/recent`)).status).toBe(401);
  });

  it('@Session() on a public route is a fault of the program', async () => {
    expect((await guarded.fetch(`${ORIGIN}/weather/odd`)).status).toBe(500);
    const raw = { raw: { rawHeaders: [] } } as unknown as Parameters<PzkService['session']>[0];
    expect(guarded.app.get(PzkService).session(raw)).toBeUndefined();
  });

  it('a filter of the application sees an HttpException, and its answer has the headers', async () => {
    const seen: unknown[] = [];
    @Catch(HttpException)
    class EveryFilter implements ExceptionFilter {
      catch(exception: HttpException, host: ArgumentsHost) {
        seen.push(exception);
        const response = host.switchToHttp().getResponse();
        response.status(exception.getStatus()).send({ own: exception.getResponse() });
      }
    }
    const own = await startApp(platform, {
      verifier,
      configure: (app) => app.useGlobalFilters(new EveryFilter()),
    });
    const response = await own.fetch(`${ORIGIN}/weather`, {
      headers: { authorization: 'Bearer abc' },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).toMatchObject({ own: { code: 'invalid_token' } });
    expect(seen[0]).toBeInstanceOf(PzkException);
    expect(seen[0]).toMatchObject({ code: 'invalid_token', status: 401 });
    own.app.getHttpServer().closeAllConnections();
    own.app.getHttpServer().close();
  });

  it('demands a fresh touch where the route says so', async () => {
    skipped = 61_000;
    try {
      const response = await client.fetch(`${ORIGIN}/weather/recent`).catch((error) => error);
      expect(response).toMatchObject({ code: 'insufficient_user_authentication' });
      expect((await get('/weather')).status).toBe(200);
    } finally {
      skipped = 0;
    }
  });
});
