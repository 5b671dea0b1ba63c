import { encodeBase64url } from '@pzk-auth/protocol';
import type { VerifierEvent } from '@pzk-auth/verifier';
import { memoryStores } from '@pzk-auth/verifier';
import type { DpopFields } from '../../../packages/verifier/test/harness/session-key.js';
import {
  createTestAgent,
  type TestAgent,
} from '../../../packages/verifier/test/harness/test-agent.js';
import {
  createTestVault,
  type TestVault,
} from '../../../packages/verifier/test/harness/test-vault.js';
import {
  createWireClient,
  type WireClient,
} from '../../../packages/verifier/test/harness/wire-client.js';
import { ISSUER } from './host.js';
import { type RawAnswer, type RawRequest, sendRaw } from './raw-http.js';

/** A client of a host that knows the wire, for honest and hostile requests. */
export interface Peer {
  readonly client: WireClient;
  /** An access token of the client. */
  readonly token: string;
  /** The vault that the client has enrolled with, as it stands now. */
  vault: TestVault;
  /** An agent that is in the manifest once a case has written it in. */
  readonly agent: TestAgent;
  /** A browser that holds nothing. */
  openBrowser(): Promise<WireClient>;
  send(request: RawRequest): Promise<RawAnswer>;
  /** `Authorization` and `DPoP` of an honest call, changed by `over`. */
  credentials(
    method: string,
    path: string,
    over?: Partial<DpopFields> & { readonly token?: string; readonly scheme?: string },
  ): Promise<[string, string][]>;
}

/** Speaks to a host as the harness speaks to an issuer in process. */
function issuerAt(port: number) {
  const baseUrl = `${ISSUER}/pzk`;
  const handle = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const answer = await sendRaw(port, {
      method: request.method,
      target: pathname + search,
      headers: [...request.headers],
      ...(request.method === 'GET' ? {} : { body: await request.text() }),
    });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  };
  return {
    verifier: { issuer: ISSUER, baseUrl, handle },
    stores: memoryStores(),
    events: [] as VerifierEvent[],
    offset: 0,
    now: () => Date.now(),
  };
}

/** Enrols a device with a key and gets a token. */
export async function createPeer(port: number, apiKey: string, scope: string): Promise<Peer> {
  const issuer = issuerAt(port) as unknown as Parameters<typeof createWireClient>[0];
  const client = await createWireClient(issuer, { apiKey, scope });
  let vault: TestVault | undefined;
  const body = await client.enrollBody(await client.challenge('enroll'), (passkey) => {
    const { credentialId } = passkey;
    const coseKey = encodeBase64url(passkey.coseKey);
    const made = createTestVault({ credentialId, coseKey }, ISSUER);
    vault = made.vault;
    return { recipient_key: made.recipient.hpke_key, vault: made.entry };
  });
  const enrolled = await client.post('/enroll', body);
  if (enrolled.status !== 201 || vault === undefined)
    throw new Error(`enrolment: ${enrolled.status} ${enrolled.text}`);
  const token = enrolled.body.access_token as string;
  return {
    client,
    token,
    vault,
    agent: await createTestAgent(issuer),
    openBrowser: () => createWireClient(issuer, { apiKey, scope }),
    send: (request) => sendRaw(port, request),
    async credentials(method, path, over = {}) {
      const { token: other = token, scheme = 'DPoP', ...fields } = over;
      const url = ISSUER + path;
      const proof = await client.sessionKey.dpop({ method, url, accessToken: other, ...fields });
      return [
        ['Authorization', `${scheme} ${other}`],
        ['DPoP', proof],
      ];
    },
  };
}
