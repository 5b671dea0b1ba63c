import { assertOptionNames, type Verifier } from '@pzk-auth/verifier';
import { addressOf, type HttpRequest } from './raw-request.js';

/** Options of `PzkModule.forRoot()`. */
export interface PzkModuleOptions {
  /** The engine. The module ends its workers when the application shuts down. */
  readonly verifier: Verifier;
  /**
   * Path under which requests for the endpoints reach this process. Default: the path of the
   * verifier's public URL. Set it where a proxy strips a prefix. Global prefix and versioning do not
   * touch it.
   */
  readonly path?: string;
  /**
   * Serves the endpoints and the metadata, before any middleware and parser. With `false` the
   * application does: `app.use(app.get(PzkService).routes())`. Default true.
   */
  readonly routes?: boolean;
  /**
   * The client's address, for failure budgets. Default: `ip` of the request, which follows Express's
   * `trust proxy` and Fastify's `trustProxy`.
   */
  readonly address?: (request: HttpRequest) => string | undefined;
}

/** A class that `PzkModule.forRootAsync({ useClass })` asks for the options. */
export interface PzkOptionsFactory {
  createPzkOptions(): PzkModuleOptions | Promise<PzkModuleOptions>;
}

/** The options with their defaults. */
export interface ResolvedOptions extends Required<PzkModuleOptions> {}

/** Token of the {@link ResolvedOptions}. */
export const RESOLVED_OPTIONS = Symbol('PZK_RESOLVED_OPTIONS');

const PATH = /^(\/[^/?#\s]+)+$/;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError on options that are missing, odd or not known.
 */
export function resolveOptions(options: PzkModuleOptions): ResolvedOptions {
  const { verifier } = options ?? {};
  if (typeof verifier?.authenticate !== 'function' || typeof verifier.handle !== 'function') {
    throw new TypeError(
      'PzkModule: verifier is not what createVerifier() returns; the options are { verifier, ... }.',
    );
  }
  assertOptionNames('PzkModule', options, ['verifier', 'path', 'routes', 'address']);
  const { path = new URL(verifier.baseUrl).pathname, routes = true, address = addressOf } = options;
  if (typeof path !== 'string' || !PATH.test(path)) {
    throw new TypeError('PzkModule: path starts with / and ends with none.');
  }
  if (typeof routes !== 'boolean') throw new TypeError('PzkModule: routes is true or false.');
  if (typeof address !== 'function') throw new TypeError('PzkModule: address is a function.');
  return Object.freeze({ verifier, path, routes, address });
}
