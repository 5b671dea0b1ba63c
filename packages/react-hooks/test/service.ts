import { type Client, type ClientOptions, createClient } from '@pzk-auth/client';
import { createSoftwareAuthenticator, type SoftwareAuthenticator } from '@pzk-auth/client/testing';
import {
  createVerifier,
  memoryStores,
  type Verifier,
  type VerifierOptions,
} from '@pzk-auth/verifier';

export const ORIGIN = 'http://localhost:3000';
export const USER = { name: 'somebody', displayName: 'Somebody' };

/** An issuer with an API, without a network between. */
export interface Service {
  readonly verifier: Verifier;
  readonly authenticator: SoftwareAuthenticator;
  readonly apiKey: string;
  readonly account: string;
  readonly clientOptions: ClientOptions;
  /** Paths that were asked for. */
  readonly requests: string[];
  createClient(): Client;
  /** From now on nothing is answered. */
  cutNetwork(): void;
  close(): Promise<void>;
}

export async function createService(options: Partial<VerifierOptions> = {}): Promise<Service> {
  const verifier = createVerifier({
    issuer: ORIGIN,
    audience: ORIGIN,
    rpId: 'localhost',
    origins: [ORIGIN],
    scopes: ['weather:read'],
    stores: memoryStores(),
    ...options,
  });
  const authenticator = createSoftwareAuthenticator({ origin: ORIGIN });
  const { apiKey, row } = await verifier.keys.issue({ scopes: ['weather:read'] });
  const requests: string[] = [];
  let cut = false;
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const { pathname } = new URL(request.url);
    if (cut) throw new TypeError('fetch failed');
    requests.push(pathname);
    if (pathname !== '/api/weather') return verifier.handle(request);
    try {
      const session = await verifier.authenticate(request, { scope: 'weather:read' });
      return Response.json({ for: session.account });
    } catch (error) {
      const { status, headers, body } = verifier.problem(error, request);
      return new Response(body, { status, headers });
    }
  };
  const clientOptions: ClientOptions = {
    issuer: ORIGIN,
    scope: ['weather:read'],
    authenticator,
    fetch,
  };
  return {
    verifier,
    authenticator,
    apiKey,
    account: row.account,
    clientOptions,
    requests,
    cutNetwork: () => {
      cut = true;
    },
    createClient: () => createClient(clientOptions),
    close: () => verifier.close(),
  };
}
