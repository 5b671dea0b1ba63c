import type { AddressInfo } from 'node:net';
import {
  Controller,
  Get,
  type INestApplication,
  Injectable,
  type ModuleMetadata,
  Post,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createTestClient } from '@pzk-auth/client/testing';
import {
  createVerifier,
  memoryStores,
  type PzkSession,
  type Verifier,
  type VerifierEvent,
  type VerifierOptions,
} from '@pzk-auth/verifier';
import {
  Protect,
  Public,
  PzkGuard,
  PzkModule,
  type PzkModuleOptions,
  PzkService,
  Session,
} from '../src/index.js';

/** The platforms of Nest. */
export const platforms = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;

export type Platform = (typeof platforms)[number][1];

/** The public origin: a proxy in front, so to speak, since the port is another one. */
export const ORIGIN = 'http://localhost:3000';

/** A verifier with what it reported. */
export function testVerifier(options: Partial<VerifierOptions> = {}) {
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({
    issuer: ORIGIN,
    audience: ORIGIN,
    rpId: 'localhost',
    origins: [ORIGIN],
    scopes: ['weather:read', 'weather:write'],
    stores: memoryStores(),
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { verifier, events };
}

@Injectable()
export class Desk {
  readonly sky = 'clear';
}

@Controller('weather')
export class WeatherController {
  constructor(
    private readonly desk: Desk,
    private readonly pzk: PzkService,
  ) {}

  @Protect({ scope: 'weather:read' })
  @Get()
  read(@Session() session: PzkSession) {
    return { for: session.account, sky: this.desk.sky, issuer: this.pzk.verifier.issuer };
  }

  @Protect({ scope: 'weather:write' })
  @Post()
  write(@Session('account') account: string) {
    return { for: account };
  }

  @Protect({ scope: 'weather:read', maxAge: 60 })
  @Get('recent')
  recent() {
    return {};
  }

  @Get('bare')
  bare(@Session('scopes') scopes: readonly string[]) {
    return { scopes };
  }

  @Public()
  @Get('open')
  open() {
    return { open: true };
  }

  @Public()
  @Get('odd')
  odd(@Session() session: PzkSession) {
    return session;
  }
}

/** The guard for every route. */
export const EVERY_ROUTE = { provide: APP_GUARD, useExisting: PzkGuard };

/** A running application. */
export interface TestApp {
  readonly app: INestApplication;
  readonly port: number;
  /** Reaches the application by its public origin. */
  readonly fetch: typeof fetch;
  close(): Promise<void>;
}

/** What a test changes in the application. */
export interface TestAppOptions extends ModuleMetadata {
  readonly verifier: Verifier;
  readonly module?: Partial<PzkModuleOptions>;
  /** What `main.ts` would do between `create()` and `listen()`. */
  readonly configure?: (app: INestApplication) => void;
}

/** The root module of a test application. */
export function testModule({ verifier, module, configure: _, ...metadata }: TestAppOptions) {
  class AppModule {}
  const root = {
    module: AppModule,
    ...metadata,
    imports: [PzkModule.forRoot({ verifier, ...module }), ...(metadata.imports ?? [])],
    controllers: metadata.controllers ?? [WeatherController],
    providers: metadata.providers ?? [Desk, EVERY_ROUTE],
  };
  return root as typeof root & { module: typeof AppModule };
}

/** Listens on a free port. */
export async function listen(app: INestApplication): Promise<TestApp> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const fetchApp: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    url.port = String(port);
    const body = await request.text();
    const { method, headers } = request;
    return fetch(url, { method, headers, ...(body === '' ? {} : { body }) });
  };
  return {
    app,
    port,
    fetch: fetchApp,
    close: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}

/** Starts an application as its author would. */
export async function startApp(platform: Platform, options: TestAppOptions): Promise<TestApp> {
  const create = { logger: false, abortOnError: false } as const;
  const app = await NestFactory.create(testModule(options), platform(), create);
  options.configure?.(app);
  return listen(app);
}

/** A customer with a key and an enrolled device. */
export async function enrolledClient(
  { verifier, fetch }: { verifier: Verifier; fetch: typeof globalThis.fetch },
  scope: readonly string[] = ['weather:read'],
) {
  const { apiKey, row } = await verifier.keys.issue({ scopes: ['weather:read', 'weather:write'] });
  const client = createTestClient({ issuer: verifier.issuer, scope, fetch });
  await client.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  return { client, account: row.account };
}
