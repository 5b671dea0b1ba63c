import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RESOLVED_OPTIONS, type ResolvedOptions } from './pzk.options.js';
import { PzkService } from './pzk.service.js';
import { createRoutes, type Routes } from './routes.js';

/** Fastify, as far as it is used here. */
interface FastifyInstance {
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): void },
      done: (error?: unknown) => void,
    ) => void,
  ): unknown;
}

/**
 * Mounts the endpoints as the first thing that a request meets. A controller would not do: body parsers,
 * the global prefix, versions, interceptors and filters of the application would each change the wire.
 */
@Injectable()
export class RouteMount {
  readonly #logger = new Logger('PzkModule');

  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(RESOLVED_OPTIONS) options: ResolvedOptions,
    @Inject(PzkService) pzk: PzkService,
  ) {
    if (!options.routes) return;
    // Said at once under NestFactory, and later for an application made from a testing module.
    host.init$.subscribe(() => {
      const { httpAdapter } = host;
      // None in a microservice, and none in an application context.
      const type = httpAdapter?.getType();
      if (type === undefined) return;
      if (type === 'express') httpAdapter.use(pzk.routes());
      else if (type === 'fastify') this.#mountOnFastify(httpAdapter.getInstance(), options);
      else throw new TypeError(`PzkModule knows Express and Fastify, not ${type}: routes: false.`);
    });
  }

  /** In a hook before parsing: Fastify's parsers would consume bodies, and refuse some by themselves. */
  #mountOnFastify(fastify: FastifyInstance, options: ResolvedOptions): void {
    const routes: Routes = createRoutes(options);
    fastify.addHook('onRequest', (request, reply, done) => {
      try {
        const answered = routes(request, reply.raw);
        if (answered === undefined) return done();
        reply.hijack();
        answered.catch((error: unknown) => this.#fail(error, reply.raw));
      } catch (error) {
        done(error);
      }
    });
  }

  #fail(error: unknown, res: ServerResponse): void {
    this.#logger.error(error instanceof Error ? error.stack : 'The endpoint failed.');
    if (res.headersSent) return void res.destroy();
    res.statusCode = 500;
    res.end();
  }
}
