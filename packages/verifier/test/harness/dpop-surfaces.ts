import { randomUUID } from 'node:crypto';
import { encodeBase64url, RENEW_GRANT, sha256, utf8 } from '@pzk-auth/protocol';
import { expect } from 'vitest';
import type { AuthenticateOptions, Stores } from '../../src/index.js';
import { compactJws, type Signer, signWith } from './compact-jws.js';
import { ISSUER } from './issuer.js';
import type { TestSessionKey } from './session-key.js';
import { expectRefused, type Refusal, type WatchedIssuer } from './watched-issuer.js';
import { createWireClient, type WireAnswer } from './wire-client.js';

/** Changes to an honest proof; a member that is undefined is left out. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly signer?: Signer;
}

/** One place where a DPoP proof is asked for, with all but the proof prepared honestly. */
export interface DpopSurface {
  readonly name: string;
  readonly method: string;
  /** Its public URL. */
  readonly url: string;
  readonly sessionKey: TestSessionKey;
  /** Makes a proof: honest but for the changes. */
  proof(changes?: ProofChanges): string;
  submit(dpop: string | null, headers?: Readonly<Record<string, string>>): Promise<WireAnswer>;
  /** Demands that this proof is refused and leaves no trace. */
  refuses(dpop: string | null, expected?: Refusal): Promise<void>;
  /** Demands that the prepared request passes. Once: it uses up nonce and counter. */
  accepts(dpop?: string, headers?: Readonly<Record<string, string>>): Promise<WireAnswer>;
}

/** Sends a protected call to an issuer and answers as an adapter would. */
export async function callProtected(
  issuer: WatchedIssuer,
  request: { readonly method?: string; readonly url?: string; readonly headers: Headers },
  demands?: AuthenticateOptions,
): Promise<WireAnswer> {
  const { verifier } = issuer;
  const target = { method: 'GET', url: '/weather', ...request };
  try {
    const session = await verifier.authenticate(target, demands);
    const text = JSON.stringify(session);
    return { status: 200, headers: new Headers(), text, body: session };
  } catch (error) {
    const { status, headers, body } = verifier.problem(error, target, demands);
    const answer = { status, headers: new Headers({ ...headers }), text: body };
    return { ...answer, body: JSON.parse(body) };
  }
}

/** Stores in which every account has a vault of opaque blobs, so that /vault/open has an answer. */
export function withVaults(stores: Stores): Stores {
  return {
    ...stores,
    vaults: {
      ...stores.vaults,
      get: async (account) => {
        const devices = await stores.devices.listByAccount(account);
        const recipients = devices.map(({ id }) => ({
          id,
          device: id,
          sealed: { enc: 'AA', ct: 'AA' },
          pin: 'AA',
        }));
        const blobs = { manifest: 'AA', manifestSignature: 'AA', etag: 'AA', slots: [] };
        return { account, vaultId: 'AA', ...blobs, recipients, successions: [] };
      },
    },
  };
}

/** The claims of an honest proof. */
export function proofClaims(fields: {
  readonly method: string;
  readonly url: string;
  readonly now: number;
  readonly accessToken?: string | undefined;
}): Record<string, unknown> {
  const { method, url, now, accessToken } = fields;
  return {
    jti: randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(now / 1000),
    ...(accessToken === undefined ? {} : { ath: encodeBase64url(sha256(utf8(accessToken))) }),
  };
}

/**
 * Prepares every place that takes a DPoP proof, for a new account: the protected call and the endpoints
 * `/token` (proof and renewal), `/vault/open`, `/enroll` and `/revoke`. To be accepted in this order.
 */
export async function prepareSurfaces(
  issuer: WatchedIssuer,
  sessionKey?: TestSessionKey,
): Promise<readonly DpopSurface[]> {
  const { verifier } = issuer;
  const withKey = sessionKey === undefined ? {} : { sessionKey };
  const owner = await verifier.keys.issue({ scopes: ['weather:read'] });
  const client = await createWireClient(issuer, { apiKey: owner.apiKey, ...withKey });
  const enrolled = await client.enroll();
  expect(enrolled.status).toBe(201);
  const accessToken: string = enrolled.body.access_token;
  const opening = await client.challenge('session');
  const vaultBody = { nonce: opening.nonce, credential: await client.assert(opening) };
  const form = await client.tokenForm(await client.challenge('session'));
  const newcomer = await verifier.keys.issue({ scopes: ['weather:read'] });
  const newClient = await createWireClient(issuer, {
    apiKey: newcomer.apiKey,
    sessionKey: client.sessionKey,
  });
  const enrollBody = await newClient.enrollBody(await newClient.challenge('enroll'));
  for (const secret of [owner.apiKey, newcomer.apiKey, accessToken, opening.nonce]) {
    issuer.secrets.add(secret);
  }

  function surface(
    name: string,
    place: { method: string; url: string; accessToken?: string },
    submit: DpopSurface['submit'],
  ): DpopSurface {
    const { method, url } = place;
    const refusal = { status: name === 'protected call' ? 401 : 400, code: 'invalid_dpop_proof' };
    const prepared: DpopSurface = {
      name,
      method,
      url,
      sessionKey: client.sessionKey,
      proof({ header = {}, claims = {}, signer = signWith(client.sessionKey.privateKey) } = {}) {
        const { kty, crv } = client.sessionKey.jwk;
        const alg = kty === 'EC' && crv === 'P-256' ? 'ES256' : 'EdDSA';
        return compactJws(
          { typ: 'dpop+jwt', alg, jwk: client.sessionKey.jwk, ...header },
          { ...proofClaims({ ...place, now: issuer.now() }), ...claims },
          signer,
        );
      },
      submit,
      async refuses(dpop, expected = refusal) {
        try {
          await expectRefused(issuer, expected, () => submit(dpop));
        } catch (error) {
          throw new Error(`${name} took ${dpop}`, { cause: error });
        }
      },
      async accepts(dpop = prepared.proof(), headers = {}) {
        const answer = await submit(dpop, headers);
        const passed = [200, 201].includes(answer.status);
        expect({ name, passed, body: passed ? '' : answer.text }).toEqual({
          name,
          passed: true,
          body: '',
        });
        return answer;
      },
    };
    return prepared;
  }

  function endpoint(name: string, path: string, body: unknown): DpopSurface {
    return surface(name, { method: 'POST', url: verifier.baseUrl + path }, (dpop, headers = {}) =>
      client.post(path, body, {
        dpop: null,
        headers: { ...headers, ...(dpop === null ? {} : { dpop }) },
      }),
    );
  }

  const resource = { method: 'GET', url: `${ISSUER}/weather`, accessToken };
  return [
    surface('protected call', resource, (dpop, extra = {}) => {
      const headers = new Headers({ authorization: `DPoP ${accessToken}`, ...extra });
      if (dpop !== null) headers.set('dpop', dpop);
      return callProtected(issuer, { headers });
    }),
    endpoint('renewal', '/token', { grant_type: RENEW_GRANT, client_id: owner.row.id }),
    endpoint('/vault/open', '/vault/open', vaultBody),
    endpoint('/token', '/token', form),
    endpoint('/enroll', '/enroll', enrollBody),
    endpoint('/revoke', '/revoke', { token: accessToken }),
  ];
}
