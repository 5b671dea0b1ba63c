import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import type { ClientOptions } from '../client-options.js';
import { type Client, createClient } from '../create-client.js';
import { createMainThreadProver, type Prover } from '../prover/index.js';
import { createMemoryStorage } from '../storage/memory-storage.js';
import {
  createSoftwareAuthenticator,
  type SoftwareAuthenticator,
} from './software-authenticator.js';

/** Options of {@link createTestClient}: those of `createClient`, and the page that is pretended. */
export interface TestClientOptions extends Omit<ClientOptions, 'authenticator'> {
  /** Origin of the page. Default: `https://{rpId}`, else the issuer's origin. */
  readonly origin?: string;
  /** Default: a fresh one. Share one between clients for several browsers with one passkey. */
  readonly authenticator?: SoftwareAuthenticator;
}

/** A client with a software authenticator, for tests without a browser. */
export interface TestClient extends Client {
  readonly authenticator: SoftwareAuthenticator;
}

let sharedProver: Prover | undefined;

/** One prover for all test clients: loading it takes longer than a proof. */
function testProver(): Prover {
  const { prover } = ownershipV1.artifacts;
  if (prover === undefined) throw new TypeError('This build has no prover artifact.');
  sharedProver ??= createMainThreadProver({ loadArtifact: () => readArtifact(prover.sha256) });
  return sharedProver;
}

/**
 * Makes a client for tests in Node: real WebAuthn signatures, PRF, vault and proofs, without a
 * browser. It keeps all in memory and reads the circuit from `@pzk-auth/circuits`.
 */
export function createTestClient(options: TestClientOptions): TestClient {
  const { origin, authenticator: given, ...clientOptions } = options;
  const issuerUrl = new URL(options.issuer);
  const rpId = options.rpId ?? issuerUrl.hostname;
  const sameHost = rpId === issuerUrl.hostname;
  const pageOrigin = origin ?? (sameHost ? issuerUrl.origin : `https://${rpId}`);
  const authenticator = given ?? createSoftwareAuthenticator({ origin: pageOrigin, rpId });
  const client = createClient({
    prover: testProver(),
    storage: createMemoryStorage(),
    ...clientOptions,
    rpId,
    authenticator,
  });
  return { ...client, authenticator };
}
