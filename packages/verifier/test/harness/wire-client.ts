import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { createMainThreadProver, type Prover } from '@pzk-auth/client';
import {
  createSoftwareAuthenticator,
  type SoftwareAuthenticator,
  type SoftwareAuthenticatorOptions,
} from '@pzk-auth/client/testing';
import {
  type Bytes,
  commitmentOf,
  decodeBase64url,
  encodeBase64url,
  enrollContext,
  formatProof,
  OWNERSHIP_CIRCUIT,
  openCommitment,
  PROOF_GRANT,
  type Purpose,
  parseApiKey,
  RENEW_GRANT,
  sessionContext,
  type VaultEntry,
  vaultEntryHash,
  webauthnChallenge,
} from '@pzk-auth/protocol';
import type { AuthenticateOptions } from '../../src/index.js';
import { ISSUER, ORIGIN, RP_ID, type TestIssuer } from './issuer.js';
import { createSessionKey, type DpopFields, type TestSessionKey } from './session-key.js';

let sharedProver: Prover | undefined;

function prover(): Prover {
  sharedProver ??= createMainThreadProver({
    loadArtifact: () => readArtifact(ownershipV1.artifacts.prover.sha256),
  });
  return sharedProver;
}

/** Proves an opening of a commitment under any context. */
export async function prove(apiKey: string, context: string, issuer = ISSUER): Promise<Bytes> {
  const opening = openCommitment(parseApiKey(apiKey), issuer);
  const input = { ...opening, commitment: commitmentOf(opening), context: BigInt(context) };
  return new Uint8Array(await prover().prove(input));
}

/** What an answered challenge says. */
export interface Challenge {
  readonly nonce: string;
  readonly scope: string;
  readonly audience: string;
}

function toAssertionJson(credential: PublicKeyCredential) {
  const response = credential.response as AuthenticatorAssertionResponse;
  const text = (buffer: ArrayBuffer) => encodeBase64url(new Uint8Array(buffer));
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: 'public-key' as const,
    clientExtensionResults: {} as Record<string, unknown>,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      ...(response.userHandle === null ? {} : { userHandle: text(response.userHandle) }),
    },
  };
}

function toRegistrationJson(credential: PublicKeyCredential) {
  const response = credential.response as AuthenticatorAttestationResponse;
  const text = (buffer: ArrayBuffer) => encodeBase64url(new Uint8Array(buffer));
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: 'public-key' as const,
    clientExtensionResults: {} as Record<string, unknown>,
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
    },
  };
}

/** The exact COSE key of a registration without extensions: the rest of authData. */
function coseKeyOf(credential: PublicKeyCredential): Bytes {
  const response = credential.response as AuthenticatorAttestationResponse;
  const authData = new Uint8Array(response.getAuthenticatorData());
  const idLength = new DataView(authData.buffer).getUint16(53, false);
  return authData.slice(55 + idLength);
}

/** Options of {@link createWireClient}. */
export interface WireClientOptions {
  readonly apiKey: string;
  readonly scope?: string;
  readonly authenticator?: Partial<SoftwareAuthenticatorOptions>;
  readonly sessionKey?: TestSessionKey;
}

/**
 * A client that speaks the wire format step by step, so that a test can change any field at any point.
 * Every exchange is `challenge` -> `xxxBody` (honest) -> `post`.
 */
export interface WireClient {
  readonly apiKey: string;
  readonly sessionKey: TestSessionKey;
  readonly authenticator: SoftwareAuthenticator;
  readonly userId: Bytes;
  readonly commitment: string;
  challenge(purpose: Purpose, over?: Record<string, unknown>): Promise<Challenge>;
  assert(
    challenge: Challenge,
    purpose?: 'enroll' | 'session',
    over?: Record<string, string>,
  ): Promise<ReturnType<typeof toAssertionJson>>;
  enrollBody(challenge: Challenge, vault?: BringVault): Promise<Record<string, unknown>>;
  /** Registration, user id and assertion of a fresh passkey, without a proof. */
  register(challenge: Challenge): Promise<RegisteredPasskey>;
  /** An assertion over any challenge. */
  sign(challenge: Uint8Array): Promise<ReturnType<typeof toAssertionJson>>;
  keypairBody(challenge: Challenge): Promise<Record<string, unknown>>;
  tokenForm(challenge: Challenge, over?: { credential?: null }): Promise<Record<string, string>>;
  post(path: string, body: unknown, over?: PostOptions): Promise<WireAnswer>;
  get(path: string, headers: Record<string, string>): Promise<WireAnswer>;
  /** The honest enrolment. */
  enroll(): Promise<WireAnswer>;
  /** The honest token request. */
  token(): Promise<WireAnswer>;
  renew(clientId: string, over?: Record<string, string>): Promise<WireAnswer>;
}

