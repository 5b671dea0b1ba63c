import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { SCOPE } from './lib/bench-issuer.mjs';
import { startChild } from './lib/child.mjs';
import { exchange } from './lib/exchange.mjs';
import { HttpConnection } from './lib/http-connection.mjs';
import { interleave } from './lib/interleave.mjs';
import { compare } from './lib/result.mjs';
import { createDpopSigner, createSessionJwk } from './lib/session-key.mjs';
import { median } from './lib/statistics.mjs';
import { createTrapdoorKey } from './lib/trapdoor-key.mjs';

const SESSIONS = 64;
const CONNECTIONS = 64;
const PEER_ISSUER = 'https://issuer.example';

/**
 * `call.dpop`: calls of a protected route that one Node process answers in a second.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureCallDpop({ quick, note }) {
  const jwks = Array.from({ length: SESSIONS }, createSessionJwk);
  const contenders = {
    ours: await startOurs(jwks),
    peer: await startPeer(jwks),
    bare: await startBare(jwks),
  };
  try {
    const seconds = quick ? 0.6 : 1.5;
    /** @type {Record<string, number[]>} */
    const cpu = { ours: [], peer: [], bare: [] };
    /** @param {'ours' | 'peer' | 'bare'} name */
    const run = (name) => {
      const { server, generator } = contenders[name];
      // Slow at first, while the code is cold.
      let perSecond = 2000;
      return async (/** @type {number} */ round) => {
        const calls = Math.ceil(perSecond * seconds);
        const before = await server.ask({});
        const milliseconds = await generator.ask({ calls });
        perSecond = (1000 * calls) / milliseconds;
        if (round >= 0) cpu[name]?.push((1000 * ((await server.ask({})) - before)) / calls);
        return perSecond;
      };
    };
    const samples = await interleave(
      { ours: run('ours'), peer: run('peer'), bare: run('bare') },
      { rounds: quick ? 4 : 15, warmUp: quick ? 1 : 2 },
    );
    const common = { unit: 'calls/s', better: /** @type {const} */ ('more'), ours: samples.ours };
    note(
      `call.dpop: time of the server's processors for a call: ours ${microseconds(cpu.ours)}, peer ${microseconds(cpu.peer)}, bare ${microseconds(cpu.bare)}`,
    );
    return [
      compare({
        ...common,
        id: 'call.dpop',
        peer: 'express-oauth2-jwt-bearer 1.10.0, DPoP required, static key, no replay protection',
        theirs: samples.peer,
      }),
      compare({
        id: 'call.dpop.cpu',
        unit: 'us',
        better: 'less',
        peer: 'the same, time of the processors for a call',
        ours: cpu.ours ?? [],
        theirs: cpu.peer ?? [],
      }),
      compare({ ...common, id: 'call.bare', peer: 'the bare Express route', theirs: samples.bare }),
    ];
  } finally {
    for (const { server, generator } of Object.values(contenders)) {
      server.end();
      generator.end();
    }
  }
}

/** @param {readonly number[] | undefined} samples */
function microseconds(samples) {
  return `${median(samples ?? []).toFixed(0)} us`;
}

/** @typedef {import('./lib/session-key.mjs').SessionJwk} SessionJwk */

/**
 * @param {object} start
 * @returns {Promise<import('./lib/child.mjs').Child<object, number>>}
 */
function startServer(start) {
  return startChild(new URL('call-dpop/server.mjs', import.meta.url), start);
}

/**
 * @param {number} port
 * @param {readonly { jwk: SessionJwk, token: string }[]} sessions
 * @returns {Promise<import('./lib/child.mjs').Child<{ calls: number }, number>>}
 */
function startGenerator(port, sessions) {
  const start = { port, connections: CONNECTIONS, sessions };
  return startChild(new URL('call-dpop/generator.mjs', import.meta.url), start);
}

/**
 * Tokens from exchanges, as every client gets them.
 *
 * @param {readonly SessionJwk[]} jwks
 */
async function startOurs(jwks) {
  const trapdoor = await createTrapdoorKey();
  const server = await startServer({ kind: 'ours', verificationKey: trapdoor.verificationKey });
  const { port, commitment } = server.ready;
  const connection = new HttpConnection(port);
  const sessions = [];
  for (const jwk of jwks) {
    const prover = { port, commitment, trapdoor, scope: SCOPE };
    const { token } = await exchange(connection, prover, createDpopSigner(jwk));
    sessions.push({ jwk, token });
  }
  connection.close();
  return { server, generator: await startGenerator(port, sessions) };
}

/** @param {readonly SessionJwk[]} jwks */
async function startPeer(jwks) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), alg: 'ES256' };
  const server = await startServer({ kind: 'peer', issuer: PEER_ISSUER, publicJwk });
  const sessions = await Promise.all(
    jwks.map(async (jwk) => ({ jwk, token: await signPeerToken(jwk, privateKey) })),
  );
  return { server, generator: await startGenerator(server.ready.port, sessions) };
}

/**
 * A token as ours are, of another issuer.
 *
 * @param {SessionJwk} jwk
 * @param {import('jose').CryptoKey} privateKey
 */
function signPeerToken(jwk, privateKey) {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({
    client_id: randomUUID(),
    scope: SCOPE,
    cnf: { jkt: createDpopSigner(jwk).jkt },
    auth_time: now,
    amr: ['pop'],
    device: '',
    key_protection: 'none',
  })
    .setProtectedHeader({ typ: 'at+jwt', alg: 'ES256' })
    .setIssuer(PEER_ISSUER)
    .setAudience(PEER_ISSUER)
    .setSubject(randomUUID())
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + 900)
    .sign(privateKey);
}

/**
 * The same requests; the route does not look at them.
 *
 * @param {readonly SessionJwk[]} jwks
 */
async function startBare(jwks) {
  const server = await startServer({ kind: 'bare' });
  const sessions = jwks.map((jwk) => ({ jwk, token: 'x'.repeat(700) }));
  return { server, generator: await startGenerator(server.ready.port, sessions) };
}
