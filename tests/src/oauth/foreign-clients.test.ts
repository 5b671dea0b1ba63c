import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ownershipV1 } from '@pzk-auth/circuits';
import { readArtifact } from '@pzk-auth/circuits/node';
import { createMainThreadProver } from '@pzk-auth/client';
import { createTestClient } from '@pzk-auth/client/testing';
import { pzkAuth } from '@pzk-auth/express';
import {
  commitmentOf,
  formatProof,
  openCommitment,
  parseApiKey,
  sessionContext,
} from '@pzk-auth/protocol';
import {
  createResourceServerSecret,
  createVerifier,
  memoryStores,
  type Verifier,
} from '@pzk-auth/verifier';
import * as dpopPackage from 'dpop';
import express from 'express';
import { calculateJwkThumbprint, createRemoteJWKSet, exportJWK, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findPyJwt } from '../../../scripts/lib/find-programs.mjs';

// Clients that know nothing of this project, as they are published: what they need of it is its metadata
// and one proof. Plain http is for localhost; each library has a switch for it.

const run = promisify(execFile);
const INSECURE = { [oauth.allowInsecureRequests]: true };
const GRANT = 'urn:pzk-auth:grant-type:proof';
const server = createResourceServerSecret();
const prover = createMainThreadProver({
  loadArtifact: () => readArtifact(ownershipV1.artifacts.prover.sha256),
});

let http: Server;
let verifier: Verifier;
let origin: string;

beforeAll(async () => {
  const app = express();
  http = createServer(app);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  origin = `http://localhost:${(http.address() as AddressInfo).port}`;
  verifier = createVerifier({
    issuer: origin,
    audience: origin,
    rpId: 'localhost',
    origins: [origin],
    scopes: ['weather:read', 'weather:write'],
    stores: memoryStores(),
    dpopNonces: 'required',
    resourceServers: [{ id: 'reports', secretHash: server.secretHash, audience: origin }],
  });
  const pzk = pzkAuth(verifier);
  app.use(pzk.wellKnown());
  app.use('/pzk', pzk.routes());
  app.get('/weather', pzk.protect({ scope: 'weather:read' }), (req, res) => {
    res.json({ key: req.pzk.key });
  });
  app.get('/fresh', pzk.protect({ maxAge: 60 }), (_req, res) => void res.json({}));
  app.use(pzk.errors());
});
afterAll(async () => {
  await new Promise((resolve) => http.close(resolve));
  await verifier.close();
});

/** The one thing that no OAuth library brings: a challenge, and a proof for it. */
async function proveKey(endpoint: string, apiKey: string, jkt: string) {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ purpose: 'session', jkt, scope: 'weather:read' }),
  });
  const { nonce, circuit, audience, scope } = (await answer.json()) as Record<string, string> & {
    circuit: { id: string };
  };
  const opening = openCommitment(parseApiKey(apiKey), origin);
  const commitment = commitmentOf(opening);
  const fields = { nonce, audience, scope } as { nonce: string; audience: string; scope: string };
  const context = sessionContext({
    ...fields,
    issuer: origin,
    jkt,
    credentialId: '',
    circuitId: circuit.id,
    commitment: commitment.toString(),
  });
  const proof = await prover.prove({ ...opening, commitment, context: BigInt(context) });
  return {
    nonce: fields.nonce,
    circuit: circuit.id,
    commitment: commitment.toString(),
    proof: formatProof(new Uint8Array(proof)),
  };
}

async function discover() {
  const response = await oauth.discoveryRequest(new URL(origin), {
    algorithm: 'oauth2',
    ...INSECURE,
  });
  return oauth.processDiscoveryResponse(new URL(origin), response);
}

async function issueKey() {
  return verifier.keys.issue({ scopes: ['weather:read'], demands: 'none' });
}