/** A passkey as it was registered. */
export interface RegisteredPasskey {
  readonly credentialId: string;
  readonly coseKey: Bytes;
  readonly body: {
    readonly registration: ReturnType<typeof toRegistrationJson>;
    readonly user_id: string;
    readonly assertion: ReturnType<typeof toAssertionJson>;
  };
}

/** Makes the vault that an enrolment brings. */
export type BringVault = (passkey: RegisteredPasskey) => {
  readonly recipient_key: string;
  readonly vault: VaultEntry;
};

/** How a message is sent. */
export interface PostOptions {
  /** Overrides of the DPoP proof; `null` sends none. */
  readonly dpop?: Partial<DpopFields> | null;
  readonly headers?: Record<string, string>;
  readonly sessionKey?: TestSessionKey;
  readonly address?: string;
}

/** An answer, read. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer.
  readonly body: any;
}

/** Sends a request to an issuer in process and reads the answer. */
export async function send(
  issuer: TestIssuer,
  request: Request,
  address?: string,
): Promise<WireAnswer> {
  const response = await issuer.verifier.handle(request, address === undefined ? {} : { address });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

/** Creates a client for a key of an issuer. */
export async function createWireClient(
  issuer: TestIssuer,
  options: WireClientOptions,
): Promise<WireClient> {
  const { apiKey, scope = 'weather:read' } = options;
  const sessionKey = options.sessionKey ?? (await createSessionKey());
  const authenticator = createSoftwareAuthenticator({ origin: ORIGIN, ...options.authenticator });
  const userId = crypto.getRandomValues(new Uint8Array(32));
  const issuerUrl = issuer.verifier.issuer;
  const commitment = commitmentOf(openCommitment(parseApiKey(apiKey), issuerUrl)).toString();

  function challengeOf(purpose: 'enroll' | 'session', challenge: Challenge) {
    const { nonce, audience } = challenge;
    const { jkt } = sessionKey;
    return webauthnChallenge({
      purpose,
      issuer: issuerUrl,
      audience,
      nonce,
      jkt,
      scope: challenge.scope,
    });
  }

  async function getAssertion(challenge: Uint8Array): Promise<PublicKeyCredential> {
    return authenticator.get({
      publicKey: {
        challenge: new Uint8Array(challenge),
        rpId: RP_ID,
        userVerification: 'required',
      },
    });
  }

  let dpopNonce: string | null = null;

  const client: WireClient = {
    apiKey,
    sessionKey,
    authenticator,
    userId,
    commitment,
    async challenge(purpose, over = {}) {
      const body = { purpose, jkt: sessionKey.jkt, scope, ...over };
      const answer = await client.post('/challenge', body, { dpop: null });
      if (answer.status !== 200) throw new Error(`challenge: ${answer.text}`);
      return answer.body as Challenge;
    },
    async assert(challenge, purpose = 'session') {
      return toAssertionJson(await getAssertion(challengeOf(purpose, challenge)));
    },
    async register(challenge) {
      const webauthn = challengeOf('enroll', challenge);
      const registration = await authenticator.create({
        publicKey: {
          challenge: new Uint8Array(webauthn),
          rp: { id: RP_ID, name: 'Test' },
          user: { id: userId, name: 'ada', displayName: 'Ada' },
          pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
          authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        },
      });
      return {
        credentialId: registration.id,
        coseKey: coseKeyOf(registration),
        body: {
          registration: toRegistrationJson(registration),
          user_id: encodeBase64url(userId),
          assertion: toAssertionJson(await getAssertion(webauthn)),
        },
      };
    },
    async sign(challenge) {
      return toAssertionJson(await getAssertion(challenge));
    },
    async enrollBody(challenge, bring) {
      const passkey = await client.register(challenge);
      const brought = bring?.(passkey);
      const context = enrollContext({
        issuer: issuerUrl,
        audience: challenge.audience,
        nonce: challenge.nonce,
        jkt: sessionKey.jkt,
        credentialId: passkey.credentialId,
        scope: challenge.scope,
        circuitId: OWNERSHIP_CIRCUIT,
        commitment,
        coseKey: passkey.coseKey,
        recipientKey: brought && decodeBase64url(brought.recipient_key),
        vaultEntryHash: brought && vaultEntryHash(brought.vault),
      });
      return {
        nonce: challenge.nonce,
        circuit: OWNERSHIP_CIRCUIT,
        commitment,
        proof: formatProof(await prove(apiKey, context, issuerUrl)),
        ...passkey.body,
        ...brought,
      };
    },
    async keypairBody(challenge) {
      const context = enrollContext({
        issuer: issuerUrl,
        audience: challenge.audience,
        nonce: challenge.nonce,
        jkt: sessionKey.jkt,
        credentialId: '',
        scope: challenge.scope,
        circuitId: OWNERSHIP_CIRCUIT,
        commitment,
      });
      return {
        nonce: challenge.nonce,
        circuit: OWNERSHIP_CIRCUIT,
        commitment,
        proof: formatProof(await prove(apiKey, context, issuerUrl)),
      };
    },
    async tokenForm(challenge, over = {}) {
      const credential = over.credential === null ? undefined : await client.assert(challenge);
      const context = sessionContext({
        issuer: issuerUrl,
        audience: challenge.audience,
        nonce: challenge.nonce,
        jkt: sessionKey.jkt,
        credentialId: credential?.id ?? '',
        scope: challenge.scope,
        circuitId: OWNERSHIP_CIRCUIT,
        commitment,
      });
      return {
        grant_type: PROOF_GRANT,
        nonce: challenge.nonce,
        circuit: OWNERSHIP_CIRCUIT,
        commitment,
        proof: formatProof(await prove(apiKey, context, issuerUrl)),
        ...(credential === undefined ? {} : { credential: JSON.stringify(credential) }),
      };
    },
    async post(path, body, over = {}) {
      const { baseUrl } = issuer.verifier;
      const isForm = path === '/token' || path === '/revoke';
      const headers: Record<string, string> = {
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        ...over.headers,
      };
      if (over.dpop !== null) {
        const key = over.sessionKey ?? sessionKey;
        const fields = { url: baseUrl + path, now: issuer.now(), ...over.dpop };
        // As RFC 9449 section 8.2 has it: with the nonce that the last answer gave.
        if (dpopNonce !== null)
          Object.assign(fields, { claims: { nonce: dpopNonce, ...fields.claims } });
        headers.dpop ??= await key.dpop(fields);
      }
      const payload =
        typeof body === 'string'
          ? body
          : isForm
            ? new URLSearchParams(body as Record<string, string>).toString()
            : JSON.stringify(body);
      const request = new Request(baseUrl + path, { method: 'POST', headers, body: payload });
      const answer = await send(issuer, request, over.address);
      dpopNonce = answer.headers.get('dpop-nonce') ?? dpopNonce;
      return answer;
    },
    get: (path, headers) => send(issuer, new Request(issuerUrl + path, { headers })),
    async enroll() {
      return client.post('/enroll', await client.enrollBody(await client.challenge('enroll')));
    },
    async token() {
      return client.post('/token', await client.tokenForm(await client.challenge('session')));
    },
    async renew(clientId, over = {}) {
      return client.post('/token', { grant_type: RENEW_GRANT, client_id: clientId, ...over });
    },
  };
  return client;
}

/** Calls a protected resource of an issuer. */
export async function call(
  issuer: TestIssuer,
  client: WireClient,
  accessToken: string,
  over: Partial<DpopFields> & {
    demands?: AuthenticateOptions;
  } = {},
) {
  const { demands, ...fields } = over;
  const url = `${ISSUER}/weather`;
  const proof = await client.sessionKey.dpop({
    method: 'GET',
    url,
    accessToken,
    now: issuer.now(),
    ...fields,
  });
  const headers = new Headers({ authorization: `DPoP ${accessToken}`, dpop: proof });
  return issuer.verifier.authenticate({ method: 'GET', url: '/weather', headers }, demands);
}
