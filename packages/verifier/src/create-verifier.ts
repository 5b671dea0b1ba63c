import { isPzkError, PzkError } from '@pzk-auth/protocol';
import { indexCircuits } from './circuit.js';
import { resolveConfig } from './config.js';
import { createDpopNonces, dpopNonceHeaders } from './dpop/dpop-nonces.js';
import { durations } from './durations.js';
import { createEmitter } from './emitter.js';
import {
  type AuthenticateOptions,
  type AuthenticateRequest,
  assertDemands,
  audienceOf,
  authenticateRequest,
  demandedScopes,
} from './exchange/authenticate.js';
import type { Engine } from './exchange/engine.js';
import { revocationId, revocationIdsOfJti } from './exchange/revocation-ids.js';
import { corsHeaders, preflightHeaders } from './http/cors.js';
import { handleRequest } from './http/handle.js';
import {
  type ProblemParts,
  problemResponse,
  toProblem,
  wireCode,
} from './http/problem-response.js';
import type { HandleContext } from './http/route.js';
import { createMetadata } from './http/well-known.js';
import { type AccountManager, createAccountManager } from './keys/account-manager.js';
import { createDeviceManager, type DeviceManager } from './keys/device-manager.js';
import { createKeyManager, type KeyManager } from './keys/key-manager.js';
import { createSigningKeyManager, type SigningKeyManager } from './keys/signing-key-manager.js';
import type { ProtectOptions } from './legacy/api-key-policy.js';
import { authenticateApiKey } from './legacy/authenticate-api-key.js';
import { createLimits } from './limits/limits.js';
import { createNonceGuard } from './nonce/nonce-guard.js';
import { createNonceKeys } from './nonce/nonce-keys.js';
import { createGate } from './operation/gate.js';
import { createHealth, type Health } from './operation/health.js';
import { healthResponse } from './operation/health-response.js';
import type { VerifierOptions } from './options.js';
import type { PageSession } from './page-session/page-session.js';
import { readPageSession } from './page-session/read-page-session.js';
import { createEventStreams } from './release/event-streams.js';
import type { PzkCaller, PzkSession } from './session.js';
import { claimStores } from './stores/claim-stores.js';
import { failClosed } from './stores/fail-closed.js';
import { scopeToIssuer } from './stores/scope-to-issuer.js';
import { createTelemetry } from './telemetry/telemetry.js';
import { createAccessTokenVerifier } from './token/access-token.js';
import { createKeyRing } from './token/key-ring.js';
import { createDecoy } from './webauthn/decoy.js';

/** The engine: everything that a host needs, free of any framework. */
export interface Verifier {
  readonly issuer: string;
  readonly basePath: string;
  /** Public URL of the endpoints. */
  readonly baseUrl: string;
  readonly keys: KeyManager;
  readonly devices: DeviceManager;
  readonly accounts: AccountManager;
  readonly signingKeys: SigningKeyManager;
  /** Administration of single tokens. */
  readonly tokens: {
    /**
     * Ends a token with the whole session that it belongs to; when this resolves, all instances refuse
     * them.
     */
    revoke(jti: string): Promise<void>;
  };
  /**
   * Loads the signing keys, starts the workers and checks the verification keys. Called by the first
   * request; call it at start to fail early. After a failure it may be called again.
   *
   * @throws PzkError `verification_key_rejected`, `not_ready`, `store_unavailable`
   */
  ready(): Promise<void>;
  /** Serves the endpoints under the base path. Never rejects. */
  handle(request: Request, context?: HandleContext): Promise<Response>;
  /** Serves the metadata documents at the origin's root; undefined for any other path. */
  handleWellKnown(request: Request): Response | undefined;
  /**
   * Authenticates a protected call.
   *
   * @throws TypeError on demands as {@link Verifier.assertDemands} refuses them.
   * @throws PzkError `invalid_token`, `invalid_dpop_proof`, `insufficient_scope`,
   * `insufficient_user_authentication`, `store_unavailable`; those of {@link Verifier.ready} if the
   * start failed.
   */
  authenticate(
    request: AuthenticateRequest,
    options?: AuthenticateOptions & { readonly allowApiKey?: undefined },
  ): Promise<PzkSession>;
  /**
   * The same for a route that still lets plain API keys in.
   *
   * @throws PzkError besides those above `invalid_request`, `commitment_mismatch`, `too_many_requests`,
   * and `store_unavailable` or `server_error` where the application's check failed.
   */
  authenticate(request: AuthenticateRequest, options: ProtectOptions): Promise<PzkCaller>;
  /**
   * Headers that the answer to a caller of {@link Verifier.authenticate} has to carry. With `dpopNonces` a
   * newer nonce where that of the call ends soon (RFC 9449 section 8.2).
   */
  answerHeaders(caller: PzkCaller): Readonly<Record<string, string>>;
  /**
   * Checks what a route demands, for adapters to call when the route is set up.
   *
   * @throws TypeError for an unknown option, one that is present but undefined, a scope that the
   * verifier does not know, or an odd `maxAge`.
   */
  assertDemands(options: ProtectOptions): void;
  /** The answer of a protected route to an error of {@link Verifier.authenticate}. */
  problem(error: unknown, request: AuthenticateRequest, options?: ProtectOptions): ProblemParts;
  /**
   * Reads the page session of a `Cookie` header, for pages that a server renders. `undefined` where
   * there is none, or where its session has ended. Never take it for the right to change something or
   * to call an API: it shows no possession of a key.
   *
   * @throws TypeError without the option `pageSessions`
   * @throws PzkError `store_unavailable`; those of {@link Verifier.ready} if the start failed.
   */
  pageSession(cookieHeader: string | null | undefined): Promise<PageSession | undefined>;
  /** CORS headers for an answer of a protected route. */
  cors(origin: string | null): Readonly<Record<string, string>>;
  /** CORS headers for the answer to a preflight request. */
  preflight(origin: string | null): Readonly<Record<string, string>>;
  /** Whether it can serve: stores, workers, keys, clock. Never rejects. */
  health(): Promise<Health>;
  /**
   * Serves `/live` and `/ready` for an orchestrator; undefined for any other path or method.
   *
   * @param path - Path below where the host mounted it.
   */
  handleHealth(request: Request, path?: string): Promise<Response | undefined>;
  /**
   * Shuts down: from now on requests get 503 (`busy`), those that run are waited for (10 s at most), event streams end, the
   * audit log is written, the workers end. Stores are the application's to close, after this.
   */
  close(): Promise<void>;
}

