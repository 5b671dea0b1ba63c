import { createTestClient, type TestClient, type TestClientOptions } from './create-test-client.js';

/** Options of {@link mintTestSession}. */
export interface MintTestSessionOptions extends TestClientOptions {
  /** An API key that the issuer knows and that has no device yet. */
  readonly apiKey: string;
  /** What the key demands. Default `passkey`. */
  readonly demand?: 'passkey' | 'keypair' | 'none';
}

/**
 * Enrols a key and returns the client with an active session: `client.fetch` then calls the API under
 * test as a user's browser would.
 *
 * @throws PzkError whatever the issuer refuses
 */
export async function mintTestSession(options: MintTestSessionOptions): Promise<TestClient> {
  const { apiKey, demand = 'passkey', ...clientOptions } = options;
  const client = createTestClient(clientOptions);
  if (demand === 'passkey') {
    await client.enroll({ apiKey, user: { name: 'test', displayName: 'Test' } });
  } else if (demand === 'keypair') await client.enrollHeadless({ apiKey });
  else await client.startHeadless({ apiKey });
  return client;
}
