import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import type { AuthenticateRequest, ProtectOptions, Verifier } from '@pzk-auth/verifier';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Protect,
  Public,
  PzkModule,
  type PzkModuleOptions,
  type PzkOptionsFactory,
  PzkService,
  Session,
} from '../src/index.js';
import {
  Desk,
  EVERY_ROUTE,
  enrolledClient,
  listen,
  ORIGIN,
  platforms,
  startApp,
  type TestApp,
  type TestAppOptions,
  testModule,
  testVerifier,
  WeatherController,
} from './app.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const silent = { logger: false, abortOnError: false } as const;

async function expectServed(app: TestApp, verifier: Verifier): Promise<void> {
  const { client, account } = await enrolledClient({ verifier, fetch: app.fetch });
  const response = await client.fetch(`${ORIGIN}/weather`);
  expect(await response.json()).toMatchObject({ for: account });
  client.close();
}

describe('forRootAsync', () => {
  @Injectable()
  class Config implements PzkOptionsFactory {
    createPzkOptions(): PzkModuleOptions {
      return { verifier: testVerifier().verifier };
    }
  }
  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  it.each([
    [
      'useFactory with inject and imports',
      PzkModule.forRootAsync({
        imports: [ConfigModule],
        inject: [Config],
        useFactory: async (config: Config) => config.createPzkOptions(),
      }),
    ],
    ['useClass', PzkModule.forRootAsync({ useClass: Config })],
    ['useExisting', PzkModule.forRootAsync({ imports: [ConfigModule], useExisting: Config })],
  ])('%s', async (_title, pzk) => {
    @Module({ imports: [pzk], controllers: [WeatherController], providers: [Desk, EVERY_ROUTE] })
    class AppModule {}
    const app = await listen(await NestFactory.create(AppModule, silent));
    expect((await app.fetch(`${ORIGIN}/weather/bare`)).status).toBe(401);
    expect((await app.fetch(`${ORIGIN}/pzk/jwks.json`)).status).toBe(200);
    await app.close();
  });
});

