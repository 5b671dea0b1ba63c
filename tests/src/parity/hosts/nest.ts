import 'reflect-metadata';
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  Caller,
  Protect,
  Public,
  PzkGuard,
  PzkModule,
  PzkService,
  Session,
} from '@pzk-auth/nestjs';
import { createVerifier, memoryStores, type PzkCaller, type PzkSession } from '@pzk-auth/verifier';
import express from 'express';
import { type Host, oldRoute, verifierOptions } from '../host.js';

@Controller()
class WeatherController {
  @Protect({ scope: 'weather:read' })
  @Get('weather')
  read(@Session() { account, scopes }: PzkSession) {
    return { account, scopes };
  }

  @Protect({ scope: 'weather:read' })
  @Get('v1/weather/:city')
  readCity(@Session('account') account: string, @Param('city') city: string) {
    return { account, city };
  }

  @Get('any')
  any(@Session() { account, scopes }: PzkSession) {
    return { account, scopes };
  }

  @Protect({ scope: 'weather:write', maxAge: 600 })
  @Post('reports')
  report(@Session('account') account: string, @Body() body: unknown) {
    return { account, size: JSON.stringify(body).length };
  }

  @Protect(oldRoute)
  @Get('old')
  readOld(@Caller() { kind, scopes }: PzkCaller) {
    return { kind, scopes };
  }

  @Public()
  @Get('open')
  open() {
    return { open: true };
  }
}

async function createApplication(platform: 'express' | 'fastify', commitments: readonly string[]) {
  const verifier = createVerifier({ ...verifierOptions, stores: memoryStores() });
  for (const commitment of commitments) {
    await verifier.keys.register({ commitment, scopes: verifierOptions.scopes });
  }

  @Module({
    imports: [PzkModule.forRoot({ verifier })],
    controllers: [WeatherController],
    providers: [{ provide: APP_GUARD, useExisting: PzkGuard }],
  })
  class AppModule {}

  if (platform === 'fastify') {
    const adapter = new FastifyAdapter();
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, {
      logger: false,
      abortOnError: false,
    });
    return app;
  }
  const server = express();
  server.disable('x-powered-by');
  server.disable('etag');
  const adapter = new ExpressAdapter(server);
  return NestFactory.create<NestExpressApplication>(AppModule, adapter, {
    logger: false,
    abortOnError: false,
  });
}

function nestHost(name: string, platform: 'express' | 'fastify'): Host {
  return {
    name,
    async start(commitments) {
      const app = await createApplication(platform, commitments);
      app.use('/weather', app.get(PzkService).cors());
      app.use('/health', app.get(PzkService).health());
      await app.listen(0, '127.0.0.1');
      const { port } = new URL((await app.getUrl()).replace('[::1]', '127.0.0.1'));
      return { port: Number(port), close: () => app.close() };
    },
  };
}

export const nestOnExpressHost = nestHost('Nest on Express', 'express');
export const nestOnFastifyHost = nestHost('Nest on Fastify', 'fastify');
