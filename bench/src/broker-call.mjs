import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectBroker } from '@pzk-auth/agent';
import { createTestClient } from '@pzk-auth/client/testing';
import { pzkAuth } from '@pzk-auth/express';
import { createVerifier, memoryStores } from '@pzk-auth/verifier';
import express from 'express';
import { startChild } from './lib/child.mjs';
import { interleave, timeEach } from './lib/interleave.mjs';
import { compare } from './lib/result.mjs';

const PACKAGE = new URL('../../packages/agent/', import.meta.url);
const fixture = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`test/fixtures/${name}`, PACKAGE));
const SECRET = 'sk-bench-0123456789abcdefghijklmnopqrstuvwxyz';
const EVENTS = 200;
const CALLS = 40;
const STREAMS = 4;
const BODY = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'A question.' }] });
const JSON_ANSWER = JSON.stringify({
  id: 'msg_1',
  content: [{ type: 'text', text: 'An answer.' }],
});

/**
 * `broker.call` and `broker.stream`: a call that an agent makes through its broker, beside the same call
 * made by the agent itself with the key in its own hands.
 *
 * @param {import('./lib/settings.mjs').Settings} settings
 */
export async function measureBrokerCall({ quick, note }) {
  /** @type {(() => unknown)[]} */
  const ends = [];
  try {
    const { key, cert } = { key: fixture('server.key'), cert: fixture('server.pem') };
    const start = { key, cert, json: JSON_ANSWER, events: EVENTS };
    const upstream = await startChild(new URL('broker-call/upstream.mjs', import.meta.url), start);
    ends.push(() => upstream.end());
    const { port } = upstream.ready;
    const grant = await startGrant(`localhost:${port}`, ends);
    const agent = new Agent({ keepAlive: true, ca: readFileSync(fixture('ca.pem')) });
    ends.push(() => agent.destroy());
    /** @param {string} path */
    const direct = async (path) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(BODY),
        authorization: `Bearer ${SECRET}`,
      };
      const outgoing = request({ agent, host: 'localhost', port, path, method: 'POST', headers });
      outgoing.end(BODY);
      const [answer] = await once(outgoing, 'response');
      return answer;
    };
    /** @param {string} path */
    const brokered = async (path) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: BODY };
      const { body } = await grant.fetch(`https://localhost:${port}${path}`, init);
      return /** @type {AsyncIterable<Uint8Array>} */ (body);
    };
    /** @param {(path: string) => Promise<AsyncIterable<Uint8Array>>} call */
    const contender = (call) => ({
      json: () => timeEach(CALLS, async () => assertJson(await readAll(await call('/json')))),
      stream: () =>
        timeEach(STREAMS, async () => assertEvents(await readAll(await call('/stream')))),
    });
    const [ours, peer] = [contender(brokered), contender(direct)];
    const samples = await interleave(
      { json: ours.json, peerJson: peer.json, stream: ours.stream, peerStream: peer.stream },
      { rounds: quick ? 8 : 30 },
    );
    const common = { unit: 'ms', better: /** @type {const} */ ('less') };
    const call = compare({
      ...common,
      id: 'broker.call',
      peer: 'the same call by node:https, without a broker',
      ours: samples.json,
      theirs: samples.peerJson,
    });
    const stream = compare({
      ...common,
      id: 'broker.stream',
      peer: `the same stream of ${EVENTS} events by node:https, without a broker`,
      ours: samples.stream,
      theirs: samples.peerStream,
    });
    const more = (/** @type {import('./lib/result.mjs').Result} */ { value, peerValue }) =>
      `${(value - peerValue).toFixed(2)} ms`;
    note(`broker: ${more(call)} more for a call, ${more(stream)} for a stream`);
    return [call, stream];
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** @param {AsyncIterable<Uint8Array>} body */
async function readAll(body) {
  const chunks = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** @param {string} text */
function assertJson(text) {
  if (JSON.parse(text).id !== 'msg_1') throw new Error('Another answer.');
}

/** @param {string} text */
function assertEvents(text) {
  if (text.split('\n\n').length !== EVENTS + 1) throw new Error('The stream lost something.');
}

/**
 * A broker in processes of its own, with a key that a user has released to it.
 *
 * @param {string} host
 * @param {(() => unknown)[]} ends - what to do afterwards, last first
 */
async function startGrant(host, ends) {
  const { issuer, browser } = await startPlatform(ends);
  const vault = await browser.vault.open();
  const slot = await vault.addSecret({ name: 'Model', value: SECRET });
  const directory = mkdtempSync(join(tmpdir(), 'pzk-bench-broker-'));
  ends.push(() => rmSync(directory, { recursive: true, force: true }));
  const connection = await startBroker(directory, host, ends);
  await pairBroker({ issuer, browser, state: join(directory, 'state') });
  const grant = await connection.request({
    ...{ slot, purpose: 'A benchmark', host, methods: ['POST'], uses: 1_000_000, ttl: 3600 },
  });
  const [approval] = (await browser.vault.approvals.list()).requests;
  if (approval === undefined) throw new Error('The request is not there.');
  await browser.vault.approvals.approve(approval);
  return grant.approved();
}

/** @param {(() => unknown)[]} ends */
async function startPlatform(ends) {
  const app = express();
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const issuer = `http://localhost:${port}`;
  const verifier = createVerifier({
    ...{ issuer, audience: issuer, rpId: 'localhost', origins: [issuer] },
    ...{ scopes: ['bench'], stores: memoryStores() },
  });
  ends.push(() => verifier.close());
  app.use('/pzk', pzkAuth(verifier).routes());
  const browser = createTestClient({ issuer, scope: ['bench'] });
  const { apiKey } = await verifier.keys.issue({ scopes: ['bench'] });
  await browser.enroll({ apiKey, user: { name: 'ada', displayName: 'Ada' } });
  return { issuer, browser };
}

/**
 * @param {string} directory
 * @param {string} host
 * @param {(() => unknown)[]} ends
 */
async function startBroker(directory, host, ends) {
  const [config, socket] = [join(directory, 'config.json'), join(directory, 'agent.sock')];
  const hosts = { [host]: { addresses: ['127.0.0.1', '::1'] } };
  writeFileSync(config, JSON.stringify({ hosts, caFile: fixture('ca.pem') }));
  const main = fileURLToPath(new URL('dist/broker/main.js', PACKAGE));
  const words = ['--development', '--socket', socket, '--state', join(directory, 'state')];
  const child = spawn(process.execPath, [main, 'run', ...words, '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  let log = '';
  const started = new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      log += chunk;
      if (log.includes('"event":"started"')) resolve(undefined);
    });
    child.once('exit', () => reject(new Error(`The broker has ended: ${log}`)));
  });
  const connection = connectBroker({ socket });
  ends.push(async () => {
    connection.close();
    child.kill('SIGTERM');
    await ended;
  });
  await started;
  return connection;
}

/**
 * As a user does who compares the words.
 *
 * @param {{ issuer: string, browser: import('@pzk-auth/client/testing').TestClient, state: string }} options
 */
async function pairBroker({ issuer, browser, state }) {
  const { pair } = await import('../../packages/agent/dist/broker/pair.js');
  const { createPairingStore } = await import('../../packages/agent/dist/broker/pairing-store.js');
  const pairing = await browser.vault.agents.pair();
  const shown = (async () => {
    for (;;) {
      const step = await pairing.poll();
      if (step.status === 'compare') return step.words.join(' ');
      await sleep(100);
    }
  })();
  await pair({
    ...{ issuer, code: pairing.code, name: 'Bench' },
    store: createPairingStore(state, undefined),
    confirm: async (words) => words.join(' ') === (await shown),
  });
  await pairing.confirm();
}
