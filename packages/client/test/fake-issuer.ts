import { ownershipV1 } from '@pzk-auth/circuits';
import { encodeBase64url, PROOF_BYTES, type VaultEntry } from '@pzk-auth/protocol';
import type { Prover } from '../src/index.js';
import {
  createSoftwareAuthenticator,
  createTestClient,
  type TestClientOptions,
} from '../src/testing/index.js';

export const issuer = 'https://api.example.com';
export const rpId = 'app.example.com';
export const origin = 'https://app.example.com';
export const apiKey = 'wd_canary_0123456789';
export const user = { name: 'ada', displayName: 'Ada' };

const hashText = (hex: string | undefined) =>
  encodeBase64url(new Uint8Array(Buffer.from(hex ?? '', 'hex')));

/** A request as it left the client. */
export interface SentRequest {
  readonly path: string;
  readonly body: string;
  readonly headers: Headers;
}

/** Answers of a server that checks nothing; for single faults of the client's side only. */
export interface FakeIssuer {
  readonly sent: SentRequest[];
  readonly fetch: typeof fetch;
  /** Changes what is answered to a path from now on; `undefined` leaves the default. */
  respond(
    path: string,
    answer: (request: SentRequest) => Response | undefined | Promise<Response | undefined>,
  ): void;
  paths(): readonly string[];
}

export function problem(code: string, status: number, headers: Record<string, string> = {}) {
  const body = { type: `about#${code}`, title: 'Refused.', status, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

export function challengeAnswer(changes: object = {}) {
  const { prover, verificationKey } = ownershipV1.artifacts;
  return {
    nonce: 'n'.repeat(64),
    expires_at: Math.floor(Date.now() / 1000) + 300,
    now: Math.floor(Date.now() / 1000),
    issuer,
    audience: issuer,
    rp_id: rpId,
    scope: 'weather:read',
    circuit: {
      id: ownershipV1.id,
      prover: hashText(prover?.sha256),
      verification_key: hashText(verificationKey.sha256),
    },
    ...changes,
  };
}

export function tokenAnswer(changes: object = {}) {
  return {
    access_token: 'opaque-token',
    token_type: 'DPoP',
    expires_in: 300,
    scope: 'weather:read',
    client_id: 'key-1',
    ...changes,
  };
}

export function vaultAnswer(vault: VaultEntry) {
  return { vault, ancestry: [], successions: [], revoked: [] };
}

export function createFakeIssuer(): FakeIssuer {
  const sent: SentRequest[] = [];
  const answers = new Map<string, Parameters<FakeIssuer['respond']>[1]>();
  let vault: VaultEntry | undefined;

  function byDefault({ path, body }: SentRequest): Response {
    if (path === '/pzk/challenge') return Response.json(challengeAnswer());
    if (path === '/pzk/enroll') {
      vault = JSON.parse(body).vault;
      return Response.json(tokenAnswer(), { status: 201 });
    }
    if (path === '/pzk/vault/open') {
      return vault === undefined ? problem('not_found', 404) : Response.json(vaultAnswer(vault));
    }
    if (path === '/pzk/token') return Response.json(tokenAnswer());
    return new Response(null, { status: 200 });
  }

  return {
    sent,
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      const { pathname: path } = new URL(request.url);
      const entry = { path, body: await request.text(), headers: request.headers };
      sent.push(entry);
      return (await answers.get(path)?.(entry)) ?? byDefault(entry);
    },
    respond: (path, answer) => void answers.set(path, answer),
    paths: () => sent.map(({ path }) => path),
  };
}

/** A prover that proves nothing, where a test is about something else. */
export function createIdleProver(): Prover {
  return {
    circuit: ownershipV1.id,
    warmUp: async () => {},
    prove: async (_, { onProgress, signal } = {}) => {
      onProgress?.(0.5);
      signal?.throwIfAborted();
      return new Uint8Array(PROOF_BYTES);
    },
    close: () => {},
  };
}

/** A client against a fake issuer. */
export function createClientOf(fake: FakeIssuer, options: Partial<TestClientOptions> = {}) {
  return createTestClient({
    issuer,
    rpId,
    scope: ['weather:read'],
    fetch: fake.fetch,
    prover: createIdleProver(),
    authenticator: createSoftwareAuthenticator({ origin }),
    ...options,
  });
}
