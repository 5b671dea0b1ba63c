import { Controller, type INestMicroservice } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import {
  type ClientProxy,
  ClientProxyFactory,
  MessagePattern,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../verifier/test/harness/free-port.js';
import { Public, PzkGuard, PzkModule, PzkService } from '../src/index.js';
import { testVerifier } from './app.js';

const called: string[] = [];

@Controller()
class MessageController {
  @MessagePattern('closed')
  closed() {
    called.push('closed');
    return 'closed';
  }

  @Public()
  @MessagePattern('open')
  open() {
    called.push('open');
    return 'open';
  }
}

describe('a microservice', () => {
  let service: INestMicroservice;
  let client: ClientProxy;
  const logged: string[] = [];
  const log = (...texts: unknown[]) => void logged.push(texts.join(' '));

  beforeAll(async () => {
    const { verifier } = testVerifier();
    const options = { host: '127.0.0.1', port: await freePort() };
    service = await NestFactory.createMicroservice(
      {
        module: class AppModule {},
        imports: [PzkModule.forRoot({ verifier })],
        controllers: [MessageController],
        providers: [{ provide: APP_GUARD, useClass: PzkGuard }],
      },
      {
        transport: Transport.TCP,
        options,
        logger: { log, error: log, warn: log },
        abortOnError: false,
      },
    );
    await service.listen();
    client = ClientProxyFactory.create({ transport: Transport.TCP, options });
  });
  afterAll(async () => {
    client.close();
    await service.close();
  });

  it('is refused where the guard stands before it, and the log says why', async () => {
    await expect(firstValueFrom(client.send('closed', {}))).rejects.toMatchObject({
      status: 'error',
    });
    expect(called).not.toContain('closed');
    expect(logged.join('\n')).toMatch(/MessageController\.closed: PzkGuard guards HTTP/);
  });

  it('is reached where it is public', async () => {
    expect(await firstValueFrom(client.send('open', {}))).toBe('open');
  });
});

it.each(['rpc', 'ws', 'graphql'])('the guard refuses a handler of %s by name', async (type) => {
  const { verifier } = testVerifier();
  const context = await NestFactory.createApplicationContext(
    { module: class {}, imports: [PzkModule.forRoot({ verifier })] },
    { logger: false },
  );
  const guard = context.get(PzkGuard);
  class Resolver {
    read() {}
  }
  const execution = {
    getType: () => type,
    getHandler: () => Resolver.prototype.read,
    getClass: () => Resolver,
  } as unknown as Parameters<PzkGuard['canActivate']>[0];
  await expect(guard.canActivate(execution)).rejects.toThrow(`Resolver.read: PzkGuard guards HTTP`);
  expect(context.get(PzkService).verifier).toBe(verifier);
  await context.close();
});