/** Whether a request shows no credentials at all, of those that the route takes. */
function isAnonymous({ headers }: AuthenticateRequest, demands: ProtectOptions): boolean {
  if (headers.get('authorization') !== null) return false;
  return demands.allowApiKey === undefined || headers.get('x-api-key') === null;
}

/**
 * Creates the engine of one issuer.
 *
 * @throws TypeError on options that are missing, odd or inconsistent.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const config = resolveConfig(options);
  claimStores(config.stores, config.issuer);
  const stores = scopeToIssuer(failClosed(config.stores), config.issuer);
  const circuits = indexCircuits(options.circuits);
  const metadata = createMetadata(config);
  let started = false;
  let starting: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const telemetry = createTelemetry();
  const { audit, notify, emit } = createEmitter({ config, stores, telemetry });

  const signingKeys = createKeyRing({
    store: stores.signingKeys,
    secret: config.secret,
    issuer: config.issuer,
    clock: config.clock,
    configured: config.signing.keys,
    alg: config.signing.alg,
    revoke: (kid) =>
      stores.revocations.revoke([revocationId.signingKey(kid)], durations.revocation),
    isRevoked: async (kid) =>
      (await stores.revocations.isRevoked([revocationId.signingKey(kid)])) !== false,
    onChange: (change, { kid, activeFrom }) =>
      void emit({ type: `signing_key_${change}`, kid, activeFrom }),
    onFault: (error) => notify({ type: 'fault', endpoint: 'signing-keys', error }),
  });

  const nonceKeys = createNonceKeys(config.secret, config.issuer);
  const engine: Engine = {
    config,
    stores,
    circuits,
    nonceKeys,
    dpopNonces: config.dpopNonces === 'required' ? createDpopNonces(nonceKeys) : undefined,
    nonceGuard: createNonceGuard(),
    telemetry,
    limits: createLimits({
      config,
      stores,
      onFault: (error) => notify({ type: 'fault', endpoint: 'limits', error }),
    }),
    decoy: createDecoy(),
    tokens: createAccessTokenVerifier({
      issuer: config.issuer,
      audiences: config.audiences,
      maximumLifetime: 900,
      clock: config.clock,
      issuedSince: stores.revocations.knownSince ?? 0,
      keys: signingKeys,
    }),
    signingKeys,
    eventStreams: createEventStreams(),
    emit,
  };

  async function start(): Promise<void> {
    await Promise.all([
      signingKeys.start(),
      ...[...circuits.values()].map(({ proofSystem }) => proofSystem.ready()),
    ]);
    started = true;
  }

  function ready(): Promise<void> {
    starting ??= start().catch((error: unknown) => {
      starting = undefined;
      throw error;
    });
    return starting;
  }

  const nonceHeaders = ({ headers }: Pick<AuthenticateRequest, 'headers'>) =>
    dpopNonceHeaders(engine.dpopNonces, headers.get('dpop'), config.clock());

  const gate = createGate();
  const health = createHealth({ engine, gate, ready });

  async function close(): Promise<void> {
    engine.eventStreams.close();
    await gate.close(durations.shutdown);
    const lost = (await audit?.flush(durations.shutdown)) ?? 0;
    if (lost > 0) {
      const error = new PzkError('store_unavailable', `${lost} entries of the audit log are lost.`);
      notify({ type: 'fault', endpoint: 'audit', error });
    }
    await Promise.all([...circuits.values()].map(({ proofSystem }) => proofSystem.close()));
  }

  const headersOfCallers = new WeakMap<PzkCaller, Readonly<Record<string, string>>>();

  async function authenticate(
    request: AuthenticateRequest,
    demands: ProtectOptions = {},
  ): Promise<PzkCaller> {
    // Before anything is read, whether the caller shows a token or a key.
    assertDemands(config, demands);
    if (!started) await ready();
    return gate.run(() =>
      telemetry.span('pzk.authenticate', {}, async () => {
        const admitted = await authenticateApiKey(engine, request, demands);
        if (admitted === undefined) {
          const session = await authenticateRequest(engine, request, demands);
          const headers = nonceHeaders(request);
          if (Object.keys(headers).length === 0) return session;
          // A session is remembered with its token; the headers are of this call.
          const caller = Object.freeze({ ...session });
          headersOfCallers.set(caller, headers);
          return caller;
        }
        headersOfCallers.set(admitted.caller, admitted.headers);
        return admitted.caller;
      }),
    );
  }

  return {
    issuer: config.issuer,
    basePath: config.basePath,
    baseUrl: config.baseUrl,
    keys: createKeyManager(engine),
    devices: createDeviceManager(engine),
    accounts: createAccountManager(engine),
    signingKeys: createSigningKeyManager(engine),
    tokens: {
      async revoke(jti) {
        await stores.revocations.revoke(revocationIdsOfJti(jti), durations.revocation);
        engine.emit({ type: 'revoked', kind: 'token', id: jti });
      },
    },
    ready,
    async handle(request, context = {}) {
      const refuse = (error: unknown) => {
        const response = problemResponse(error, 'endpoint');
        const headers = corsHeaders(request.headers.get('origin'), config.origins);
        for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
        return response;
      };
      const serve = async () => {
        try {
          await ready();
        } catch (error) {
          engine.emit({ type: 'fault', endpoint: 'start', error });
          return refuse(new PzkError('store_unavailable', 'The start failed.'));
        }
        return handleRequest(engine, request, context);
      };
      // Nothing but a closed gate rejects.
      return gate.run(serve).catch(refuse);
    },
    handleWellKnown(request) {
      const document = metadata.documents.get(new URL(request.url).pathname);
      const { method } = request;
      if (document === undefined || (method !== 'GET' && method !== 'HEAD')) return undefined;
      return new Response(document, {
        headers: {
          'content-type': 'application/json',
          'cache-control': 'public, max-age=300',
          'x-content-type-options': 'nosniff',
          'access-control-allow-origin': '*',
        },
      });
    },
    authenticate: authenticate as Verifier['authenticate'],
    answerHeaders: (caller) => headersOfCallers.get(caller) ?? {},
    assertDemands: (demands) => assertDemands(config, demands),
    problem(error, request, demands = {}) {
      const code = wireCode(error);
      if (code === 'server_error' || code === 'store_unavailable') {
        engine.emit({ type: 'fault', endpoint: 'protected', error });
      } else {
        const reason = isPzkError(error) ? error.message : '';
        engine.emit({ type: 'refused', endpoint: 'protected', code, reason });
      }
      // The demands were judged unless the error says otherwise.
      const judged = isPzkError(error) ? demands : {};
      const { scope, maxAge } = judged;
      const audience = judged.audience ?? audienceOf(engine, request);
      return toProblem(error, 'resource', {
        anonymous: isAnonymous(request, judged),
        ...(scope === undefined ? {} : { scope: demandedScopes(scope).join(' ') }),
        ...(maxAge === undefined ? {} : { maxAge }),
        headers: nonceHeaders(request),
        resourceMetadata: metadata.urlOf(audience),
      });
    },
    async pageSession(cookieHeader) {
      if (!config.pageSessions) {
        throw new TypeError('Page sessions are off: give createVerifier { pageSessions: true }.');
      }
      if (!started) await ready();
      return readPageSession(engine, cookieHeader);
    },
    cors: (origin) => corsHeaders(origin, config.origins),
    preflight: (origin) => preflightHeaders(origin, config.origins),
    health,
    handleHealth: (request, path = new URL(request.url).pathname) =>
      healthResponse(path, request.method, health),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
