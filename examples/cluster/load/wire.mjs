// Requests that the real client would never send: the same exchange many times, a token after its end.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestClient } from '@pzk-auth/client/testing';

const base64url = (bytes) => Buffer.from(bytes).toString('base64url');

/** Tries again what a machine under load could not do in time. */
export async function persist(operation) {
  for (let left = 20; ; left--) {
    try {
      return await operation();
    } catch (failure) {
      if (left === 0) throw failure;
      await sleep(250);
    }
  }
}

/** A DPoP proof (RFC 9449) with a `jti` of its own, by the session key. */
export async function dpop({ privateKey, publicKey }, { method, url, accessToken }) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };
  const hash = async (text) => base64url(await crypto.subtle.digest('SHA-256', Buffer.from(text)));
  const claims = {
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    ...(accessToken === undefined ? {} : { ath: await hash(accessToken) }),
  };
  const input = [header, claims].map((part) => base64url(JSON.stringify(part))).join('.');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input));
  return `${input}.${base64url(signature)}`;
}

/** Sends and reads; status 0 where no answer came. */
export async function send(url, init = {}) {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    return { status: response.status, text };
  } catch {
    return { status: 0, text: '' };
  }
}

/**
 * A machine with a key that demands its key pair: the client is the real one, and what it sends at
 * `/token` can be taken instead of sent.
 */
export async function createMachine({ issuer, operator }) {
  const { apiKey, row } = await operator.keys.issue({
    scopes: ['weather:read'],
    demands: 'keypair',
  });
  const values = new Map();
  let intercept;
  const client = createTestClient({
    issuer,
    scope: ['weather:read'],
    storage: {
      get: async (key) => values.get(key),
      set: async (key, value) => void values.set(key, value),
      delete: async (key) => void values.delete(key),
    },
    fetch: async (input, init) => {
      const request = new Request(input, init);
      if (intercept === undefined || new URL(request.url).pathname !== '/pzk/token') {
        return fetch(request);
      }
      intercept(await request.text());
      return Response.json({ title: 'taken' }, { status: 503 });
    },
  });
  await client.enrollHeadless({ apiKey });
  const keyPair = [...values].find(([key]) => key.includes('"headless-key"'))?.[1];
  return {
    key: row.id,
    keyPair,
    apiKey,
    /**
     * A fresh exchange up to the last step: the body of `/token`, not sent yet. `currentKey` is what the
     * key was rotated to.
     */
    prepareExchange: async (currentKey = apiKey) => {
      const taken = new Promise((resolve) => {
        intercept = resolve;
      });
      const started = client.startHeadless({ apiKey: currentKey }).catch(() => undefined);
      const body = await Promise.race([taken, started]);
      await started;
      intercept = undefined;
      return body;
    },
    close: () => client.close(),
  };
}

/** One attempt at `/token`: the same body, a DPoP proof of its own. */
export async function attempt({ issuer, keyPair, body }) {
  const url = `${issuer}/pzk/token`;
  const proof = await dpop(keyPair, { method: 'POST', url });
  return () =>
    send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', dpop: proof },
      body,
    });
}

/** Calls the protected route with a token, at one address. */
export async function callWeather({ issuer, address, keyPair, accessToken }) {
  const proof = await dpop(keyPair, { method: 'GET', url: `${issuer}/weather`, accessToken });
  const headers = { authorization: `DPoP ${accessToken}`, dpop: proof };
  return send(`${address === undefined ? issuer : `http://${address}`}/weather`, { headers });
}
