import { type INestApplication, type LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PzkService } from '@pzk-auth/nestjs';
import { AppModule } from './app.module.js';

/** Creates the application and starts the verifier, so that a fault of it shows here and now. */
export async function createApp(logger: false | LogLevel[]): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule, { logger, abortOnError: false });
  const pzk = app.get(PzkService);
  app.use('/health', pzk.health());
  app.enableShutdownHooks();
  await pzk.verifier.ready();
  return app;
}