describe.each(platforms)('on %s', (name, platform) => {
  it('serves endpoints and metadata at their paths under a global prefix and versions', async () => {
    const { verifier } = testVerifier();
    const app = await startApp(platform, {
      verifier,
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning();
      },
    });
    cleanups.push(app.close);
    for (const path of ['/.well-known/oauth-authorization-server', '/pzk/jwks.json']) {
      expect((await app.fetch(ORIGIN + path)).status, path).toBe(200);
      expect((await app.fetch(`${ORIGIN}/api${path}`)).status, path).toBe(404);
    }
    expect((await app.fetch(`${ORIGIN}/.well-known/other`)).status).toBe(404);
    // The application's own: paths that only begin alike are not ours.
    const other = await app.fetch(`${ORIGIN}/pzkx/jwks.json`);
    expect(other.status).toBe(404);
    expect(other.headers.get('content-type')).not.toContain('problem+json');
    expect((await app.fetch(`${ORIGIN}/api/weather/bare`)).status).toBe(401);
  });

  it('serves an issuer with a path, whose metadata lie at the root of the origin', async () => {
    const issuer = `${ORIGIN}/api`;
    const { verifier } = testVerifier({ issuer, audience: issuer });
    const app = await startApp(platform, {
      verifier,
      configure: (app) => void app.setGlobalPrefix('api'),
    });
    cleanups.push(app.close);
    const { client, account } = await enrolledClient({ verifier, fetch: app.fetch });
    const response = await client.fetch(`${issuer}/weather`);
    expect(await response.json()).toMatchObject({ for: account });
    client.close();
    const metadata = `${ORIGIN}/.well-known/oauth-authorization-server/api`;
    expect(await (await app.fetch(metadata)).json()).toMatchObject({
      token_endpoint: `${issuer}/pzk/token`,
    });
  });

  it('[D15] honest: works behind a proxy that strips a prefix', async () => {
    const issuer = `${ORIGIN}/v1`;
    const options = { issuer, audience: issuer, publicUrl: issuer };
    const { verifier } = testVerifier(options);
    const app = await startApp(platform, { verifier, module: { path: '/pzk' } });
    cleanups.push(app.close);
    const stripping: typeof fetch = (input, init) => {
      const request = new Request(input, init);
      return app.fetch(new Request(request.url.replace(issuer, ORIGIN), request));
    };
    const { client } = await enrolledClient({ verifier, fetch: stripping });
    expect((await client.fetch(`${issuer}/weather?unit=c`)).status).toBe(200);
    client.close();
  });

  it('leaves the endpoints to the application where it says so', async () => {
    const { verifier } = testVerifier();
    const without = await startApp(platform, { verifier, module: { routes: false } });
    expect((await without.fetch(`${ORIGIN}/pzk/jwks.json`)).status).toBe(404);
    await without.close();
    const { verifier: another } = testVerifier();
    const seen: string[] = [];
    const app = await startApp(platform, {
      verifier: another,
      module: { routes: false },
      configure: (app) => {
        app.use((req: { url: string }, _res: unknown, next: () => void) => {
          seen.push(req.url);
          next();
        });
        app.use(app.get(PzkService).routes());
      },
    });
    cleanups.push(app.close);
    await expectServed(app, another);
    expect(seen).toContain('/pzk/enroll');
  });

  it('works in an application made from a testing module', async () => {
    const { verifier } = testVerifier();
    const module = await Test.createTestingModule({
      imports: [testModule({ verifier })],
    }).compile();
    const app = await listen(module.createNestApplication(platform(), { logger: false }));
    cleanups.push(app.close);
    await expectServed(app, verifier);
  });

  it('ends the workers when the application shuts down', async () => {
    const { verifier } = testVerifier();
    const app = await startApp(platform, { verifier });
    const { client } = await enrolledClient({ verifier, fetch: app.fetch });
    let closed = 0;
    const { close } = verifier;
    (verifier as { close: typeof close }).close = async () => {
      closed++;
      await close();
    };
    await app.close();
    expect(closed).toBe(1);
    client.close();
  });

  it('counts failures by the address of the connection, unless the application says otherwise', async () => {
    const { verifier } = testVerifier();
    const seen: unknown[] = [];
    const watched: Verifier = {
      ...verifier,
      handle: (request, context) => {
        seen.push(context?.address);
        return verifier.handle(request, context);
      },
      authenticate: ((request: AuthenticateRequest) => {
        seen.push(request.address);
        return verifier.authenticate(request);
      }) as Verifier['authenticate'],
    };
    const forwarded = { headers: { 'x-forwarded-for': '198.51.100.9' } };
    const told: [Partial<TestAppOptions>, string][] = [
      [{}, '127.0.0.1'],
      [{ module: { address: () => '192.0.2.7' } }, '192.0.2.7'],
    ];
    if (name === 'Express') {
      const configure: TestAppOptions['configure'] = (app) =>
        void (app as NestExpressApplication).set('trust proxy', 1);
      told.push([{ configure }, '198.51.100.9']);
    }
    for (const [options, expected] of told) {
      const app = await startApp(platform, { verifier: watched, ...options });
      await app.fetch(`${ORIGIN}/pzk/jwks.json`, forwarded);
      await app.fetch(`${ORIGIN}/weather/bare`, forwarded);
      expect(seen.splice(0)).toEqual([expected, expected]);
      app.app.getHttpServer().closeAllConnections();
      app.app.getHttpServer().close();
    }
  });

  it('answers CORS for protected routes like the endpoints', async () => {
    const page = 'https://page.example';
    const { verifier } = testVerifier({ rpId: 'page.example', origins: [page] });
    const app = await startApp(platform, {
      verifier,
      configure: (app) => {
        app.use('/weather', app.get(PzkService).cors());
      },
    });
    cleanups.push(app.close);
    const headers = { origin: page, 'access-control-request-method': 'GET' };
    for (const path of ['/pzk/token', '/weather']) {
      const preflight = await app.fetch(ORIGIN + path, { method: 'OPTIONS', headers });
      expect(preflight.status, path).toBe(204);
      expect(preflight.headers.get('access-control-allow-origin')).toBe(page);
      expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
    }
    const refused = await app.fetch(`${ORIGIN}/weather`, { headers: { origin: page } });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('access-control-allow-origin')).toBe(page);
    expect(refused.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
    const foreign = await app.fetch(`${ORIGIN}/weather`, { headers: { origin: ORIGIN } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('lets no caller of one issuer into the routes of another that it guards, too', async () => {
    const north = testVerifier({ issuer: `${ORIGIN}/north`, publicUrl: ORIGIN, scopes: ['n'] });
    const south = testVerifier({ issuer: `${ORIGIN}/south`, publicUrl: ORIGIN, scopes: ['n'] });
    @Controller('south')
    class SouthController {
      @Protect({ scope: 'n' })
      @Get()
      read() {
        return {};
      }
    }
    @Controller('north')
    class NorthController {
      @Protect({ scope: 'n' })
      @Get()
      read() {
        return {};
      }
    }
    @Module({
      imports: [PzkModule.forRoot({ verifier: south.verifier, isGlobal: false })],
      controllers: [SouthController],
    })
    class SouthModule {}
    // Its guard stands before all routes of the application.
    @Module({
      imports: [PzkModule.forRoot({ verifier: north.verifier, isGlobal: false }), SouthModule],
      controllers: [NorthController],
      providers: [EVERY_ROUTE],
    })
    class AppModule {}
    const app = await listen(await NestFactory.create(AppModule, platform(), silent));
    cleanups.push(app.close);
    const { apiKey } = await north.verifier.keys.issue({ scopes: ['n'] });
    const { createTestClient } = await import('@pzk-auth/client/testing');
    const client = createTestClient({
      issuer: north.verifier.issuer,
      resource: ORIGIN,
      scope: ['n'],
      fetch: app.fetch,
    });
    await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
    const answered = async (path: string) => {
      const answer: { status?: number } = await client.fetch(ORIGIN + path).catch((error) => error);
      return answer.status;
    };
    expect(await answered('/north')).toBe(200);
    expect(await answered('/south')).not.toBe(200);
    client.close();
  });

  it('keeps two issuers of one application apart', async () => {
    const north = testVerifier({ issuer: `${ORIGIN}/north`, publicUrl: ORIGIN, scopes: ['n'] });
    const south = testVerifier({ issuer: `${ORIGIN}/south`, publicUrl: ORIGIN, scopes: ['s'] });
    @Controller('north')
    class NorthController {
      @Protect({ scope: 'n' })
      @Get()
      read(@Session('account') account: string) {
        return { account };
      }
    }
    @Controller('south')
    class SouthController {
      @Protect({ scope: 's' })
      @Get()
      read(@Session('account') account: string) {
        return { account };
      }
    }
    @Module({
      imports: [PzkModule.forRoot({ verifier: north.verifier, isGlobal: false })],
      controllers: [NorthController],
    })
    class NorthModule {}
    @Module({
      imports: [PzkModule.forRoot({ verifier: south.verifier, isGlobal: false })],
      controllers: [SouthController],
    })
    class SouthModule {}
    @Module({ imports: [NorthModule, SouthModule] })
    class AppModule {}
    const app = await listen(await NestFactory.create(AppModule, platform(), silent));
    cleanups.push(app.close);
    const { apiKey } = await north.verifier.keys.issue({ scopes: ['n'] });
    const { createTestClient } = await import('@pzk-auth/client/testing');
    const client = createTestClient({
      issuer: north.verifier.issuer,
      resource: ORIGIN,
      scope: ['n'],
      fetch: app.fetch,
    });
    await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
    expect((await client.fetch(`${ORIGIN}/north`)).status).toBe(200);
    const refused = await client
      .fetch(`${ORIGIN}/south`)
      .then(({ status }) => status)
      .catch(() => 401);
    expect(refused).toBe(401);
    client.close();
  });
});

describe('mistakes show at the start', () => {
  const { verifier } = testVerifier();

  it.each([
    ['no verifier', {}, /verifier/],
    ['something else than a verifier', { verifier: {} }, /verifier/],
    ['a path without a slash', { verifier, path: 'pzk' }, /path/],
    ['the root as path', { verifier, path: '/' }, /path/],
    ['a slash at the end of the path', { verifier, path: '/pzk/' }, /path/],
    ['odd routes', { verifier, routes: 'yes' }, /routes/],
    ['an odd address', { verifier, address: '10.0.0.1' }, /address/],
    ['a misspelt option', { verifier, route: false }, /did you mean routes/],
    ['the verifier itself', verifier, /{ verifier, ... }/],
  ])('%s', async (_title, options, message) => {
    const pzk = PzkModule.forRoot(options as unknown as PzkModuleOptions);
    const created = NestFactory.create({ module: class {}, imports: [pzk] }, silent);
    await expect(created).rejects.toThrow(TypeError);
    await expect(created).rejects.toThrow(message);
  });

  it.each([
    ['a scope that the verifier does not know', { scope: 'weather:raed' }, /RainController.read: /],
    ['an option that is misspelt', { scopes: ['weather:read'] }, /scopes/],
    ['an option that is undefined', { scope: undefined }, /scope/],
    ['a maxAge that nobody can meet', { maxAge: 1 }, /maxAge/],
    ['an audience of somebody else', { audience: 'https://other.example' }, /audience/],
  ])('%s', async (_title, demands, message) => {
    @Controller('rain')
    class RainController {
      @Protect(demands as ProtectOptions)
      @Get()
      read() {
        return {};
      }
    }
    const app = await NestFactory.create(
      testModule({ verifier, controllers: [RainController], providers: [] }),
      silent,
    );
    const starting = app.init();
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow(message);
  });

  it('decorators refuse what they cannot mean', () => {
    expect(() => Protect('weather:read' as never)).toThrow(TypeError);
    expect(() => Protect(null as never)).toThrow(TypeError);
    expect(() => Session('acount' as never)).toThrow(TypeError);
    const marked = { value: () => ({}) };
    Public()({}, 'read', marked);
    expect(() => Protect()({}, 'read', marked)).toThrow(/one of @Protect\(\) and @Public\(\)/);
    expect(() => Public()({}, 'read', { value: 1 })).toThrow(TypeError);
  });
});