/** oauth4webapi from discovery to a token, with one repetition where the server asks for its nonce. */
async function getToken() {
  const { apiKey, row } = await issueKey();
  const as = await discover();
  const client: oauth.Client = { client_id: row.id };
  const keyPair = await oauth.generateKeyPair('ES256', { extractable: true });
  const DPoP = oauth.DPoP(client, keyPair);
  const parameters = await proveKey(
    as.pzk_challenge_endpoint as string,
    apiKey,
    await DPoP.calculateThumbprint(),
  );
  let asked = 0;
  const request = async () => {
    const response = await oauth.genericTokenEndpointRequest(
      as,
      client,
      oauth.None(),
      GRANT,
      parameters,
      { DPoP, ...INSECURE },
    );
    return oauth.processGenericTokenEndpointResponse(as, client, response);
  };
  const token = await request().catch((error: unknown) => {
    if (!oauth.isDPoPNonceError(error)) throw error;
    asked++;
    return request();
  });
  return { as, client, keyPair, DPoP, token, asked };
}

describe('oauth4webapi', () => {
  it('discovers, gets a token with the extension grant, calls, introspects and revokes', async () => {
    const resource = await oauth.processResourceDiscoveryResponse(
      new URL(origin),
      await oauth.resourceDiscoveryRequest(new URL(origin), INSECURE),
    );
    expect(resource).toMatchObject({ resource: origin, authorization_servers: [origin] });

    const { as, client, keyPair, DPoP, token, asked } = await getToken();
    expect(asked).toBe(1);
    expect(token).toMatchObject({ token_type: 'dpop', scope: 'weather:read' });

    const url = new URL(`${origin}/weather`);
    const call = () =>
      oauth.protectedResourceRequest(token.access_token, 'GET', url, undefined, undefined, {
        DPoP,
        ...INSECURE,
      });
    expect(await (await call()).json()).toEqual({ key: client.client_id });

    const reports: oauth.Client = { client_id: 'reports' };
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        as,
        reports,
        await oauth.introspectionRequest(
          as,
          reports,
          oauth.ClientSecretBasic(server.secret),
          token.access_token,
          INSECURE,
        ),
      );
    expect(await introspect()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      client_id: client.client_id,
      cnf: { jkt: await DPoP.calculateThumbprint() },
    });

    // Its revocation takes no DPoP handle, but a header.
    const revoke = async (nonce?: string) =>
      oauth.revocationRequest(as, client, oauth.None(), token.access_token, {
        headers: {
          dpop: await dpopPackage.generateProof(
            keyPair,
            as.revocation_endpoint as string,
            'POST',
            nonce,
          ),
        },
        ...INSECURE,
      });
    const asks = await revoke();
    expect(asks.status).toBe(400);
    const revoked = await revoke(asks.headers.get('dpop-nonce') ?? undefined);
    await oauth.processRevocationResponse(revoked);
    expect(await introspect()).toEqual({ active: false });
    await expect(call()).rejects.toMatchObject({
      cause: [{ scheme: 'dpop', parameters: { error: 'invalid_token' } }],
    });
  });

  it('reads what a route asks for: the resource, and a fresh touch (RFC 9470)', async () => {
    const { DPoP, token } = await getToken();
    const error = await oauth
      .protectedResourceRequest(
        token.access_token,
        'GET',
        new URL(`${origin}/fresh`),
        undefined,
        undefined,
        { DPoP, ...INSECURE },
      )
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(oauth.WWWAuthenticateChallengeError);
    const [challenge] = (error as oauth.WWWAuthenticateChallengeError).cause;
    expect(challenge).toMatchObject({
      scheme: 'dpop',
      parameters: {
        error: 'insufficient_user_authentication',
        max_age: '60',
        resource_metadata: `${origin}/.well-known/oauth-protected-resource`,
      },
    });
  });
});

describe('the package dpop with nothing but fetch', () => {
  it('gets a token and calls, with the nonce that the server asks for', async () => {
    const { apiKey, row } = await issueKey();
    const keyPair = await dpopPackage.generateKeyPair('Ed25519', { extractable: true });
    const jkt = await calculateJwkThumbprint(await exportJWK(keyPair.publicKey));
    const parameters = await proveKey(`${origin}/pzk/challenge`, apiKey, jkt);
    let nonce: string | undefined;
    const statuses: number[] = [];
    const request = async (method: string, url: string, init: RequestInit, token?: string) => {
      for (;;) {
        const dpop = await dpopPackage.generateProof(keyPair, url, method, nonce, token);
        const headers = {
          dpop,
          ...(token === undefined ? {} : { authorization: `DPoP ${token}` }),
        };
        const response = await fetch(url, { method, headers, ...init });
        statuses.push(response.status);
        const given = response.headers.get('dpop-nonce');
        if (response.ok || given === null || statuses.length > 4) return response;
        nonce = given;
      }
    };
    const body = new URLSearchParams({ grant_type: GRANT, client_id: row.id, ...parameters });
    const answer = await request('POST', `${origin}/pzk/token`, { body });
    const { access_token } = (await answer.json()) as { access_token: string };
    const weather = await request('GET', `${origin}/weather`, {}, access_token);
    expect(await weather.json()).toEqual({ key: row.id });
    // The first proof had no nonce; the call used the one that came with its refusal.
    expect(statuses).toEqual([400, 200, 200]);
  });
});

describe('tokens elsewhere', () => {
  it('jose validates them by the JWK set, also after a rotation', async () => {
    const jwks = createRemoteJWKSet(new URL(`${origin}/pzk/jwks.json`), { cooldownDuration: 0 });
    const options = { issuer: origin, audience: origin, typ: 'at+jwt', requiredClaims: ['cnf'] };
    const before = (await getToken()).token.access_token;
    const { protectedHeader: old } = await jwtVerify(before, jwks, options);
    await verifier.signingKeys.rotate({ activeIn: 0 });
    const { protectedHeader } = await jwtVerify(
      (await getToken()).token.access_token,
      jwks,
      options,
    );
    expect(protectedHeader.kid).not.toBe(old.kid);
    expect((await jwtVerify(before, jwks, options)).payload.iss).toBe(origin);
  });

  it('PyJWT validates them, and refuses one that was altered', async () => {
    const script = fileURLToPath(new URL('./validate.py', import.meta.url));
    const python = findPyJwt();
    if (python === undefined) throw new Error('No Python with PyJWT: run `npm run setup`.');
    const token = (await getToken()).token.access_token;
    const validate = async (text: string) => {
      const url = `${origin}/pzk/jwks.json`;
      return run(python.path, [script, url, origin, origin, text]);
    };
    const { header, claims } = JSON.parse((await validate(token)).stdout);
    expect(header).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(claims).toMatchObject({ iss: origin, aud: origin, scope: 'weather:read' });
    const [head, payload, signature = ''] = token.split('.');
    const altered = [head, payload, `${signature.slice(0, -6)}AAAAAA`].join('.');
    await expect(validate(altered)).rejects.toThrow('InvalidSignatureError');
  });
});

describe('our own client', () => {
  it('repeats by itself where the server asks for its nonce', async () => {
    const { apiKey } = await issueKey();
    const codes: unknown[] = [];
    const client = createTestClient({
      issuer: origin,
      scope: ['weather:read'],
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (!response.ok) codes.push(((await response.clone().json()) as { code: string }).code);
        if (!response.url.endsWith('/challenge')) return response;
        // A challenge gives a nonce in advance; without it the server has to ask.
        return new Response(response.body, { headers: { 'content-type': 'application/json' } });
      },
    });
    await client.startHeadless({ apiKey });
    const response = await client.fetch(`${origin}/weather`);
    expect(response.status).toBe(200);
    expect(codes).toEqual(['use_dpop_nonce']);
    await client.signOut();
  });
});
